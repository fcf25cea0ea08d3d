/* SPDX-License-Identifier: ISC */
/* `latch top`: one lock from near, gathered a page at a time; and the server's own counters. */
#include "../../client/top_detail.h"
#include "../../client/top_model.h"
#include "../../client/top_totals.h"

#include "unit.h"

#include <stdio.h>

static bool
detail_line(struct detail *detail, const char *line)
{
	struct pairs pairs;
	char text[512];

	snprintf(text, sizeof(text), "%s", line);
	pairs_parse(&pairs, text);
	return detail_take(detail, &pairs, 100000);
}

static void
a_lock_from_near_is_shown_when_its_answer_is_whole(void **state)
{
	struct detail detail = {0};
	struct pairs pairs;
	char head[] = "lines=2&holders=1&waiters=1";

	(void)state;
	assert_int_equal(detail_open(&detail, "a"), 0);
	detail_begin(&detail);
	pairs_parse(&pairs, head);
	detail_take_head(&detail, &pairs);
	assert_true(detail_line(
	    &detail, "state=held&mode=slots&slots=3&slot=1&token=5&who=x&age=2&lease=30&note=a+b"));
	assert_true(detail_line(
	    &detail, "state=waiting&position=1&mode=slots&slots=2&who=y&age=1&timeout=4"));
	assert_int_equal(detail.shown.n, 0);
	detail_end(&detail);
	assert_int_equal(detail.shown.n, 2);
	const struct entry *entry = detail.shown.entry;
	assert_string_equal(entry[0].state, "held");
	assert_string_equal(entry[0].mode, "slot 1 of 3");
	assert_string_equal(entry[0].note, "a b");
	assert_int_equal(entry[0].since_ms, 98000);
	assert_int_equal(entry[0].until_ms, 130000);
	assert_string_equal(entry[1].state, "waits 1");
	assert_string_equal(entry[1].peer, "");
	assert_int_equal(entry[1].until_ms, 104000);
	detail_begin(&detail); /* a new answer that is not whole as yet */
	assert_int_equal(detail.shown.n, 2);
	for (int i = 0; i < DETAIL_MAX; i++)
		assert_true(detail_line(&detail, "state=held&who=x"));
	assert_false(detail_line(&detail, "state=held&who=x"));
	detail_end(&detail);
	assert_int_equal(detail.shown.n, DETAIL_MAX);
	detail_close(&detail);
}

static void
count(struct totals *totals, const char *lines, int64_t now_ms)
{
	char text[256], *rest = text, *line;
	struct pairs pairs;

	snprintf(text, sizeof(text), "%s", lines);
	while ((line = strsep(&rest, " ")) != NULL) {
		pairs_parse(&pairs, line);
		totals_take(totals, &pairs);
	}
	totals_end(totals, now_ms);
}

static void
rates_are_between_two_looks_at_one_life_of_the_server(void **state)
{
	struct totals totals = {0};

	(void)state;
	count(&totals, "uptime=5 successes=100 failures=10 locks=3 clients=2 other=9", 1000);
	assert_true(totals.known && !totals.has_rates);
	assert_int_equal(totals.now.locks, 3);
	count(&totals, "uptime=9 successes=300 failures=10 locks=4", 5000);
	assert_true(totals.has_rates);
	assert_true(totals.granted == 50 && totals.refused == 0);
	assert_int_equal(totals.now.clients, 0);
	count(&totals, "uptime=1 successes=400 failures=11", 6000);
	assert_false(totals.has_rates);
	count(&totals, "uptime=2 successes=399 failures=12", 7000);
	assert_false(totals.has_rates);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lock_from_near_is_shown_when_its_answer_is_whole),
	    cmocka_unit_test(rates_are_between_two_looks_at_one_life_of_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
