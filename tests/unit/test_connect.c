/* SPDX-License-Identifier: ISC */
/* Connecting: success, refusal, the deadline; what is written early waits, and nothing is read
 * before. */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct dialer {
	struct ds_sock sock; /* first */
	int connects, reads, idles, closes;
	char reason[64];
	char in[64];
};

static void
on_connect(struct ds_sock *sock)
{
	assert_false(ds_is_connecting(sock));
	((struct dialer *)sock)->connects++;
}

static void
on_read(struct ds_sock *sock)
{
	struct dialer *d = (struct dialer *)sock;
	ssize_t n = ds_read(sock, d->in + strlen(d->in), sizeof(d->in) - strlen(d->in) - 1);

	assert_int_equal(d->connects, 1);
	d->reads++;
	if (n == 0)
		ds_close(sock, "eof");
}

static void
on_idle(struct ds_sock *sock)
{
	((struct dialer *)sock)->idles++;
	ds_close(sock, "idle");
}

static void
on_close(struct ds_sock *sock, const char *reason)
{
	struct dialer *d = (struct dialer *)sock;

	d->closes++;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
}

static const struct ds_ops ops = {
    .name = "dialer",
    .event_read = on_read,
    .event_connect = on_connect,
    .event_idle = on_idle,
    .on_close = on_close,
};

static int
listen_somewhere(struct ds_addr *addr, int backlog)
{
	assert_null(ds_addr_parse(addr, "127.0.0.1:1"));
	addr->u.in.sin_port = 0;
	int fd = ds_listen(addr, backlog, 0);
	assert_true(fd >= 0);
	addr->len = sizeof(addr->u);
	assert_int_equal(getsockname(fd, &addr->u.sa, &addr->len), 0);
	return fd;
}

static void
run_until(struct ds_loop *loop, const int *what, int most_ms)
{
	int64_t until = clock_ms() + most_ms;

	ds_loop_set_timeout(loop, 5);
	while (*what == 0 && clock_ms() < until)
		ds_loop_turn(loop);
	ds_loop_set_timeout(loop, 0);
}

static void
what_is_written_early_arrives_after_the_connection(void **state)
{
	struct dialer d = {0};
	struct ds_addr addr;
	int server = listen_somewhere(&addr, 5);
	char buf[32] = "";

	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, DS_READ, 1000), 0);
	assert_true(ds_is_connecting(&d.sock));
	assert_int_equal(ds_write(&d.sock, "early ", 6), 0);
	assert_int_equal(ds_flush(&d.sock), 0);
	run_until(*state, &d.connects, 2000);
	assert_int_equal(d.connects, 1);
	assert_int_equal(ds_write(&d.sock, "late", 4), 1);
	int fd = accept(server, NULL, NULL);
	assert_int_equal(read(fd, buf, sizeof(buf)), 10);
	assert_string_equal(buf, "early late");
	put(fd, "answer");
	run_until(*state, &d.reads, 2000);
	assert_string_equal(d.in, "answer");
	step(*state, 3);
	assert_int_equal(d.connects, 1);
	ds_close(&d.sock, "done");
	step(*state, 1);
	close(fd);
	close(server);
}

static void
a_refusal_closes_with_its_reason(void **state)
{
	struct dialer d = {0};
	struct ds_addr addr;

	close(listen_somewhere(&addr, 5)); /* nobody listens there now */
	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, DS_READ, 1000), 0);
	ds_write(&d.sock, "lost", 4);
	run_until(*state, &d.closes, 2000);
	assert_string_equal(d.reason, "ECONNREFUSED");
	assert_int_equal(d.connects, 0);
	assert_int_equal(d.closes, 1);
	step(*state, 1);
}

/* The backlog is full, so the kernel drops what comes: nobody answers. */
static void
the_deadline_ends_it(void **state)
{
	struct dialer fill[4] = {0}, d = {0};
	struct ds_addr addr;
	int server = listen_somewhere(&addr, 0);

	for (int i = 0; i < 4; i++)
		assert_int_equal(ds_connect(&fill[i].sock, *state, &ops, &addr, 0, 0), 0);
	int64_t begun = clock_ms();
	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, 0, 40), 0);
	run_until(*state, &d.closes, 3000);
	assert_string_equal(d.reason, "connect timeout");
	assert_true(clock_ms() - begun >= 40);
	for (int i = 0; i < 4; i++)
		ds_close(&fill[i].sock, "done");
	step(*state, 1);
	close(server);
}

static void
the_deadline_goes_with_the_connection_and_silence_is_watched_from_then_on(void **state)
{
	struct dialer d = {0};
	struct ds_addr addr;
	int server = listen_somewhere(&addr, 5);

	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, DS_READ, 10000), 0);
	assert_int_equal(ds_set_idle_timeout(&d.sock, 30), 0);
	run_until(*state, &d.connects, 2000);
	int64_t begun = clock_ms();
	run_until(*state, &d.idles, 2000);
	assert_int_equal(d.idles, 1);
	assert_true(clock_ms() - begun >= 25);
	step(*state, 1);
	close(server);
}

static void
a_unix_socket_connects_too(void **state)
{
	struct dialer d = {0};
	struct ds_addr addr;
	char text[64];

	snprintf(text, sizeof(text), "unix:/tmp/dsock-test-%d", (int)getpid());
	assert_null(ds_addr_parse(&addr, text));
	int server = ds_listen(&addr, 5, 0600);
	assert_true(server >= 0);
	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, DS_READ, 1000), 0);
	assert_true(ds_is_connecting(&d.sock)); /* told in the loop, as for all others */
	run_until(*state, &d.connects, 2000);
	assert_int_equal(d.connects, 1);
	ds_close(&d.sock, "done");
	step(*state, 1);
	close(server);
	unlink(text + 5);
}

static void
what_fails_at_once_leaves_nothing_behind(void **state)
{
	struct dialer d = {0};
	struct ds_addr addr;

	assert_null(ds_addr_parse(&addr, "unix:/nonexistent/socket"));
	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, DS_READ, 1000), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(ds_loop_watched(*state), 0);
	assert_int_equal(d.closes, 0);
}

static void
pushed_back_bytes_wait_for_the_connection(void **state)
{
	struct dialer d = {0};
	struct ds_addr addr;
	int server = listen_somewhere(&addr, 5);

	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, DS_READ, 1000), 0);
	assert_int_equal(ds_push_back(&d.sock, "mine", 4), 0);
	run_until(*state, &d.reads, 2000); /* on_read checks that it is connected */
	assert_string_equal(d.in, "mine");
	ds_close(&d.sock, "done");
	step(*state, 1);
	close(server);
}

static void
closing_while_it_lasts_is_quiet(void **state)
{
	struct dialer d = {0};
	struct ds_addr addr;
	int server = listen_somewhere(&addr, 5);

	assert_int_equal(ds_connect(&d.sock, *state, &ops, &addr, DS_READ, 1000), 0);
	ds_close(&d.sock, "changed my mind");
	step(*state, 3);
	assert_int_equal(d.connects, 0);
	assert_int_equal(d.closes, 1);
	close(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(what_is_written_early_arrives_after_the_connection),
	    UNIT(a_refusal_closes_with_its_reason),
	    UNIT(the_deadline_ends_it),
	    UNIT(the_deadline_goes_with_the_connection_and_silence_is_watched_from_then_on),
	    UNIT(a_unix_socket_connects_too),
	    UNIT(what_fails_at_once_leaves_nothing_behind),
	    UNIT(pushed_back_bytes_wait_for_the_connection),
	    UNIT(closing_while_it_lasts_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
