/* SPDX-License-Identifier: ISC */
/* What bounds a socket: silence, queued output, bytes read in a turn; and the application's
 * pointer. */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { HUNG_MS = 30000 };

static void
turns_for(struct ds_loop *loop, int ms)
{
	int64_t until = clock_ms() + ms;

	ds_loop_set_timeout(loop, 2);
	while (clock_ms() < until)
		ds_loop_turn(loop);
	ds_loop_set_timeout(loop, 0);
}

static void
turns_until(struct ds_loop *loop, const int *what, int times)
{
	int64_t hung = clock_ms() + HUNG_MS;

	ds_loop_set_timeout(loop, 2);
	while (*what < times) {
		assert_true(clock_ms() < hung);
		ds_loop_turn(loop);
	}
	ds_loop_set_timeout(loop, 0);
}

static void
silence_closes_where_the_class_says_nothing(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct seen *seen = rec->seen;
	int64_t begun = clock_ms();

	assert_int_equal(ds_set_idle_timeout(&rec->sock, 20), 0);
	turns_until(*state, &seen->closes, 1);
	assert_true(clock_ms() - begun >= 20);
	assert_string_equal(seen->reason, "idle");
	close(peer);
}

/* False where the machine paused for so long that there may have been a silence. */
static bool
break_the_silence(struct ds_loop *loop, struct rec *rec, int peer)
{
	int64_t last = clock_ms();

	assert_int_equal(ds_set_idle_timeout(&rec->sock, 200), 0);
	for (int i = 0; i < 6; i++) {
		if (i % 2 == 0)
			put(peer, "x");
		else
			ds_write(&rec->sock, "y", 1);
		turns_for(loop, 50);
		if (clock_ms() - last >= 150)
			return false;
		last = clock_ms();
		assert_int_equal(rec->seen->closes, 0);
	}
	return true;
}

static void
bytes_of_either_direction_break_the_silence(void **state)
{
	bool broken = false;

	for (int tries = 0; tries < 20 && !broken; tries++) {
		int peer;
		struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
		struct seen *seen = rec->seen;

		broken = break_the_silence(*state, rec, peer);
		if (broken) {
			assert_int_equal(ds_set_idle_timeout(&rec->sock, 0), 0); /* off */
			turns_for(*state, 250);
			assert_int_equal(seen->closes, 0);
		}
		close(peer);
		turns_until(*state, &seen->closes, 1);
	}
	assert_true(broken);
}

static int idles;

static void
count_idle(struct ds_sock *sock)
{
	(void)sock;
	idles++;
}

static void
a_class_may_stay_and_is_told_again(void **state)
{
	static const struct ds_ops ops = {.name = "patient", .event_idle = count_idle};
	struct ds_sock sock;
	int fds[2];
	int64_t begun = clock_ms();

	unix_pair(fds);
	idles = 0;
	assert_int_equal(ds_sock_init(&sock, *state, &ops, fds[0], 0), 0);
	assert_int_equal(ds_set_idle_timeout(&sock, 10), 0);
	turns_until(*state, &idles, 5);
	assert_true(clock_ms() - begun >= 50);
	ds_close(&sock, "done");
	int before = idles;
	turns_for(*state, 30);
	assert_int_equal(idles, before);
	close(fds[1]);
}

struct marks {
	int above, below;
};

static void
note_mark(struct ds_sock *sock, bool above, void *arg)
{
	struct marks *marks = arg;

	(void)sock;
	if (above)
		marks->above++;
	else
		marks->below++;
}

static void
the_watermark_tells_each_crossing_once(void **state)
{
	static char block[1 << 16];
	struct marks marks = {0};
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_int_equal(ds_set_watermark(&rec->sock, 100000, 1000, note_mark, &marks), 0);
	while (ds_queued(&rec->sock) < 90000 - sizeof(block))
		ds_write(&rec->sock, block, sizeof(block));
	assert_int_equal(marks.above, 0);
	for (int i = 0; i < 5; i++)
		ds_write(&rec->sock, block, sizeof(block));
	assert_int_equal(marks.above, 1);
	assert_int_equal(marks.below, 0);
	while (ds_queued(&rec->sock) > 0) {
		bool was_above = ds_queued(&rec->sock) > 1000;
		drain(peer, block, sizeof(block));
		step(*state, 1);
		assert_int_equal(
		    marks.below, was_above && ds_queued(&rec->sock) > 1000 ? 0 : marks.below);
	}
	assert_int_equal(marks.above, 1);
	assert_int_equal(marks.below, 1);
	close(peer);
}

static void
close_when_above(struct ds_sock *sock, bool above, void *arg)
{
	(void)arg;
	if (above)
		ds_close(sock, "too slow");
}

static void
the_watermark_may_close(void **state)
{
	static char big[1 << 20];
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);
	struct seen *seen = rec->seen;

	assert_int_equal(ds_set_watermark(&rec->sock, 1000, 0, close_when_above, NULL), 0);
	assert_int_equal(
	    ds_write(&rec->sock, big, sizeof(big)), 1); /* closed: as if all had gone */
	assert_string_equal(seen->reason, "too slow");
	step(*state, 1);
	close(peer);
}

/* Reads until it is told to stop, as the class of a busy peer might. */
static void
read_all(struct rec *rec)
{
	char buf[64];

	while (ds_read(&rec->sock, buf, sizeof(buf)) > 0)
		rec->seen->in_len += 1;
	rec->seen->reads++;
}

static void
a_budget_lets_the_others_have_their_turn(void **state)
{
	static char block[8192];
	int busy_peer, calm_peer;
	struct rec *busy = rec_on_pair(*state, &busy_peer, DS_READ);
	struct rec *calm = rec_on_pair(*state, &calm_peer, DS_READ);

	busy->on_read = read_all;
	ds_set_read_budget(&busy->sock, 1024);
	assert_int_equal(write(busy_peer, block, sizeof(block)), sizeof(block));
	put(calm_peer, "x");
	step(*state, 1);
	assert_int_equal(busy->seen->in_len, 1024 / 64);
	assert_int_equal(calm->seen->reads, 1);
	step(*state, 7);
	assert_int_equal(busy->seen->in_len, 8192 / 64); /* no byte was lost, and no turn waited */
	close(busy_peer);
	close(calm_peer);
}

static void
a_loops_budget_holds_for_all_but_those_with_their_own(void **state)
{
	static char block[4096];
	int a_peer, b_peer;
	struct rec *a = rec_on_pair(*state, &a_peer, DS_READ);
	struct rec *b = rec_on_pair(*state, &b_peer, DS_READ);

	a->on_read = b->on_read = read_all;
	ds_loop_set_read_budget(*state, 128);
	ds_set_read_budget(&b->sock, 1024);
	assert_int_equal(write(a_peer, block, sizeof(block)), sizeof(block));
	assert_int_equal(write(b_peer, block, sizeof(block)), sizeof(block));
	step(*state, 1);
	assert_int_equal(a->seen->in_len, 2);
	assert_int_equal(b->seen->in_len, 16);
	close(a_peer);
	close(b_peer);
}

static struct rec *closed_rec;

static void
set_everything(struct rec *rec)
{
	(void)rec;
	assert_int_equal(ds_set_watermark(&closed_rec->sock, 1, 0, NULL, NULL), 0);
	assert_int_equal(ds_set_reader(&closed_rec->sock, NULL, NULL), 0);
	assert_int_equal(ds_set_writer(&closed_rec->sock, NULL, NULL), 0);
	assert_int_equal(ds_set_idle_timeout(&closed_rec->sock, 1000), 0);
}

/* In destroy the library has let go of the socket: what it took now nobody would free. */
static void
a_closed_socket_takes_no_limit(void **state)
{
	int peer;

	closed_rec = rec_on_pair(*state, &peer, 0);
	closed_rec->on_destroy = set_everything;
	ds_close(&closed_rec->sock, "done");
	set_everything(NULL);
	step(*state, 1);
	close(peer);
}

static void
the_applications_pointer_is_kept(void **state)
{
	int peer, mine;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_null(ds_data(&rec->sock));
	ds_set_data(&rec->sock, &mine);
	assert_ptr_equal(ds_data(&rec->sock), &mine);
	close(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(silence_closes_where_the_class_says_nothing),
	    UNIT(bytes_of_either_direction_break_the_silence),
	    UNIT(a_class_may_stay_and_is_told_again),
	    UNIT(the_watermark_tells_each_crossing_once),
	    UNIT(the_watermark_may_close),
	    UNIT(a_budget_lets_the_others_have_their_turn),
	    UNIT(a_loops_budget_holds_for_all_but_those_with_their_own),
	    UNIT(a_closed_socket_takes_no_limit),
	    UNIT(the_applications_pointer_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
