/* SPDX-License-Identifier: ISC */
/*
 * Timers on a clock that jumps: the program stalls, waits are interrupted, callbacks add, move and
 * cancel. Beside the library's heap there is a plain list of what is pending.
 */
#include "dsock.h"
#include "sim.h"

#include <string.h>

enum { TIMERS = 24, CHANGES = 300, DELAY_MAX_MS = 400 };

struct timed {
	struct ds_timer timer;
	bool pending;
	int64_t due_ns;
	uint64_t order;	    /* of being added */
	unsigned turn;	    /* in which it was added */
	unsigned ran_in;    /* turn, plus one */
	unsigned stalls;    /* before it was added */
	int64_t soonest_ns; /* it can run */
};

static struct {
	struct ds_loop *loop;
	struct timed timers[TIMERS];
	unsigned turn, stalls, changes;
	uint64_t order;
	size_t pending;
} t;

static bool
before(const struct timed *a, const struct timed *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void
add(struct timed *timed)
{
	int64_t delay_ms = sim_random(3) == 0 ? sim_random(3) : sim_random(DELAY_MAX_MS);
	int64_t due_ns = sim_now() + delay_ms * SIM_MS;

	if (sim_random(4) == 0) {
		due_ns = sim_now() + (int64_t)sim_random(DELAY_MAX_MS * 1000) * 1000 - 20 * SIM_MS;
		assert_int_equal(ds_timer_add_at(&timed->timer, due_ns), 0);
	} else {
		assert_int_equal(ds_timer_add(&timed->timer, delay_ms), 0);
	}
	t.pending += !timed->pending;
	timed->pending = true;
	timed->due_ns = due_ns < ds_loop_now(t.loop) ? ds_loop_now(t.loop) : due_ns;
	timed->order = t.order++;
	timed->turn = t.turn;
	timed->stalls = t.stalls;
	timed->soonest_ns = due_ns < sim_now() ? sim_now() : due_ns;
}

static void
cancel(struct timed *timed)
{
	ds_timer_cancel(&timed->timer);
	t.pending -= timed->pending;
	timed->pending = false;
}

/* Adds, moves, cancels, stalls. */
static void
change(void)
{
	struct timed *timed = &t.timers[sim_random(TIMERS)];

	if (t.changes == 0)
		return;
	t.changes--;
	switch (sim_random(8)) {
	case 0:
		cancel(timed);
		break;
	case 1:
		t.stalls++;
		sim_advance(sim_random(2 * DELAY_MAX_MS) * SIM_MS / 2);
		break;
	default:
		add(timed);
	}
}

static void
check_order(const struct timed *ran)
{
	for (size_t i = 0; i < TIMERS; i++) {
		const struct timed *other = &t.timers[i];

		if (other->pending && other != ran && before(other, ran))
			assert_int_equal(other->turn, t.turn); /* too late for this one */
	}
}

static void
run_timer(struct ds_timer *timer, void *arg)
{
	struct timed *timed = arg;

	assert_ptr_equal(timer, &timed->timer);
	assert_true(timed->pending);
	assert_false(ds_timer_pending(timer));
	assert_true(ds_loop_now(t.loop) >= timed->due_ns);
	if (timed->stalls == t.stalls)
		assert_true(sim_now() < timed->soonest_ns + SIM_MS);
	assert_int_not_equal(timed->ran_in, t.turn + 1);
	timed->ran_in = t.turn + 1;
	check_order(timed);
	timed->pending = false;
	t.pending--;
	if (sim_random(4) == 0)
		add(timed);
	for (uint32_t i = sim_random(3); i > 0; i--)
		change();
	if (t.changes == 0 && timed->pending)
		cancel(timed);
}

static bool
after_turn(struct ds_loop *loop, void *arg)
{
	(void)loop;
	(void)arg;
	t.turn++;
	for (size_t i = 0; i < TIMERS; i++)
		assert_int_equal(ds_timer_pending(&t.timers[i].timer), t.timers[i].pending);
	do
		change();
	while (t.changes > 0 && t.pending == 0);
	return t.pending > 0;
}

static void
one_run(uint64_t seed)
{
	sim_begin(seed);
	sim_random_faults();
	memset(&t, 0, sizeof(t));
	t.loop = ds_loop_new();
	assert_non_null(t.loop);
	t.changes = sim_random(CHANGES);
	for (size_t i = 0; i < TIMERS; i++) {
		ds_timer_init(&t.timers[i].timer, t.loop, run_timer, &t.timers[i]);
		if (sim_random(2) == 0)
			add(&t.timers[i]);
	}
	ds_loop_set_post(t.loop, after_turn, NULL);
	/* A timer that got lost would leave the loop waiting for ever. */
	if (t.pending > 0)
		assert_int_equal(ds_loop_run(t.loop), 0);
	ds_loop_free(t.loop);
	sim_end();
}

static void
timers_run_in_order_and_once_and_never_early(void **state)
{
	(void)state;
	sim_runs(4000, one_run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(timers_run_in_order_and_once_and_never_early),
	};

	return SIM_MAIN("timers", tests);
}
