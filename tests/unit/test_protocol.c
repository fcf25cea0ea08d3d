/* SPDX-License-Identifier: ISC */
/* The syntax of requests, times, the texts of refusals, names as they are printed. */
#include "args.h"
#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Finds `lock` in ARGS; the value, decoded, goes to VALUE. */
static unsigned
find_lock(const char *args, size_t len, char *value, size_t *value_len)
{
	char *copy =
	    malloc(len + 1); /* exactly as long, so that a sanitizer sees any step beyond */
	struct text found;

	memcpy(copy, args, len);
	unsigned times = protocol_find((struct text){copy, len}, "lock", &found);
	memcpy(value, found.at, found.len);
	value[found.len] = '\0';
	*value_len = found.len;
	free(copy);
	return times;
}

static void
values_are_found_and_decoded(void **state)
{
	static const struct {
		const char *args, *value;
		unsigned times;
	} rows[] = {
	    {"lock=a", "a", 1},
	    {"lock=", "", 1},
	    {"lock", "", 1},
	    {"", "", 0},
	    {"lo=1", "", 0},
	    {"locks=1", "", 0},
	    {"lock=a+b%20c", "a b c", 1},
	    {"lock=%41%62%2b%2B", "Ab++", 1},
	    {"lock=%0A%0d", "\n\r", 1},
	    {"lock=%G1", "%G1", 1},
	    {"lock=%", "%", 1},
	    {"lock=%4", "%4", 1},
	    {"lock=%%41", "%A", 1},
	    {"lock=a=b=c", "a=b=c", 1},
	    {"lock=a ", "a ", 1},
	    {"x=1&lock=a&y=2", "a", 1},
	    {"&&lock=a&&", "a", 1},
	    {"%6Cock=a", "a", 1},
	    {"%6cock%3d=a", "", 0},
	    {"lock%", "", 0},
	    {"lock=a&lock=b", "a", 2},
	    {"lock&lock=b", "", 2},
	    {"lock=a&l%6fck=b", "a", 2},
	    {"=lock", "", 0},
	    {"lock=\xc3\xa4", "\xc3\xa4", 1},
	};
	char value[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    find_lock(rows[i].args, strlen(rows[i].args), value, &len), rows[i].times);
		assert_string_equal(value, rows[i].value);
		assert_int_equal(len, strlen(rows[i].value));
	}
}

static void
a_nul_byte_may_come_raw_or_encoded(void **state)
{
	char value[64];
	size_t len;

	(void)state;
	assert_int_equal(find_lock("lock=a%00b", 10, value, &len), 1);
	assert_int_equal(len, 3);
	assert_memory_equal(value, "a\0b", 3);
	assert_int_equal(find_lock("lock=a\0b", 8, value, &len), 1);
	assert_int_equal(len, 3);
	assert_memory_equal(value, "a\0b", 3);
}

/* What any client's encoding yields comes back, for every byte there is. */
static void
every_byte_survives_its_encoding(void **state)
{
	char value[64], args[64];
	size_t len;

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		snprintf(args, sizeof(args), "lock=x%%%02xy%%%02Xz", byte, byte);
		assert_int_equal(find_lock(args, strlen(args), value, &len), 1);
		assert_int_equal(len, 5);
		assert_int_equal((unsigned char)value[1], byte);
		assert_int_equal((unsigned char)value[3], byte);
	}
}

static void
a_verb_is_the_longest_word_from_the_first_byte(void **state)
{
	static const struct {
		const char *line;
		size_t len;
	} rows[] = {{"noop", 4}, {"noop!", 4}, {"try_lock2 x", 9}, {" noop", 0}, {"", 0}, {"!", 0},
	    {"a\tb", 1}, {"\xc3\xa4", 0}, {"A9_z=", 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    protocol_verb_len(rows[i].line, strlen(rows[i].line)), rows[i].len);
}

static void
refusals_have_the_form_that_old_clients_know(void **state)
{
	(void)state;
	for (enum refusal why = 0; why < REFUSALS; why++) {
		size_t len;
		const char *line = protocol_refusal(why, &len);

		assert_non_null(line);
		assert_int_equal(len, strlen(line));
		assert_true(len < REPLY_SHORT_MAX);
		assert_memory_equal(line, "ERR ", 4);
		size_t code = strspn(line + 4, "abcdefghijklmnopqrstuvwxyz_");
		assert_true(code > 0);
		assert_int_equal(line[4 + code], ' ');
		assert_string_equal(line + len - 2, "\r\n");
		if (why != REFUSE_UNKNOWN_COMMAND)
			assert_int_equal(len, 4 + code + 3);
	}
}

static void
each_refusal_has_a_code_of_its_own(void **state)
{
	size_t len;

	(void)state;
	for (enum refusal a = 0; a < REFUSALS; a++)
		for (enum refusal b = a + 1; b < REFUSALS; b++)
			assert_string_not_equal(
			    protocol_refusal(a, &len), protocol_refusal(b, &len));
}

/* The manual's table has a row for each; so no code can be without an explanation. */
static void
each_refusal_stands_in_the_manual(void **state)
{
	static char manual[1 << 18];
	FILE *file = fopen("../man/latchd-protocol.7", "r");
	size_t len;

	(void)state;
	assert_non_null(file); /* the tests run in tests/ */
	manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
	fclose(file);
	for (enum refusal why = 0; why < REFUSALS; why++) {
		char row[64];
		const char *line = protocol_refusal(why, &len);

		snprintf(row, sizeof(row), ".It Li %.*s\n", (int)strcspn(line + 4, " "), line + 4);
		if (strstr(manual, row) == NULL)
			fail_msg("no row `%s` in latchd-protocol(7)", row);
	}
}

static void
printed_names_cannot_forge_a_line(void **state)
{
	struct reply reply = {0};

	(void)state;
	assert_int_equal(reply_init(&reply, 100, 100), 0);
	reply_name(&reply, "a\nb\x7f\t%\xc3\xa4 =", 10);
	reply_add(&reply, "", 1);
	assert_string_equal(reply.buf, "a%0Ab%7F%09%25\xc3\xa4 =");
	reply.len = 0;
	reply_prose(&reply, "\xc2\x9b\x31m\xc2\xa0\xc3\x80\xc2", 9);
	reply_add(&reply, "", 1);
	assert_string_equal(reply.buf, "%C2%9B1m\xc2\xa0\xc3\x80\xc2");
	reply_fini(&reply);
}

/* What a value of ours looks like, byte by byte. */
static size_t
encode(char *to, const char *text, size_t len)
{
	char *at = to;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == ' ')
			*at++ = '+';
		else if (c > 0 && c < 0x80 && (isalnum(c) || strchr("-._~/:@", c) != NULL))
			*at++ = (char)c;
		else
			at += sprintf(at, "%%%02X", c);
	}
	return (size_t)(at - to);
}

/* Each byte at each place of a name, in as much room as there may be. */
static void
values_are_encoded_whole_or_cut(void **state)
{
	enum { LEN = 19 };
	char text[LEN], wanted[3 * LEN + 1];

	(void)state;
	for (unsigned i = 0; i < 256 * LEN; i++) {
		memset(text, 'x', LEN);
		text[i / 256] = (char)(i % 256);
		size_t len = encode(wanted, text, LEN);

		for (size_t room = 0; room <= len + 1; room++) {
			/* no more than that, so that a sanitizer sees any step beyond */
			struct reply reply = {.buf = malloc(room), .size = room};

			reply_encoded(&reply, text, LEN);
			assert_int_equal(reply.len, room < len ? room : len);
			assert_memory_equal(reply.buf, wanted, reply.len);
			free(reply.buf);
		}
	}
}

static void
a_counter_is_written_as_a_number_is(void **state)
{
	static const uint64_t steps[] = {1, 1, 3, 9, 1, 1, 10, 0, 8, 89, 900, 1, UINT64_C(1) << 60};
	struct reply reply = {0};
	struct reply_counter counter = {0};
	uint64_t number = 0;

	(void)state;
	assert_int_equal(reply_init(&reply, 100, 100), 0);
	for (int i = 0; i < 2000; i++) {
		char wanted[32];

		/* It may begin anew, far below. */
		number = i % 500 == 499 ? (uint64_t)i : number + steps[i % 13];
		reply.len = 0;
		reply_count(&reply, &counter, number);
		reply_add(&reply, "", 1);
		snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)number);
		assert_string_equal(reply.buf, wanted);
	}
	reply_fini(&reply);
}

static void
a_reply_never_grows_beyond_its_buffer(void **state)
{
	struct reply reply = {0};
	struct reply_counter counter = {0};

	(void)state;
	assert_int_equal(reply_init(&reply, 10, 10), 0);
	for (int i = 0; i < 10; i++) {
		reply_add(&reply, "12345", 5);
		reply_printf(&reply, "%s", "12345");
		reply_name(&reply, "%%%", 3);
		reply_count(&reply, &counter, UINT64_MAX);
		assert_true(reply.len <= 20);
	}
	assert_true(reply_is_full(&reply));
	reply_fini(&reply);
}

static int64_t
time_of(const char *text)
{
	char copy[32];
	int64_t ns;

	strlcpy(copy, text, sizeof(copy));
	assert_true(parse_time((struct text){copy, strlen(copy)}, 0, &ns));
	return ns;
}

static void
moments_far_away_keep_their_order(void **state)
{
	const int64_t now = time_of("2026-11-24T03:12:07Z");

	(void)state;
	assert_true(now == INT64_C(1795489927) * 1000000000);
	assert_true(time_of("1969-12-31T23:59:59Z") == -1000000000);
	/* Some 2^64 nanoseconds later, 2^63 later, and the first and the last that can be said. */
	assert_true(time_of("2611-06-15T02:46:41Z") > now);
	assert_true(time_of("2319-03-04T00:00:00Z") > now);
	assert_true(time_of("9999-12-31T23:59:59Z") > now);
	assert_true(time_of("0001-01-01T00:00:00Z") < -now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_found_and_decoded),
	    cmocka_unit_test(a_nul_byte_may_come_raw_or_encoded),
	    cmocka_unit_test(every_byte_survives_its_encoding),
	    cmocka_unit_test(a_verb_is_the_longest_word_from_the_first_byte),
	    cmocka_unit_test(refusals_have_the_form_that_old_clients_know),
	    cmocka_unit_test(each_refusal_has_a_code_of_its_own),
	    cmocka_unit_test(each_refusal_stands_in_the_manual),
	    cmocka_unit_test(printed_names_cannot_forge_a_line),
	    cmocka_unit_test(values_are_encoded_whole_or_cut),
	    cmocka_unit_test(a_counter_is_written_as_a_number_is),
	    cmocka_unit_test(moments_far_away_keep_their_order),
	    cmocka_unit_test(a_reply_never_grows_beyond_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
