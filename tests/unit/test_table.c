/* SPDX-License-Identifier: ISC */
/* The hash table: growth and shrinking one bucket at a time, and walks that survive both. */
#include "table.h"

#include "unit.h"

#include <stdlib.h>

struct item {
	struct table_entry entry; /* first */
	unsigned seen;
};

static struct item *
item_new(uint64_t hash)
{
	struct item *item = calloc(1, sizeof(*item));

	assert_non_null(item);
	item->entry.hash = hash;
	return item;
}

static uint64_t
random_u64(unsigned *seed)
{
	return (uint64_t)rand_r(seed) << 42 ^ (uint64_t)rand_r(seed) << 21 ^ (uint64_t)rand_r(seed);
}

static bool
is_in(const struct table *table, const struct item *item)
{
	for (struct table_entry *e = table_chain(table, item->entry.hash); e != NULL; e = e->next)
		if (e == &item->entry)
			return true;
	return false;
}

static void
entries_are_found_at_every_size(void **state)
{
	enum { N = 5000 };
	struct table table;
	struct item *items[N];
	unsigned seed = 1;

	(void)state;
	assert_int_equal(table_init(&table), 0);
	size_t empty = table.buckets;
	for (int i = 0; i < N; i++) {
		items[i] = item_new(random_u64(&seed));
		table_insert(&table, &items[i]->entry);
		if (i % 97 == 0)
			for (int j = 0; j <= i; j++)
				assert_true(is_in(&table, items[j]));
	}
	assert_int_equal(table.count, N);
	assert_true(table.buckets >= N);
	for (int i = 0; i < N; i++) {
		table_remove(&table, &items[i]->entry);
		assert_false(is_in(&table, items[i]));
		if (i % 97 == 0)
			for (int j = i + 1; j < N; j++)
				assert_true(is_in(&table, items[j]));
		free(items[i]);
	}
	assert_int_equal(table.count, 0);
	assert_int_equal(table.buckets, empty); /* it gave its memory back */
	table_fini(&table);
}

/* What makes a pause impossible. */
static void
no_operation_moves_more_than_two_buckets(void **state)
{
	struct table table;
	unsigned seed = 2;
	struct item *items[3000];

	(void)state;
	assert_int_equal(table_init(&table), 0);
	for (int i = 0; i < 3000; i++) {
		size_t before = table.buckets;
		items[i] = item_new(random_u64(&seed));
		table_insert(&table, &items[i]->entry);
		assert_true(table.buckets - before <= 1);
	}
	for (int i = 0; i < 3000; i++) {
		size_t before = table.buckets;
		table_remove(&table, &items[i]->entry);
		assert_true(before - table.buckets <= 2);
		free(items[i]);
	}
	table_fini(&table);
}

static void
equal_hashes_share_a_chain_and_are_told_apart(void **state)
{
	struct table table;
	struct item *a = item_new(42), *b = item_new(42);

	(void)state;
	assert_int_equal(table_init(&table), 0);
	table_insert(&table, &a->entry);
	table_insert(&table, &b->entry);
	table_remove(&table, &a->entry);
	assert_false(is_in(&table, a));
	assert_true(is_in(&table, b));
	table_remove(&table, &b->entry);
	free(a);
	free(b);
	table_fini(&table);
}

static void
count_seen(struct table_entry *entry, void *arg)
{
	(void)arg;
	((struct item *)entry)->seen++;
}

/* Between two steps of a walk a random number of entries comes, or goes. */
static void
walk_once(unsigned seed, int steady, int passing, bool growing)
{
	struct table table;
	struct item **kept = calloc((size_t)steady, sizeof(*kept));
	struct item **others = calloc((size_t)passing, sizeof(*others));
	uint64_t cursor = 0;
	int used = growing ? 0 : passing;
	bool more;

	assert_int_equal(table_init(&table), 0);
	for (int i = 0; i < steady; i++) {
		kept[i] = item_new(random_u64(&seed));
		table_insert(&table, &kept[i]->entry);
	}
	for (int i = 0; i < passing; i++) {
		others[i] = item_new(random_u64(&seed));
		if (!growing)
			table_insert(&table, &others[i]->entry);
	}
	do {
		more = table_walk(&table, &cursor, count_seen, NULL);
		for (int n = rand_r(&seed) % 8; n > 0; n--) {
			if (growing && used < passing)
				table_insert(&table, &others[used++]->entry);
			else if (!growing && used > 0)
				table_remove(&table, &others[--used]->entry);
		}
	} while (more);
	for (int i = 0; i < steady; i++) {
		assert_int_equal(kept[i]->seen, 1);
		table_remove(&table, &kept[i]->entry);
		free(kept[i]);
	}
	for (int i = 0; i < passing; i++) {
		assert_true(others[i]->seen <= 1);
		if (i < used)
			table_remove(&table, &others[i]->entry);
		free(others[i]);
	}
	free(kept);
	free(others);
	table_fini(&table);
}

static void
a_walk_sees_what_stays_exactly_once_while_the_table_grows(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++)
		walk_once(seed, (int)(seed * 37), 3000, true);
}

static void
a_walk_sees_what_stays_exactly_once_while_the_table_shrinks(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++)
		walk_once(seed, (int)(seed * 37), 3000, false);
}

static void
a_walk_of_an_empty_table_ends(void **state)
{
	struct table table;
	uint64_t cursor = 0;
	int steps = 1;

	(void)state;
	assert_int_equal(table_init(&table), 0);
	while (table_walk(&table, &cursor, count_seen, NULL))
		steps++;
	assert_int_equal(steps, (int)table.buckets);
	table_fini(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries_are_found_at_every_size),
	    cmocka_unit_test(no_operation_moves_more_than_two_buckets),
	    cmocka_unit_test(equal_hashes_share_a_chain_and_are_told_apart),
	    cmocka_unit_test(a_walk_sees_what_stays_exactly_once_while_the_table_grows),
	    cmocka_unit_test(a_walk_sees_what_stays_exactly_once_while_the_table_shrinks),
	    cmocka_unit_test(a_walk_of_an_empty_table_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
