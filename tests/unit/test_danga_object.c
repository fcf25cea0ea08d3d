/* SPDX-License-Identifier: ISC */
/*
 * One test a row of the table in dsock(3) that maps Danga::Socket's object methods, named danga_
 * and the Perl name. The class methods are in test_danga_class.c. What the tests of the single
 * files show in depth is shown here once more in the words of that table.
 */
#include "support.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static void
note_line(const char *line, void *arg)
{
	strncat(arg, line, 400);
	strncat(arg, "\n", 2);
}

static bool
thrice(struct ds_loop *loop, void *arg)
{
	(void)loop;
	return ++*(int *)arg < 3;
}

static bool
sock_twice(struct ds_sock *sock, void *arg)
{
	(void)sock;
	return ++*(int *)arg < 2;
}

static void
danga_object_SetPostLoopCallback(void **state)
{
	int peer, turns = 0, others = 0;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_int_equal(ds_set_post(&rec->sock, sock_twice, &turns), 0);
	ds_loop_set_post(*state, thrice, &others);
	assert_int_equal(ds_loop_run(*state), 0);
	assert_int_equal(turns, 2);
	assert_int_equal(others, 1); /* the first false ends the loop and the calls */
	ds_close(&rec->sock, "done");
	assert_int_equal(ds_loop_turn(*state), 1); /* a closed socket is not asked */
	assert_int_equal(turns, 2);
	close(peer);
}

static void
danga_new(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new(*state, fds[0], 0);
	put(fds[1], "x");
	step(*state, 2);
	assert_int_equal(rec->seen->reads, 0); /* nothing is watched until it is asked for */
	assert_int_equal(ds_fd(&rec->sock), fds[0]);
	close(fds[1]);
}

static void
danga_tcp_cork(void **state)
{
	int fds[2], value = 0;
	socklen_t len = sizeof(value);

	tcp_pair(fds);
	struct rec *rec = rec_new(*state, fds[0], 0);
	assert_int_equal(ds_tcp_cork(&rec->sock, true), 0);
	assert_int_equal(getsockopt(fds[0], IPPROTO_TCP, TCP_CORK, &value, &len), 0);
	assert_true(value);
	assert_int_equal(ds_tcp_cork(&rec->sock, false), 0);
	assert_int_equal(getsockopt(fds[0], IPPROTO_TCP, TCP_CORK, &value, &len), 0);
	assert_false(value);
	close(fds[1]);
}

static void
danga_steal_socket(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	int fds[2], value = 1;
	socklen_t len = sizeof(value);

	tcp_pair(fds);
	struct rec *corked = rec_new(*state, fds[0], 0);
	assert_int_equal(ds_tcp_cork(&corked->sock, true), 0);
	assert_int_equal(ds_steal_fd(&corked->sock), fds[0]);
	assert_int_equal(getsockopt(fds[0], IPPROTO_TCP, TCP_CORK, &value, &len), 0);
	assert_false(value); /* what was held back leaves */
	close(fds[0]);
	close(fds[1]);
	int fd = ds_steal_fd(&rec->sock);
	assert_true(ds_is_closed(&rec->sock));
	assert_int_equal(ds_steal_fd(&rec->sock), -1);
	step(*state, 1);
	assert_true(is_open(fd));
	close(fd);
	close(peer);
}

static void
danga_close(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);
	struct seen *seen = rec->seen;
	int fd = ds_fd(&rec->sock);

	ds_close(&rec->sock, "first");
	ds_close(&rec->sock, "second");
	assert_true(ds_is_closed(&rec->sock));
	assert_true(is_open(fd)); /* until the end of the turn */
	assert_string_equal(seen->order, "c");
	step(*state, 1);
	assert_false(is_open(fd));
	assert_string_equal(seen->order, "cd");
	assert_string_equal(seen->reason, "first");
	close(peer);
}

static void
danga_sock(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new(*state, fds[0], 0);
	assert_int_equal(ds_fd(&rec->sock), fds[0]);
	ds_close(&rec->sock, "done");
	assert_int_equal(ds_fd(&rec->sock), -1);
	close(fds[1]);
}

/* Turns every byte over, and counts. */
static ssize_t
encrypting_writer(struct ds_sock *sock, const void *buf, size_t len, void *arg)
{
	char out[64];

	(void)len;
	out[0] = *(const char *)buf ^ 0x20;
	++*(int *)arg;
	return write(sock->fd, out, 1); /* one at a time: the rest is asked for again */
}

static void
danga_set_writer_func(void **state)
{
	int peer, calls = 0;
	char buf[16] = "";
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_int_equal(ds_set_writer(&rec->sock, encrypting_writer, &calls), 0);
	ds_write(&rec->sock, "Hello", 5);
	step(*state, 10);
	assert_int_equal(drain(peer, buf, sizeof(buf)), 5);
	assert_string_equal(buf, "hELLO");
	assert_int_equal(calls, 5);
	close(peer);
}

static void
danga_write(void **state)
{
	static char big[1 << 20];
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_int_equal(ds_write(&rec->sock, "a", 1), 1);
	assert_int_equal(ds_write(&rec->sock, big, sizeof(big)), 0);
	assert_int_equal(ds_write(&rec->sock, "b", 1), 0);
	assert_int_equal(ds_flush(&rec->sock), 0);
	ds_close(&rec->sock, "done");
	assert_int_equal(ds_write(&rec->sock, "c", 1), 1);
	close(peer);
}

static int incomplete;

static void
count_incomplete(struct ds_sock *sock)
{
	assert_true(ds_queued(sock) > 0);
	incomplete++;
}

static void
danga_on_incomplete_write(void **state)
{
	static const struct ds_ops ops = {.name = "x", .on_incomplete_write = count_incomplete};
	static char big[1 << 20];
	struct ds_sock sock;
	int fds[2];

	unix_pair(fds);
	incomplete = 0;
	assert_int_equal(ds_sock_init(&sock, *state, &ops, fds[0], 0), 0);
	ds_write(&sock, "small", 5);
	assert_int_equal(incomplete, 0);
	ds_write(&sock, big, sizeof(big));
	assert_int_equal(incomplete, 1);
	ds_write(&sock, "more", 4); /* only queued: no write was tried */
	assert_int_equal(incomplete, 1);
	ds_close(&sock, "done");
	step(*state, 1);
	close(fds[1]);
}

static void
danga_push_back_read(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);
	struct seen *seen = rec->seen;

	ds_push_back(&rec->sock, "one", 3);
	ds_push_back(&rec->sock, "two", 3);
	put(peer, "net");
	step(*state, 1); /* what the network has comes when nothing given back is left */
	step(*state, 1);
	assert_string_equal(seen->in, "onetwonet");
	assert_int_equal(seen->reads, 3);
	close(peer);
}

static void
danga_read(void **state)
{
	int peer;
	char buf[8];
	struct rec *rec = rec_on_pair(*state, &peer, 0);

	assert_int_equal(ds_read(&rec->sock, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EAGAIN);
	put(peer, "abc");
	assert_int_equal(ds_read(&rec->sock, buf, 2), 2);
	assert_int_equal(ds_read(&rec->sock, buf, 2), 1);
	close(peer);
	assert_int_equal(ds_read(&rec->sock, buf, 2), 0);
}

static void
danga_event_read(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	put(peer, "x");
	step(*state, 1);
	assert_string_equal(rec->seen->order, "r");
	close(peer);
}

static void
danga_event_write(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], DS_WRITE);
	step(*state, 1);
	assert_string_equal(rec->seen->order, "w");
	close(fds[1]);
}

static void
danga_event_err(void **state)
{
	int fds[2];
	struct linger reset = {1, 0};

	tcp_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], 0);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fds[1]);
	step(*state, 1);
	assert_true(rec->seen->errs >= 1);
}

static void
danga_event_hup(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], 0);
	close(fds[1]);
	step(*state, 1);
	assert_true(rec->seen->hups >= 1);
}

static void
danga_watch_read(void **state)
{
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	put(peer, "x");
	ds_watch_read(&rec->sock, false);
	step(*state, 1);
	assert_int_equal(rec->seen->reads, 0);
	ds_watch_read(&rec->sock, true);
	step(*state, 1);
	assert_int_equal(rec->seen->reads, 1);
	close(peer);
}

static void
danga_watch_write(void **state)
{
	int fds[2];

	unix_pair(fds);
	struct rec *rec = rec_new_full(*state, fds[0], 0);
	ds_watch_write(&rec->sock, true);
	step(*state, 2);
	assert_int_equal(rec->seen->writes, 2);
	ds_watch_write(&rec->sock, false);
	step(*state, 2);
	assert_int_equal(rec->seen->writes, 2);
	close(fds[1]);
}

static void
danga_dump_error(void **state)
{
	char text[4096] = "";
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	ds_loop_set_debug(*state, note_line, text);
	ds_dump_error(&rec->sock, "what is this");
	ds_loop_set_debug(*state, NULL, NULL);
	assert_non_null(strstr(text, "ERROR: what is this; plain(R): open"));
	close(peer);
}

static void
danga_debugmsg(void **state)
{
	char text[4096] = "";
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	ds_loop_set_debug(*state, note_line, text);
	put(peer, "x");
	step(*state, 1);
	ds_close(&rec->sock, "because");
	ds_loop_set_debug(*state, NULL, NULL);
	assert_non_null(strstr(text, "event: fd="));
	assert_non_null(strstr(text, "(plain): because"));
	close(peer);
}

/* A connection of 127.0.0.1, and the port of its other end. */
static struct rec *
tcp_rec(struct ds_loop *loop, int *peer, int *port)
{
	int fds[2];
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	tcp_pair(fds);
	*peer = fds[1];
	assert_int_equal(getsockname(fds[1], (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return rec_new(loop, fds[0], DS_READ);
}

static void
danga_peer_ip_string(void **state)
{
	char text[DS_ADDR_STRLEN];
	int peer, port;
	struct rec *rec = tcp_rec(*state, &peer, &port);

	assert_string_equal(ds_peer_ip_string(&rec->sock, text, sizeof(text)), "127.0.0.1");
	close(peer);
}

static void
danga_peer_addr_string(void **state)
{
	char text[DS_ADDR_STRLEN], expected[64];
	int peer, port;
	struct rec *rec = tcp_rec(*state, &peer, &port);

	snprintf(expected, sizeof(expected), "127.0.0.1:%d", port);
	assert_string_equal(ds_peer_string(&rec->sock, text, sizeof(text)), expected);
	ds_close(&rec->sock, "done"); /* and after the end, in a log for one */
	assert_string_equal(ds_peer_string(&rec->sock, text, sizeof(text)), expected);
	close(peer);
}

static void
danga_local_ip_string(void **state)
{
	char text[DS_ADDR_STRLEN];
	int peer, port;
	struct rec *rec = tcp_rec(*state, &peer, &port);

	assert_string_equal(ds_local_ip_string(&rec->sock, text, sizeof(text)), "127.0.0.1");
	ds_close(&rec->sock, "done");
	assert_string_equal(ds_local_ip_string(&rec->sock, text, sizeof(text)), "unknown");
	close(peer);
}

static void
danga_local_addr_string(void **state)
{
	char text[DS_ADDR_STRLEN];
	int peer, port;
	struct rec *rec = tcp_rec(*state, &peer, &port);

	ds_local_string(&rec->sock, text, sizeof(text));
	assert_memory_equal(text, "127.0.0.1:", 10);
	assert_true(atoi(text + 10) > 0 && atoi(text + 10) != port);
	close(peer);
}

static void
danga_as_string(void **state)
{
	char text[2 * DS_ADDR_STRLEN], expected[96];
	int peer, port;
	struct rec *rec = tcp_rec(*state, &peer, &port);

	snprintf(expected, sizeof(expected), "plain(R): open to 127.0.0.1:%d", port);
	assert_string_equal(ds_sock_string(&rec->sock, text, sizeof(text)), expected);
	ds_close(&rec->sock, "done");
	snprintf(expected, sizeof(expected), "plain(R): closed to 127.0.0.1:%d", port);
	assert_string_equal(ds_sock_string(&rec->sock, text, sizeof(text)), expected);
	close(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(danga_object_SetPostLoopCallback),
	    UNIT(danga_new),
	    UNIT(danga_tcp_cork),
	    UNIT(danga_steal_socket),
	    UNIT(danga_close),
	    UNIT(danga_sock),
	    UNIT(danga_set_writer_func),
	    UNIT(danga_write),
	    UNIT(danga_on_incomplete_write),
	    UNIT(danga_push_back_read),
	    UNIT(danga_read),
	    UNIT(danga_event_read),
	    UNIT(danga_event_write),
	    UNIT(danga_event_err),
	    UNIT(danga_event_hup),
	    UNIT(danga_watch_read),
	    UNIT(danga_watch_write),
	    UNIT(danga_dump_error),
	    UNIT(danga_debugmsg),
	    UNIT(danga_peer_ip_string),
	    UNIT(danga_peer_addr_string),
	    UNIT(danga_local_ip_string),
	    UNIT(danga_local_addr_string),
	    UNIT(danga_as_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
