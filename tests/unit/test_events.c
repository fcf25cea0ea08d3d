/* SPDX-License-Identifier: ISC */
/*
 * Which events reach a socket: interest that changes within a turn, hang-ups behind unread bytes,
 * the class's interest in writing beside the library's.
 */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void
unwatch_other(struct rec *rec)
{
	ds_watch_read(&rec->other->sock, false);
	ds_watch_write(&rec->other->sock, false);
}

/* Two that are ready, where the first that is served makes the other lose its interest. */
static void
check_suppressed(struct ds_loop *loop, unsigned interest)
{
	struct rec *rec[2];
	int fds[2][2];

	for (int i = 0; i < 2; i++) {
		unix_pair(fds[i]);
		rec[i] = rec_new_full(loop, fds[i][0], interest);
		rec[i]->on_read = rec[i]->on_write = unwatch_other;
		put(fds[i][1], "x");
	}
	rec[0]->other = rec[1];
	rec[1]->other = rec[0];
	step(loop, 1);
	assert_int_equal(strlen(rec[0]->seen->order) + strlen(rec[1]->seen->order), 1);
	close(fds[0][1]);
	close(fds[1][1]);
}

static void
reading_turned_off_by_another_suppresses_the_fetched_event(void **state)
{
	check_suppressed(*state, DS_READ);
}

static void
writing_turned_off_by_another_suppresses_the_fetched_event(void **state)
{
	check_suppressed(*state, DS_WRITE);
}

static void
unwatch_self(struct rec *rec)
{
	ds_watch_write(&rec->sock, false);
}

static void
a_read_that_turns_writing_off_suppresses_its_own_write(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], DS_READ | DS_WRITE);
	rec->on_read = unwatch_self;
	put(fds[1], "x");
	step(*state, 2);
	assert_string_equal(rec->seen->order, "rr");
	close(fds[1]);
}

/* What an end of a pair takes from TOTAL bytes of a pattern. */
static size_t
write_pattern(int fd, size_t total)
{
	size_t sent = 0;
	char byte;

	for (ssize_t n = 1; sent < total && n == 1; sent += (size_t)(n == 1)) {
		byte = (char)('a' + sent % 26);
		n = write(fd, &byte, 1);
	}
	return sent;
}

static void
a_hang_up_comes_after_all_unread_bytes(void **state)
{
	enum { TOTAL = 100 * 1024 };
	static char bytes[TOTAL];
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(write(peer, bytes, sizeof(bytes)), TOTAL);
	close(peer);
	step(*state, 100);
	assert_int_equal(rec->seen->in_len, TOTAL);
	assert_int_equal(rec->seen->closes, 0);
	struct seen *seen = rec->seen;
	step(*state, 1);
	assert_string_equal(seen->reason, "eof");
	assert_int_equal(seen->reads, 101);
}

static void
a_pipe_that_hangs_up_is_read_to_its_end(void **state)
{
	int fds[2];

	pipe_pair(fds);
	struct rec *rec = rec_new(*state, fds[0], DS_READ);
	struct seen *seen = rec->seen;
	assert_int_equal(write_pattern(fds[1], 3000), 3000);
	close(fds[1]);
	step(*state, 3);
	assert_int_equal(seen->in_len, 3000);
	assert_memory_equal(seen->in, "abcdefghijklmnopqrstuvwxyzabc", 29);
	step(*state, 1);
	assert_string_equal(seen->reason, "hangup");
	assert_string_equal(seen->order, "rrrcd");
}

static void
a_hang_up_closes_when_reading_is_not_watched(void **state)
{
	int peer;
	struct seen *seen = rec_on_pair(*state, &peer, 0)->seen;

	step(*state, 1);
	assert_string_equal(seen->order, "");
	put(peer, "x");
	close(peer);
	step(*state, 1);
	assert_string_equal(seen->order, "cd");
	assert_string_equal(seen->reason, "hangup");
}

static void
watch_other_read(struct rec *rec)
{
	rec_read(rec);
	ds_watch_read(&rec->other->sock, true);
}

/* The event was fetched as a bare hang-up, and there are bytes behind it. */
static void
check_late_interest(struct ds_loop *loop, int late_fd, int late_peer)
{
	int peer;
	struct rec *first = rec_on_pair(loop, &peer, DS_READ);
	struct rec *late = rec_new(loop, late_fd, 0);
	struct seen *seen = late->seen;

	first->on_read = watch_other_read;
	first->other = late;
	put(peer, "x");
	put(late_peer, "the last words");
	close(late_peer);
	step(loop, 1);
	assert_int_equal(seen->closes, 0);
	step(loop, 2);
	assert_int_equal(seen->closes, 1);
	assert_int_equal(seen->in_len, strlen("the last words"));
	ds_close(&first->sock, "done");
	close(peer);
}

static void
reading_turned_on_within_the_turn_goes_before_a_hang_up(void **state)
{
	int fds[2];

	unix_pair(fds);
	check_late_interest(*state, fds[0], fds[1]);
	pipe_pair(fds);
	check_late_interest(*state, fds[0], fds[1]);
}

static void
an_error_closes_with_its_name(void **state)
{
	int fds[2];

	tcp_pair(fds);
	struct seen *seen = rec_new(*state, fds[0], 0)->seen;
	struct linger now = {.l_onoff = 1};
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fds[1]);
	await(fds[0], 0);
	step(*state, 1);
	assert_string_equal(seen->order, "cd");
	assert_string_equal(seen->reason, "ECONNRESET");
}

static void
interest_in_writing_outlives_the_queue(void **state)
{
	char buf[512];
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], DS_WRITE);
	fill(fds[0]);
	step(*state, 1);
	assert_int_equal(rec->seen->writes, 0);
	assert_int_equal(ds_write(&rec->sock, "end", 3), 0);
	while (drain(fds[1], buf, sizeof(buf)) > 0)
		;
	step(*state, 3);
	assert_false(ds_has_queue(&rec->sock));
	assert_int_equal(rec->seen->writes, 3);
	assert_int_equal(drain(fds[1], buf, sizeof(buf)), 3);
	close(fds[1]);
}

static void
a_queue_is_written_though_the_class_turns_writing_off(void **state)
{
	char buf[512];
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], 0);
	fill(fds[0]);
	assert_int_equal(ds_write(&rec->sock, "end", 3), 0);
	ds_watch_write(&rec->sock, true);
	ds_watch_write(&rec->sock, false);
	while (drain(fds[1], buf, sizeof(buf)) > 0)
		;
	step(*state, 3);
	assert_int_equal(drain(fds[1], buf, sizeof(buf)), 3);
	assert_int_equal(rec->seen->writes, 1); /* and no more once it is empty */
	close(fds[1]);
}

static void
keep_unread(struct rec *rec)
{
	(void)rec;
}

/* Every socket has a byte that is never read: each that is watched gets one event a turn. */
static void
random_opening_closing_and_watching_agrees_with_a_model(void **state)
{
	enum { SLOTS = 40, STEPS = 3000 };
	static struct rec *rec[SLOTS];
	static int peer[SLOTS];
	static bool watched[SLOTS];

	memset(rec, 0, sizeof(rec));
	srandom(11);
	for (int n = 0; n < STEPS; n++) {
		int i = (int)(random() % SLOTS), reads[SLOTS];

		if (rec[i] == NULL) {
			watched[i] = random() % 2;
			rec[i] = rec_on_pair(*state, &peer[i], watched[i] ? DS_READ : 0);
			rec[i]->on_read = keep_unread;
			put(peer[i], "x");
		} else if (random() % 2) {
			ds_watch_read(&rec[i]->sock, watched[i] = !watched[i]);
		} else {
			ds_close(&rec[i]->sock, "random");
			close(peer[i]);
			rec[i] = NULL;
		}
		for (i = 0; i < SLOTS; i++)
			reads[i] = rec[i] != NULL ? rec[i]->seen->reads : 0;
		step(*state, 1);
		for (i = 0; i < SLOTS; i++)
			if (rec[i] != NULL)
				assert_int_equal(rec[i]->seen->reads, reads[i] + watched[i]);
	}
	for (int i = 0; i < SLOTS; i++)
		if (rec[i] != NULL)
			close(peer[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(reading_turned_off_by_another_suppresses_the_fetched_event),
	    UNIT(writing_turned_off_by_another_suppresses_the_fetched_event),
	    UNIT(a_read_that_turns_writing_off_suppresses_its_own_write),
	    UNIT(a_hang_up_comes_after_all_unread_bytes),
	    UNIT(a_pipe_that_hangs_up_is_read_to_its_end),
	    UNIT(a_hang_up_closes_when_reading_is_not_watched),
	    UNIT(reading_turned_on_within_the_turn_goes_before_a_hang_up),
	    UNIT(an_error_closes_with_its_name),
	    UNIT(interest_in_writing_outlives_the_queue),
	    UNIT(a_queue_is_written_though_the_class_turns_writing_off),
	    UNIT(random_opening_closing_and_watching_agrees_with_a_model),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
