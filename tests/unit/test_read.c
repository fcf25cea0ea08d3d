/* SPDX-License-Identifier: ISC */
/* Reading, bytes that are given back, and functions of one's own under ds_read. */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void
give(struct rec *rec, const char *text)
{
	assert_int_equal(ds_push_back(&rec->sock, text, strlen(text)), 0);
}

static void
expect(struct rec *rec, size_t room, const char *text)
{
	char buf[64];

	assert_int_equal(ds_read(&rec->sock, buf, room), strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static void
pushed_back_bytes_come_first_in_first_out_and_unmerged(void **state)
{
	char byte;
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	put(peer, "kernel");
	give(rec, "first");
	give(rec, "");
	give(rec, "second");
	expect(rec, 64, "first");
	give(rec, "third");
	expect(rec, 64, "second");
	expect(rec, 64, "third");
	expect(rec, 64, "kernel");
	assert_int_equal(ds_read(&rec->sock, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	close(peer);
}

static void
pushed_back_bytes_are_split_when_the_buffer_is_small(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	give(rec, "abcde");
	give(rec, "f");
	expect(rec, 2, "ab");
	expect(rec, 2, "cd");
	expect(rec, 2, "e");
	expect(rec, 2, "f");
	close(peer);
}

static void
pushed_back_bytes_are_delivered_in_the_same_turn(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	give(rec, "one");
	give(rec, "two");
	give(rec, "three");
	step(*state, 1);
	assert_int_equal(rec->seen->reads, 3);
	assert_memory_equal(rec->seen->in, "onetwothree", 11);
	step(*state, 1);
	assert_int_equal(rec->seen->reads, 3);
	close(peer);
}

static void
read_and_give_back(struct rec *rec)
{
	char buf[8];
	ssize_t n = ds_read(&rec->sock, buf, sizeof(buf));

	if (n > 0)
		assert_int_equal(ds_push_back(&rec->sock, buf, (size_t)n), 0);
}

static void
bytes_that_are_never_taken_end_the_turn_and_do_not_let_the_next_one_wait(void **state)
{
	int peer, quiet_peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct rec *quiet = rec_on_pair(*state, &quiet_peer, DS_READ);
	int64_t start = clock_ms();

	rec->on_read = read_and_give_back;
	put(peer, "x");
	ds_loop_set_timeout(*state, 10000);
	assert_int_equal(ds_loop_turn(*state), 1);
	int of_a_turn = rec->seen->reads;
	assert_in_range(of_a_turn, 2, 100);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_int_equal(rec->seen->reads, of_a_turn + of_a_turn - 1);
	assert_in_range(clock_ms() - start, 0, 5000);
	put(quiet_peer, "y");
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_int_equal(quiet->seen->reads, 1);
	close(peer);
	close(quiet_peer);
}

static void
nothing(struct rec *rec)
{
	(void)rec;
}

static void
bytes_that_are_left_alone_are_told_of_again(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	rec->on_read = nothing;
	give(rec, "x");
	step(*state, 1);
	int of_a_turn = rec->seen->reads;
	assert_in_range(of_a_turn, 1, 100);
	step(*state, 1);
	assert_int_equal(rec->seen->reads, 2 * of_a_turn);
	rec->on_read = NULL;
	step(*state, 2);
	assert_int_equal(rec->seen->reads, 2 * of_a_turn + 1);
	close(peer);
}

static void
pushed_back_bytes_wait_while_reading_is_not_watched(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);
	int64_t start = clock_ms();

	give(rec, "x");
	ds_loop_set_timeout(*state, 20);
	assert_int_equal(ds_loop_turn(*state), 1);
	assert_int_equal(rec->seen->reads, 0);
	assert_in_range(clock_ms() - start, 20, 5000); /* it waited: not a reason to spin */
	ds_watch_read(&rec->sock, true);
	step(*state, 1);
	assert_memory_equal(rec->seen->in, "x", 1);
	close(peer);
}

static void
read_and_unwatch(struct rec *rec)
{
	rec_read(rec);
	ds_watch_read(&rec->sock, false);
}

static void
turning_reading_off_ends_the_passes(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	rec->on_read = read_and_unwatch;
	give(rec, "one");
	give(rec, "two");
	step(*state, 2);
	assert_int_equal(rec->seen->reads, 1);
	ds_watch_read(&rec->sock, true);
	step(*state, 1);
	assert_memory_equal(rec->seen->in, "onetwo", 6);
	close(peer);
}

static void
read_and_close_other(struct rec *rec)
{
	rec_read(rec);
	if (!ds_is_closed(&rec->sock))
		ds_close(&rec->other->sock, "by the other");
}

static void
a_socket_closed_by_another_during_the_pass_gets_nothing(void **state)
{
	struct seen *seen[2];
	struct rec *rec[2];
	int peer[2];

	for (int i = 0; i < 2; i++) {
		rec[i] = rec_on_pair(*state, &peer[i], DS_READ);
		rec[i]->on_read = read_and_close_other;
		seen[i] = rec[i]->seen;
		give(rec[i], "x");
	}
	rec[0]->other = rec[1];
	rec[1]->other = rec[0];
	step(*state, 1);
	assert_int_equal(seen[0]->reads, 1);
	assert_string_equal(seen[1]->order, "cd");
	step(*state, 1);
	assert_int_equal(seen[0]->reads, 1);
	close(peer[0]);
	close(peer[1]);
}

static void
pushed_back_bytes_go_before_a_hang_up(void **state)
{
	int fds[2];

	pipe_pair(fds);
	struct rec *rec = rec_new(*state, fds[0], DS_READ);
	struct seen *seen = rec->seen;
	give(rec, "x");
	close(fds[1]);
	step(*state, 2);
	assert_int_equal(seen->in_len, 1);
	assert_string_equal(seen->order, "rcd");
}

static void
closing_drops_what_was_given_back(void **state)
{
	char byte;
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	give(rec, "one");
	give(rec, "two");
	ds_close(&rec->sock, "done");
	assert_int_equal(ds_read(&rec->sock, &byte, 1), 0);
	close(peer);
}

/* A reader that works through a script: a digit is an amount of 'x', or an error's initial. */
static ssize_t
scripted(struct ds_sock *sock, void *buf, size_t len, void *arg)
{
	const char **script = arg;
	char what = *(*script)++;

	(void)sock;
	if (what >= '0' && what <= '9') {
		assert_in_range(what - '0', 0, len);
		memset(buf, 'x', (size_t)(what - '0'));
		return what - '0';
	}
	errno = what == 'I' ? EINTR : what == 'A' ? EAGAIN : EIO;
	return -1;
}

static void
a_reader_of_ones_own_is_obeyed_and_never_shows_eintr(void **state)
{
	const char *script = "III3A1EI0";
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);
	char buf[16];

	assert_int_equal(ds_set_reader(&rec->sock, scripted, &script), 0);
	expect(rec, sizeof(buf), "xxx");
	assert_int_equal(ds_read(&rec->sock, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EAGAIN);
	give(rec, "back");
	expect(rec, sizeof(buf), "back");
	expect(rec, sizeof(buf), "x");
	assert_int_equal(ds_read(&rec->sock, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(ds_read(&rec->sock, buf, sizeof(buf)), 0);
	assert_false(ds_is_closed(&rec->sock));
	assert_int_equal(ds_set_reader(&rec->sock, NULL, NULL), 0);
	put(peer, "kernel");
	expect(rec, sizeof(buf), "kernel");
	close(peer);
}

static ssize_t
closing_reader(struct ds_sock *sock, void *buf, size_t len, void *arg)
{
	(void)buf, (void)len, (void)arg;
	ds_close(sock, "reader");
	errno = EINTR;
	return -1;
}

static void
a_reader_may_close_its_socket(void **state)
{
	char byte;
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	ds_set_reader(&rec->sock, closing_reader, NULL);
	assert_int_equal(ds_read(&rec->sock, &byte, 1), 0);
	assert_string_equal(rec->seen->reason, "reader");
	close(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(pushed_back_bytes_come_first_in_first_out_and_unmerged),
	    UNIT(pushed_back_bytes_are_split_when_the_buffer_is_small),
	    UNIT(pushed_back_bytes_are_delivered_in_the_same_turn),
	    UNIT(bytes_that_are_never_taken_end_the_turn_and_do_not_let_the_next_one_wait),
	    UNIT(bytes_that_are_left_alone_are_told_of_again),
	    UNIT(pushed_back_bytes_wait_while_reading_is_not_watched),
	    UNIT(turning_reading_off_ends_the_passes),
	    UNIT(a_socket_closed_by_another_during_the_pass_gets_nothing),
	    UNIT(pushed_back_bytes_go_before_a_hang_up),
	    UNIT(closing_drops_what_was_given_back),
	    UNIT(a_reader_of_ones_own_is_obeyed_and_never_shows_eintr),
	    UNIT(a_reader_may_close_its_socket),
	};

	return cmocka_run_group_tests_name("read", tests, NULL, NULL);
}
