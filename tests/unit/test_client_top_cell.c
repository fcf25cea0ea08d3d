/* SPDX-License-Identifier: ISC */
/* What comes from others on a terminal: nothing that moves its cursor, as wide as it is said. */
#include "../../client/top_cell.h"

#include "unit.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

static int
in_utf8(void **state)
{
	(void)state;
	return setlocale(LC_ALL, "C.UTF-8") == NULL;
}

static const char *
fit(const char *text, int columns)
{
	static char out[256];

	cell_fit(out, sizeof(out), text, columns);
	return out;
}

static void
plain_text_is_padded_or_cut(void **state)
{
	(void)state;
	assert_string_equal(fit("abc", 5), "abc  ");
	assert_string_equal(fit("abcde", 5), "abcde");
	assert_string_equal(fit("abcdef", 5), "abcd>");
	assert_string_equal(fit("abc", 1), ">");
	assert_string_equal(fit("abc", 0), "");
	assert_string_equal(fit("", 2), "  ");
}

static void
what_a_terminal_would_obey_is_escaped(void **state)
{
	(void)state;
	assert_string_equal(fit("a\033[2Jb\r\n\177", 20), "a%1B[2Jb%0D%0A%7F   ");
	assert_string_equal(fit("\302\233x", 7), "%C2%9Bx");	     /* a C1 control */
	assert_string_equal(fit("\342\200\256x", 10), "%E2%80%AEx"); /* right to left */
	assert_string_equal(fit("\342\200\213x", 10), "%E2%80%8Bx"); /* no width */
	assert_string_equal(fit("\314\201x", 7), "%CC%81x");	     /* combines with nothing */
	assert_string_equal(fit("100%", 6), "100%25");		     /* so that none is forged */
	assert_string_equal(fit("\377\303", 6), "%FF%C3");	     /* no UTF-8 */
	assert_string_equal(fit("\355\240\200", 9), "%ED%A0%80");    /* half a pair */
}

static void
wide_characters_take_two_columns_and_are_never_halved(void **state)
{
	const char *nihongo = "\346\227\245\346\234\254\350\252\236";

	(void)state;
	assert_string_equal(fit("gr\303\274n", 6), "gr\303\274n  ");
	assert_int_equal(cell_width(nihongo), 6);
	assert_string_equal(fit(nihongo, 6), nihongo);
	assert_string_equal(fit(nihongo, 7), "\346\227\245\346\234\254\350\252\236 ");
	assert_string_equal(fit(nihongo, 5), "\346\227\245\346\234\254>");
	assert_string_equal(fit(nihongo, 4), "\346\227\245> ");
	assert_string_equal(fit("e\314\201x", 2), "e\314\201x");
	assert_int_equal(cell_width("e\314\201x"), 2);
}

/* Bytes at random in every room: never longer than that, never other than so wide. */
static void
whatever_comes_is_as_wide_as_was_asked_for(void **state)
{
	static const char *const pieces[] = {"a", "%", "\033", "\303\274", "\346\227\245",
	    "\314\201", "\377", "\360\237\230\200", "\302\233", "\303", "\342\200\256"};

	(void)state;
	srandom(11);
	for (int i = 0; i < 50000; i++) {
		char text[256] = "";
		int columns = (int)(random() % 20);
		size_t size = (size_t)columns + 1 + (size_t)(random() % 60);
		char *out = malloc(size);
		wchar_t wide[256];

		for (long n = random() % 12; n > 0; n--)
			strcat(text, pieces[(size_t)random() % (sizeof(pieces) / sizeof(*pieces))]);
		cell_fit(out, size, text, columns);
		assert_true(strlen(out) < size);
		size_t n = mbstowcs(wide, out, 256);
		assert_true(n < 256);
		assert_int_equal(wcswidth(wide, n), columns);
		free(out);
	}
}

static void
durations_fit_into_seven_columns(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} wanted[] = {{-5, "0s"}, {59, "59s"}, {60, "1m00s"}, {3599, "59m59s"}, {3600, "1h00m"},
	    {86399, "23h59m"}, {86400, "1d0h"}, {86400LL * 999 + 86399, "999d23h"},
	    {86400LL * 1000, "1000d"}, {INT64_MAX / 1000, NULL}};
	char text[CELL_DURATION];

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		cell_duration(text, wanted[i].s * 1000);
		assert_true(strlen(text) <= 7);
		if (wanted[i].text != NULL)
			assert_string_equal(text, wanted[i].text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_text_is_padded_or_cut),
	    cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
	    cmocka_unit_test(wide_characters_take_two_columns_and_are_never_halved),
	    cmocka_unit_test(whatever_comes_is_as_wide_as_was_asked_for),
	    cmocka_unit_test(durations_fit_into_seven_columns),
	};

	return cmocka_run_group_tests(tests, in_utf8, NULL);
}
