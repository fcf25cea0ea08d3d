/* SPDX-License-Identifier: ISC */
/* The loop: back ends, waiting, stopping, freeing, more ready sockets than a batch, two loops. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

static void
the_environment_chooses_the_back_end(void **state)
{
	const char *asked = getenv("DSOCK_BACKEND");
	char before[32];

	snprintf(before, sizeof(before), "%s", asked != NULL ? asked : "");
	assert_string_equal(ds_loop_backend(*state), *before != '\0' ? before : "epoll");

	static const char *const names[] = {"epoll", "poll"};
	for (size_t i = 0; i < 2; i++) {
		setenv("DSOCK_BACKEND", names[i], 1);
		struct ds_loop *loop = ds_loop_new();
		assert_string_equal(ds_loop_backend(loop), names[i]);
		ds_loop_free(loop);
	}
	setenv("DSOCK_BACKEND", "nonsense", 1);
	assert_null(ds_loop_new());
	assert_int_equal(errno, EINVAL);
	if (asked != NULL)
		setenv("DSOCK_BACKEND", before, 1);
	else
		unsetenv("DSOCK_BACKEND");
}

static void
a_turn_waits_no_longer_than_its_timeout(void **state)
{
	int64_t start = clock_ms(), before = ds_loop_now(*state);

	assert_int_equal(ds_loop_turn(*state), 1);
	assert_in_range(clock_ms() - start, 0, 5000);
	start = clock_ms();
	ds_loop_set_timeout(*state, 20);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_in_range(clock_ms() - start, 20, 5000);
	assert_true(ds_loop_now(*state) - before >= 20 * 1000000);
}

static void
nothing(struct ds_timer *timer, void *arg)
{
	(void)timer, (void)arg;
}

static void
a_timer_shortens_the_wait(void **state)
{
	static struct ds_timer timer;
	int64_t start = clock_ms();

	ds_timer_init(&timer, *state, nothing, NULL);
	ds_timer_add(&timer, 20);
	ds_loop_set_timeout(*state, 10000);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_in_range(clock_ms() - start, 20, 5000);
	assert_false(ds_timer_pending(&timer));
}

static void
handle(int signo)
{
	(void)signo;
}

static void
a_signal_handler_does_not_fail_the_wait(void **state)
{
	struct sigaction before, action = {.sa_handler = handle};
	struct itimerval soon = {.it_value.tv_usec = 5000};

	sigaction(SIGALRM, &action, &before);
	alarm(0);
	setitimer(ITIMER_REAL, &soon, NULL);
	ds_loop_set_timeout(*state, 10000);
	assert_int_equal(ds_loop_turn(*state), 1);
	sigaction(SIGALRM, &before, NULL);
}

static bool
count_down(struct ds_loop *loop, void *arg)
{
	(void)loop;
	return --*(int *)arg > 0;
}

static void
a_post_callback_that_says_false_ends_the_run(void **state)
{
	int left = 5;

	ds_loop_set_post(*state, count_down, &left);
	assert_int_equal(ds_loop_run(*state), 0);
	assert_int_equal(left, 0);
	left = 2;
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_int_equal(ds_loop_turn(*state), 0);
	left = 3;
	assert_int_equal(ds_loop_run(*state), 0);
	assert_int_equal(left, 0);
	ds_loop_set_post(*state, NULL, NULL);
	assert_int_equal(ds_loop_turn(*state), 1);
}

static bool
close_it(struct ds_loop *loop, void *arg)
{
	struct rec *rec = arg;

	(void)loop;
	ds_close(&rec->sock, "post");
	return true;
}

static void
what_the_post_callback_closes_does_not_wait(void **state)
{
	int64_t start = clock_ms();
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct seen *seen = rec->seen;

	ds_loop_set_post(*state, close_it, rec);
	step(*state, 1);
	assert_string_equal(seen->order, "c");
	ds_loop_set_post(*state, NULL, NULL);
	ds_loop_set_timeout(*state, 10000);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_string_equal(seen->order, "cd");
	assert_in_range(clock_ms() - start, 0, 5000);
	close(peer);
}

static void
stop(struct ds_timer *timer, void *arg)
{
	++*(int *)arg;
	ds_loop_stop(timer->loop);
}

static void
stop_leaves_the_run_at_the_end_of_the_turn(void **state)
{
	static struct ds_timer timer[2];
	int calls = 0;

	for (int i = 0; i < 2; i++) {
		ds_timer_init(&timer[i], *state, stop, &calls);
		ds_timer_add(&timer[i], 0);
	}
	ds_loop_set_timeout(*state, -1);
	assert_int_equal(ds_loop_run(*state), 0);
	assert_int_equal(calls, 2);
}

static void
a_stop_is_told_once_and_does_not_wait(void **state)
{
	int64_t start = clock_ms();

	ds_loop_stop(*state);
	ds_loop_set_timeout(*state, 10000);
	assert_int_equal(ds_loop_turn(*state), 0);
	assert_in_range(clock_ms() - start, 0, 5000);
	ds_loop_set_timeout(*state, 0);
	assert_int_equal(ds_loop_turn(*state), 1);
	ds_loop_stop(*state);
	assert_int_equal(ds_loop_run(*state), 0);
}

static void
freeing_closes_what_is_open(void **state)
{
	struct ds_loop *loop = ds_loop_new();
	struct seen *seen[3];
	int peer[3], fd[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rec *rec = rec_on_pair(loop, &peer[i], DS_READ);
		seen[i] = rec->seen;
		fd[i] = ds_fd(&rec->sock);
		if (i == 1)
			ds_close(&rec->sock, "before");
	}
	ds_loop_free(loop);
	ds_loop_free(NULL);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(seen[i]->order, "cd");
		assert_string_equal(seen[i]->reason, i == 1 ? "before" : "loop freed");
		assert_false(is_open(fd[i]));
		close(peer[i]);
	}
}

/* One that comes back whenever it is closed. */
static void
reconnect(struct rec *rec)
{
	static const struct ds_ops ops = {.name = "again"};
	int fds[2];

	unix_pair(fds);
	assert_int_equal(ds_sock_init(rec->arg, rec->sock.loop, &ops, fds[0], 0), -1);
	assert_int_equal(errno, ECANCELED);
	close(fds[0]);
	close(fds[1]);
}

static void
nothing_new_begins_while_a_loop_is_freed(void **state)
{
	struct ds_loop *loop = ds_loop_new();
	struct ds_sock again;
	int peer;
	struct rec *rec = rec_on_pair(loop, &peer, DS_READ);
	struct seen *seen = rec->seen;

	(void)state;
	rec->on_close = rec->on_destroy = reconnect;
	rec->arg = &again;
	ds_loop_free(loop);
	assert_string_equal(seen->order, "cd");
	close(peer);
}

static void
sockets_are_found_by_their_descriptor(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);
	int high = fcntl(peer, F_DUPFD_CLOEXEC, 700);

	assert_true(high >= 700);
	assert_null(ds_loop_sock(*state, high));
	struct rec *far = rec_new(*state, high, 0);
	assert_ptr_equal(ds_loop_sock(*state, high), &far->sock);
	assert_ptr_equal(ds_loop_sock(*state, ds_fd(&rec->sock)), &rec->sock);
	assert_null(ds_loop_sock(*state, high + 1));
	assert_null(ds_loop_sock(*state, 1 << 30));
	assert_null(ds_loop_sock(*state, -1));
	assert_int_equal(ds_loop_watched(*state), 2);
	close(peer);
}

static void
keep_unread(struct rec *rec)
{
	(void)rec;
}

static void
more_ready_sockets_than_a_batch_are_all_served(void **state)
{
	enum { PAIRS = 1300, TURNS = 12 };
	static struct rec *rec[PAIRS];
	static int peer[PAIRS];
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < PAIRS; i++) {
		rec[i] = rec_on_pair(*state, &peer[i], DS_READ);
		rec[i]->on_read = keep_unread;
		put(peer[i], "x");
	}
	/* Three batches reach all of them, and so on in turns: nobody is served twice before. */
	for (int turn = 1; turn <= TURNS; turn++) {
		step(*state, 1);
		assert_true(ds_loop_is_behind(*state));
		for (int i = 0; turn % 3 == 0 && i < PAIRS; i++)
			assert_in_range(rec[i]->seen->reads, turn / 3, turn / 3 + 1);
	}
	for (int i = 0; i < PAIRS; i++)
		close(peer[i]);
	for (int i = 0; i < PAIRS; i++)
		ds_close(&rec[i]->sock, "done");
	step(*state, 1);
	assert_false(ds_loop_is_behind(*state));
}

/* Plays ball with the other thread's loop, over a socket pair. No recorder: those share a list. */
struct player {
	struct ds_sock sock;
	int fd, balls;
	const char *fault;
};

enum { BALLS = 2000 };

static void
player_read(struct ds_sock *sock)
{
	struct player *player = (struct player *)sock;
	char ball;

	if (ds_read(sock, &ball, 1) != 1) {
		ds_close(sock, "eof");
		return;
	}
	ds_write(sock, &ball, 1);
	if (++player->balls == BALLS)
		ds_close(sock, "done");
}

static void
player_close(struct ds_sock *sock, const char *reason)
{
	(void)reason;
	ds_loop_stop(sock->loop);
}

static void *
play(void *arg)
{
	static const struct ds_ops ops = {
	    .name = "player", .event_read = player_read, .on_close = player_close};
	struct player *player = arg;
	struct ds_loop *loop = ds_loop_new();

	if (loop == NULL || ds_sock_init(&player->sock, loop, &ops, player->fd, DS_READ) == -1)
		player->fault = "init";
	else if (ds_write(&player->sock, "o", 1) != 1)
		player->fault = "serve";
	else if (ds_loop_run(loop) != 0)
		player->fault = "run";
	ds_loop_free(loop);
	return NULL;
}

static void
two_loops_in_two_threads_do_not_meet(void **state)
{
	static struct player player[2];
	pthread_t thread;
	int fds[2];

	(void)state;
	unix_pair(fds);
	player[0].fd = fds[0];
	player[1].fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, play, &player[0]), 0);
	play(&player[1]);
	pthread_join(thread, NULL);
	assert_null(player[0].fault);
	assert_null(player[1].fault);
	/* The one that has had enough hangs up on the other, who is a ball or two behind. */
	assert_in_range(player[0].balls, BALLS - 2, BALLS);
	assert_in_range(player[1].balls, BALLS - 2, BALLS);
}

static bool
count_and_close_other(struct ds_sock *sock, void *arg)
{
	struct rec *self = (struct rec *)sock;

	++*(int *)arg;
	if (self->other != NULL)
		ds_close(&self->other->sock, "by another's post-loop callback");
	return true;
}

static void
a_post_loop_callback_that_closes_another_runs_once_itself(void **state)
{
	int peers[2], runs = 0, others = 0;
	struct rec *first = rec_on_pair(*state, &peers[0], 0);
	struct rec *second = rec_on_pair(*state, &peers[1], 0);

	first->other = second;
	assert_int_equal(ds_set_post(&first->sock, count_and_close_other, &runs), 0);
	assert_int_equal(ds_set_post(&second->sock, count_and_close_other, &others), 0);
	step(*state, 1);
	assert_int_equal(runs, 1);
	assert_int_equal(others, 0);
	first->other = NULL;
	step(*state, 1);
	assert_int_equal(runs, 2);
	close(peers[0]);
	close(peers[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(a_post_loop_callback_that_closes_another_runs_once_itself),
	    UNIT(the_environment_chooses_the_back_end),
	    UNIT(a_turn_waits_no_longer_than_its_timeout),
	    UNIT(a_timer_shortens_the_wait),
	    UNIT(a_signal_handler_does_not_fail_the_wait),
	    UNIT(a_post_callback_that_says_false_ends_the_run),
	    UNIT(what_the_post_callback_closes_does_not_wait),
	    UNIT(stop_leaves_the_run_at_the_end_of_the_turn),
	    UNIT(a_stop_is_told_once_and_does_not_wait),
	    UNIT(freeing_closes_what_is_open),
	    UNIT(nothing_new_begins_while_a_loop_is_freed),
	    UNIT(sockets_are_found_by_their_descriptor),
	    UNIT(more_ready_sockets_than_a_batch_are_all_served),
	    UNIT(two_loops_in_two_threads_do_not_meet),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
