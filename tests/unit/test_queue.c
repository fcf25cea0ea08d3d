/* SPDX-License-Identifier: ISC */
/*
 * The write queue over a writer of the test's own: the order of copied bytes, lent bytes and
 * callbacks, callbacks that write or close, a writer that stutters.
 */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Stands for the kernel: takes up to ROOM bytes in all, PER_CALL at a time, and notes them. */
struct sink {
	char bytes[4096];
	size_t len, room, per_call;
	int calls;
};

static ssize_t
sink_write(struct ds_sock *sock, const void *buf, size_t len, void *arg)
{
	struct sink *sink = arg;

	(void)sock;
	if (sink->per_call != 0 && ++sink->calls % 3 != 0) {
		errno = sink->calls % 3 == 1 ? EINTR : EAGAIN;
		return -1;
	}
	if (sink->per_call != 0 && len > sink->per_call)
		len = sink->per_call;
	if (len > sink->room - sink->len)
		len = sink->room - sink->len;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(sink->bytes + sink->len, buf, len);
	sink->len += len;
	return (ssize_t)len;
}

static struct rec *
rec_on_sink(struct ds_loop *loop, struct sink *sink, int *peer)
{
	struct rec *rec = rec_on_pair(loop, peer, 0);

	memset(sink, 0, sizeof(*sink));
	rec->arg = sink;
	assert_int_equal(ds_set_writer(&rec->sock, sink_write, sink), 0);
	return rec;
}

static void
expect_sunk(const struct sink *sink, const char *text)
{
	assert_int_equal(sink->len, strlen(text));
	assert_memory_equal(sink->bytes, text, strlen(text));
}

static struct sink *
sink_of(struct ds_sock *sock)
{
	return ((struct rec *)sock)->arg;
}

/* Callbacks and "done" functions leave a mark among the bytes, to show when they ran. */
static void
mark(struct ds_sock *sock, void *arg)
{
	struct sink *sink = sink_of(sock);

	sink->bytes[sink->len++] = *(const char *)arg;
	sink->room++;
}

static void
copied_lent_and_callbacks_keep_their_order(void **state)
{
	struct sink sink;
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	assert_int_equal(ds_write(&rec->sock, "ab", 2), 0);
	assert_int_equal(ds_write_ref(&rec->sock, "cd", 2, mark, "1"), 0);
	assert_int_equal(ds_write_call(&rec->sock, mark, "2"), 0);
	assert_int_equal(ds_write(&rec->sock, "ef", 2), 0);
	assert_int_equal(ds_write_call(&rec->sock, mark, "3"), 0);
	assert_int_equal(ds_write_call(&rec->sock, mark, "4"), 0);
	assert_int_equal(ds_write_ref(&rec->sock, "gh", 2, mark, "5"), 0);
	assert_int_equal(ds_queued(&rec->sock), 8);
	step(*state, 2);
	assert_int_equal(sink.len, 0);
	sink.room = 3;
	step(*state, 2);
	expect_sunk(&sink, "abc");
	sink.room = 100;
	step(*state, 1);
	expect_sunk(&sink, "abcd12ef34gh5");
	assert_false(ds_has_queue(&rec->sock));
	close(peer);
}

static void
a_callback_on_an_empty_queue_runs_at_once(void **state)
{
	struct sink sink;
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	assert_int_equal(ds_write_call(&rec->sock, mark, "1"), 1);
	expect_sunk(&sink, "1");
	close(peer);
}

static void
write_more(struct ds_sock *sock, void *arg)
{
	mark(sock, "1");
	assert_int_equal(ds_write(sock, arg, strlen(arg)), 0);
	assert_int_equal(ds_write_call(sock, mark, "3"), 0);
	mark(sock, "2");
}

static void
what_a_callback_writes_goes_to_the_tail(void **state)
{
	struct sink sink;
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	ds_write(&rec->sock, "a", 1);
	ds_write_call(&rec->sock, write_more, "c");
	ds_write(&rec->sock, "b", 1);
	sink.room = 100;
	assert_int_equal(ds_flush(&rec->sock), 1);
	expect_sunk(&sink, "a12bc3");
	assert_int_equal(ds_write_ref(&rec->sock, "d", 1, write_more, "e"), 1);
	expect_sunk(&sink, "a12bc3d12e3");
	close(peer);
}

static void
a_done_that_queues_more_makes_the_result_say_so(void **state)
{
	struct sink sink;
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	sink.room = 3; /* "d", and a part of what its end writes */
	assert_int_equal(ds_write_ref(&rec->sock, "d", 1, write_more, "efghi"), 0);
	sink.room = 100;
	step(*state, 1);
	expect_sunk(&sink, "d12efghi3");
	close(peer);
}

static void
mark_close(struct rec *rec)
{
	mark(&rec->sock, "c");
}

static void
what_is_dropped_is_done_before_on_close(void **state)
{
	struct sink sink;
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	rec->on_close = mark_close;
	ds_write_ref(&rec->sock, "a", 1, mark, "1");
	ds_write_ref(&rec->sock, "b", 1, mark, "2");
	ds_close(&rec->sock, "done");
	expect_sunk(&sink, "12c");
	close(peer);
}

static void
close_it(struct ds_sock *sock, void *arg)
{
	mark(sock, arg);
	ds_close(sock, "callback");
}

static void
a_callback_may_close_the_socket(void **state)
{
	struct sink sink;
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);
	struct seen *seen = rec->seen;

	ds_write(&rec->sock, "a", 1);
	ds_write_call(&rec->sock, close_it, "1");
	ds_write_ref(&rec->sock, "b", 1, mark, "2");
	ds_write_call(&rec->sock, mark, "3");
	sink.room = 100;
	step(*state, 1);
	expect_sunk(&sink, "a12"); /* dropped and told so, and no callback */
	assert_string_equal(seen->order, "cd");
	close(peer);
}

static void
a_done_may_close_the_socket(void **state)
{
	struct sink sink;
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	ds_write_ref(&rec->sock, "a", 1, close_it, "1");
	ds_write_ref(&rec->sock, "b", 1, mark, "2");
	ds_write(&rec->sock, "c", 1);
	sink.room = 100;
	assert_int_equal(ds_flush(&rec->sock), 1);
	expect_sunk(&sink, "a12");
	close(peer);
}

static void
a_writer_that_stutters_gets_everything_in_order(void **state)
{
	struct sink sink;
	char expected[601];
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	sink.per_call = 1;
	sink.room = sizeof(sink.bytes);
	for (size_t i = 0; i < 600; i += 3) {
		memcpy(expected + i, i % 2 ? "abc" : "xyz", 3);
		if (i % 5 == 0)
			ds_write_ref(&rec->sock, i % 2 ? "abc" : "xyz", 3, NULL, NULL);
		else
			ds_write(&rec->sock, expected + i, 3);
	}
	for (int turns = 0; ds_has_queue(&rec->sock) && turns < 5000; turns++)
		step(*state, 1);
	expected[600] = '\0';
	expect_sunk(&sink, expected);
	assert_int_equal(ds_queued(&rec->sock), 0);
	close(peer);
}

static void
the_kernels_write_comes_back_when_the_writer_is_taken_off(void **state)
{
	struct sink sink;
	char buf[8];
	int peer;
	struct rec *rec = rec_on_sink(*state, &sink, &peer);

	assert_int_equal(ds_write(&rec->sock, "x", 1), 0);
	assert_int_equal(ds_set_writer(&rec->sock, NULL, NULL), 0);
	step(*state, 1);
	assert_int_equal(drain(peer, buf, sizeof(buf)), 1);
	close(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(copied_lent_and_callbacks_keep_their_order),
	    UNIT(a_callback_on_an_empty_queue_runs_at_once),
	    UNIT(what_a_callback_writes_goes_to_the_tail),
	    UNIT(a_done_that_queues_more_makes_the_result_say_so),
	    UNIT(what_is_dropped_is_done_before_on_close),
	    UNIT(a_callback_may_close_the_socket),
	    UNIT(a_done_may_close_the_socket),
	    UNIT(a_writer_that_stutters_gets_everything_in_order),
	    UNIT(the_kernels_write_comes_back_when_the_writer_is_taken_off),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
