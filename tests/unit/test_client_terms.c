/* SPDX-License-Identifier: ISC */
/* Times, the terms of a lock, and texts that are safe to print. */
#include "../../client/duration.h"
#include "../../client/nearest.h"
#include "../../client/terms.h"
#include "../../client/text.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void
times_are_those_of_the_server(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0}, {"2.5", 2500}, {"500ms", 500}, {"30s", 30000}, {"5m", 300000},
	    {"1h", 3600000}, {"1.5h", 5400000}, {"2d", 172800000}, {"0.0001", 1}, {"0.4ms", 1},
	    {"1.0005", 1001}, {".5", 500}, {".25h", 900000},
	    {"3153600000", INT64_C(3153600000000)}};
	static const char *const bad[] = {"", "s", "-1", "+1", " 1", "1 ", "1x", ".", ".s", "1.",
	    "1.s", "1ss", "3153600001", "36501d", "99999999999999999999999999", "1e3", "0x10",
	    "forever"};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(duration_parse(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(duration_parse(bad[i], &ms));
}

static void
times_are_for_people(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(duration_format(-5, buf, sizeof(buf)), "0ms");
	assert_string_equal(duration_format(999, buf, sizeof(buf)), "999ms");
	assert_string_equal(duration_format(7999, buf, sizeof(buf)), "7s");
	assert_string_equal(duration_format(312000, buf, sizeof(buf)), "5m12s");
	assert_string_equal(duration_format(11220000, buf, sizeof(buf)), "3h07m");
	assert_string_equal(duration_format(187200000, buf, sizeof(buf)), "2d4h");
}

static const char *
written(const struct terms *terms)
{
	static struct request request;

	terms_acquire(terms, &request);
	request_end(&request);
	return request.text;
}

static void
terms_say_little_unless_asked(void **state)
{
	struct terms terms;
	struct request request;

	(void)state;
	terms_init(&terms);
	terms_name(&terms, "deploy");
	assert_int_equal(terms_check(&terms), 0);
	assert_string_equal(written(&terms), "acquire lock=deploy wait=forever\r\n");
	assert_non_null(strchr(terms.who, '@'));
	assert_int_equal(terms_option(&terms, TERMS_OPTION_AS, "ann@ci"), 1);
	terms_iam(&terms, &request);
	assert_string_equal(request.text, "iam name=ann@ci\r\n");
}

static void
terms_say_all_that_was_asked(void **state)
{
	struct terms terms;

	(void)state;
	terms_init(&terms);
	assert_int_equal(terms_option(&terms, TERMS_OPTION_ALSO, "b"), 1);
	assert_int_equal(terms_option(&terms, 'w', "1.5"), 1);
	assert_int_equal(terms_option(&terms, TERMS_OPTION_SLOTS, "3"), 1);
	assert_int_equal(terms_option(&terms, TERMS_OPTION_LEASE, "10m"), 1);
	assert_int_equal(terms_option(&terms, TERMS_OPTION_ATLEAST, "1m"), 1);
	assert_int_equal(terms_option(&terms, TERMS_OPTION_KEY, "12345678"), 1);
	assert_int_equal(terms_option(&terms, TERMS_OPTION_NOTE, "a b"), 1);
	assert_int_equal(terms_option(&terms, 'E', "3"), 1);
	assert_int_equal(terms_option(&terms, 'q', NULL), 1);
	terms_name(&terms, "a=1");
	assert_int_equal(terms_option(&terms, TERMS_OPTION_ALSO, "c"), 1);
	assert_int_equal(terms_check(&terms), 0);
	assert_int_equal(terms.refused_exit, 3);
	assert_true(terms.quiet);
	assert_string_equal(written(&terms),
	    "acquire lock=a%3D1 lock=b lock=c slots=3 wait=1500ms lease=600000ms atleast=60000ms "
	    "key=12345678 note=a%20b\r\n");
}

static void
at_once_is_no_wait(void **state)
{
	struct terms terms;

	(void)state;
	terms_init(&terms);
	terms_name(&terms, "x");
	assert_int_equal(terms_option(&terms, 'n', NULL), 1);
	assert_int_equal(terms_option(&terms, 's', NULL), 1);
	assert_string_equal(written(&terms), "acquire lock=x mode=shared\r\n");
}

static void
wrong_values_are_refused(void **state)
{
	static const struct {
		int option;
		const char *value;
	} wrong[] = {{'w', "soon"}, {'w', "-1"}, {'E', "256"}, {'E', "x"},
	    {TERMS_OPTION_SLOTS, "0"}, {TERMS_OPTION_SLOTS, "10001"}, {TERMS_OPTION_LEASE, "later"},
	    {TERMS_OPTION_ATLEAST, "0"}, {TERMS_OPTION_KEY, "short"}, {TERMS_OPTION_AS, ""}};
	struct terms terms;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		terms_init(&terms);
		assert_int_equal(terms_option(&terms, wrong[i].option, wrong[i].value), -1);
	}
	assert_int_equal(terms_option(&terms, 'x', NULL), 0);
	assert_int_equal(terms_option(&terms, TERMS_OPTION_END, NULL), 0);
}

static void
terms_that_do_not_go_together_are_refused(void **state)
{
	struct terms terms;

	(void)state;
	terms_init(&terms);
	assert_int_equal(terms_check(&terms), -1); /* no name */
	terms_name(&terms, "");
	assert_int_equal(terms_check(&terms), -1);
	terms_name(&terms, "a");
	assert_int_equal(terms_option(&terms, TERMS_OPTION_ALSO, "a"), 1);
	assert_int_equal(terms_check(&terms), -1);
	terms_init(&terms);
	terms_name(&terms, "a");
	terms_option(&terms, 's', NULL);
	terms_option(&terms, TERMS_OPTION_SLOTS, "2");
	assert_int_equal(terms_check(&terms), -1);
}

/* Where --also stands before or after the name. */
static void
sixteen_names_and_no_more(void **state)
{
	static const char *const others[] = {
	    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"};
	struct terms terms;

	(void)state;
	for (int first = 0; first < 2; first++) {
		terms_init(&terms);
		if (first)
			terms_name(&terms, "0");
		for (int i = 0; i < 15; i++)
			assert_int_equal(terms_option(&terms, TERMS_OPTION_ALSO, others[i]), 1);
		assert_int_equal(terms_option(&terms, TERMS_OPTION_ALSO, "16"), -1);
		if (!first)
			terms_name(&terms, "0");
		assert_int_equal(terms_check(&terms), 0);
		assert_int_equal(terms.n, 16);
		assert_string_equal(terms.names[0], "0");
	}
}

static void
assert_safe(const char *text, const char *wanted, size_t width)
{
	char *safe = text_safe(text, 0);

	assert_string_equal(safe, wanted);
	assert_int_equal(text_width(safe), width);
	free(safe);
}

static void
texts_are_safe_to_print(void **state)
{
	(void)state;
	assert_safe("plain", "plain", 5);
	assert_safe("a\nb\x1b[31m\x7f", "a%0Ab%1B[31m%7F", 15);
	assert_safe("50% of %41", "50% of %2541", 12); /* what looks like an escape is none */
	assert_safe("\xc3\xa9", "\xc3\xa9", 1);
	assert_safe("\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac", 4);
	assert_safe("e\xcc\x81", "e\xcc\x81", 1); /* a combining accent */
	assert_safe("\xc2\x9b", "%C2%9B", 6);	  /* C1 */
	assert_safe("\xe2\x80\xae"
		    "abc",
	    "%E2%80%AEabc", 12);		     /* right to left */
	assert_safe("\xff\xc3", "%FF%C3", 6);	     /* no UTF-8 */
	assert_safe("\xed\xa0\x80", "%ED%A0%80", 9); /* a surrogate */
}

static void
assert_cut(const char *text, size_t width, const char *wanted)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	text_cut(copy, width);
	assert_string_equal(copy, wanted);
	free(copy);
}

static void
texts_are_cut_between_characters(void **state)
{
	(void)state;
	assert_cut("abcdefgh", 8, "abcdefgh");
	assert_cut("abcdefgh", 5, "abcd\xe2\x80\xa6");
	assert_cut("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, "\xe6\x97\xa5\xe2\x80\xa6");
	assert_cut("ab", 1, "");
	assert_cut("abcd", 0, "");
}

static void
the_nearest_name_is_found(void **state)
{
	static const char *const names[] = {"list", "release", "renew", "history"};

	(void)state;
	assert_string_equal(nearest("lst", names, 4), "list");
	assert_string_equal(nearest("relase", names, 4), "release");
	assert_string_equal(nearest("hist", names, 4), "history");
	assert_string_equal(nearest("renwe", names, 4), "renew");
	assert_null(nearest("xyzzy", names, 4));
	assert_null(nearest("", names, 0));
}

static int
utf8(void **state)
{
	(void)state;
	text_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_those_of_the_server),
	    cmocka_unit_test(times_are_for_people),
	    cmocka_unit_test(terms_say_little_unless_asked),
	    cmocka_unit_test(terms_say_all_that_was_asked),
	    cmocka_unit_test(at_once_is_no_wait),
	    cmocka_unit_test(wrong_values_are_refused),
	    cmocka_unit_test(terms_that_do_not_go_together_are_refused),
	    cmocka_unit_test(sixteen_names_and_no_more),
	    cmocka_unit_test(texts_are_safe_to_print),
	    cmocka_unit_test(texts_are_cut_between_characters),
	    cmocka_unit_test(the_nearest_name_is_found),
	};

	return cmocka_run_group_tests(tests, utf8, NULL);
}
