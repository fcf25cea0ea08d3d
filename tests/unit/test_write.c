/* SPDX-License-Identifier: ISC */
/* Writing to the kernel: what is taken at once, what is queued, how it fails, and SIGPIPE. */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TOTAL = 300 * 1000 };

static char pattern[TOTAL];

static void
make_pattern(void)
{
	for (size_t i = 0; i < TOTAL; i++)
		pattern[i] = (char)(i * 7 + i / 251);
}

static void
count_call(struct ds_sock *sock, void *arg)
{
	(void)sock;
	++*(int *)arg;
}

/* A recorder whose kernel buffer is as small as it gets. */
static struct rec *
rec_on_narrow_pair(struct ds_loop *loop, int *peer)
{
	struct rec *rec = rec_on_pair(loop, peer, 0);
	int size = 1;

	setsockopt(ds_fd(&rec->sock), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return rec;
}

/* Turns, and reads the peer, until all of the pattern was seen. */
static void
expect_pattern(struct ds_loop *loop, int peer)
{
	static char got[TOTAL + 1];
	size_t len = 0;

	for (int turns = 0; len < TOTAL && turns < TOTAL; turns++) {
		len += drain(peer, got + len, sizeof(got) - len);
		step(loop, 1);
	}
	assert_int_equal(len, TOTAL);
	assert_memory_equal(got, pattern, TOTAL);
}

static void
what_the_kernel_takes_is_gone_at_once(void **state)
{
	char buf[16];
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_int_equal(ds_write(&rec->sock, "hello", 5), 1);
	assert_int_equal(ds_write(&rec->sock, "", 0), 1);
	assert_int_equal(ds_flush(&rec->sock), 1);
	assert_int_equal(ds_queued(&rec->sock), 0);
	assert_false(ds_has_queue(&rec->sock));
	assert_int_equal(drain(peer, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	close(peer);
}

static void
what_the_kernel_does_not_take_is_queued_and_arrives_in_order(void **state)
{
	int peer, result = 1;
	struct rec *rec = rec_on_narrow_pair(*state, &peer);
	size_t len;

	make_pattern();
	for (size_t at = 0, piece = 1; at < TOTAL; at += len, piece = piece * 5 % 1999) {
		len = piece < TOTAL - at ? piece : TOTAL - at;
		result = ds_write(&rec->sock, pattern + at, len);
	}
	assert_int_equal(result, 0);
	assert_in_range(ds_queued(&rec->sock), TOTAL / 2, TOTAL - 1);
	assert_int_equal(ds_write(&rec->sock, "", 0), 0);
	assert_int_equal(ds_flush(&rec->sock), 0);
	expect_pattern(*state, peer);
	assert_int_equal(ds_queued(&rec->sock), 0);
	assert_int_equal(ds_flush(&rec->sock), 1);
	close(peer);
}

static void
one_large_write_is_copied(void **state)
{
	static char mine[TOTAL];
	int peer;
	struct rec *rec = rec_on_narrow_pair(*state, &peer);

	make_pattern();
	memcpy(mine, pattern, TOTAL);
	assert_int_equal(ds_write(&rec->sock, mine, TOTAL), 0);
	memset(mine, 0, TOTAL);
	expect_pattern(*state, peer);
	close(peer);
}

static void
lent_bytes_are_done_once_when_all_are_written(void **state)
{
	int peer, done = 0;
	struct rec *rec = rec_on_narrow_pair(*state, &peer);

	make_pattern();
	assert_int_equal(ds_write_ref(&rec->sock, pattern, TOTAL, count_call, &done), 0);
	step(*state, 3);
	assert_int_equal(done, 0);
	assert_in_range(ds_queued(&rec->sock), 1, TOTAL - 1);
	expect_pattern(*state, peer);
	assert_int_equal(done, 1);
	assert_int_equal(ds_write_ref(&rec->sock, "x", 1, count_call, &done), 1);
	assert_int_equal(done, 2);
	assert_int_equal(ds_write_ref(&rec->sock, "x", 1, NULL, NULL), 1);
	assert_int_equal(ds_write_ref(&rec->sock, "", 0, count_call, &done), 1);
	assert_int_equal(done, 3);
	ds_close(&rec->sock, "done");
	step(*state, 1);
	assert_int_equal(done, 3);
	close(peer);
}

static void
more_pieces_than_one_writev_takes_all_arrive(void **state)
{
	enum { PIECES = 1000 };
	int peer, done = 0;
	struct rec *rec = rec_on_narrow_pair(*state, &peer);

	make_pattern();
	fill(ds_fd(&rec->sock));
	for (size_t i = 0; i < PIECES; i++)
		ds_write_ref(
		    &rec->sock, pattern + i * TOTAL / PIECES, TOTAL / PIECES, count_call, &done);
	assert_int_equal(ds_queued(&rec->sock), TOTAL);

	char junk[512];
	while (drain(peer, junk, sizeof(junk)) > 0)
		;
	expect_pattern(*state, peer);
	assert_int_equal(done, PIECES);
	close(peer);
}

static void
lent_bytes_are_done_once_when_they_are_dropped(void **state)
{
	int peer, done = 0;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	fill(ds_fd(&rec->sock));
	ds_write_ref(&rec->sock, "one", 3, count_call, &done);
	ds_write_ref(&rec->sock, "two", 3, count_call, &done);
	ds_write_call(&rec->sock, count_call, &done); /* that is never called */
	assert_int_equal(ds_queued(&rec->sock), 6);
	assert_int_equal(done, 0);
	ds_close(&rec->sock, "enough");
	assert_int_equal(done, 2);
	assert_int_equal(ds_queued(&rec->sock), 0);
	assert_false(ds_has_queue(&rec->sock));
	assert_int_equal(ds_write_ref(&rec->sock, "x", 1, count_call, &done), 1);
	assert_int_equal(done, 3);
	assert_int_equal(ds_write_call(&rec->sock, count_call, &done), 1);
	step(*state, 1);
	assert_int_equal(done, 3);
	close(peer);
}

static void
a_stolen_descriptor_leaves_its_queue_behind(void **state)
{
	int peer, done = 0;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	fill(ds_fd(&rec->sock));
	ds_write(&rec->sock, "copied", 6);
	ds_write_ref(&rec->sock, "lent", 4, count_call, &done);
	int fd = ds_steal_fd(&rec->sock);
	assert_int_equal(done, 1);
	step(*state, 1);
	close(fd);
	close(peer);
}

static void
a_pipe_is_written_like_a_socket(void **state)
{
	int fds[2];

	make_pattern();
	pipe_pair(fds);
	struct rec *rec = rec_new(*state, fds[1], 0);
	assert_int_equal(ds_write(&rec->sock, pattern, 1000), 1);
	assert_int_equal(ds_write(&rec->sock, pattern + 1000, TOTAL - 2000), 0);
	assert_int_equal(ds_write_ref(&rec->sock, pattern + TOTAL - 1000, 1000, NULL, NULL), 0);
	expect_pattern(*state, fds[0]);
	assert_false(ds_has_queue(&rec->sock));
	close(fds[0]);
}

static volatile sig_atomic_t sigpipes;

static void
count_sigpipe(int signo)
{
	(void)signo;
	sigpipes++;
}

/* Writes to FD, whose other end is gone. */
static void
check_broken(struct ds_loop *loop, int fd, const char *reason)
{
	struct sigaction before, counting = {.sa_handler = count_sigpipe};
	int done = 0;

	sigpipes = 0;
	sigaction(SIGPIPE, &counting, &before);
	struct rec *rec = rec_new(loop, fd, 0);
	struct seen *seen = rec->seen;
	assert_int_equal(ds_write_ref(&rec->sock, "x", 1, count_call, &done), 1);
	assert_true(ds_is_closed(&rec->sock));
	assert_string_equal(seen->reason, reason);
	assert_int_equal(done, 1);
	assert_int_equal(ds_write(&rec->sock, "x", 1), 1);
	step(loop, 1);
	assert_string_equal(seen->order, "cd");
	sigaction(SIGPIPE, &before, NULL);
	assert_int_equal(sigpipes, 0);
}

static void
a_broken_socket_closes_with_epipe_and_raises_nothing(void **state)
{
	int fds[2];

	unix_pair(fds);
	close(fds[1]);
	check_broken(*state, fds[0], "EPIPE");
}

static void
a_broken_pipe_closes_with_epipe_and_raises_nothing(void **state)
{
	int fds[2];

	pipe_pair(fds);
	close(fds[0]);
	check_broken(*state, fds[1], "EPIPE");
}

static void
a_reset_closes_with_econnreset(void **state)
{
	struct linger now = {.l_onoff = 1};
	int fds[2];

	tcp_pair(fds);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fds[1]);
	await(fds[0], 0);
	check_broken(*state, fds[0], "ECONNRESET");
}

static void
a_sigpipe_of_the_applications_own_is_left_to_it(void **state)
{
	sigset_t pipe_set, before;
	int fds[2];

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe_set, &before);
	raise(SIGPIPE);
	pipe_pair(fds);
	close(fds[0]);
	struct rec *rec = rec_new(*state, fds[1], 0);
	ds_write(&rec->sock, "x", 1);
	assert_string_equal(rec->seen->reason, "EPIPE");
	assert_int_equal(sigtimedwait(&pipe_set, NULL, &(struct timespec){0}), SIGPIPE);
	assert_int_equal(sigtimedwait(&pipe_set, NULL, &(struct timespec){0}), -1);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void
a_queue_that_breaks_closes_from_the_loop(void **state)
{
	int peer, done = 0;
	struct rec *rec = rec_on_pair(*state, &peer, 0);
	struct seen *seen = rec->seen;

	fill(ds_fd(&rec->sock));
	ds_write_ref(&rec->sock, "x", 1, count_call, &done);
	close(peer);
	step(*state, 1);
	assert_string_equal(seen->order, "cd");
	assert_string_equal(seen->reason, "EPIPE");
	assert_int_equal(done, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(what_the_kernel_takes_is_gone_at_once),
	    UNIT(what_the_kernel_does_not_take_is_queued_and_arrives_in_order),
	    UNIT(one_large_write_is_copied),
	    UNIT(lent_bytes_are_done_once_when_all_are_written),
	    UNIT(more_pieces_than_one_writev_takes_all_arrive),
	    UNIT(lent_bytes_are_done_once_when_they_are_dropped),
	    UNIT(a_stolen_descriptor_leaves_its_queue_behind),
	    UNIT(a_pipe_is_written_like_a_socket),
	    UNIT(a_broken_socket_closes_with_epipe_and_raises_nothing),
	    UNIT(a_broken_pipe_closes_with_epipe_and_raises_nothing),
	    UNIT(a_reset_closes_with_econnreset),
	    UNIT(a_sigpipe_of_the_applications_own_is_left_to_it),
	    UNIT(a_queue_that_breaks_closes_from_the_loop),
	};

	return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
