/* SPDX-License-Identifier: ISC */
/* Connections that the program makes, and wake-ups from outside its loop. */
#include "dsock.h"
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PORT = 7003, DEADLINE_MS = 5000, TEXT = 3000 };

static struct caller {
	struct ds_sock sock;
	unsigned connects, closes, destroys;
	char reason[32];
	char in[TEXT];
	size_t received;
	int64_t closed_ns;
} caller;

static char text[TEXT];

static void
on_connect(struct ds_sock *sock)
{
	assert_false(ds_is_connecting(sock));
	caller.connects++;
}

static void
on_read(struct ds_sock *sock)
{
	ssize_t n = ds_read(sock, caller.in + caller.received, TEXT - caller.received);

	assert_int_equal(caller.connects, 1);
	if (n > 0)
		caller.received += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		ds_close(sock, "read");
	if (caller.received == TEXT)
		ds_close(sock, "all");
}

static void
on_close(struct ds_sock *sock, const char *reason)
{
	caller.closes++;
	caller.closed_ns = sim_now();
	snprintf(caller.reason, sizeof(caller.reason), "%s", reason);
	ds_loop_stop(sock->loop);
}

static void
on_destroy(struct ds_sock *sock)
{
	(void)sock;
	caller.destroys++;
}

static const struct ds_ops caller_ops = {.name = "caller",
    .event_connect = on_connect,
    .event_read = on_read,
    .on_close = on_close,
    .destroy = on_destroy};

/* Who is called: accepts some time later, sends back what it receives. */
static struct {
	struct sim_peer *peer;
	int64_t accept_ns;
	char held[TEXT];
	size_t len;
} callee;

static int64_t
send_back(void *arg)
{
	(void)arg;
	if (sim_now() < callee.accept_ns)
		return callee.accept_ns;
	if (callee.peer == NULL)
		callee.peer = sim_accept(PORT);
	if (callee.peer == NULL)
		return SIM_NEVER;
	ssize_t n = sim_peer_recv(
	    callee.peer, callee.held + callee.len, 1 + sim_random((uint32_t)(TEXT - callee.len)));
	callee.len += n > 0 ? (size_t)n : 0;
	size_t sent = sim_peer_send(callee.peer, callee.held, callee.len);
	callee.len -= sent;
	memmove(callee.held, callee.held + sent, callee.len);
	return n > 0 || sent > 0 ? sim_now() : SIM_NEVER;
}

static struct ds_loop *
begin_call(int *result)
{
	struct ds_addr addr;
	struct ds_loop *loop = ds_loop_new();

	memset(&caller, 0, sizeof(caller));
	memset(&callee, 0, sizeof(callee));
	for (size_t i = 0; i < TEXT; i++)
		text[i] = (char)('a' + i % 23);
	assert_null(ds_addr_parse(&addr, "127.0.0.1:7003"));
	*result = -1;
	if (loop != NULL)
		*result = ds_connect(&caller.sock, loop, &caller_ops, &addr, DS_READ, DEADLINE_MS);
	return loop;
}

/* Written before there is a connection, and after. */
static void
call_through(struct ds_loop *loop)
{
	callee.accept_ns = sim_now() + sim_random(1000) * SIM_MS;
	sim_set_world(send_back, NULL);
	ds_write(&caller.sock, text, TEXT / 2);
	ds_write_ref(&caller.sock, text + TEXT / 2, TEXT - TEXT / 2, NULL, NULL);
	if (!ds_is_closed(&caller.sock))
		assert_int_equal(ds_loop_run(loop), 0);
	assert_int_equal(caller.closes, 1);
	sim_set_world(NULL, NULL);
}

static void
call_run(uint64_t seed)
{
	int result;

	sim_begin(seed);
	sim_random_faults();
	sim_serve(PORT, true);
	struct ds_loop *loop = begin_call(&result);
	assert_int_equal(result, 0);
	assert_true(ds_is_connecting(&caller.sock));
	call_through(loop);
	assert_string_equal(caller.reason, "all");
	assert_memory_equal(caller.in, text, TEXT);
	ds_loop_free(loop);
	assert_int_equal(caller.destroys, 1);
	sim_end();
}

static void
what_is_written_while_connecting_arrives_in_order(void **state)
{
	(void)state;
	sim_runs(300, call_run);
}

static void
refused_run(uint64_t seed)
{
	int result;

	sim_begin(seed);
	sim_random_faults();
	struct ds_loop *loop = begin_call(&result);
	if (result == -1) {
		assert_int_equal(errno, ECONNREFUSED);
		assert_int_equal(caller.closes, 0);
	} else {
		call_through(loop);
		assert_string_equal(caller.reason, "ECONNREFUSED");
	}
	assert_int_equal(caller.connects, 0);
	ds_loop_free(loop);
	sim_end();
}

static void
a_refusal_is_told_at_once_or_as_the_reason_of_the_end(void **state)
{
	(void)state;
	sim_runs(100, refused_run);
}

static void
deadline_run(uint64_t seed)
{
	int result;

	sim_begin(seed);
	sim_random_faults();
	sim_serve(PORT, true);
	struct ds_loop *loop = begin_call(&result);
	int64_t begun = sim_now();
	assert_int_equal(result, 0);
	assert_int_equal(ds_loop_run(loop), 0);
	assert_string_equal(caller.reason, "connect timeout");
	assert_int_equal(caller.connects, 0);
	assert_in_range(caller.closed_ns - begun, DEADLINE_MS * SIM_MS, (DEADLINE_MS + 1) * SIM_MS);
	ds_loop_free(loop);
	sim_end();
}

static void
an_attempt_that_nobody_takes_ends_at_its_deadline(void **state)
{
	(void)state;
	sim_runs(100, deadline_run);
}

static void
call_with_a_failure(void)
{
	int result;

	sim_set_faults(&(struct sim_faults){.buffer = 300});
	sim_serve(PORT, true);
	struct ds_loop *loop = begin_call(&result);
	if (result == 0) {
		call_through(loop);
		assert_true(strcmp(caller.reason, "all") == 0 || sim_failed());
		assert_memory_equal(caller.in, text, caller.received);
	} else {
		assert_true(sim_failed());
		assert_int_equal(caller.closes, 0);
	}
	ds_loop_free(loop);
	assert_int_equal(caller.destroys, caller.closes);
}

static void
a_call_survives_whatever_fails_once(void **state)
{
	(void)state;
	assert_true(sim_fail_each(1, call_with_a_failure) > 50);
}

/* Wake-ups: the world calls ds_wake, as a thread or a signal handler would. */

enum { WAKES = 40 };

static struct ds_waker waker;
static unsigned wakes, heard;

static void
on_wake(struct ds_waker *which, void *arg)
{
	assert_ptr_equal(which, &waker);
	heard = wakes;
	if (wakes == WAKES)
		ds_loop_stop(arg);
}

static int64_t
wake_now_and_then(void *arg)
{
	(void)arg;
	for (uint32_t i = sim_random(3); i > 0 && wakes < WAKES; i--) {
		wakes++;
		ds_wake(&waker);
	}
	return wakes < WAKES ? sim_now() + sim_random(20) * SIM_MS : SIM_NEVER;
}

static void
wake(void)
{
	struct ds_loop *loop = ds_loop_new();

	wakes = heard = 0;
	if (loop == NULL || ds_waker_init(&waker, loop, on_wake, loop) == -1) {
		assert_true(sim_failed());
		ds_loop_free(loop);
		return;
	}
	sim_set_world(wake_now_and_then, NULL);
	assert_int_equal(ds_loop_run(loop), 0);
	assert_int_equal(heard, WAKES);
	sim_set_world(NULL, NULL);
	ds_loop_free(loop);
}

static void
wake_run(uint64_t seed)
{
	sim_begin(seed);
	sim_random_faults();
	wake();
	sim_end();
}

static void
no_wake_up_is_lost(void **state)
{
	(void)state;
	sim_runs(300, wake_run);
}

static void
wake_ups_survive_whatever_fails_once(void **state)
{
	(void)state;
	assert_true(sim_fail_each(1, wake) > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(what_is_written_while_connecting_arrives_in_order),
	    SIM_TEST(a_refusal_is_told_at_once_or_as_the_reason_of_the_end),
	    SIM_TEST(an_attempt_that_nobody_takes_ends_at_its_deadline),
	    SIM_TEST(a_call_survives_whatever_fails_once),
	    SIM_TEST(no_wake_up_is_lost),
	    SIM_TEST(wake_ups_survive_whatever_fails_once),
	};

	return SIM_MAIN("connect", tests);
}
