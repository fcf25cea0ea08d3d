/* SPDX-License-Identifier: ISC */
/* The ring of past grants and who they went to where memory is short: all or nothing. */
#include "history.h"
#include "who.h"

#include "sim.h"

#include <errno.h>
#include <string.h>

static void
add(struct history *history, const char *name, uint64_t token, struct who *who)
{
	history_add(
	    history, &(struct history_record){
			 .name = name, .len = strlen(name), .hash = 1, .token = token, .who = who});
}

static void
assert_newest(const struct history *history, uint64_t token, size_t count)
{
	struct history_record out;
	uint64_t cursor = 0;

	assert_true(history_next_any(history, &cursor, &out));
	assert_int_equal(out.token, token);
	assert_int_equal(history_count(history), count);
}

static void
a_record_whose_long_name_has_no_memory_is_left_out(void **state)
{
	char name[HISTORY_NAME_INLINE + 2];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	sim_begin(1);
	struct history *history = history_new(2);
	struct who *who = who_new(1, "w", 1, "unix:1", 1, 0);
	assert_non_null(history);
	assert_non_null(who);
	add(history, name, 1, who);
	add(history, name, 2, who);
	sim_fail(SIM_ALLOC, 1, ENOMEM);
	add(history, name + 1, 3, who); /* asks for none */
	assert_false(sim_failed());
	assert_newest(history, 3, 2);
	add(history, name, 4, who);
	assert_true(sim_failed());
	assert_newest(history, 3, 2);
	assert_int_equal(who->refs, 3);
	add(history, name, 5, who);
	assert_newest(history, 5, 2);
	history_free(history);
	assert_int_equal(who->refs, 1);
	who_unref(who);
	sim_end();
}

static void
a_new_one_without_memory_is_none(void **state)
{
	(void)state;
	sim_begin(1);
	for (unsigned nth = 1; nth <= 3; nth++) {
		sim_fail(SIM_ALLOC, nth, ENOMEM);
		assert_null(history_new(10));
		assert_true(sim_failed());
	}
	sim_fail(SIM_ALLOC, 1, ENOMEM);
	assert_null(who_new(1, "w", 1, "unix:1", 1, 0));
	sim_end();
}

static void
a_resize_without_memory_changes_nothing(void **state)
{
	(void)state;
	sim_begin(1);
	struct history *history = history_new(3);
	assert_non_null(history);
	for (uint64_t token = 1; token <= 4; token++)
		add(history, "a", token, NULL);
	for (unsigned nth = 1; nth <= 2; nth++) {
		sim_fail(SIM_ALLOC, nth, ENOMEM);
		assert_int_equal(history_resize(history, nth == 1 ? 2 : 10), -1);
		assert_newest(history, 4, 3);
	}
	assert_int_equal(history_resize(history, 2), 0);
	assert_newest(history, 4, 2);
	history_free(history);
	sim_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(a_record_whose_long_name_has_no_memory_is_left_out),
	    SIM_TEST(a_new_one_without_memory_is_none),
	    SIM_TEST(a_resize_without_memory_changes_nothing),
	};

	return SIM_MAIN("history", tests);
}
