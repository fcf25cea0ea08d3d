/* SPDX-License-Identifier: ISC */
/* The lock table: who gets what, limits, walks; and against a naive reference, at random. */
#include "locks.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
	struct locks *locks;
	struct lock_quota quota;
	struct lock_owner a, b;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->locks = locks_new();
	lock_owner_init(&f->a, &f->quota);
	lock_owner_init(&f->b, &f->quota);
	*state = f;
	return f->locks == NULL;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	locks_owner_gone(f->locks, &f->a, 0);
	locks_owner_gone(f->locks, &f->b, 0);
	assert_int_equal(locks_count(f->locks), 0);
	assert_int_equal(f->quota.stakes, 0);
	locks_free(f->locks);
	free(f);
	return 0;
}

static enum lock_result
try(struct fixture *f, struct lock_owner *owner, const char *name)
{
	return locks_try(f->locks, owner, name, strlen(name), 0);
}

static enum lock_result
release(struct fixture *f, struct lock_owner *owner, const char *name)
{
	return locks_release(f->locks, owner, name, strlen(name), 0);
}

static void
a_lock_is_exclusive_also_against_its_owner(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(try(f, &f->a, "x"), LOCK_OK);
	assert_int_equal(try(f, &f->b, "x"), LOCK_TAKEN);
	assert_int_equal(try(f, &f->a, "x"), LOCK_TAKEN);
	assert_int_equal(f->a.n_held, 1);
	assert_int_equal(f->b.n_held, 0);
}

static void
only_the_owner_can_release(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(try(f, &f->a, "x"), LOCK_OK);
	assert_int_equal(release(f, &f->b, "x"), LOCK_NOT_HELD);
	assert_int_equal(release(f, &f->a, "y"), LOCK_NOT_HELD);
	assert_int_equal(release(f, &f->a, "x"), LOCK_OK);
	assert_int_equal(release(f, &f->a, "x"), LOCK_NOT_HELD);
	assert_int_equal(try(f, &f->b, "x"), LOCK_OK);
}

static void
release_all_leaves_the_others_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(try(f, &f->a, "x"), LOCK_OK);
	assert_int_equal(try(f, &f->a, "y"), LOCK_OK);
	assert_int_equal(try(f, &f->b, "z"), LOCK_OK);
	locks_owner_gone(f->locks, &f->a, 0);
	assert_int_equal(f->a.n_held, 0);
	assert_int_equal(locks_count(f->locks), 1);
	assert_int_equal(try(f, &f->b, "x"), LOCK_OK);
	assert_int_equal(try(f, &f->a, "z"), LOCK_TAKEN);
}

static void
names_are_compared_as_bytes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(locks_try(f->locks, &f->a, "a\0b", 3, 0), LOCK_OK);
	assert_int_equal(locks_try(f->locks, &f->b, "a\0c", 3, 0), LOCK_OK);
	assert_int_equal(locks_try(f->locks, &f->b, "a", 1, 0), LOCK_OK);
	assert_int_equal(locks_try(f->locks, &f->b, "A", 1, 0), LOCK_OK);
	assert_int_equal(locks_try(f->locks, &f->b, "a\0b", 3, 0), LOCK_TAKEN);
}

static void
set_limits(struct fixture *f, size_t max, size_t max_per_owner)
{
	locks_set_limits(f->locks, &(struct lock_limits){.max = max,
				       .max_per_owner = max_per_owner,
				       .max_waits_per_owner = 100,
				       .max_waiters = 100});
}

static void
each_limit_has_its_result_and_takes_nothing_away(void **state)
{
	struct fixture *f = *state;

	set_limits(f, 3, 2);
	assert_int_equal(try(f, &f->a, "1"), LOCK_OK);
	assert_int_equal(try(f, &f->a, "2"), LOCK_OK);
	assert_int_equal(try(f, &f->a, "3"), LOCK_OWNER_FULL);
	assert_int_equal(try(f, &f->b, "3"), LOCK_OK);
	assert_int_equal(try(f, &f->b, "4"), LOCK_TABLE_FULL);
	assert_int_equal(
	    try(f, &f->b, "1"), LOCK_TAKEN); /* says what is true before what is full */
	set_limits(f, 100, 100);
	f->quota.max = 3;
	assert_int_equal(try(f, &f->b, "4"), LOCK_QUOTA_FULL);
	set_limits(f, 1, 1);
	assert_int_equal(locks_count(f->locks), 3);
	f->quota.max = 0;
	set_limits(f, 100, 100);
	assert_int_equal(try(f, &f->b, "4"), LOCK_OK);
}

static void
a_place_finds_its_lock_while_it_is_held(void **state)
{
	struct fixture *f = *state;
	size_t len;

	assert_int_equal(try(f, &f->a, "somewhere"), LOCK_OK);
	const struct lock *lock = locks_find(f->locks, "somewhere", 9);
	uint64_t place = lock_place(lock);
	assert_ptr_equal(locks_at(f->locks, place), lock);
	assert_memory_equal(lock_name(locks_at(f->locks, place), &len), "somewhere", 9);
	assert_int_equal(len, 9);
	assert_int_equal(locks_place(f->locks, "somewhere", 9), place);
	struct grant_view view;
	grant_view(lock_first_holder(lock), &view);
	assert_ptr_equal(view.owner, &f->a);
	assert_int_equal(release(f, &f->a, "somewhere"), LOCK_OK);
	assert_null(locks_at(f->locks, place));
}

/* The hash is keyed: names that collide in one process do not in the next. */
static void
two_tables_hash_differently(void **state)
{
	struct fixture *f = *state;
	struct locks *other = locks_new();
	struct lock_quota quota = {0};
	struct lock_owner owner;

	lock_owner_init(&owner, &quota);

	assert_int_equal(try(f, &f->a, "name"), LOCK_OK);
	assert_int_equal(locks_try(other, &owner, "name", 4, 0), LOCK_OK);
	assert_int_not_equal(locks_place(f->locks, "name", 4), locks_place(other, "name", 4));
	locks_owner_gone(other, &owner, 0);
	locks_free(other);
}

enum { NAMES = 300, OWNERS = 5, STEPS = 400000 };

struct model {
	int holder[NAMES]; /* -1: free */
	size_t held[OWNERS];
};

static void
count_visit(const struct lock *lock, void *arg)
{
	(void)lock;
	++*(size_t *)arg;
}

static void
random_operations_agree_with_a_naive_table(void **state)
{
	struct locks *locks = locks_new();
	struct lock_quota quota = {0};
	struct lock_owner owners[OWNERS] = {0};
	struct model model = {0};
	unsigned seed = 20260501;
	char name[32];

	(void)state;
	for (int i = 0; i < NAMES; i++)
		model.holder[i] = -1;
	for (int i = 0; i < OWNERS; i++)
		lock_owner_init(&owners[i], &quota);
	for (int step = 0; step < STEPS; step++) {
		int who = rand_r(&seed) % OWNERS, which = rand_r(&seed) % NAMES;
		size_t len = (size_t)snprintf(name, sizeof(name), "name-%d", which);

		switch (rand_r(&seed) % 64) {
		case 0:
			locks_owner_gone(locks, &owners[who], 0);
			for (int i = 0; i < NAMES; i++)
				if (model.holder[i] == who)
					model.holder[i] = -1;
			model.held[who] = 0;
			break;
		case 1 ... 36:
			assert_int_equal(locks_try(locks, &owners[who], name, len, 0),
			    model.holder[which] == -1 ? LOCK_OK : LOCK_TAKEN);
			if (model.holder[which] == -1) {
				model.holder[which] = who;
				model.held[who]++;
			}
			break;
		default:
			assert_int_equal(locks_release(locks, &owners[who], name, len, 0),
			    model.holder[which] == who ? LOCK_OK : LOCK_NOT_HELD);
			if (model.holder[which] == who) {
				model.holder[which] = -1;
				model.held[who]--;
			}
		}
		assert_int_equal(owners[who].n_held, model.held[who]);
		if (step % 1000 == 0) {
			size_t seen = 0, sum = 0;
			uint64_t cursor = 0;
			while (locks_walk(locks, &cursor, count_visit, &seen))
				;
			for (int i = 0; i < OWNERS; i++)
				sum += model.held[i];
			assert_int_equal(seen, sum);
			assert_int_equal(locks_count(locks), sum);
			assert_int_equal(quota.stakes, sum);
		}
	}
	for (int i = 0; i < OWNERS; i++)
		locks_owner_gone(locks, &owners[i], 0);
	locks_free(locks);
}

/* Deadlines of one and the same time. */

enum { LEASES = 64, SECOND_MS = 1000 };

static enum lock_result
acquire(struct fixture *f, struct lock_owner *owner, unsigned n, const struct lock_request *terms)
{
	char text[20];
	struct lock_text name = {text, (size_t)snprintf(text, sizeof(text), "lock%u", n)};
	struct lock_request request = *terms;
	struct lock_answer answer;

	request.names = &name;
	request.n_names = 1;
	return locks_acquire(f->locks, owner, &request, 0, &answer);
}

/* In memory that was given back from both ends to the middle, so not in the order of addresses. */
static void
take_leases(struct fixture *f)
{
	const struct lock_request terms = {.lease_ms = SECOND_MS};

	f->quota.max_detached = LEASES;
	for (unsigned n = 0; n < LEASES; n++)
		assert_int_equal(acquire(f, &f->a, n, &terms), LOCK_OK);
	for (unsigned n = 0; n < LEASES; n++) {
		char name[20];

		snprintf(name, sizeof(name), "lock%u", n % 2 == 0 ? n / 2 : LEASES - 1 - n / 2);
		assert_int_equal(release(f, &f->a, name), LOCK_OK);
	}
	for (unsigned n = 0; n < LEASES; n++)
		assert_int_equal(acquire(f, &f->a, n, &terms), LOCK_OK);
}

static void
note_end(void *arg, const struct grant *grant, enum lock_end how, int64_t now_ns)
{
	uint64_t *last = arg;
	struct grant_view view;

	(void)how;
	(void)now_ns;
	grant_view(grant, &view);
	assert_true(view.token > *last);
	*last = view.token;
}

static void
leases_of_one_deadline_end_in_the_order_of_their_grants(void **state)
{
	struct fixture *f = *state;
	uint64_t last = 0;
	const struct lock_observer observer = {.arg = &last, .ended = note_end};

	take_leases(f);
	locks_set_observer(f->locks, &observer);
	assert_true(locks_due(f->locks, SECOND_MS * 1000000LL, SECOND_MS * 1000000LL, LEASES));
	assert_int_equal(last, locks_last_token(f->locks));
	assert_int_equal(locks_count(f->locks), 0);
}

static void
who_waits_up_to_the_end_of_a_lease_gets_it(void **state)
{
	const struct lock_request terms = {
	    .wait_ns = SECOND_MS * 1000000LL, .tag = {"tag", strlen("tag")}};
	const struct lock_request room = {.note = terms.tag};
	struct fixture *f = *state;
	struct claim *claim;

	/* Room before that of the leases, for the waits. */
	for (unsigned n = 0; n < LEASES; n++)
		assert_int_equal(acquire(f, &f->b, LEASES + n, &room), LOCK_OK);
	take_leases(f);
	locks_owner_gone(f->locks, &f->b, 0);
	for (unsigned n = 0; n < LEASES; n++)
		assert_int_equal(acquire(f, &f->b, n, &terms), LOCK_WAITING);
	assert_true(locks_due(f->locks, SECOND_MS * 1000000LL, SECOND_MS * 1000000LL, 2 * LEASES));
	while ((claim = lock_owner_news(&f->b)) != NULL) {
		assert_int_equal(claim_outcome(claim), LOCK_OUTCOME_GRANTED);
		locks_done(f->locks, &f->b, claim);
	}
	assert_int_equal(f->b.n_held, LEASES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_lock_is_exclusive_also_against_its_owner, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(only_the_owner_can_release, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(release_all_leaves_the_others_alone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(names_are_compared_as_bytes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		each_limit_has_its_result_and_takes_nothing_away, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_place_finds_its_lock_while_it_is_held, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(two_tables_hash_differently, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		leases_of_one_deadline_end_in_the_order_of_their_grants, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		who_waits_up_to_the_end_of_a_lease_gets_it, set_up, tear_down),
	    cmocka_unit_test(random_operations_agree_with_a_naive_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
