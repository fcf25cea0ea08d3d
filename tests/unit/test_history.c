/* SPDX-License-Identifier: ISC */
/* The ring of past grants: its order, its chains, its ends; test_history_random.c is chance. */
#include "history.h"
#include "who.h"

#include "unit.h"

#include <errno.h>
#include <stdio.h>

/* By the first letter alone. */
static uint64_t
hash_of(const char *name)
{
	return (uint64_t)(unsigned char)name[0] * 0x9e3779b97f4a7c15u;
}

static struct history *new (size_t max)
{
	struct history *history = history_new(max);

	assert_non_null(history);
	return history;
}

static void
add(struct history *history, uint64_t hash, const char *name, uint64_t token, struct who *who)
{
	history_add(history, &(struct history_record){.name = name,
				 .len = strlen(name),
				 .hash = hash,
				 .token = token,
				 .who = who,
				 .from_ns = 0,
				 .to_ns = (int64_t)token * 10,
				 .slot = HISTORY_NO_SLOT});
}

static void
put(struct history *history, const char *name, uint64_t token)
{
	add(history, hash_of(name), name, token, NULL);
}

/* TOKENS as "3 2 1 ", the newest first. */
static void
assert_tokens_of(const struct history *history, uint64_t hash, const char *name, const char *tokens)
{
	struct history_record out;
	uint64_t cursor = 0;
	char got[256] = "";
	size_t used = 0;

	while (history_next(history, hash, name, strlen(name), &cursor, &out)) {
		assert_int_equal(out.len, strlen(name));
		assert_memory_equal(out.name, name, out.len);
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%d ", (int)out.token);
		assert_true(used < sizeof(got));
	}
	assert_string_equal(got, tokens);
	assert_false(history_next(history, hash, name, strlen(name), &cursor, &out));
}

static void
assert_tokens(const struct history *history, const char *name, const char *tokens)
{
	assert_tokens_of(history, hash_of(name), name, tokens);
}

static void
assert_all(const struct history *history, const char *tokens)
{
	struct history_record out;
	uint64_t cursor = 0;
	char got[256] = "";
	size_t used = 0;

	while (history_next_any(history, &cursor, &out))
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%d ", (int)out.token);
	assert_string_equal(got, tokens);
	assert_false(history_next_any(history, &cursor, &out));
}

static void
a_record_comes_back_as_it_was_given(void **state)
{
	struct history *history = new (4);
	struct who *who = who_new(1, "w", 1, "unix:1", 1, 0);
	char name[] = "n\0\xff name";
	const struct history_record in = {.name = name,
	    .len = sizeof(name) - 1,
	    .hash = UINT64_MAX,
	    .token = UINT64_MAX - 1,
	    .who = who,
	    .waited_ms = UINT32_MAX,
	    .from_ns = 1,
	    .to_ns = INT64_MAX,
	    .end = HISTORY_REVOKED,
	    .mode = 255,
	    .slot = 65534};
	struct history_record out;
	uint64_t cursor = 0;

	(void)state;
	assert_non_null(who);
	history_add(history, &in);
	assert_int_equal(who->refs, 2);
	assert_true(history_next(history, in.hash, "n\0\xff name", in.len, &cursor, &out));
	memset(name, 'x', sizeof(name));
	assert_memory_equal(out.name, "n\0\xff name", in.len);
	assert_int_equal(out.len, in.len);
	assert_true(out.hash == in.hash && out.token == in.token && out.who == who);
	assert_true(out.waited_ms == in.waited_ms && out.mode == 255 && out.slot == 65534);
	assert_true(out.from_ns == 1 && out.to_ns == INT64_MAX && out.end == HISTORY_REVOKED);
	history_free(history);
	assert_int_equal(who->refs, 1);
	who_unref(who);
}

static void
the_newest_comes_first_and_the_oldest_goes(void **state)
{
	struct history *history = new (3);

	(void)state;
	assert_all(history, "");
	assert_tokens(history, "a", "");
	put(history, "a", 1);
	put(history, "b", 2);
	assert_all(history, "2 1 ");
	put(history, "a", 3);
	assert_all(history, "3 2 1 ");
	assert_tokens(history, "a", "3 1 ");
	put(history, "b", 4);
	assert_all(history, "4 3 2 ");
	assert_tokens(history, "a", "3 ");
	assert_tokens(history, "b", "4 2 ");
	put(history, "c", 5);
	put(history, "c", 6);
	assert_tokens(history, "a", "");
	assert_tokens(history, "b", "4 ");
	assert_int_equal(history_count(history), 3);
	history_free(history);
}

static void
a_ring_of_one_keeps_the_last(void **state)
{
	struct history *history = new (1);

	(void)state;
	for (uint64_t i = 1; i < 10; i++) {
		put(history, i % 3 == 0 ? "a" : "b", i);
		assert_int_equal(history_count(history), 1);
	}
	assert_tokens(history, "a", "9 ");
	assert_tokens(history, "b", "");
	assert_all(history, "9 ");
	history_free(history);
}

static void
a_chain_ends_where_it_was_overwritten(void **state)
{
	struct history *history = new (4);

	(void)state;
	/* The head of "a" leads to a place where others are by now, then "a" comes again. */
	put(history, "a", 1);
	for (uint64_t i = 2; i < 8; i++)
		put(history, "b", i);
	assert_tokens(history, "a", "");
	put(history, "a", 8);
	assert_tokens(history, "a", "8 ");
	/* And to one that is of "a" again, but newer than where it is reached from. */
	put(history, "a", 9);
	put(history, "a", 10);
	put(history, "a", 11);
	assert_tokens(history, "a", "11 10 9 8 ");
	put(history, "a", 12);
	assert_tokens(history, "a", "12 11 10 9 ");
	history_free(history);
}

static void
names_with_one_hash_or_one_bucket_are_kept_apart(void **state)
{
	struct history *history = new (16);

	(void)state;
	for (uint64_t i = 1; i <= 12; i++) {
		static const char *const names[] = {"same", "also", "sam", ""};
		add(history, i % 4 == 2 ? 5 + 16 : 5, names[i % 4], i, NULL);
	}
	assert_tokens_of(history, 5, "same", "12 8 4 ");
	assert_tokens_of(history, 5, "also", "9 5 1 ");
	assert_tokens_of(history, 5 + 16, "sam", "10 6 2 ");
	assert_tokens_of(history, 5, "", "11 7 3 ");
	assert_tokens_of(history, 5, "sam", "");
	assert_tokens_of(history, 5 + 32, "same", "");
	assert_tokens_of(history, 6, "same", "");
	history_free(history);
}

static void
names_of_any_length_are_kept_whole(void **state)
{
	static const size_t lengths[] = {
	    HISTORY_NAME_INLINE - 1, HISTORY_NAME_INLINE, HISTORY_NAME_INLINE + 1, 255, 70000};
	struct history *history = new (3);
	static char name[70001];

	(void)state;
	for (unsigned round = 1; round < 4; round++)
		for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			uint64_t cursor = 0;
			struct history_record out;

			memset(name, 'a' + (int)i, lengths[i]);
			name[lengths[i]] = '\0';
			add(history, i, name, round, NULL);
			assert_tokens_of(history, i, name,
			    round == 1	 ? "1 "
			    : round == 2 ? "2 "
					 : "3 ");
			name[lengths[i] - 1] = 'x';
			assert_false(history_next(history, i, name, lengths[i], &cursor, &out));
		}
	history_free(history);
}

static void
a_walk_goes_on_while_records_are_added(void **state)
{
	struct history *history = new (4);
	struct history_record out;
	uint64_t cursor = 0, any = 0;

	(void)state;
	for (uint64_t i = 1; i <= 4; i++)
		put(history, "a", i);
	assert_true(history_next(history, hash_of("a"), "a", 1, &cursor, &out));
	assert_true(history_next_any(history, &any, &out));
	assert_int_equal(out.token, 4);
	put(history, "a", 5);
	put(history, "b", 6);
	assert_true(history_next(history, hash_of("a"), "a", 1, &cursor, &out));
	assert_int_equal(out.token, 3);
	assert_true(history_next_any(history, &any, &out));
	assert_int_equal(out.token, 3);
	put(history, "a", 7); /* in the place of what both are at */
	assert_false(history_next(history, hash_of("a"), "a", 1, &cursor, &out));
	assert_false(history_next_any(history, &any, &out));
	history_free(history);
}

static void
a_search_passes_by_a_bounded_number_of_others(void **state)
{
	struct history *history = new (2 * HISTORY_FOREIGN_MAX);
	int64_t mean_ns;

	(void)state;
	put(history, "a1", 1);
	for (int i = 0; i < HISTORY_FOREIGN_MAX; i++)
		put(history, "a2", 2);
	assert_tokens(history, "a1", "1 ");
	assert_true(history_mean_hold_ns(history, hash_of("a1"), "a1", 2, &mean_ns));
	put(history, "a2", 2);
	assert_tokens(history, "a1", "");
	assert_false(history_mean_hold_ns(history, hash_of("a1"), "a1", 2, &mean_ns));
	put(history, "a1", 3);
	assert_tokens(history, "a1", "3 ");
	history_free(history);
}

static void
a_resize_keeps_the_newest_and_the_chains(void **state)
{
	struct history *history = new (5);
	struct history_record out;
	struct who *who = who_new(1, "w", 1, "unix:1", 1, 0);
	char name[100] = "";
	uint64_t cursor = 0;

	(void)state;
	assert_non_null(who);
	memset(name, 'l', sizeof(name) - 1);
	for (uint64_t i = 1; i <= 8; i++)
		add(history, i % 2, i % 2 ? name : "even", i, who);
	assert_int_equal(who->refs, 6);
	assert_tokens_of(history, 1, name, "7 5 ");
	assert_true(history_next_any(history, &cursor, &out));
	assert_int_equal(history_resize(history, 5), 0);
	assert_int_equal(history_resize(history, 100), 0); /* wider */
	assert_tokens_of(history, 1, name, "7 5 ");
	assert_tokens_of(history, 0, "even", "8 6 4 ");
	assert_true(history_next_any(history, &cursor, &out));
	assert_int_equal(out.token, 7);
	add(history, 1, name, 9, who);
	assert_tokens_of(history, 1, name, "9 7 5 ");
	assert_int_equal(who->refs, 7);
	assert_int_equal(history_resize(history, 3), 0); /* narrower */
	assert_int_equal(who->refs, 4);
	assert_all(history, "9 8 7 ");
	assert_tokens_of(history, 1, name, "9 7 ");
	assert_tokens_of(history, 0, "even", "8 ");
	assert_false(history_next_any(history, &cursor, &out)); /* 6 is gone */
	add(history, 0, "even", 10, who);
	assert_tokens_of(history, 0, "even", "10 8 ");
	assert_tokens_of(history, 1, name, "9 ");
	history_free(history);
	assert_int_equal(who->refs, 1);
	who_unref(who);
}

static void
what_cannot_be_had_changes_nothing(void **state)
{
	struct history *history = new (3);

	(void)state;
	for (uint64_t i = 1; i < 6; i++)
		put(history, "a", i);
	errno = 0;
	assert_int_equal(history_resize(history, SIZE_MAX), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(history_resize(history, (size_t)1 << 32), -1);
	assert_tokens(history, "a", "5 4 3 ");
	assert_null(history_new((size_t)1 << 31));
	history_free(history);
}

static void
a_history_that_is_off_keeps_nothing(void **state)
{
	struct history *history = new (0);
	struct who *who = who_new(1, "w", 1, "unix:1", 1, 0);
	int64_t mean_ns;

	(void)state;
	assert_non_null(who);
	add(history, 1, "a", 1, who);
	assert_int_equal(who->refs, 1);
	assert_tokens_of(history, 1, "a", "");
	assert_all(history, "");
	assert_false(history_mean_hold_ns(history, 1, "a", 1, &mean_ns));
	assert_int_equal(history_count(history), 0);
	assert_int_equal(history_resize(history, 2), 0); /* on */
	add(history, 1, "a", 2, who);
	assert_all(history, "2 ");
	assert_int_equal(history_resize(history, 0), 0); /* and off */
	assert_int_equal(who->refs, 1);
	assert_all(history, "");
	assert_int_equal(history_resize(history, 2), 0);
	assert_all(history, "");
	assert_tokens_of(history, 1, "a", "");
	history_free(history);
	history_free(NULL);
	who_unref(who);
}

static void
the_mean_is_of_the_last_sixteen_holds(void **state)
{
	struct history *history = new (100);
	int64_t mean_ns = 0;

	(void)state;
	assert_false(history_mean_hold_ns(history, hash_of("a"), "a", 1, &mean_ns));
	put(history, "a", 1);
	put(history, "b", 1000);
	assert_true(history_mean_hold_ns(history, hash_of("a"), "a", 1, &mean_ns));
	assert_int_equal(mean_ns, 10);
	put(history, "a", 2);
	assert_true(history_mean_hold_ns(history, hash_of("a"), "a", 1, &mean_ns));
	assert_int_equal(mean_ns, 15);
	for (uint64_t i = 3; i <= 20; i++)
		put(history, "a", i);
	assert_true(history_mean_hold_ns(history, hash_of("a"), "a", 1, &mean_ns));
	assert_int_equal(mean_ns, (50 + 200) / 2); /* of 5 to 20 */
	history_free(history);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_comes_back_as_it_was_given),
	    cmocka_unit_test(the_newest_comes_first_and_the_oldest_goes),
	    cmocka_unit_test(a_ring_of_one_keeps_the_last),
	    cmocka_unit_test(a_chain_ends_where_it_was_overwritten),
	    cmocka_unit_test(names_with_one_hash_or_one_bucket_are_kept_apart),
	    cmocka_unit_test(names_of_any_length_are_kept_whole),
	    cmocka_unit_test(a_walk_goes_on_while_records_are_added),
	    cmocka_unit_test(a_search_passes_by_a_bounded_number_of_others),
	    cmocka_unit_test(a_resize_keeps_the_newest_and_the_chains),
	    cmocka_unit_test(what_cannot_be_had_changes_nothing),
	    cmocka_unit_test(a_history_that_is_off_keeps_nothing),
	    cmocka_unit_test(the_mean_is_of_the_last_sixteen_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
