/* SPDX-License-Identifier: ISC */
/* TCP options, and that they are harmless on what is no TCP socket. */
#include "support.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

static int
option(const struct ds_sock *sock, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(ds_fd(sock), level, name, &value, &len), 0);
	return value;
}

static void
keepalive_sets_every_bound(void **state)
{
	int fds[2];

	tcp_pair(fds);
	struct ds_sock *sock = &rec_new(*state, fds[0], 0)->sock;
	assert_int_equal(ds_tcp_keepalive(sock, 10, 5, 3), 0);
	assert_int_equal(option(sock, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_KEEPIDLE), 10);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_KEEPINTVL), 5);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_KEEPCNT), 3);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_USER_TIMEOUT), 25000);
	assert_int_equal(ds_tcp_keepalive(sock, 0, 5, 3), 0);
	assert_int_equal(option(sock, SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	close(fds[1]);
}

static void
keepalive_takes_large_numbers(void **state)
{
	int fds[2];

	tcp_pair(fds);
	struct ds_sock *sock = &rec_new(*state, fds[0], 0)->sock;
	assert_int_equal(ds_tcp_keepalive(sock, 32767, 32767, 127), 0);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_USER_TIMEOUT), INT32_MAX);
	assert_int_equal(ds_tcp_keepalive(sock, INT32_MAX, INT32_MAX, INT32_MAX), -1);
	assert_int_equal(errno, EINVAL);
	close(fds[1]);
}

static void
a_cork_holds_small_writes_back_until_it_is_drawn_or_the_socket_closes(void **state)
{
	char buf[64];
	int fds[2];

	tcp_pair(fds);
	struct ds_sock *sock = &rec_new(*state, fds[0], 0)->sock;
	assert_int_equal(ds_tcp_cork(sock, true), 0);
	assert_int_equal(ds_tcp_cork(sock, true), 0);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_CORK), 1);
	ds_write(sock, "held", 4);
	assert_int_equal(drain(fds[1], buf, sizeof(buf)), 0);
	assert_int_equal(ds_tcp_cork(sock, false), 0);
	await(fds[1], POLLIN);
	assert_int_equal(drain(fds[1], buf, sizeof(buf)), 4);
	ds_tcp_cork(sock, true);
	ds_write(sock, "last", 4);
	assert_int_equal(drain(fds[1], buf, sizeof(buf)), 0);
	ds_close(sock, "done");
	socklen_t size = sizeof(int);
	int corked = -1;
	getsockopt(fds[0], IPPROTO_TCP, TCP_CORK, &corked, &size); /* open until the turn's end */
	assert_int_equal(corked, 0);
	await(fds[1], POLLIN);
	assert_int_equal(drain(fds[1], buf, sizeof(buf)), 4);
	close(fds[1]);
}

static void
nodelay_is_set(void **state)
{
	int fds[2];

	tcp_pair(fds);
	struct ds_sock *sock = &rec_new(*state, fds[0], 0)->sock;
	assert_int_equal(ds_tcp_nodelay(sock, true), 0);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(ds_tcp_nodelay(sock, false), 0);
	assert_int_equal(option(sock, IPPROTO_TCP, TCP_NODELAY), 0);
	close(fds[1]);
}

static void
check_harmless(struct ds_sock *sock)
{
	assert_int_equal(ds_tcp_cork(sock, true), 0);
	assert_int_equal(ds_tcp_cork(sock, false), 0);
	assert_int_equal(ds_tcp_nodelay(sock, true), 0);
	assert_int_equal(ds_tcp_keepalive(sock, 10, 5, 3), 0);
	assert_false(ds_is_closed(sock));
	ds_close(sock, "done");
	assert_int_equal(ds_tcp_nodelay(sock, true), -1);
	assert_int_equal(errno, EBADF);
}

static void
what_is_no_tcp_socket_has_no_error(void **state)
{
	int fds[2], peer;

	check_harmless(&rec_on_pair(*state, &peer, 0)->sock);
	pipe_pair(fds);
	check_harmless(&rec_new(*state, fds[0], 0)->sock);
	close(fds[1]);
	close(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(keepalive_sets_every_bound),
	    UNIT(keepalive_takes_large_numbers),
	    UNIT(a_cork_holds_small_writes_back_until_it_is_drawn_or_the_socket_closes),
	    UNIT(nodelay_is_set),
	    UNIT(what_is_no_tcp_socket_has_no_error),
	};

	return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
