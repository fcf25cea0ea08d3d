/* SPDX-License-Identifier: ISC */
/* What queues and deadlock checks cost, in steps: the same or in proportion, however many wait. */
#include "locks.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { FEW = 10, MANY = 10000 };

struct crowded {
	struct locks *locks;
	struct lock_observer observer;
	struct lock_quota quota;
	struct lock_owner *owners;
	unsigned n;
	char name[20]; /* the last that was made */
};

static struct crowded *
crowded_new(unsigned n)
{
	const struct lock_limits limits = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
	struct crowded *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->locks = locks_new();
	assert_non_null(c->locks);
	locks_set_limits(c->locks, &limits);
	locks_set_observer(c->locks, &c->observer);
	locks_set_tokens(c->locks, 0, UINT64_MAX);
	c->quota.max_detached = SIZE_MAX;
	c->n = n;
	c->owners = calloc(n, sizeof(c->owners[0]));
	assert_non_null(c->owners);
	for (unsigned i = 0; i < n; i++)
		lock_owner_init(&c->owners[i], &c->quota);
	return c;
}

static void
crowded_free(struct crowded *c)
{
	for (unsigned i = 0; i < c->n; i++)
		locks_owner_gone(c->locks, &c->owners[i], 0);
	assert_int_equal(locks_count(c->locks), 0);
	assert_int_equal(locks_count_waits(c->locks), 0);
	locks_free(c->locks);
	free(c->owners);
	free(c);
}

static struct lock_text
name(struct crowded *c, char letter, unsigned i)
{
	int len = snprintf(c->name, sizeof(c->name), "%c%u", letter, i);

	return (struct lock_text){c->name, (size_t)len};
}

static enum lock_result
acquire(struct crowded *c, unsigned owner, struct lock_text what, enum lock_mode mode)
{
	struct lock_request request = {
	    .names = &what, .n_names = 1, .mode = mode, .slots = 1, .wait_ns = LOCK_FOREVER};
	struct lock_answer answer;

	return locks_acquire(c->locks, &c->owners[owner], &request, 0, &answer);
}

/* How many owners have news, all of which are told. */
static unsigned
told(struct crowded *c)
{
	struct lock_owner *owner;
	unsigned n = 0;

	for (; (owner = locks_news(c->locks)) != NULL; n++)
		locks_done(c->locks, owner, lock_owner_news(owner));
	return n;
}

/* The first owner has "a0", all others wait for it in that mode. */
static struct crowded *
queue_new(unsigned n, enum lock_mode mode)
{
	struct crowded *c = crowded_new(n);

	assert_int_equal(acquire(c, 0, name(c, 'a', 0), LOCK_EXCLUSIVE), LOCK_OK);
	for (unsigned i = 1; i < n; i++)
		assert_int_equal(acquire(c, i, name(c, 'a', 0), mode), LOCK_WAITING);
	return c;
}

static uint64_t
steps_of_release(unsigned n, enum lock_mode mode, unsigned granted)
{
	struct crowded *c = queue_new(n, mode);
	uint64_t before = locks_steps(c->locks), steps;

	assert_int_equal(locks_release(c->locks, &c->owners[0], "a0", 2, 0), LOCK_OK);
	steps = locks_steps(c->locks) - before;
	assert_int_equal(told(c), granted);
	crowded_free(c);
	return steps;
}

static void
a_release_costs_the_same_however_many_wait(void **state)
{
	(void)state;
	assert_int_equal(
	    steps_of_release(FEW, LOCK_EXCLUSIVE, 1), steps_of_release(MANY, LOCK_EXCLUSIVE, 1));
	assert_int_equal(
	    steps_of_release(FEW, LOCK_SLOTS, 1), steps_of_release(MANY, LOCK_SLOTS, 1));
	assert_true(steps_of_release(MANY, LOCK_EXCLUSIVE, 1) > 0);
}

static void
a_release_for_those_who_share_costs_in_proportion_to_them(void **state)
{
	(void)state;
	uint64_t few = steps_of_release(FEW, LOCK_SHARED, FEW - 1);
	uint64_t many = steps_of_release(MANY, LOCK_SHARED, MANY - 1);

	assert_true(many <= 2 * few / (FEW - 1) * MANY);
}

static uint64_t
steps_of_leaving(unsigned n)
{
	const struct lock_text untagged = {NULL, 0};
	struct crowded *c = queue_new(n, LOCK_EXCLUSIVE);
	uint64_t before = locks_steps(c->locks), steps;

	locks_cancel(c->locks, locks_find_wait(&c->owners[n / 2], untagged), 0);
	locks_owner_gone(c->locks, &c->owners[n / 3], 0);
	lock_owner_init(&c->owners[n / 3], &c->quota);
	steps = locks_steps(c->locks) - before;
	assert_int_equal(told(c), 0);
	crowded_free(c);
	return steps;
}

static void
leaving_a_queue_costs_the_same_however_many_wait(void **state)
{
	(void)state;
	assert_int_equal(steps_of_leaving(FEW), steps_of_leaving(MANY));
}

static void
a_whole_queue_is_served_in_proportion_to_it(void **state)
{
	(void)state;
	struct crowded *c = queue_new(MANY, LOCK_EXCLUSIVE);
	uint64_t before = locks_steps(c->locks);

	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(locks_release(c->locks, &c->owners[i], "a0", 2, 0), LOCK_OK);
		assert_int_equal(told(c), i + 1 < MANY);
	}
	assert_in_range(locks_steps(c->locks) - before, MANY - 1, 8 * MANY);
	crowded_free(c);
}

/* Each owner holds its name and waits for the next one's; the last has not asked yet. */
static uint64_t
steps_of_chain(unsigned n)
{
	struct crowded *c = crowded_new(n);
	uint64_t before, steps;

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(acquire(c, i, name(c, 'c', i), LOCK_EXCLUSIVE), LOCK_OK);
	/* from the end, so that each of these finds out in one step */
	for (unsigned i = n - 1; i-- > 0;)
		assert_int_equal(acquire(c, i, name(c, 'c', i + 1), LOCK_EXCLUSIVE), LOCK_WAITING);
	before = locks_steps(c->locks);
	assert_int_equal(acquire(c, n - 1, name(c, 'c', 0), LOCK_EXCLUSIVE), LOCK_DEADLOCK);
	steps = locks_steps(c->locks) - before;
	crowded_free(c);
	return steps;
}

static void
a_chain_is_walked_once(void **state)
{
	(void)state;
	assert_in_range(steps_of_chain(1000), 1000, 6 * 1000);
	assert_in_range(steps_of_chain(MANY), MANY, 6 * MANY);
}

/*
 * N share "s0" and all of them wait for "a0": each stands behind all before it, so that one who
 * looked at every pair would look at N * N / 2.
 */
static uint64_t
steps_of_crowd(unsigned n)
{
	struct crowded *c = crowded_new(n + 2);
	uint64_t before, steps;

	assert_int_equal(acquire(c, n, name(c, 'a', 0), LOCK_EXCLUSIVE), LOCK_OK);
	assert_int_equal(acquire(c, n + 1, name(c, 'z', 0), LOCK_EXCLUSIVE), LOCK_OK);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(acquire(c, i, name(c, 's', 0), LOCK_SHARED), LOCK_OK);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(acquire(c, i, name(c, 'a', 0), LOCK_EXCLUSIVE), LOCK_WAITING);
	before = locks_steps(c->locks);
	assert_int_equal(acquire(c, n + 1, name(c, 's', 0), LOCK_EXCLUSIVE), LOCK_WAITING);
	steps = locks_steps(c->locks) - before;
	crowded_free(c);
	return steps;
}

static void
a_crowd_is_visited_once(void **state)
{
	(void)state;
	assert_in_range(steps_of_crowd(100), 100, 6 * 100);
	assert_in_range(steps_of_crowd(1000), 1000, 6 * 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_release_costs_the_same_however_many_wait),
	    cmocka_unit_test(a_release_for_those_who_share_costs_in_proportion_to_them),
	    cmocka_unit_test(leaving_a_queue_costs_the_same_however_many_wait),
	    cmocka_unit_test(a_whole_queue_is_served_in_proportion_to_it),
	    cmocka_unit_test(a_chain_is_walked_once),
	    cmocka_unit_test(a_crowd_is_visited_once),
	};

	return cmocka_run_group_tests_name("what queues cost", tests, NULL, NULL);
}
