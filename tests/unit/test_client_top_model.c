/* SPDX-License-Identifier: ISC */
/*
 * What `latch top` knows and shows, without a server and without a screen: pages of a list become
 * rows, rows are sorted, filtered and found again, and memory is bounded.
 */
#include "../../client/top_view.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
	struct model model;
	struct view view;
};

static int
begin_with(void **state, size_t rows_max, size_t text_max)
{
	struct fixture *f = calloc(1, sizeof(*f));

	model_init(&f->model, rows_max, text_max);
	view_init(&f->view, &f->model);
	view_set_page(&f->view, 10);
	*state = f;
	return 0;
}

static int
begin(void **state)
{
	return begin_with(state, 1000, 100000);
}

static int
begin_small(void **state)
{
	return begin_with(state, 3, 100000);
}

static int
begin_terse(void **state)
{
	return begin_with(state, 1000, 12);
}

static int
end(void **state)
{
	struct fixture *f = *state;

	view_fini(&f->view);
	model_fini(&f->model);
	free(f);
	return 0;
}

static void
take(struct fixture *f, const char *line, int64_t now_ms)
{
	struct pairs pairs;
	char text[512];

	snprintf(text, sizeof(text), "%s", line);
	pairs_parse(&pairs, text);
	model_merge(&f->model, &pairs, now_ms);
}

/* One whole sweep; lines are separated by blanks. */
static void
sweep(struct fixture *f, const char *lines, int64_t now_ms)
{
	char text[4096], *rest = text, *line;

	snprintf(text, sizeof(text), "%s", lines);
	model_begin(&f->model);
	while ((line = strsep(&rest, " ")) != NULL)
		take(f, line, now_ms);
	model_end(&f->model);
}

/* The names that are shown, in their order. */
static const char *
shown(struct fixture *f)
{
	static char text[4096];

	text[0] = '\0';
	f->view.built_ms = INT64_MIN / 2;
	view_build(&f->view, 0);
	for (size_t i = 0; i < f->view.n; i++) {
		strlcat(text, i > 0 ? " " : "", sizeof(text));
		strlcat(text, view_row(&f->view, i)->name, sizeof(text));
	}
	return text;
}

#define ROW(name, holder, token, age, waiters)                                                     \
	"lock=" name "&mode=exclusive&holder=" holder "&token=" token "&age=" age                  \
	"&holders=1&waiters=" waiters

static const char some[] = ROW("b", "zoe", "7", "3.5", "0") " " ROW("a", "Bob", "9", "1",
    "2") " " ROW("c", "amy", "8", "2", "10") " lock=d&mode=shared&holders=0&waiters=2";

static void
pages_become_rows_and_what_a_sweep_did_not_see_is_gone(void **state)
{
	struct fixture *f = *state;

	model_begin(&f->model);
	take(f, ROW("b", "x", "1", "5", "0"), 10000);
	take(f, ROW("a", "y%20z", "2", "4.25", "3"), 10000);
	assert_false(f->model.whole);
	model_end(&f->model);
	assert_true(f->model.whole);
	assert_string_equal(shown(f), "a b");
	struct row *a = model_find(&f->model, "a");
	assert_string_equal(a->holder, "y z");
	assert_string_equal(a->mode, "exclusive");
	assert_int_equal(a->since_ms, 5750);
	assert_int_equal(a->waiters, 3);

	sweep(f, ROW("a", "y", "2", "5", "0") " " ROW("c", "y", "3", "0", "0"), 11000);
	assert_string_equal(shown(f), "a c");
	assert_ptr_equal(model_find(&f->model, "a"), a);
	assert_null(model_find(&f->model, "b"));
	sweep(f, "mode=exclusive", 12000); /* a line without a name is none */
	assert_string_equal(shown(f), "");
	assert_null(view_selected(&f->view));
}

static void
a_name_that_two_pages_have_is_one_row(void **state)
{
	struct fixture *f = *state;

	sweep(f, ROW("a", "x", "1", "5", "0") " " ROW("a", "y", "2", "0", "1"), 10000);
	assert_int_equal(f->model.n_rows, 1);
	assert_string_equal(model_find(&f->model, "a")->holder, "y");
}

static void
a_grant_began_once_and_its_queue_is_unknown_after_it(void **state)
{
	struct fixture *f = *state;

	sweep(f, ROW("a", "x", "5", "1", "2"), 10000);
	struct row *a = model_find(&f->model, "a");
	assert_int_equal(a->wait_since_ms, UNKNOWN_MS);
	a->wait_since_ms = 9500;
	sweep(f, ROW("a", "x", "5", "2.3", "2"), 11000);
	assert_int_equal(a->since_ms, 9000);
	assert_int_equal(a->wait_since_ms, 9500);
	sweep(f, ROW("a", "y", "6", "0.5", "1"), 12000);
	assert_int_equal(a->since_ms, 11500);
	assert_int_equal(a->wait_since_ms, UNKNOWN_MS);
	a->wait_since_ms = 9500;
	sweep(f, ROW("a", "y", "6", "1.5", "0"), 13000);
	assert_int_equal(a->wait_since_ms, UNKNOWN_MS);
	sweep(f, "lock=a&mode=exclusive&holders=0&waiters=1", 14000);
	assert_int_equal(a->since_ms, UNKNOWN_MS);
	assert_string_equal(a->holder, "");
}

static void
rows_are_sorted_by_each_order_and_the_other_way_round(void **state)
{
	static const struct {
		enum view_order order;
		const char *names, *reversed;
	} wanted[] = {
	    {VIEW_NAME, "a b c d", "d c b a"},
	    {VIEW_AGE, "b c a d", "d a c b"},
	    {VIEW_WAITERS, "c a d b", "b d a c"},
	    {VIEW_HOLDER, "a c b d", "d b c a"},
	};
	struct fixture *f = *state;

	sweep(f, some, 10000);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		view_set_order(&f->view, wanted[i].order);
		assert_string_equal(shown(f), wanted[i].names);
		view_flip(&f->view);
		assert_string_equal(shown(f), wanted[i].reversed);
	}
}

static void
the_filter_is_a_part_of_a_name_or_of_a_holder_in_any_case(void **state)
{
	struct fixture *f = *state;

	sweep(f, some, 10000);
	view_set_filter(&f->view, "b");
	assert_string_equal(shown(f), "a b");
	view_set_filter(&f->view, "AMY");
	assert_string_equal(shown(f), "c");
	view_set_filter(&f->view, "nothing");
	assert_string_equal(shown(f), "");
	assert_null(view_selected(&f->view));
	view_move(&f->view, 1);
	view_set_filter(&f->view, "");
	assert_string_equal(shown(f), "a b c d");
}

static const char *
selected(struct fixture *f)
{
	shown(f);
	return view_selected(&f->view)->name;
}

static void
the_selected_one_is_found_again_wherever_it_has_gone(void **state)
{
	struct fixture *f = *state;

	sweep(f, some, 10000);
	assert_string_equal(selected(f), "a");
	view_move(&f->view, 1);
	assert_string_equal(selected(f), "b");
	view_set_order(&f->view, VIEW_WAITERS);
	assert_string_equal(selected(f), "b");
	assert_int_equal(f->view.selected, 3);
	/* It ends: the one in its place is selected. */
	sweep(f, ROW("a", "x", "9", "1", "2") " " ROW("c", "x", "8", "2", "1"), 11000);
	assert_string_equal(selected(f), "c");
	/* The first place stays the first place. */
	view_move(&f->view, -5);
	assert_string_equal(selected(f), "a");
	sweep(f, ROW("a", "x", "9", "1", "2") " " ROW("c", "x", "8", "2", "7"), 12000);
	assert_string_equal(selected(f), "c");
}

static void
the_page_goes_with_the_selected_one_and_never_beyond_the_end(void **state)
{
	struct fixture *f = *state;

	model_begin(&f->model);
	for (int i = 0; i < 100; i++) {
		char line[64];

		snprintf(line, sizeof(line), "lock=%03d&waiters=1&holders=1&token=%d", i, i + 1);
		take(f, line, 0);
	}
	model_end(&f->model);
	assert_string_equal(selected(f), "000");
	view_move(&f->view, 9);
	assert_int_equal(f->view.top, 0);
	view_move(&f->view, 1);
	assert_int_equal(f->view.top, 1);
	view_move(&f->view, 1000000);
	assert_int_equal(f->view.selected, 99);
	assert_int_equal(f->view.top, 90);
	view_set_page(&f->view, 30);
	assert_int_equal(f->view.top, 70);
	view_set_page(&f->view, 0);
	view_set_page(&f->view, 5);
	assert_int_equal(f->view.top, 95);
	view_move(&f->view, -1000000);
	assert_int_equal(f->view.top, 0);
	/* The queues of a page are asked for once a round. */
	for (int i = 0; i < 5; i++) {
		struct row *row = view_wants_queue(&f->view, 1);

		assert_non_null(row);
		row->asked = 1;
	}
	assert_null(view_wants_queue(&f->view, 1));
	assert_non_null(view_wants_queue(&f->view, 2));
	sweep(f, "lock=x", 0); /* rows that the view still has are gone */
	assert_null(view_wants_queue(&f->view, 2));
}

static void
beyond_the_most_rows_those_that_somebody_waits_for_are_kept(void **state)
{
	struct fixture *f = *state;

	sweep(f, "lock=a lock=b lock=c lock=d lock=e", 0);
	assert_string_equal(shown(f), "a b c");
	assert_int_equal(f->model.left_out, 2);
	sweep(f, "lock=a lock=b lock=c&waiters=1 lock=d&waiters=1 lock=e lock=f&waiters=2", 0);
	assert_string_equal(shown(f), "c d f");
	assert_int_equal(f->model.left_out, 3);
	sweep(f, "lock=g&waiters=1 lock=c&waiters=1 lock=d&waiters=1 lock=f&waiters=1", 0);
	assert_string_equal(shown(f), "c d f");
	assert_int_equal(f->model.left_out, 1);
	/* What has gone meanwhile is not counted. */
	sweep(f, "lock=x lock=c", 0);
	assert_string_equal(shown(f), "c");
	sweep(f, "lock=x lock=c", 0);
	assert_string_equal(shown(f), "c x");
	assert_int_equal(f->model.left_out, 0);
}

static void
the_texts_have_a_bound_of_their_own(void **state)
{
	struct fixture *f = *state;

	sweep(f, "lock=aaaa&holder=bbbb lock=c", 0); /* 4 + 4 and two ends */
	assert_string_equal(shown(f), "aaaa");
	assert_int_equal(f->model.text_bytes, 10);
	assert_int_equal(f->model.left_out, 1);
	sweep(f, "lock=aaaa", 0);
	sweep(f, "lock=aaaa lock=c", 0);
	assert_string_equal(shown(f), "aaaa c");
	sweep(f, "lock=aaaa&holder=bbbbb lock=c", 0); /* nor may a row grow beyond it */
	sweep(f, "lock=aa lock=bb lock=cc", 0);
	sweep(f, "lock=aa lock=bb lock=cc", 0);
	sweep(f, "lock=aa lock=bb lock=cc lock=dddddd&waiters=1", 0);
	assert_string_equal(shown(f), "aa bb cc");
	assert_int_equal(f->model.left_out, 1);
	sweep(f, "lock=aa lock=bb lock=cc lock=dd&waiters=1", 0);
	assert_string_equal(shown(f), "bb cc dd");
	assert_int_equal(f->model.text_bytes, 12);
}

/* Against counting anew, over sweeps of names at random with too little room for them. */
static void
nothing_is_lost_or_counted_twice_at_random(void **state)
{
	struct fixture *f = *state;

	f->model.rows_max = 50;
	srandom(4711);
	for (int i = 0; i < 300; i++) {
		size_t n = 0, bytes = 0, lines = (size_t)random() % 120;

		model_begin(&f->model);
		for (size_t j = 0; j < lines; j++) {
			char line[128];

			snprintf(line, sizeof(line), "lock=%zu&holder=%.*s&token=%ld&waiters=%ld",
			    j * 7 % 120, (int)(random() % 9), "xxxxxxxx", random() % 50,
			    random() % 3);
			take(f, line, i);
		}
		model_end(&f->model);
		for (struct row *row = model_first(&f->model); row != NULL; row = model_next(row)) {
			n++;
			bytes += strlen(row->name) + strlen(row->holder) + 2;
		}
		assert_int_equal(n, f->model.n_rows);
		assert_int_equal(bytes, f->model.text_bytes);
		assert_true(n <= 50 && n <= lines);
		assert_int_equal(n + f->model.left_out, lines);
		view_set_order(&f->view, (enum view_order)(i % VIEW_ORDERS));
		shown(f);
		assert_int_equal(f->view.n, n);
	}
}

static void
a_list_is_not_built_anew_at_every_page(void **state)
{
	struct fixture *f = *state;

	view_build(&f->view, 10000);
	model_begin(&f->model);
	take(f, "lock=a", 10000);
	view_build(&f->view, 10001);
	assert_int_equal(f->view.n, 0);
	view_build(&f->view, 11000);
	assert_int_equal(f->view.n, 1);
	take(f, "lock=b", 10000);
	view_set_filter(&f->view, "b");
	view_build(&f->view, 11001);
	assert_int_equal(f->view.n, 1);
	model_end(&f->model);
	sweep(f, "lock=c", 11002);
	view_build(&f->view, 11003); /* since rows have gone */
	assert_int_equal(f->view.n, 0);
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, end)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    WITH(begin, pages_become_rows_and_what_a_sweep_did_not_see_is_gone),
	    WITH(begin, a_name_that_two_pages_have_is_one_row),
	    WITH(begin, a_grant_began_once_and_its_queue_is_unknown_after_it),
	    WITH(begin, rows_are_sorted_by_each_order_and_the_other_way_round),
	    WITH(begin, the_filter_is_a_part_of_a_name_or_of_a_holder_in_any_case),
	    WITH(begin, the_selected_one_is_found_again_wherever_it_has_gone),
	    WITH(begin, the_page_goes_with_the_selected_one_and_never_beyond_the_end),
	    WITH(begin_small, beyond_the_most_rows_those_that_somebody_waits_for_are_kept),
	    WITH(begin_terse, the_texts_have_a_bound_of_their_own),
	    WITH(begin, nothing_is_lost_or_counted_twice_at_random),
	    WITH(begin, a_list_is_not_built_anew_at_every_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
