/* SPDX-License-Identifier: ISC */
/* What the client makes of the server's lines, and how it writes its own. */
#include "../../client/pairs.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void
pairs_are_decoded(void **state)
{
	char text[] = "lock=a%2Fb+c%25&token=7&note=%00%0a%zz&empty=&flag&lock=second";
	struct pairs pairs;

	(void)state;
	pairs_parse(&pairs, text);
	assert_int_equal(pairs.n, 6);
	assert_string_equal(pairs_get(&pairs, "lock"), "a/b c%");
	assert_string_equal(pairs_get(&pairs, "note"), "%00\n%zz"); /* no NUL out of the blue */
	assert_string_equal(pairs_get(&pairs, "empty"), "");
	assert_string_equal(pairs_get(&pairs, "flag"), "");
	assert_string_equal(pairs.pair[5].value, "second");
	assert_null(pairs_get(&pairs, "tok"));
}

static void
dash_and_nothing_are_no_pairs(void **state)
{
	char dash[] = "-", nothing[] = "", separators[] = "&&";
	struct pairs pairs;

	(void)state;
	pairs_parse(&pairs, dash);
	assert_int_equal(pairs.n, 0);
	pairs_parse(&pairs, nothing);
	assert_int_equal(pairs.n, 0);
	pairs_parse(&pairs, separators);
	assert_int_equal(pairs.n, 0);
}

static void
more_pairs_than_fit_are_left_out(void **state)
{
	char text[16 * PAIRS_MAX] = "";
	struct pairs pairs;

	(void)state;
	for (int i = 0; i < PAIRS_MAX + 9; i++)
		strcat(text, "a=b&"); /* NOLINT */
	pairs_parse(&pairs, text);
	assert_int_equal(pairs.n, PAIRS_MAX);
}

static void
lines_are_taken_apart(void **state)
{
	char ok[] = "OK lock=a&token=9", bare[] = "OK ", event[] = "EVENT what=granted&lock=a";
	char err[] = "ERR taken holder=bob&age=3 held 3s by bob: OK so far";
	char classic[] = "ERR too_many_clients ", no_pairs[] = "ERR stale - it is gone";
	char other[] = "lock=OK&x=1";
	struct line line;

	(void)state;
	line_parse(&line, ok);
	assert_int_equal(line.kind, LINE_OK);
	assert_string_equal(pairs_get(&line.pairs, "token"), "9");
	line_parse(&line, bare);
	assert_int_equal(line.kind, LINE_OK);
	assert_int_equal(line.pairs.n, 0);
	line_parse(&line, event);
	assert_int_equal(line.kind, LINE_EVENT);
	line_parse(&line, err);
	assert_int_equal(line.kind, LINE_ERR);
	assert_string_equal(line.code, "taken");
	assert_string_equal(line.prose, "held 3s by bob: OK so far");
	assert_string_equal(pairs_get(&line.pairs, "holder"), "bob");
	line_parse(&line, classic);
	assert_string_equal(line.code, "too_many_clients");
	assert_string_equal(line.prose, "");
	line_parse(&line, no_pairs);
	assert_int_equal(line.pairs.n, 0);
	assert_string_equal(line.prose, "it is gone");
	line_parse(&line, other);
	assert_int_equal(line.kind, LINE_OTHER);
	assert_string_equal(pairs_get(&line.pairs, "lock"), "OK");
}

/* Whatever a server sends: no byte beyond the line is touched. */
static void
any_line_is_taken(void **state)
{
	static const char letters[] = "OK ER&=%+-a0\t\x80";
	struct line line;

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)(rand() % 40);
		char *text = malloc(len + 1);

		assert_non_null(text);
		for (size_t j = 0; j < len; j++)
			text[j] = letters[(size_t)rand() % (sizeof(letters) - 1)];
		text[len] = '\0';
		line_parse(&line, text);
		for (size_t j = 0; j < line.pairs.n; j++)
			assert_true(strlen(line.pairs.pair[j].value) <= len);
		free(text);
	}
}

static void
requests_are_encoded(void **state)
{
	struct request request;

	(void)state;
	request_begin(&request, "acquire");
	request_add(&request, NULL, "a=b c");
	request_add(&request, "note", "50% of\r\n\xc3\xa9&x");
	request_end(&request);
	assert_string_equal(request.text, "acquire a%3Db%20c note=50%25%20of%0D%0A%C3%A9%26x\r\n");
	assert_false(request.cut);
}

static void
what_is_sent_comes_back(void **state)
{
	char every[256], text[1024];
	struct request request;
	struct pairs pairs;

	(void)state;
	for (int i = 0; i < 255; i++)
		every[i] = (char)(i + 1);
	every[255] = '\0';
	request_begin(&request, "");
	request_add(&request, "k", every);
	request.text[request.len] = '\0';
	strcpy(text, request.text + 1); /* NOLINT */
	pairs_parse(&pairs, text);
	assert_string_equal(pairs_get(&pairs, "k"), every);
}

static void
a_request_that_is_too_long_says_so(void **state)
{
	char name[6000];
	struct request request;

	(void)state;
	memset(name, '%', sizeof(name) - 1); /* three bytes each */
	name[sizeof(name) - 1] = '\0';
	request_begin(&request, "list");
	request_add(&request, "prefix", name);
	assert_true(request.cut);
	request_end(&request);
	assert_true(request.len < sizeof(request.text));
	request_begin(&request, "list");
	assert_false(request.cut);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pairs_are_decoded),
	    cmocka_unit_test(dash_and_nothing_are_no_pairs),
	    cmocka_unit_test(more_pairs_than_fit_are_left_out),
	    cmocka_unit_test(lines_are_taken_apart),
	    cmocka_unit_test(any_line_is_taken),
	    cmocka_unit_test(requests_are_encoded),
	    cmocka_unit_test(what_is_sent_comes_back),
	    cmocka_unit_test(a_request_that_is_too_long_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
