/* SPDX-License-Identifier: ISC */
/*
 * One test a row of the table in dsock(3) that maps Danga::Socket's class methods, named danga_ and
 * the Perl name. The object methods are in test_danga_object.c. What the tests of the single files
 * show in depth is shown here once more in the words of that table.
 */
#include "support.h"

#include <string.h>
#include <unistd.h>

static void
note_line(const char *line, void *arg)
{
	strncat(arg, line, 400);
	strncat(arg, "\n", 2);
}

static void
count_sock(struct ds_sock *sock, void *arg)
{
	(void)sock;
	++*(int *)arg;
}

static void
set_flag(struct ds_timer *timer, void *arg)
{
	(void)timer;
	++*(int *)arg;
}

static bool
never(struct ds_loop *loop, void *arg)
{
	(void)loop;
	++*(int *)arg;
	return false;
}

static void
danga_Reset(void **state)
{
	struct ds_loop *loop = *state;
	struct ds_timer timer;
	int peer, ran = 0;
	struct rec *rec = rec_on_pair(loop, &peer, DS_READ);
	struct seen *seen = rec->seen;

	ds_timer_init(&timer, loop, set_flag, &ran);
	ds_timer_add(&timer, 0);
	ds_loop_set_post(loop, never, &ran);
	ds_loop_reset(loop);
	assert_string_equal(seen->order, "cd");
	assert_string_equal(seen->reason, "reset");
	assert_int_equal(ds_loop_watched(loop), 0);
	assert_false(ds_timer_pending(&timer));
	ds_loop_set_timeout(loop, 0);
	assert_int_equal(ds_loop_turn(loop), 1);
	assert_int_equal(ran, 0);
	close(peer);
}

static void
danga_HaveEpoll(void **state)
{
	const char *wanted = getenv("DSOCK_BACKEND");

	if (wanted != NULL)
		assert_string_equal(ds_loop_backend(*state), wanted);
	assert_true(strlen(ds_loop_backend(*state)) > 0);
}

static void
danga_WatchedSockets(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_int_equal(ds_loop_watched(*state), 1);
	ds_close(&rec->sock, "done");
	assert_int_equal(ds_loop_watched(*state), 0);
	close(peer);
}

static void
find_reads(const struct ds_profile *row, void *arg)
{
	if (strcmp(row->event, "read") == 0 && strcmp(row->class_name, "plain") == 0)
		*(struct ds_profile *)arg = *row;
}

static void
burn(struct rec *rec)
{
	int64_t until = clock_ms() + 5;

	rec_read(rec);
	while (clock_ms() < until)
		;
}

static void
danga_EnableProfiling(void **state)
{
	struct ds_profile reads = {0};
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	rec->on_read = burn;
	ds_loop_set_profiling(*state, true);
	for (int i = 0; i < 3; i++) {
		put(peer, "x");
		step(*state, 1);
	}
	ds_loop_each_profile(*state, find_reads, &reads);
	assert_int_equal(reads.calls, 3);
	assert_true(reads.user_ns + reads.system_ns > 0);
	ds_loop_set_profiling(*state, true); /* begins anew */
	reads.calls = 0;
	ds_loop_each_profile(*state, find_reads, &reads);
	assert_int_equal(reads.calls, 0);
	close(peer);
}

static void
danga_DisableProfiling(void **state)
{
	struct ds_profile reads = {0};
	int peer;

	rec_on_pair(*state, &peer, DS_READ);
	ds_loop_set_profiling(*state, true);
	put(peer, "x");
	step(*state, 1);
	ds_loop_set_profiling(*state, false);
	put(peer, "x");
	step(*state, 1);
	ds_loop_each_profile(*state, find_reads, &reads);
	assert_int_equal(reads.calls, 1); /* what there was stays, nothing comes to it */
	close(peer);
}

static void
count_rows(const struct ds_profile *row, void *arg)
{
	assert_non_null(row->class_name);
	assert_non_null(row->event);
	++*(int *)arg;
}

static void
danga_ProfilingData(void **state)
{
	int peer, rows = 0;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ | DS_WRITE);

	rec->sock.want = DS_READ | DS_WRITE;
	ds_loop_set_profiling(*state, true);
	put(peer, "x");
	step(*state, 1);
	ds_loop_each_profile(*state, count_rows, &rows);
	assert_int_equal(rows, 2); /* a row for each class and event that came */
	close(peer);
}

static void
danga_ToClose(void **state)
{
	int peer, n = 0;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	ds_close(&rec->sock, "done");
	ds_loop_each_closed(*state, count_sock, &n);
	assert_int_equal(n, 1);
	step(*state, 1);
	n = 0;
	ds_loop_each_closed(*state, count_sock, &n);
	assert_int_equal(n, 0);
	close(peer);
}

static void
on_fd(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	char c;

	(void)loop;
	assert_int_equal(events, DS_READ);
	assert_int_equal(read(fd, &c, 1), 1);
	++*(int *)arg;
}

static void
danga_AddOtherFds(void **state)
{
	int fds[2], n = 0;

	pipe_pair(fds);
	assert_int_equal(ds_fd_add(*state, fds[0], DS_READ, on_fd, &n), 0);
	put(fds[1], "x");
	step(*state, 2);
	assert_int_equal(n, 1);
	assert_int_equal(ds_fd_cancel(*state, fds[0]), 0);
	close(fds[0]);
	close(fds[1]);
}

static void
danga_OtherFds(void **state)
{
	int fds[2], n = 0;

	pipe_pair(fds);
	assert_int_equal(ds_fd_add(*state, fds[0], DS_READ, on_fd, &n), 0);
	assert_non_null(ds_loop_sock(*state, fds[0]));
	ds_loop_each(*state, count_sock, &n);
	assert_int_equal(n, 1);
	assert_int_equal(ds_fd_cancel(*state, fds[0]), 0);
	assert_null(ds_loop_sock(*state, fds[0]));
	close(fds[0]);
	close(fds[1]);
}

static void
danga_SetLoopTimeout(void **state)
{
	int64_t begun = clock_ms();

	ds_loop_set_timeout(*state, 20);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_true(clock_ms() - begun >= 20);
	ds_loop_set_timeout(*state, 0);
}

static void
danga_DebugMsg(void **state)
{
	char text[4096] = "";

	ds_debug(*state, "nobody hears %d", 1);
	ds_loop_set_debug(*state, note_line, text);
	ds_debug(*state, "all hear %d", 2);
	ds_loop_set_debug(*state, NULL, NULL);
	ds_debug(*state, "nobody again");
	assert_string_equal(text, "all hear 2\n");
}

static void
danga_AddTimer(void **state)
{
	struct ds_timer timer;
	int64_t begun = clock_ms();
	int ran = 0;

	ds_timer_init(&timer, *state, set_flag, &ran);
	assert_int_equal(ds_timer_add(&timer, 15), 0);
	ds_loop_set_timeout(*state, -1);
	while (ran == 0)
		ds_loop_turn(*state);
	ds_loop_set_timeout(*state, 0);
	assert_true(clock_ms() - begun >= 15);
	assert_int_equal(ran, 1);
}

static void
danga_cancel(void **state)
{
	struct ds_timer timer;
	int ran = 0;

	ds_timer_init(&timer, *state, set_flag, &ran);
	ds_timer_add(&timer, 0);
	ds_timer_cancel(&timer);
	ds_timer_cancel(&timer);
	step(*state, 2);
	assert_int_equal(ran, 0);
}

static void
danga_DescriptorMap(void **state)
{
	int peer, n = 0;
	struct rec *rec = rec_on_pair(*state, &peer, 0);
	int fd = ds_fd(&rec->sock);

	assert_ptr_equal(ds_loop_sock(*state, fd), &rec->sock);
	ds_loop_each(*state, count_sock, &n);
	assert_int_equal(n, 1);
	ds_close(&rec->sock, "done");
	assert_null(ds_loop_sock(*state, fd));
	assert_null(ds_loop_sock(*state, 1 << 20));
	assert_null(ds_loop_sock(*state, -1));
	close(peer);
}

static bool
thrice(struct ds_loop *loop, void *arg)
{
	(void)loop;
	return ++*(int *)arg < 3;
}

static void
danga_EventLoop(void **state)
{
	int turns = 0;

	ds_loop_set_post(*state, thrice, &turns);
	assert_int_equal(ds_loop_run(*state), 0);
	assert_int_equal(turns, 3);
}

static void
danga_SetPostLoopCallback(void **state)
{
	int turns = 0;

	ds_loop_set_post(*state, thrice, &turns);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_int_equal(turns, 1);
	ds_loop_set_post(*state, NULL, NULL);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_int_equal(turns, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(danga_Reset),
	    UNIT(danga_HaveEpoll),
	    UNIT(danga_WatchedSockets),
	    UNIT(danga_EnableProfiling),
	    UNIT(danga_DisableProfiling),
	    UNIT(danga_ProfilingData),
	    UNIT(danga_ToClose),
	    UNIT(danga_AddOtherFds),
	    UNIT(danga_OtherFds),
	    UNIT(danga_SetLoopTimeout),
	    UNIT(danga_DebugMsg),
	    UNIT(danga_AddTimer),
	    UNIT(danga_cancel),
	    UNIT(danga_DescriptorMap),
	    UNIT(danga_EventLoop),
	    UNIT(danga_SetPostLoopCallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
