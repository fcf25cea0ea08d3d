/* SPDX-License-Identifier: ISC */
/*
 * The write queue under short writes: copied and lent bytes and callbacks, queued from outside and
 * from callbacks, until all is received, or until the socket is closed or reset on the way.
 */
#include "dsock.h"
#include "sim.h"

#include <errno.h>
#include <string.h>

enum { OPS = 60, OP_MAX = 300, SCRAMBLED = 0xee };

enum op_kind { COPY, LEND, CALL };

struct op {
	enum op_kind kind;
	size_t end; /* bytes of the stream up to and with it */
	bool called;
	char data[OP_MAX];
};

enum ending { RECEIVED, CLOSED, RESET };

static struct writer {
	struct ds_sock sock;
	struct sim_peer *peer;
	struct op ops[OPS];
	size_t n, quota; /* how many there are, how many there will be */
	size_t calls;	 /* ops below are called, or have nothing to call */
	char stream[OPS * OP_MAX];
	size_t len, received;
	enum ending ending;
	bool closed, destroyed;
} w;

static void submit(void);

/* The first op not called as yet that has something to call, now that its turn has come. */
static struct op *
next_to_call(bool closing)
{
	while (w.calls < w.n && (w.ops[w.calls].kind == COPY || w.ops[w.calls].called ||
				    (closing && w.ops[w.calls].kind == CALL)))
		w.calls++;
	return w.calls < w.n ? &w.ops[w.calls] : NULL;
}

static void
called(struct ds_sock *sock, void *arg)
{
	struct op *op = arg;
	bool closed = ds_is_closed(sock);

	assert_ptr_equal(sock, &w.sock);
	assert_false(op->called);
	assert_ptr_equal(op, next_to_call(closed));
	op->called = true;
	memset(op->data, SCRAMBLED, sizeof(op->data));
	if (closed) {
		assert_int_equal(op->kind, LEND);
		return;
	}
	assert_true(sim_peer_incoming(w.peer) >= op->end || w.ending == RESET);
	if (op->kind == CALL && w.ending != RESET) /* and nothing that stands behind it */
		assert_int_equal(sim_peer_incoming(w.peer), op->end);
	while (w.n < w.quota && sim_random(3) == 0)
		submit();
	if (w.ending == CLOSED && sim_random(20) == 0)
		ds_close(sock, "enough");
}

static void
submit(void)
{
	struct op *op = &w.ops[w.n++];
	size_t len = sim_random(sim_random(3) == 0 ? OP_MAX : 9);

	op->kind = sim_random(3);
	op->called = false;
	if (op->kind == CALL)
		len = 0;
	for (size_t i = 0; i < len; i++)
		op->data[i] = (char)('a' + sim_random(26));
	memcpy(w.stream + w.len, op->data, len);
	w.len += len;
	op->end = w.len;
	switch (op->kind) {
	case COPY:
		ds_write(&w.sock, op->data, len);
		memset(op->data, SCRAMBLED, sizeof(op->data));
		break;
	case LEND:
		ds_write_ref(&w.sock, op->data, len, called, op);
		break;
	case CALL:
		ds_write_call(&w.sock, called, op);
		break;
	}
}

static void
on_close(struct ds_sock *sock, const char *reason)
{
	assert_ptr_equal(sock, &w.sock);
	assert_non_null(reason);
	assert_false(w.closed);
	w.closed = true;
}

static void
destroy(struct ds_sock *sock)
{
	(void)sock;
	assert_true(w.closed);
	w.destroyed = true;
}

static void
event_read(struct ds_sock *sock)
{
	char byte;

	if (ds_read(sock, &byte, 1) == 0 || errno != EAGAIN)
		ds_close(sock, "read");
}

static const struct ds_ops writer_ops = {
    .name = "writer", .event_read = event_read, .on_close = on_close, .destroy = destroy};

static int64_t
receive(void *arg)
{
	char buf[OP_MAX];

	(void)arg;
	if (sim_random(2) == 0)
		return sim_now() + SIM_MS;
	ssize_t n = sim_peer_recv(w.peer, buf, 1 + sim_random(sizeof(buf)));
	if (n <= 0)
		return sim_now() + SIM_MS;
	assert_true(w.received + (size_t)n <= w.len);
	assert_memory_equal(buf, w.stream + w.received, n);
	w.received += (size_t)n;
	return sim_now() + (w.ending == RESET && sim_random(50) == 0 ? 0 : SIM_MS);
}

/* What holds between turns. */
static void
check(void)
{
	if (ds_is_closed(&w.sock)) {
		assert_false(ds_has_queue(&w.sock));
		assert_null(next_to_call(true));
		return;
	}
	const struct op *next = next_to_call(false);
	if (w.ending != RESET)
		assert_int_equal(ds_queued(&w.sock), w.len - sim_peer_incoming(w.peer));
	if (!ds_has_queue(&w.sock)) {
		assert_null(next);
		assert_int_equal(ds_queued(&w.sock), 0);
	}
}

/* Something for the ending that this run is to have; true when it is over. */
static bool
come_to_end(struct ds_loop *loop)
{
	if (w.ending == RESET && sim_random(60) == 0)
		sim_peer_reset(w.peer);
	if (w.ending == CLOSED && sim_random(60) == 0)
		ds_close(&w.sock, "enough");
	ds_loop_turn(loop);
	check();
	return ds_is_closed(&w.sock) || (w.ending != RESET && w.n == w.quota &&
					    w.received == w.len && !ds_has_queue(&w.sock));
}

static void
one_run(uint64_t seed)
{
	int fd;

	sim_begin(seed);
	sim_random_faults();
	memset(&w, 0, sizeof(w));
	struct ds_loop *loop = ds_loop_new();
	assert_non_null(loop);
	ds_loop_set_timeout(loop, 5);
	w.peer = sim_pair(&fd);
	w.quota = sim_random(OPS + 1);
	w.ending = sim_random(3);
	assert_int_equal(
	    ds_sock_init(&w.sock, loop, &writer_ops, fd, sim_random(2) ? DS_READ : 0), 0);
	sim_set_world(receive, NULL);
	do {
		while (w.n < w.quota && !ds_is_closed(&w.sock) && sim_random(2) == 0)
			submit();
	} while (!come_to_end(loop));
	if (w.ending == RECEIVED)
		assert_int_equal(w.received, w.len);
	sim_set_world(NULL, NULL);
	ds_loop_free(loop);
	assert_true(w.closed && w.destroyed);
	check();
	sim_end();
}

static void
queued_bytes_keep_their_order_and_their_ends_are_told_once(void **state)
{
	(void)state;
	sim_runs(4000, one_run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(queued_bytes_keep_their_order_and_their_ends_are_told_once),
	};

	return SIM_MAIN("writes", tests);
}
