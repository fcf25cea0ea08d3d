/* SPDX-License-Identifier: ISC */
/* From bytes to lines: however they are cut, the same lines come out, and memory is bounded. */
#include "lines.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

struct sink {
	char text[4096]; /* every line that came, each followed by `|` */
	int stop_after;	 /* lines; 0: never */
	int lines;
};

static bool
take(void *arg, char *line, size_t len)
{
	struct sink *sink = arg;
	size_t used = strlen(sink->text);

	memcpy(sink->text + used, line, len);
	memcpy(sink->text + used + len, "|", 2);
	memset(line, '#', len); /* it is ours to overwrite */
	sink->lines++;
	return sink->stop_after == 0 || sink->lines % sink->stop_after != 0;
}

static enum lines_result
feed(struct lines *lines, const char *text, size_t max, struct sink *sink)
{
	size_t len = strlen(text);
	char *copy =
	    malloc(len + 1); /* exactly as long, so that a sanitizer sees any step beyond */

	memcpy(copy, text, len);
	enum lines_result result = lines_feed(lines, copy, len, max, take, sink);
	free(copy);
	return result;
}

static void
lf_and_crlf_end_a_line_and_blank_ones_are_left_out(void **state)
{
	struct lines lines = {0};
	struct sink sink = {0};

	(void)state;
	assert_int_equal(feed(&lines, "a\nb\r\n\n\r\nc\r\r\n\rd\n", 100, &sink), LINES_OK);
	assert_string_equal(sink.text, "a|b|c\r|\rd|");
	assert_null(lines.held);
}

static void
every_cut_gives_the_same_lines(void **state)
{
	const char text[] = "trylock lock=a\r\nnoop\n\nlocks\r\nx\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct lines lines = {0};
		struct sink sink = {0};
		char head[sizeof(text)];

		memcpy(head, text, cut);
		head[cut] = '\0';
		assert_int_equal(feed(&lines, head, 100, &sink), LINES_OK);
		assert_int_equal(feed(&lines, text + cut, 100, &sink), LINES_OK);
		assert_string_equal(sink.text, "trylock lock=a|noop|locks|x|");
		assert_null(lines.held);
	}
}

static void
one_byte_at_a_time_gives_the_same_lines(void **state)
{
	const char text[] = "trylock lock=a\r\nnoop\nlocks\r\n";
	struct lines lines = {0};
	struct sink sink = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(feed(&lines, (char[]){text[i], '\0'}, 100, &sink), LINES_OK);
	assert_string_equal(sink.text, "trylock lock=a|noop|locks|");
	assert_null(lines.held);
}

static void
a_line_may_be_as_long_as_allowed_with_either_end(void **state)
{
	struct lines lines = {0};
	struct sink sink = {0};

	(void)state;
	assert_int_equal(feed(&lines, "12345\n12345\r\n12345\r", 5, &sink), LINES_OK);
	assert_int_equal(feed(&lines, "\n", 5, &sink), LINES_OK);
	assert_string_equal(sink.text, "12345|12345|12345|");
	lines_fini(&lines);
}

static void
one_byte_more_is_too_long_wherever_it_is_cut(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= 7; cut++) {
		struct lines lines = {0};
		struct sink sink = {0};
		char head[8] = "123456\n";
		enum lines_result result;

		head[cut] = '\0';
		result = feed(&lines, head, 5, &sink);
		if (result == LINES_OK)
			result = feed(&lines, &"123456\n"[cut], 5, &sink);
		assert_int_equal(result, LINES_TOO_LONG);
		assert_string_equal(sink.text, "");
		lines_fini(&lines);
	}
}

static void
a_line_without_end_is_refused_at_the_limit(void **state)
{
	struct lines lines = {0};
	struct sink sink = {0};
	enum lines_result result;
	size_t sent = 0;

	(void)state;
	do {
		result = feed(&lines, "x", 1000, &sink);
		sent++;
	} while (result == LINES_OK);
	assert_int_equal(result, LINES_TOO_LONG);
	assert_int_equal(sent, 1001);
	assert_true(lines.size < 2 * 1001);
	lines_fini(&lines);
}

static void
a_carriage_return_in_the_middle_belongs_to_the_line(void **state)
{
	struct lines lines = {0};
	struct sink sink = {0};

	(void)state;
	assert_int_equal(feed(&lines, "12345\r", 5, &sink), LINES_OK);
	assert_int_equal(feed(&lines, "x\n", 5, &sink), LINES_TOO_LONG);
	lines_fini(&lines);
}

static void
who_wants_no_more_gets_the_rest_later_in_order(void **state)
{
	struct lines lines = {0};
	struct sink sink = {.stop_after = 2};

	(void)state;
	assert_int_equal(feed(&lines, "1\n2\n3\n4\n5\n6", 100, &sink), LINES_OK);
	assert_string_equal(sink.text, "1|2|");
	assert_int_equal(lines_resume(&lines, 100, take, &sink), LINES_OK);
	assert_string_equal(sink.text, "1|2|3|4|");
	assert_int_equal(lines_resume(&lines, 100, take, &sink), LINES_OK);
	assert_string_equal(sink.text, "1|2|3|4|5|");
	assert_int_equal(feed(&lines, "6\n7\n8\n", 100, &sink), LINES_OK);
	assert_string_equal(sink.text, "1|2|3|4|5|66|");
	assert_int_equal(lines_resume(&lines, 100, take, &sink), LINES_OK);
	assert_string_equal(sink.text, "1|2|3|4|5|66|7|8|");
	assert_null(lines.held);
}

static void
a_held_line_that_is_too_long_is_found_on_resuming(void **state)
{
	struct lines lines = {0};
	struct sink sink = {.stop_after = 1};

	(void)state;
	assert_int_equal(feed(&lines, "1\n1234567\n2\n", 5, &sink), LINES_OK);
	assert_int_equal(lines_resume(&lines, 5, take, &sink), LINES_TOO_LONG);
	assert_string_equal(sink.text, "1|");
	lines_fini(&lines);
}

/* Random text in random pieces, with and without pauses, against the same text in one piece. */
static void
random_pieces_give_the_same_lines(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct lines whole = {0}, cut = {0};
		struct sink expected = {0}, sink = {.stop_after = rand_r(&seed) % 4};
		char text[201], piece[201];
		size_t len = (size_t)rand_r(&seed) % 200, at = 0;

		for (size_t i = 0; i < len; i++)
			text[i] = "ab\r\n"[rand_r(&seed) % 4];
		text[len] = '\0';
		assert_int_equal(feed(&whole, text, 300, &expected), LINES_OK);
		while (at < len) {
			size_t n = 1 + (size_t)rand_r(&seed) % 20;
			snprintf(piece, sizeof(piece), "%.*s", (int)n, text + at);
			at += strlen(piece);
			assert_int_equal(feed(&cut, piece, 300, &sink), LINES_OK);
			while (memchr(cut.held != NULL ? cut.held : "", '\n', cut.len) != NULL)
				assert_int_equal(lines_resume(&cut, 300, take, &sink), LINES_OK);
		}
		assert_string_equal(sink.text, expected.text);
		assert_int_equal(cut.len, whole.len);
		lines_fini(&cut);
		lines_fini(&whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lf_and_crlf_end_a_line_and_blank_ones_are_left_out),
	    cmocka_unit_test(every_cut_gives_the_same_lines),
	    cmocka_unit_test(one_byte_at_a_time_gives_the_same_lines),
	    cmocka_unit_test(a_line_may_be_as_long_as_allowed_with_either_end),
	    cmocka_unit_test(one_byte_more_is_too_long_wherever_it_is_cut),
	    cmocka_unit_test(a_line_without_end_is_refused_at_the_limit),
	    cmocka_unit_test(a_carriage_return_in_the_middle_belongs_to_the_line),
	    cmocka_unit_test(who_wants_no_more_gets_the_rest_later_in_order),
	    cmocka_unit_test(a_held_line_that_is_too_long_is_found_on_resuming),
	    cmocka_unit_test(random_pieces_give_the_same_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
