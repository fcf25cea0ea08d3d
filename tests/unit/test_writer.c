/* SPDX-License-Identifier: ISC */
/* Writers that never fill, that fail, or that close their socket. */
#include "support.h"

#include <errno.h>
#include <unistd.h>

static void
generate(struct ds_sock *sock, void *arg)
{
	++*(int *)arg;
	ds_write(sock, "x", 1);
	ds_write_call(sock, generate, arg);
}

static void
generate_nothing(struct ds_sock *sock, void *arg)
{
	++*(int *)arg;
	ds_write_call(sock, generate_nothing, arg);
}

static void
generate_lent(struct ds_sock *sock, void *arg)
{
	if (ds_is_closed(sock))
		return;
	++*(int *)arg;
	ds_write_ref(sock, "x", 1, generate_lent, arg);
}

static void
generate_lent_nothing(struct ds_sock *sock, void *arg)
{
	if (ds_is_closed(sock))
		return;
	++*(int *)arg;
	ds_write_ref(sock, "", 0, generate_lent_nothing, arg);
}

static ssize_t
bottomless(struct ds_sock *sock, const void *buf, size_t len, void *arg)
{
	(void)sock, (void)buf, (void)arg;
	return (ssize_t)len;
}

/* One that queues itself again for ever: another socket is served beside it, turn by turn. */
static void
check_generator(struct ds_loop *loop, ds_sock_fn fn)
{
	int peer, other_peer, calls = 0;
	struct rec *rec = rec_on_pair(loop, &peer, 0);
	struct rec *other = rec_on_pair(loop, &other_peer, DS_READ);

	ds_set_writer(&rec->sock, bottomless, NULL);
	fn(&rec->sock, &calls);
	for (int turn = 1; turn <= 3; turn++) {
		int before = calls;

		put(other_peer, "x");
		step(loop, 1);
		assert_int_equal(other->seen->reads, turn);
		assert_in_range(calls - before, 1, 1000);
	}
	ds_close(&rec->sock, "enough");
	ds_close(&other->sock, "enough");
	close(peer);
	close(other_peer);
}

static void
a_callback_that_queues_itself_for_ever_does_not_hang_the_turn(void **state)
{
	check_generator(*state, generate);
	check_generator(*state, generate_nothing);
}

static void
a_done_that_lends_for_ever_does_not_hang_the_turn(void **state)
{
	check_generator(*state, generate_lent);
	check_generator(*state, generate_lent_nothing);
}

static ssize_t
failing(struct ds_sock *sock, const void *buf, size_t len, void *arg)
{
	(void)sock, (void)buf, (void)len;
	errno = *(int *)arg;
	return -1;
}

static void
a_writer_that_fails_closes_with_the_errors_name(void **state)
{
	static const struct {
		int error;
		const char *name;
	} rows[] = {{EPIPE, "EPIPE"}, {ECONNRESET, "ECONNRESET"}, {ETIMEDOUT, "ETIMEDOUT"},
	    {ENOMEM, "ENOMEM"}, {ENOBUFS, "ENOBUFS"}, {ENOSPC, "ENOSPC"}, {EPROTO, "EPROTO"},
	    {EIO, "EIO"}, {EINVAL, "EINVAL"}, {ENOTCONN, "ENOTCONN"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int peer, error = rows[i].error;
		struct rec *rec = rec_on_pair(*state, &peer, 0);
		struct seen *seen = rec->seen;

		ds_set_writer(&rec->sock, failing, &error);
		assert_int_equal(ds_write(&rec->sock, "x", 1), 1);
		assert_string_equal(seen->reason, rows[i].name);
		step(*state, 1);
		assert_string_equal(seen->order, "cd");
		close(peer);
	}
}

static ssize_t
closing(struct ds_sock *sock, const void *buf, size_t len, void *arg)
{
	(void)buf, (void)len;
	ds_close(sock, "writer");
	errno = *(int *)arg;
	return errno == 0 ? 1 : -1;
}

static void
a_writer_may_close_its_socket(void **state)
{
	static const int errors[] = {0, EINTR, EAGAIN, EPIPE};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		int peer, error = errors[i];
		struct rec *rec = rec_on_pair(*state, &peer, 0);
		struct seen *seen = rec->seen;

		ds_set_writer(&rec->sock, closing, &error);
		assert_int_equal(ds_write(&rec->sock, "xyz", 3), 1);
		assert_string_equal(seen->reason, "writer");
		assert_false(ds_has_queue(&rec->sock));
		close(peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(a_callback_that_queues_itself_for_ever_does_not_hang_the_turn),
	    UNIT(a_done_that_lends_for_ever_does_not_hang_the_turn),
	    UNIT(a_writer_that_fails_closes_with_the_errors_name),
	    UNIT(a_writer_may_close_its_socket),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
