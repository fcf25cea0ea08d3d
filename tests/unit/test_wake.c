/* SPDX-License-Identifier: ISC */
/* Wake-ups from other threads and signal handlers, and loops side by side in threads: run under
 * TSan as well. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct shared {
	struct ds_waker waker;
	pthread_mutex_t lock;
	int posted, taken, runs;
};

static void
take_all(struct ds_waker *waker, void *arg)
{
	struct shared *shared = arg;

	(void)waker;
	pthread_mutex_lock(&shared->lock);
	shared->taken = shared->posted;
	pthread_mutex_unlock(&shared->lock);
	shared->runs++;
}

enum { THREADS = 4, POSTS = 5000 };

static void *
post(void *arg)
{
	struct shared *shared = arg;

	for (int i = 0; i < POSTS; i++) {
		pthread_mutex_lock(&shared->lock);
		shared->posted++;
		pthread_mutex_unlock(&shared->lock);
		ds_wake(&shared->waker);
	}
	return NULL;
}

static void
nothing_that_was_posted_before_a_wake_is_missed(void **state)
{
	struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS];

	assert_int_equal(ds_waker_init(&shared.waker, *state, take_all, &shared), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post, &shared), 0);
	ds_loop_set_timeout(*state, 1000);
	while (shared.taken < THREADS * POSTS)
		assert_int_equal(ds_loop_turn(*state), 1);
	ds_loop_set_timeout(*state, 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(shared.runs <= THREADS * POSTS);
	ds_close(&shared.waker.sock, "done");
	step(*state, 1);
}

static void
a_thousand_wakes_run_once(void **state)
{
	struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

	assert_int_equal(ds_waker_init(&shared.waker, *state, take_all, &shared), 0);
	for (int i = 0; i < 100000; i++)
		ds_wake(&shared.waker); /* more than any pipe takes: none blocks */
	step(*state, 5);
	assert_int_equal(shared.runs, 1);
	ds_wake(&shared.waker);
	step(*state, 1);
	assert_int_equal(shared.runs, 2);
	ds_close(&shared.waker.sock, "done");
	step(*state, 1);
}

static const struct ds_waker *from_handler;

static void
handler(int signo)
{
	(void)signo;
	ds_wake(from_handler);
}

static void
a_signal_handler_may_wake(void **state)
{
	struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

	assert_int_equal(ds_waker_init(&shared.waker, *state, take_all, &shared), 0);
	from_handler = &shared.waker;
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	step(*state, 1);
	assert_int_equal(shared.runs, 1);
	ds_close(&shared.waker.sock, "done");
	step(*state, 1);
}

/* A loop in each thread that passes a byte round a pair, with timers and wake-ups of its own. */

struct runner {
	struct ds_loop *loop;
	struct ds_timer timer;
	int passes, ticks;
};

static void
tick(struct ds_timer *timer, void *arg)
{
	((struct runner *)arg)->ticks++;
	ds_timer_add(timer, 0);
}

static void
pass_on(struct ds_sock *sock)
{
	struct runner *runner = ds_data(sock);
	char c;

	if (ds_read(sock, &c, 1) != 1)
		return;
	if (++runner->passes == 2000)
		ds_loop_stop(sock->loop);
	else
		ds_write(sock, &c, 1);
}

static void *
run_loop(void *arg)
{
	static const struct ds_ops ops = {.name = "passer", .event_read = pass_on};
	struct runner *runner = arg;
	struct ds_sock socks[2];
	int fds[2];

	runner->loop = ds_loop_new();
	unix_pair(fds);
	for (int i = 0; i < 2; i++) {
		ds_sock_init(&socks[i], runner->loop, &ops, fds[i], DS_READ);
		ds_set_data(&socks[i], runner);
	}
	ds_timer_init(&runner->timer, runner->loop, tick, runner);
	ds_timer_add(&runner->timer, 0);
	ds_write(&socks[0], "x", 1);
	ds_loop_run(runner->loop);
	ds_loop_free(runner->loop);
	return NULL;
}

static void
loops_in_threads_do_not_know_of_each_other(void **state)
{
	pthread_t threads[THREADS];
	struct runner runners[THREADS] = {0};

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_loop, &runners[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(runners[i].passes, 2000);
		assert_true(runners[i].ticks > 100);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(nothing_that_was_posted_before_a_wake_is_missed),
	    UNIT(a_thousand_wakes_run_once),
	    UNIT(a_signal_handler_may_wake),
	    UNIT(loops_in_threads_do_not_know_of_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
