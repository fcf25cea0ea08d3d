/* SPDX-License-Identifier: ISC */
/*
 * Timers: their order, cancelling and adding from callbacks, one run a turn, never early, and
 * random operations beside a naive reference.
 */
#include "support.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000000 };

/* Timers with a letter each, and the order in which they ran. */
static struct lettered {
	struct ds_timer timer;
	char letter;
	void (*then)(struct lettered *);
	struct lettered *other;
} l[6];

static char order[64];

static int64_t
clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
}

static void
log_letter(struct ds_timer *timer, void *arg)
{
	struct lettered *self = arg;
	size_t len = strlen(order);

	assert_ptr_equal(timer, &self->timer);
	assert_false(ds_timer_pending(timer));
	if (len + 1 < sizeof(order))
		order[len] = self->letter;
	if (self->then != NULL)
		self->then(self);
}

static void
letters_init(struct ds_loop *loop)
{
	memset(order, 0, sizeof(order));
	memset(l, 0, sizeof(l));
	for (size_t i = 0; i < sizeof(l) / sizeof(l[0]); i++) {
		l[i].letter = (char)('a' + i);
		ds_timer_init(&l[i].timer, loop, log_letter, &l[i]);
	}
}

static void
timers_run_in_order_of_time_and_first_come_first_on_ties(void **state)
{
	int64_t now = ds_loop_now(*state);

	letters_init(*state);
	ds_timer_add_at(&l[0].timer, now + 30);
	ds_timer_add_at(&l[1].timer, now + 10);
	ds_timer_add_at(&l[2].timer, now + 20);
	ds_timer_add_at(&l[3].timer, now + 10);
	ds_timer_add_at(&l[4].timer, now + 20);
	ds_timer_add_at(&l[5].timer, now + 10);
	step(*state, 1);
	assert_string_equal(order, "bdfcea");
}

static void
one_that_is_not_due_waits(void **state)
{
	letters_init(*state);
	ds_timer_add(&l[0].timer, 3600 * 1000);
	ds_timer_add(&l[1].timer, INT64_MAX);
	step(*state, 3);
	assert_string_equal(order, "");
	assert_true(ds_timer_pending(&l[0].timer));
	assert_true(ds_timer_pending(&l[1].timer));
	ds_timer_cancel(&l[0].timer);
	ds_timer_cancel(&l[0].timer);
	assert_false(ds_timer_pending(&l[0].timer));
}

static void
cancel_self(struct lettered *self)
{
	ds_timer_cancel(&self->timer);
}

static void
cancel_other(struct lettered *self)
{
	ds_timer_cancel(&self->other->timer);
}

static void
a_timer_may_cancel_itself_and_its_sibling(void **state)
{
	int64_t now = ds_loop_now(*state);

	letters_init(*state);
	for (int i = 0; i < 4; i++)
		ds_timer_add_at(&l[i].timer, now);
	l[0].then = cancel_self;
	l[1].then = cancel_other;
	l[1].other = &l[2];
	l[3].then = cancel_other;
	l[3].other = &l[0]; /* which ran */
	step(*state, 1);
	assert_string_equal(order, "abd");
	for (int i = 0; i < 4; i++)
		assert_false(ds_timer_pending(&l[i].timer));
}

static void
add_at_once(struct lettered *self)
{
	assert_int_equal(ds_timer_add(&self->timer, 0), 0);
}

static void
add_in_the_past(struct lettered *self)
{
	assert_int_equal(ds_timer_add_at(&self->timer, 0), 0);
}

static void
one_that_adds_itself_with_no_delay_runs_once_a_turn(void **state)
{
	letters_init(*state);
	l[0].then = add_at_once;
	l[1].then = add_in_the_past;
	add_at_once(&l[0]);
	add_at_once(&l[1]);
	for (size_t turn = 1; turn <= 5; turn++) {
		step(*state, 1);
		assert_int_equal(strlen(order), 2 * turn);
	}
}

static void
ones_that_add_themselves_in_the_past_starve_nobody(void **state)
{
	letters_init(*state);
	l[0].then = l[1].then = add_in_the_past;
	add_in_the_past(&l[0]);
	add_in_the_past(&l[1]);
	step(*state, 1);
	add_at_once(&l[2]);
	step(*state, 1);
	assert_string_equal(order, "ababc");
}

static void
a_pending_one_is_moved(void **state)
{
	int64_t now = ds_loop_now(*state);

	letters_init(*state);
	ds_timer_add_at(&l[0].timer, now + 1);
	ds_timer_add_at(&l[1].timer, now + 2);
	ds_timer_add_at(&l[2].timer, now + 3600 * (int64_t)1000 * NS_PER_MS);
	ds_timer_add_at(&l[0].timer, now + 3); /* back */
	ds_timer_add_at(&l[2].timer, now + 1); /* forward */
	step(*state, 1);
	assert_string_equal(order, "cba");
	assert_false(ds_timer_pending(&l[0].timer));
	step(*state, 1);
	assert_string_equal(order, "cba");
}

static void
move_other(struct lettered *self)
{
	ds_timer_add(&self->other->timer, 0);
}

static void
one_that_is_due_and_moved_by_its_sibling_runs_in_the_next_turn(void **state)
{
	letters_init(*state);
	ds_timer_add(&l[0].timer, 0);
	ds_timer_add(&l[1].timer, 0);
	l[0].then = move_other;
	l[0].other = &l[1];
	step(*state, 1);
	assert_string_equal(order, "a");
	step(*state, 1);
	assert_string_equal(order, "ab");
}

struct due {
	struct ds_timer timer;
	int64_t at;
	bool ran;
};

static void
note_due(struct ds_timer *timer, void *arg)
{
	struct due *due = arg;

	(void)timer;
	assert_true(clock_ns() >= due->at);
	assert_true(ds_loop_now(timer->loop) >= due->at);
	due->ran = true;
}

static void
no_timer_is_early_and_the_wait_ends_for_each(void **state)
{
	enum { COUNT = 20 };
	static struct due due[COUNT];

	for (int i = 0; i < COUNT; i++) {
		ds_timer_init(&due[i].timer, *state, note_due, &due[i]);
		due[i].ran = false;
		due[i].at = clock_ns() + i * 700000;
		ds_timer_add_at(&due[i].timer, due[i].at);
	}
	int turns = 0;
	ds_loop_set_timeout(*state, -1);
	for (; ds_timer_pending(&due[COUNT - 1].timer) && turns < 1000; turns++)
		assert_int_equal(ds_loop_turn(*state), 1);
	assert_in_range(turns, 1, COUNT * 2); /* it slept in between */
	for (int i = 0; i < COUNT; i++)
		assert_true(due[i].ran);
}

static void
a_delay_counts_from_the_call_and_not_from_the_turn(void **state)
{
	static struct due due;

	ds_timer_init(&due.timer, *state, note_due, &due);
	step(*state, 1);
	nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
	due.at = clock_ns() + 5 * NS_PER_MS;
	ds_timer_add(&due.timer, 5);
	ds_loop_set_timeout(*state, -1);
	while (!due.ran)
		ds_loop_turn(*state);
}

/* The reference: a plain array that is searched from end to end. */
enum { MODEL_TIMERS = 300, MODEL_STEPS = 10000 };

static struct model {
	struct ds_loop *loop;
	struct ds_timer timer[MODEL_TIMERS];
	bool pending[MODEL_TIMERS];
	int64_t at[MODEL_TIMERS];
	uint64_t seq[MODEL_TIMERS], next_seq, turn_limit;
	int runs;
} model;

static int
model_first(void)
{
	int best = -1;

	for (int i = 0; i < MODEL_TIMERS; i++) {
		if (!model.pending[i])
			continue;
		if (best == -1 || model.at[i] < model.at[best] ||
		    (model.at[i] == model.at[best] && model.seq[i] < model.seq[best]))
			best = i;
	}
	return best;
}

static void
model_add(int i, int64_t at)
{
	int64_t now = ds_loop_now(model.loop);

	assert_int_equal(ds_timer_add_at(&model.timer[i], at), 0);
	model.at[i] = at < now ? now : at;
	model.seq[i] = model.next_seq++;
	model.pending[i] = true;
}

static void
model_random_step(void)
{
	int i = (int)(random() % MODEL_TIMERS);
	int64_t now = ds_loop_now(model.loop);

	assert_int_equal(ds_timer_pending(&model.timer[i]), model.pending[i]);
	if (random() % 3 == 0) {
		ds_timer_cancel(&model.timer[i]);
		model.pending[i] = false;
	} else if (random() % 10 == 0) {
		model_add(i, now + 3600 * (int64_t)1000 * NS_PER_MS);
	} else {
		/* Few different times, so that there are ties, and some in the past. */
		model_add(i, now + (random() % 40 - 10) * 20000);
	}
}

static void
model_run(struct ds_timer *timer, void *arg)
{
	int i = (int)(timer - model.timer);

	(void)arg;
	assert_int_equal(i, model_first());
	assert_true(model.at[i] <= ds_loop_now(model.loop));
	assert_true(model.seq[i] < model.turn_limit);
	model.pending[i] = false;
	model.runs++;
	if (random() % 2 == 0)
		model_random_step();
}

static void
model_turn(void)
{
	model.turn_limit = model.next_seq;
	step(model.loop, 1);
	/* The first that is left is not due, or came in this turn. */
	int first = model_first();
	assert_true(first == -1 || model.at[first] > ds_loop_now(model.loop) ||
		    model.seq[first] >= model.turn_limit);
}

static void
random_operations_agree_with_a_naive_reference(void **state)
{
	memset(&model, 0, sizeof(model));
	model.loop = *state;
	srandom(7);
	for (int i = 0; i < MODEL_TIMERS; i++)
		ds_timer_init(&model.timer[i], *state, model_run, NULL);
	for (int i = 0; i < MODEL_STEPS; i++) {
		model_random_step();
		if (random() % 8 == 0)
			model_turn();
	}
	assert_in_range(model.runs, MODEL_STEPS / 20, MODEL_STEPS);
}

static void
freeing_the_loop_cancels_what_is_pending(void **state)
{
	struct ds_loop *loop = ds_loop_new();

	(void)state;
	letters_init(loop);
	add_at_once(&l[0]);
	ds_loop_free(loop);
	assert_false(ds_timer_pending(&l[0].timer));
	ds_timer_cancel(&l[0].timer);
	assert_string_equal(order, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(timers_run_in_order_of_time_and_first_come_first_on_ties),
	    UNIT(one_that_is_not_due_waits),
	    UNIT(a_timer_may_cancel_itself_and_its_sibling),
	    UNIT(one_that_adds_itself_with_no_delay_runs_once_a_turn),
	    UNIT(ones_that_add_themselves_in_the_past_starve_nobody),
	    UNIT(a_pending_one_is_moved),
	    UNIT(one_that_is_due_and_moved_by_its_sibling_runs_in_the_next_turn),
	    UNIT(no_timer_is_early_and_the_wait_ends_for_each),
	    UNIT(a_delay_counts_from_the_call_and_not_from_the_turn),
	    UNIT(random_operations_agree_with_a_naive_reference),
	    UNIT(freeing_the_loop_cancels_what_is_pending),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
