/* SPDX-License-Identifier: ISC */
/*
 * The life of a socket: sockets that close each other and themselves in callbacks, numbers that are
 * used again, stealing, the order of on_close and destroy.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
close_other(struct rec *rec)
{
	ds_close(&rec->other->sock, "by the other");
}

static void
two_sockets_closing_each_other_in_one_turn(void **state)
{
	struct seen *seen[2];
	struct rec *rec[2];
	int peer[2];

	for (int i = 0; i < 2; i++) {
		rec[i] = rec_on_pair(*state, &peer[i], DS_READ);
		seen[i] = rec[i]->seen;
		rec[i]->on_read = close_other;
		put(peer[i], "x");
	}
	rec[0]->other = rec[1];
	rec[1]->other = rec[0];
	step(*state, 1);
	assert_int_equal(seen[0]->reads + seen[1]->reads, 1);
	assert_int_equal(seen[0]->closes + seen[1]->closes, 1);

	struct seen *gone = seen[0]->closes ? seen[0] : seen[1];
	assert_string_equal(gone->order, "cd");
	assert_string_equal(gone->reason, "by the other");
	assert_int_equal(ds_loop_watched(*state), 1);
	close(peer[0]);
	close(peer[1]);
}

static void
close_self(struct rec *rec)
{
	ds_close(&rec->sock, "by itself");
}

static void
a_socket_that_closes_itself_in_read_gets_no_further_event(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], DS_READ | DS_WRITE);
	struct seen *seen = rec->seen;
	rec->on_read = close_self;
	put(fds[0], "never read: so that the end comes with an error");
	put(fds[1], "x");
	close(fds[1]);
	step(*state, 2);
	assert_string_equal(seen->order, "rcd");
	assert_string_equal(seen->reason, "by itself");
}

static void
events_come_in_the_order_read_write_err_hup(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], DS_READ | DS_WRITE);
	struct seen *seen = rec->seen;
	put(fds[0], "never read");
	put(fds[1], "x");
	close(fds[1]);

	step(*state, 1);
	assert_string_equal(seen->order, "rwe");
	ds_watch_read(&rec->sock, false);
	ds_watch_write(&rec->sock, false);
	step(*state, 1);
	assert_string_equal(seen->order, "rweeh"); /* nobody asked for the error yet */
	ds_close(&rec->sock, "done");
}

/* For what closes, frees the number and takes it again, all inside one turn. */
struct reuse {
	struct ds_loop *loop;
	struct rec *stranger;
	int number, stranger_peer;
};

static void
take_over_number(struct rec *rec)
{
	struct reuse *reuse = rec->arg;
	int fds[2];

	rec_read(rec);
	if (reuse->stranger != NULL)
		return;
	unix_pair(fds);
	reuse->number = ds_steal_fd(&rec->other->sock);
	close(reuse->number);
	assert_int_equal(fcntl(fds[0], F_DUPFD, reuse->number), reuse->number);
	close(fds[0]);
	reuse->stranger_peer = fds[1];
	reuse->stranger = rec_new(reuse->loop, reuse->number, DS_READ);
}

static void
a_number_used_again_within_a_turn_gets_no_stale_event(void **state)
{
	static struct reuse reuse;
	struct seen *seen[2];
	struct rec *rec[2];
	int peer[2];

	for (int i = 0; i < 2; i++) {
		rec[i] = rec_on_pair(*state, &peer[i], DS_READ);
		seen[i] = rec[i]->seen;
		rec[i]->on_read = take_over_number;
		rec[i]->arg = &reuse;
		put(peer[i], "x");
	}
	rec[0]->other = rec[1];
	rec[1]->other = rec[0];
	reuse.loop = *state;
	step(*state, 1);
	assert_int_equal(seen[0]->reads + seen[1]->reads, 1);
	assert_int_equal(reuse.stranger->seen->reads, 0);
	assert_true(is_open(reuse.number));
	assert_ptr_equal(ds_loop_sock(*state, reuse.number), &reuse.stranger->sock);
	put(reuse.stranger_peer, "y");
	step(*state, 1);
	assert_int_equal(reuse.stranger->seen->reads, 1);
	assert_int_equal(seen[0]->destroys + seen[1]->destroys, 1);
	close(peer[0]);
	close(peer[1]);
	close(reuse.stranger_peer);
}

static void
close_other_and_look(struct rec *rec)
{
	int number = ds_fd(&rec->other->sock);

	ds_close(&rec->other->sock, "by the other");
	rec_read(rec);
	rec->arg = is_open(number) ? "kept" : "gone";
}

static void
a_number_is_free_only_at_the_end_of_the_turn(void **state)
{
	int peer, other_peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct rec *other = rec_on_pair(*state, &other_peer, DS_READ);
	int number = ds_fd(&other->sock);

	rec->on_read = close_other_and_look;
	rec->other = other;
	put(peer, "x");
	step(*state, 1);
	assert_string_equal(rec->arg, "kept");
	assert_false(is_open(number));
	close(peer);
	close(other_peer);
}

static void
a_stolen_descriptor_stays_open_and_can_come_back(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct seen *seen = rec->seen;
	int number = ds_fd(&rec->sock);

	put(peer, "x");
	assert_int_equal(ds_steal_fd(&rec->sock), number);
	assert_int_equal(ds_steal_fd(&rec->sock), -1);
	assert_int_equal(ds_fd(&rec->sock), -1);
	assert_null(ds_loop_sock(*state, number));
	assert_int_equal(ds_loop_watched(*state), 0);
	struct seen *again = rec_new(*state, number, DS_READ)->seen;
	step(*state, 1);
	assert_string_equal(seen->order, "cd");
	assert_string_equal(seen->reason, "stolen");
	assert_true(is_open(number));
	assert_int_equal(again->reads, 1);
	close(peer);
}

static void
close_again(struct rec *rec)
{
	ds_close(&rec->sock, "again");
	assert_true(ds_is_closed(&rec->sock));
}

static void
closing_is_final_and_destroy_comes_once_after_it(void **state)
{
	char byte;
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ | DS_WRITE);
	struct seen *seen = rec->seen;
	rec->on_close = rec->on_destroy = close_again;

	assert_false(ds_is_closed(&rec->sock));
	ds_close(&rec->sock, "first");
	ds_close(&rec->sock, "second");
	assert_string_equal(seen->order, "c");
	assert_int_equal(ds_fd(&rec->sock), -1);
	assert_int_equal(ds_write(&rec->sock, "x", 1), 1);
	assert_int_equal(ds_flush(&rec->sock), 1);
	assert_int_equal(ds_read(&rec->sock, &byte, 1), 0);
	assert_int_equal(ds_push_back(&rec->sock, "x", 1), 0);
	assert_int_equal(ds_tcp_nodelay(&rec->sock, true), -1);
	ds_watch_read(&rec->sock, false);
	ds_watch_write(&rec->sock, true);
	step(*state, 3);
	assert_string_equal(seen->order, "cd");
	assert_string_equal(seen->reason, "first");
	assert_int_equal(read(peer, &byte, 1), 0);
	close(peer);
}

static void
close_from_timer(struct ds_timer *timer, void *arg)
{
	struct rec *rec = arg;

	(void)timer;
	ds_close(&rec->sock, "timer");
	assert_int_equal(rec->seen->destroys, 0);
}

static void
a_close_from_a_timer_is_reaped_in_the_same_turn(void **state)
{
	struct ds_timer timer;
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct seen *seen = rec->seen;
	int number = ds_fd(&rec->sock);

	ds_timer_init(&timer, *state, close_from_timer, rec);
	ds_timer_add(&timer, 0);
	step(*state, 1);
	assert_string_equal(seen->order, "cd");
	assert_false(is_open(number));
	close(peer);
}

static void
close_next(struct rec *rec)
{
	if (rec->other != NULL)
		ds_close(&rec->other->sock, "chain");
}

static void
destroy_may_close_further_sockets(void **state)
{
	enum { LINKS = 5 };
	struct seen *seen[LINKS];
	struct rec *rec[LINKS];
	int peer[LINKS];

	for (int i = 0; i < LINKS; i++) {
		rec[i] = rec_on_pair(*state, &peer[i], DS_READ);
		seen[i] = rec[i]->seen;
		rec[i]->on_destroy = close_next;
	}
	for (int i = 0; i + 1 < LINKS; i++)
		rec[i]->other = rec[i + 1];
	ds_close(&rec[0]->sock, "chain");
	step(*state, 1);
	for (int i = 0; i < LINKS; i++) {
		assert_string_equal(seen[i]->order, "cd");
		close(peer[i]);
	}
	assert_int_equal(ds_loop_watched(*state), 0);
}

static void
on_close_may_close_the_other_that_closes_it(void **state)
{
	struct seen *seen[2];
	struct rec *rec[2];
	int peer[2];

	for (int i = 0; i < 2; i++) {
		rec[i] = rec_on_pair(*state, &peer[i], DS_READ);
		seen[i] = rec[i]->seen;
		rec[i]->on_close = close_other;
	}
	rec[0]->other = rec[1];
	rec[1]->other = rec[0];
	ds_close(&rec[0]->sock, "first");
	step(*state, 1);
	assert_string_equal(seen[0]->order, "cd");
	assert_string_equal(seen[1]->order, "cd");
	assert_string_equal(seen[0]->reason, "first");
	close(peer[0]);
	close(peer[1]);
}

static void
a_failed_init_leaves_everything_to_the_caller(void **state)
{
	static const struct ds_ops ops = {.name = "none"};
	struct ds_sock sock;
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct seen *seen = rec->seen;

	assert_int_equal(ds_sock_init(&sock, *state, &ops, -1, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ds_sock_init(&sock, *state, &ops, ds_fd(&rec->sock), 0), -1);
	assert_int_equal(errno, EEXIST);
	assert_ptr_equal(ds_loop_sock(*state, ds_fd(&rec->sock)), &rec->sock);
	assert_int_equal(ds_loop_watched(*state), 1);
	step(*state, 1);
	put(peer, "x");
	step(*state, 1);
	assert_int_equal(seen->reads, 1);
	close(peer);
}

static void
a_class_of_defaults_needs_no_function(void **state)
{
	static const struct ds_ops ops = {.name = "none"};
	struct ds_sock sock;
	int fds[2];

	unix_pair(fds);
	assert_int_equal(ds_sock_init(&sock, *state, &ops, fds[0], 0), 0);
	fill(fds[0]);
	assert_int_equal(ds_write(&sock, "x", 1), 0);
	step(*state, 1);
	close(fds[1]);
	step(*state, 1);
	assert_true(ds_is_closed(&sock));
	assert_false(is_open(fds[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(two_sockets_closing_each_other_in_one_turn),
	    UNIT(a_socket_that_closes_itself_in_read_gets_no_further_event),
	    UNIT(events_come_in_the_order_read_write_err_hup),
	    UNIT(a_number_used_again_within_a_turn_gets_no_stale_event),
	    UNIT(a_number_is_free_only_at_the_end_of_the_turn),
	    UNIT(a_stolen_descriptor_stays_open_and_can_come_back),
	    UNIT(closing_is_final_and_destroy_comes_once_after_it),
	    UNIT(a_close_from_a_timer_is_reaped_in_the_same_turn),
	    UNIT(destroy_may_close_further_sockets),
	    UNIT(on_close_may_close_the_other_that_closes_it),
	    UNIT(a_failed_init_leaves_everything_to_the_caller),
	    UNIT(a_class_of_defaults_needs_no_function),
	};

	return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
