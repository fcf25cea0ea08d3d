/* SPDX-License-Identifier: ISC */
/* Descriptors that stay the caller's: added and cancelled at any time, never closed here. */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What a watcher was told, and what it does about it. */
struct watcher {
	int calls;
	unsigned events; /* all that came */
	int cancel;	 /* descriptors to cancel and to add in the callback; 0: none */
	int add;
};

static void
told(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	struct watcher *watcher = arg;
	char byte;

	watcher->calls++;
	watcher->events |= events;
	if (events & DS_READ)
		assert_in_range(read(fd, &byte, 1) + 1, 1, 2);
	if (watcher->cancel > 0)
		assert_int_equal(ds_fd_cancel(loop, watcher->cancel), 0);
	if (watcher->add > 0)
		assert_int_equal(ds_fd_add(loop, watcher->add, DS_READ, told, watcher), 0);
}

static void
a_descriptor_is_told_of_and_stays_open(void **state)
{
	struct watcher watcher = {.calls = 0};
	int fds[2];

	pipe_pair(fds);
	assert_int_equal(ds_fd_add(*state, fds[0], DS_READ, told, &watcher), 0);
	assert_int_equal(ds_loop_watched(*state), 1);
	step(*state, 1);
	assert_int_equal(watcher.calls, 0);
	put(fds[1], "x");
	step(*state, 2);
	assert_int_equal(watcher.calls, 1);
	assert_int_equal(watcher.events, DS_READ);
	assert_int_equal(ds_fd_cancel(*state, fds[0]), 0);
	assert_int_equal(ds_loop_watched(*state), 0);
	put(fds[1], "y");
	step(*state, 2);
	assert_int_equal(watcher.calls, 1);
	assert_true(is_open(fds[0]));
	close(fds[0]);
	close(fds[1]);
}

static void
reading_writing_and_the_end_are_told_apart(void **state)
{
	struct watcher in = {.calls = 0}, out = {.calls = 0};
	int fds[2];

	pipe_pair(fds);
	assert_int_equal(ds_fd_add(*state, fds[0], 0, told, &in), 0);
	assert_int_equal(ds_fd_add(*state, fds[1], DS_WRITE, told, &out), 0);
	step(*state, 1);
	assert_int_equal(in.calls, 0);
	assert_int_equal(out.events, DS_WRITE);
	assert_int_equal(ds_fd_cancel(*state, fds[1]), 0);
	close(fds[1]);
	step(*state, 1);
	assert_int_equal(in.events, DS_HUP);
	assert_true(is_open(fds[0]));
	ds_fd_cancel(*state, fds[0]);
	close(fds[0]);
}

static void
an_error_is_told_though_nothing_was_asked_for(void **state)
{
	struct watcher out = {.calls = 0};
	int fds[2];

	pipe_pair(fds);
	assert_int_equal(ds_fd_add(*state, fds[1], 0, told, &out), 0);
	close(fds[0]);
	step(*state, 1);
	assert_true(out.events & DS_ERR);
	assert_true(is_open(fds[1]));
	ds_fd_cancel(*state, fds[1]);
	close(fds[1]);
}

static void
one_may_cancel_itself_and_come_back_in_its_own_callback(void **state)
{
	struct watcher watcher = {.calls = 0};
	int fds[2];

	pipe_pair(fds);
	watcher.cancel = watcher.add = fds[0];
	ds_fd_add(*state, fds[0], DS_READ, told, &watcher);
	put(fds[1], "xy");
	step(*state, 1);
	assert_int_equal(watcher.calls, 1);
	watcher.add = 0;
	step(*state, 1);
	assert_int_equal(watcher.calls, 2);
	put(fds[1], "z");
	step(*state, 2);
	assert_int_equal(watcher.calls, 2);
	assert_int_equal(ds_fd_cancel(*state, fds[0]), -1);
	close(fds[0]);
	close(fds[1]);
}

static void
one_that_is_cancelled_by_another_in_the_turn_is_not_told(void **state)
{
	struct watcher watcher[2] = {{.calls = 0}, {.calls = 0}};
	int fds[2][2];

	for (int i = 0; i < 2; i++) {
		pipe_pair(fds[i]);
		ds_fd_add(*state, fds[i][0], DS_READ, told, &watcher[i]);
		put(fds[i][1], "x");
	}
	watcher[0].cancel = fds[1][0];
	watcher[1].cancel = fds[0][0];
	step(*state, 1);
	assert_int_equal(watcher[0].calls + watcher[1].calls, 1);
	assert_int_equal(ds_loop_watched(*state), 1);
	for (int i = 0; i < 2; i++) {
		ds_fd_cancel(*state, fds[i][0]);
		close(fds[i][0]);
		close(fds[i][1]);
	}
}

static void
one_may_be_added_by_another_in_the_turn(void **state)
{
	struct watcher watcher = {.calls = 0};
	int fds[2], later[2];

	pipe_pair(fds);
	pipe_pair(later);
	watcher.add = later[0];
	watcher.cancel = fds[0];
	ds_fd_add(*state, fds[0], DS_READ, told, &watcher);
	put(fds[1], "x");
	put(later[1], "y");
	step(*state, 1);
	assert_int_equal(watcher.calls, 1);
	watcher.add = watcher.cancel = 0;
	step(*state, 1);
	assert_int_equal(watcher.calls, 2);
	ds_fd_cancel(*state, later[0]);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(later[i]);
	}
}

static void
what_is_watched_twice_or_not_at_all_is_an_error(void **state)
{
	int peer, fds[2];
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	pipe_pair(fds);
	assert_int_equal(ds_fd_add(*state, fds[0], DS_READ, told, NULL), 0);
	assert_int_equal(ds_fd_add(*state, fds[0], DS_READ, told, NULL), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(ds_fd_add(*state, ds_fd(&rec->sock), DS_READ, told, NULL), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(ds_fd_add(*state, -1, DS_READ, told, NULL), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ds_fd_cancel(*state, fds[1]), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(ds_fd_cancel(*state, ds_fd(&rec->sock)), -1); /* a socket is none */
	assert_int_equal(errno, ENOENT);
	assert_false(ds_is_closed(&rec->sock));
	ds_fd_cancel(*state, fds[0]);
	close(fds[0]);
	close(fds[1]);
	close(peer);
}

static void
freeing_the_loop_leaves_them_open(void **state)
{
	struct ds_loop *loop = ds_loop_new();
	int fds[2];

	(void)state;
	pipe_pair(fds);
	assert_int_equal(ds_fd_add(loop, fds[0], DS_READ, told, NULL), 0);
	ds_loop_free(loop);
	assert_true(is_open(fds[0]));
	close(fds[0]);
	close(fds[1]);
}

static void
a_number_is_free_for_a_stranger_once_cancelled(void **state)
{
	struct watcher watcher = {.calls = 0};
	int fds[2], pair[2];

	pipe_pair(fds);
	ds_fd_add(*state, fds[0], DS_READ, told, &watcher);
	ds_fd_cancel(*state, fds[0]);
	close(fds[0]);
	unix_pair(pair);
	assert_int_equal(dup2(pair[0], fds[0]), fds[0]);
	struct rec *rec = rec_new(*state, fds[0], DS_READ);
	put(pair[1], "x");
	step(*state, 1); /* the cancelled one is reaped, and leaves the number alone */
	assert_int_equal(rec->seen->reads, 1);
	assert_int_equal(watcher.calls, 0);
	assert_true(is_open(fds[0]));
	close(pair[0]);
	close(pair[1]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(a_descriptor_is_told_of_and_stays_open),
	    UNIT(reading_writing_and_the_end_are_told_apart),
	    UNIT(an_error_is_told_though_nothing_was_asked_for),
	    UNIT(one_may_cancel_itself_and_come_back_in_its_own_callback),
	    UNIT(one_that_is_cancelled_by_another_in_the_turn_is_not_told),
	    UNIT(one_may_be_added_by_another_in_the_turn),
	    UNIT(what_is_watched_twice_or_not_at_all_is_an_error),
	    UNIT(freeing_the_loop_leaves_them_open),
	    UNIT(a_number_is_free_for_a_stranger_once_cancelled),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
