/* SPDX-License-Identifier: ISC */
/*
 * Every allocation and every system call of the library fails once, in turn: at worst one
 * connection is dropped, the loop goes on, the others are served, and nothing is left behind.
 */
#include "echo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TALKS = 3, LINES = 5 };

static struct echo_world world;

static bool
was_served(size_t index)
{
	return strcmp(world.talks[index].in, world.expected[index]) == 0;
}

/* Plays the talks; when they are over, new ones until one was served. */
static int64_t
play_and_try_again(void *arg)
{
	int64_t next = talk_step_all(world.talks, world.n);

	(void)arg;
	if (!talk_all_over(world.talks, world.n))
		return next;
	if (world.n > TALKS && was_served(world.n - 1)) {
		ds_loop_stop(world.server.loop);
		return next;
	}
	assert_true(world.n < ECHO_TALKS);
	echo_script(&world, world.n++, LINES);
	return sim_now();
}

static void
check_talks(void)
{
	size_t dropped = 0;

	for (size_t i = 0; i < world.n; i++) {
		const struct talk *talk = &world.talks[i];

		assert_memory_equal(talk->in, world.expected[i], talk->in_len);
		dropped += !was_served(i);
	}
	assert_true(dropped <= (sim_failed() ? 1 : 0));
}

static void
echo_with_a_failure(void)
{
	sim_set_faults(&(struct sim_faults){.buffer = 150});
	world.server.push_back = true;
	for (world.n = 0; world.n < TALKS; world.n++)
		echo_script(&world, world.n, LINES);
	if (echo_open(&world.server) == -1) {
		assert_true(sim_failed());
		return;
	}
	sim_set_world(play_and_try_again, NULL);
	assert_int_equal(ds_loop_run(world.server.loop), 0);
	assert_true(ds_timer_pending(&world.server.tick));
	check_talks();
	sim_set_world(NULL, NULL);
	echo_close(&world.server);
}

static void
a_server_survives_whatever_fails_once(void **state)
{
	(void)state;
	assert_true(sim_fail_each(1, echo_with_a_failure) > 100);
}

/* Pauses of the listener: it tries ten times a second and does not spin. */

static unsigned accepts_failing;

static int64_t
no_descriptors_for_a_while(void *arg)
{
	int64_t begun = *(int64_t *)arg;

	if (sim_now() < begun + 10 * SIM_S) {
		sim_set_faults(&(struct sim_faults){.accept = 1000});
		talk_step_all(world.talks, world.n);
		return begun + 10 * SIM_S;
	}
	if (accepts_failing == 0)
		accepts_failing = sim_calls(SIM_ACCEPT);
	sim_set_faults(&(struct sim_faults){0});
	return echo_play(&world);
}

static void
a_listener_without_descriptors_waits_and_goes_on(void **state)
{
	(void)state;
	sim_begin(3);
	world.n = TALKS;
	for (size_t i = 0; i < TALKS; i++)
		echo_script(&world, i, LINES);
	assert_int_equal(echo_open(&world.server), 0);
	int64_t begun = sim_now();
	accepts_failing = 0;
	sim_set_world(no_descriptors_for_a_while, &begun);
	assert_int_equal(ds_loop_run(world.server.loop), 0);
	assert_in_range(accepts_failing, 90, 250);
	assert_true(world.server.pauses > 0);
	check_talks();
	echo_close(&world.server);
	sim_end();
}

static unsigned
pauses_after(int error)
{
	sim_begin(1);
	world.n = 1;
	echo_script(&world, 0, LINES);
	assert_int_equal(echo_open(&world.server), 0);
	sim_fail(SIM_ACCEPT, 1, error);
	sim_set_world(echo_play, &world);
	assert_int_equal(ds_loop_run(world.server.loop), 0);
	assert_true(sim_failed());
	assert_true(was_served(0));
	echo_close(&world.server);
	sim_end();
	return world.server.pauses;
}

static void
an_aborted_connection_is_no_reason_to_pause(void **state)
{
	(void)state;
	assert_int_equal(pauses_after(ECONNABORTED), 0);
	assert_int_equal(pauses_after(EPROTO), 0);
	assert_int_equal(pauses_after(EMFILE), 1);
	assert_int_equal(pauses_after(ENOMEM), 1);
}

/* The parts that the server does not use. */

static unsigned fd_events, signals_seen;

static void
on_fd(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	char buf[8];

	(void)arg;
	assert_true(events & DS_READ);
	if (read(fd, buf, sizeof(buf)) == 5) {
		fd_events++;
		assert_int_equal(ds_fd_cancel(loop, fd), 0);
		ds_loop_stop(loop);
	}
}

static void
on_signal(struct ds_signal *signal, int signo, void *arg)
{
	assert_int_equal(signo, SIGUSR1);
	signals_seen++;
	ds_signal_cancel(signal);
	ds_loop_stop(arg);
}

static bool
is_blocked(int signo)
{
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	return sigismember(&mask, signo) == 1;
}

static void
use_signals(struct ds_loop *loop)
{
	struct ds_signal usr1, usr2;

	/* One that cannot be watched for is not touched, and harms no other. */
	if (ds_signal_add(&usr2, loop, SIGUSR2, on_signal, loop) == 0)
		ds_signal_cancel(&usr2);
	assert_false(is_blocked(SIGUSR2));
	if (ds_signal_add(&usr1, loop, SIGUSR1, on_signal, loop) == -1) {
		assert_true(sim_failed());
		assert_false(is_blocked(SIGUSR1));
		assert_int_equal(ds_signal_add(&usr1, loop, SIGUSR1, on_signal, loop), 0);
	}
	signals_seen = 0;
	sim_raise(SIGUSR2);
	sim_raise(SIGUSR1);
	assert_int_equal(ds_loop_run(loop), 0);
	assert_int_equal(signals_seen, 1);
	assert_false(is_blocked(SIGUSR1));
	assert_true(sim_pending(SIGUSR2)); /* not taken for nobody */
}

static void
use_descriptors(struct ds_loop *loop)
{
	int fd;
	struct sim_peer *peer = sim_pair(&fd);

	fd_events = 0;
	sim_peer_send(peer, "hello", 5);
	if (ds_fd_add(loop, fd, DS_READ, on_fd, NULL) == -1) {
		assert_true(sim_failed());
		assert_null(ds_loop_sock(loop, fd));
		assert_int_equal(ds_fd_add(loop, fd, DS_READ, on_fd, NULL), 0);
	}
	assert_int_equal(ds_loop_run(loop), 0);
	assert_int_equal(fd_events, 1);
	close(fd);
}

static void
other_parts_with_a_failure(void)
{
	struct ds_loop *loop = ds_loop_new();

	if (loop == NULL) {
		assert_true(sim_failed());
		return;
	}
	use_signals(loop);
	use_descriptors(loop);
	ds_loop_free(loop);
}

static void
signals_and_other_descriptors_survive_whatever_fails_once(void **state)
{
	(void)state;
	assert_true(sim_fail_each(1, other_parts_with_a_failure) > 20);
}

/* What no kernel tells of a sound program. */

static void
count_timer(struct ds_timer *timer, void *arg)
{
	(void)timer;
	++*(int *)arg;
}

static void
a_wait_that_fails_is_told_and_the_turn_is_done_all_the_same(void **state)
{
	static const enum sim_call waits[] = {SIM_EPOLL_WAIT, SIM_POLL};
	struct ds_timer timer;
	int ran = 0;

	(void)state;
	sim_begin(1);
	struct ds_loop *loop = ds_loop_new();
	assert_non_null(loop);
	ds_timer_init(&timer, loop, count_timer, &ran);
	assert_int_equal(ds_timer_add(&timer, 10), 0);
	sim_advance(SIM_S);
	sim_fail(waits[strcmp(ds_loop_backend(loop), "poll") == 0], 1, EBADF);
	assert_int_equal(ds_loop_turn(loop), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ran, 1);
	assert_int_equal(ds_timer_add(&timer, 10), 0);
	assert_int_equal(ds_loop_turn(loop), 1);
	assert_int_equal(ran, 2);
	ds_loop_free(loop);
	sim_end();
}

/* Both ends have stopped sending while nothing was read: the wait tells of a hang-up at once. */

static size_t hup_read;

static void
hup_event_read(struct ds_sock *sock)
{
	char byte;
	ssize_t n = ds_read(sock, &byte, 1);

	hup_read += n == 1;
	if (n == 0 || (n == -1 && errno != EAGAIN))
		ds_close(sock, "read");
}

static void
hup_write(struct ds_sock *sock)
{
	ds_watch_write(sock, false);
	ds_watch_read(sock, true);
}

static const struct ds_ops hup_ops = {
    .name = "hup", .event_read = hup_event_read, .event_write = hup_write};

static void
hang_up(uint64_t seed)
{
	struct ds_sock sock;
	int fd;

	sim_begin(seed);
	struct ds_loop *loop = ds_loop_new();
	struct sim_peer *peer = sim_pair(&fd);
	assert_int_equal(ds_sock_init(&sock, loop, &hup_ops, fd, DS_WRITE), 0);
	sim_peer_send(peer, "hello", 5);
	sim_peer_shutdown(peer);
	shutdown(fd, SHUT_WR);
	sim_random_faults();
	hup_read = 0;
	while (!ds_is_closed(&sock))
		ds_loop_turn(loop);
	assert_int_equal(hup_read, 5);
	ds_loop_free(loop);
	sim_end();
}

static void
a_hang_up_comes_after_what_was_sent_before_it(void **state)
{
	(void)state;
	sim_runs(300, hang_up);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(a_server_survives_whatever_fails_once),
	    SIM_TEST(a_listener_without_descriptors_waits_and_goes_on),
	    SIM_TEST(an_aborted_connection_is_no_reason_to_pause),
	    SIM_TEST(signals_and_other_descriptors_survive_whatever_fails_once),
	    SIM_TEST(a_wait_that_fails_is_told_and_the_turn_is_done_all_the_same),
	    SIM_TEST(a_hang_up_comes_after_what_was_sent_before_it),
	};

	return SIM_MAIN("failures", tests);
}
