/* SPDX-License-Identifier: ISC */
/*
 * The write queue: copied bytes, lent bytes and callbacks, in one list. Always true: while anything
 * is queued and no flush is running, the library watches for writing; what is popped is never seen
 * again, so a callback may close the socket, write to it, or both.
 */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
	IOV_BATCH = 64,
	FLUSH_ROUNDS =
	    64,		/* writes and callbacks of one flush, so that a generator starves nobody */
	CHUNK_MIN = 512 /* room for small writes to share a chunk */
};

enum chunk_kind { COPIED, LENT, CALLBACK };

struct ds_chunk {
	struct ds_chunk *next;
	enum chunk_kind kind;
	const char *data; /* what is left of it */
	size_t len;
	size_t room;   /* COPIED: bytes free behind it */
	ds_sock_fn fn; /* LENT: done; CALLBACK */
	void *arg;
	char bytes[];
};

static struct ds_chunk *
append(struct ds_sock *sock, enum chunk_kind kind, size_t room)
{
	struct ds_chunk *chunk = malloc(sizeof(*chunk) + room);

	if (chunk == NULL)
		return NULL;
	*chunk = (struct ds_chunk){.kind = kind, .data = chunk->bytes, .room = room};
	if (sock->out_first == NULL) {
		sock->out_first = chunk;
	} else {
		assert(sock->out_last != NULL);
		sock->out_last->next = chunk;
	}
	sock->out_last = chunk;
	return chunk;
}

static struct ds_chunk *
pop(struct ds_sock *sock)
{
	struct ds_chunk *chunk = sock->out_first;

	sock->out_first = chunk->next;
	sock->out_bytes -= chunk->len;
	return chunk;
}

/* Frees a popped chunk and does what its end asks for. */
static void
retire(struct ds_sock *sock, struct ds_chunk *chunk, bool closing)
{
	ds_sock_fn fn = chunk->fn;
	void *arg = chunk->arg;
	bool call = fn != NULL && !(closing && chunk->kind == CALLBACK);

	free(chunk);
	if (call)
		fn(sock, arg);
}

void
ds_queue_drop(struct ds_sock *sock)
{
	while (sock->out_first != NULL)
		retire(sock, pop(sock), true);
}

static int
queue_copy(struct ds_sock *sock, const char *data, size_t len)
{
	struct ds_chunk *last = sock->out_first != NULL ? sock->out_last : NULL;

	if (last == NULL || last->kind != COPIED || last->room < len)
		last = append(sock, COPIED, len > CHUNK_MIN ? len : CHUNK_MIN);
	if (last == NULL)
		return -1;
	memcpy((char *)last->data + last->len, data, len);
	last->len += len;
	last->room -= len;
	sock->out_bytes += len;
	return 0;
}

/* writev(2) on what is no socket, where no flag keeps SIGPIPE away. */
static ssize_t
writev_quietly(int fd, const struct iovec *iov, int count)
{
	sigset_t pipe_set, pending, before;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
	ssize_t n = writev(fd, iov, count);
	int error = errno;
	if (n == -1 && error == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe_set, NULL, &(struct timespec){0});
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return n;
}

static ssize_t
write_raw(struct ds_sock *sock, const struct iovec *iov, int count)
{
	if (sock->extra != NULL && sock->extra->writer != NULL)
		return sock->extra->writer(
		    sock, iov[0].iov_base, iov[0].iov_len, sock->extra->writer_arg);
	if (!(sock->flags & DS_F_NOT_SOCKET)) {
		struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
		ssize_t n = count == 1
				? send(sock->fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL)
				: sendmsg(sock->fd, &msg, MSG_NOSIGNAL);
		if (n != -1 || errno != ENOTSOCK)
			return n;
		sock->flags |= DS_F_NOT_SOCKET;
	}
	return writev_quietly(sock->fd, iov, count);
}

/* How many bytes the kernel took; -1: the socket is closed, by a failure or by the writer. */
static ssize_t
write_some(struct ds_sock *sock, const struct iovec *iov, int count)
{
	ssize_t n;

	do
		n = write_raw(sock, iov, count);
	while (n == -1 && errno == EINTR && !ds_is_closed(sock));
	if (ds_is_closed(sock))
		return -1;
	if (n != -1) {
		if (sock->extra != NULL)
			sock->extra->active_ns = sock->loop->now_ns;
		return n;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	ds_close_errno(sock, errno);
	return -1;
}

/* Takes N written bytes off the queue's head, which was COUNT chunks of bytes; what their ends
 * queue meanwhile stands behind them and is none of this. */
static void
consume(struct ds_sock *sock, size_t n, int count)
{
	while (count-- > 0 && !ds_is_closed(sock)) {
		struct ds_chunk *chunk = sock->out_first;

		if (chunk->len > n) {
			chunk->data += n;
			chunk->len -= n;
			sock->out_bytes -= n;
			return;
		}
		n -= chunk->len;
		retire(sock, pop(sock), false);
	}
}

/* Writes what stands before the first callback. True when all of it went. */
static bool
flush_bytes(struct ds_sock *sock)
{
	struct iovec iov[IOV_BATCH];
	size_t total = 0;
	int count = 0;
	/* A replacement of write takes one piece at a time. */
	int most = sock->extra != NULL && sock->extra->writer != NULL ? 1 : IOV_BATCH;

	struct ds_chunk *c = sock->out_first;

	do {
		iov[count].iov_base = (char *)c->data;
		iov[count++].iov_len = c->len;
		total += c->len;
		c = c->next;
	} while (c != NULL && c->kind != CALLBACK && count < most);
	ssize_t n = write_some(sock, iov, count);
	if (n == -1)
		return false;
	consume(sock, (size_t)n, count);
	return (size_t)n == total;
}

static int
settle(struct ds_sock *sock)
{
	if (ds_is_closed(sock))
		return 1;
	if (sock->out_first != NULL)
		sock->flags |= DS_F_QUEUE_WATCH;
	else
		sock->flags &= (uint16_t)~DS_F_QUEUE_WATCH;
	ds_arm(sock); /* which may close it: then the queue is gone */
	ds_watermark_check(sock);
	return sock->out_first == NULL;
}

/* A write was not taken whole. */
static void
tell_incomplete(struct ds_sock *sock)
{
	if (ds_is_closed(sock))
		return;
	if (sock->loop->debug != NULL)
		ds_debug(sock->loop, "fd=%d (%s): %zu bytes stay queued", sock->fd, sock->ops->name,
		    sock->out_bytes);
	if (sock->ops->on_incomplete_write != NULL)
		sock->ops->on_incomplete_write(sock);
}

int
ds_flush(struct ds_sock *sock)
{
	if (ds_is_closed(sock))
		return 1;
	if (sock->flags & (DS_F_FLUSHING | DS_F_CONNECTING))
		return sock->out_first == NULL;
	sock->flags |= DS_F_FLUSHING;
	for (int round = 0; round < FLUSH_ROUNDS && sock->out_first != NULL; round++) {
		if (sock->out_first->kind == CALLBACK) {
			retire(sock, pop(sock), false);
		} else if (!flush_bytes(sock)) {
			tell_incomplete(sock);
			break;
		}
	}
	sock->flags &= (uint16_t)~DS_F_FLUSHING;
	return settle(sock);
}

static bool
may_write_now(const struct ds_sock *sock)
{
	return sock->out_first == NULL && !(sock->flags & (DS_F_FLUSHING | DS_F_CONNECTING));
}

static int
out_of_memory(struct ds_sock *sock)
{
	ds_close_errno(sock, ENOMEM);
	return 1;
}

/* While a flush runs it goes on to what is queued here; otherwise the back end has to tell. */
static int
queued(struct ds_sock *sock)
{
	return sock->flags & DS_F_FLUSHING ? 0 : settle(sock);
}

int
ds_write(struct ds_sock *sock, const void *data, size_t len)
{
	ssize_t n = 0;

	if (ds_is_closed(sock))
		return 1;
	if (len == 0)
		return sock->out_first == NULL;
	bool now = may_write_now(sock);
	if (now) {
		n = write_some(sock, &(struct iovec){(void *)data, len}, 1);
		if (n == -1 || (size_t)n == len)
			return 1;
	}
	if (queue_copy(sock, (const char *)data + n, len - (size_t)n) == -1)
		return out_of_memory(sock);
	if (now)
		tell_incomplete(sock);
	return queued(sock);
}

/* DONE of bytes that are not in the queue. As in a flush, so that one that lends again and again
 * neither recurses nor keeps the turn. */
static int
done_at_once(struct ds_sock *sock, ds_sock_fn done, void *arg)
{
	if (done == NULL)
		return 1;
	sock->flags |= DS_F_FLUSHING;
	done(sock, arg);
	sock->flags &= (uint16_t)~DS_F_FLUSHING;
	return ds_flush(sock);
}

int
ds_write_ref(struct ds_sock *sock, const void *data, size_t len, ds_sock_fn done, void *arg)
{
	ssize_t n = 0;
	struct ds_chunk *chunk = NULL;
	bool now = !ds_is_closed(sock) && may_write_now(sock);

	if (now && len > 0)
		n = write_some(sock, &(struct iovec){(void *)data, len}, 1);
	if (!ds_is_closed(sock) && (!now || (size_t)n < len)) {
		chunk = append(sock, LENT, 0);
		if (chunk == NULL)
			out_of_memory(sock);
	}
	if (chunk == NULL)
		return done_at_once(sock, done, arg);
	chunk->data = (const char *)data + n;
	chunk->len = len - (size_t)n;
	chunk->fn = done;
	chunk->arg = arg;
	sock->out_bytes += chunk->len;
	if (now)
		tell_incomplete(sock);
	return queued(sock);
}

int
ds_write_call(struct ds_sock *sock, ds_sock_fn fn, void *arg)
{
	if (ds_is_closed(sock))
		return 1;
	bool now = may_write_now(sock);
	struct ds_chunk *chunk = append(sock, CALLBACK, 0);
	if (chunk == NULL)
		return out_of_memory(sock);
	chunk->fn = fn;
	chunk->arg = arg;
	return now ? ds_flush(sock) : queued(sock);
}

size_t
ds_queued(const struct ds_sock *sock)
{
	return sock->out_bytes;
}

bool
ds_has_queue(const struct ds_sock *sock)
{
	return sock->out_first != NULL;
}

int
ds_set_writer(struct ds_sock *sock, ds_writer_fn fn, void *arg)
{
	if (ds_is_closed(sock))
		return 0;
	struct ds_extra *extra = ds_extra_of(sock);
	if (extra == NULL)
		return -1;
	extra->writer = fn;
	extra->writer_arg = arg;
	return 0;
}
