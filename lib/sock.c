/* SPDX-License-Identifier: ISC */
/*
 * The life of a socket: init, interest, events, close, reap. Always true: a socket is in the loop's
 * map and in the back end exactly while it is open; a closed one is in the reap list exactly once,
 * until its descriptor is closed and destroy has been called.
 */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
map_reserve(struct ds_loop *loop, int fd)
{
	size_t size = loop->map_size == 0 ? 64 : loop->map_size;

	while (size <= (size_t)fd)
		size *= 2;
	if (size == loop->map_size)
		return 0;
	struct ds_sock **map = reallocarray(loop->map, size, sizeof(struct ds_sock *));
	if (map == NULL)
		return -1;
	memset(map + loop->map_size, 0, (size - loop->map_size) * sizeof(struct ds_sock *));
	loop->map = map;
	loop->map_size = size;
	return 0;
}

int
ds_sock_init(
    struct ds_sock *sock, struct ds_loop *loop, const struct ds_ops *ops, int fd, unsigned watch)
{
	assert(ops->event_read != NULL || !(watch & DS_READ));
	if (fd < 0 || loop->freeing) {
		errno = fd < 0 ? EBADF : ECANCELED;
		return -1;
	}
	if (map_reserve(loop, fd) == -1)
		return -1;
	if (loop->map[fd] != NULL) {
		errno = EEXIST;
		return -1;
	}
	memset(sock, 0, sizeof(*sock));
	sock->ops = ops;
	sock->loop = loop;
	sock->fd = fd;
	sock->want = sock->armed = (uint8_t)(watch & (DS_READ | DS_WRITE));
	if (loop->poller->add(loop->poller_state, sock, sock->armed) == -1)
		return -1;
	loop->map[fd] = sock;
	loop->watched++;
	return 0;
}

void
ds_arm(struct ds_sock *sock)
{
	unsigned interest = sock->want | (sock->flags & DS_F_QUEUE_WATCH ? DS_WRITE : 0u);

	if (sock->flags & DS_F_CONNECTING)
		interest = DS_WRITE;
	if (interest == sock->armed || ds_is_closed(sock))
		return;
	sock->armed = (uint8_t)interest;
	if (sock->loop->poller->mod(sock->loop->poller_state, sock, interest) == -1)
		ds_close_errno(sock, errno);
}

static void
watch(struct ds_sock *sock, unsigned bit, bool on)
{
	assert(!on || bit != DS_READ || sock->ops->event_read != NULL);
	sock->want = (uint8_t)(on ? sock->want | bit : sock->want & ~bit);
	ds_arm(sock);
}

void
ds_watch_read(struct ds_sock *sock, bool on)
{
	watch(sock, DS_READ, on);
}

void
ds_watch_write(struct ds_sock *sock, bool on)
{
	watch(sock, DS_WRITE, on);
}

static void
default_err(struct ds_sock *sock)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno == ENOTSOCK ? EPIPE : errno; /* a pipe that nobody reads */
	if (error == 0)
		error = EIO;
	ds_close_errno(sock, error);
}

static void
default_hup(struct ds_sock *sock)
{
	ds_close(sock, "hangup");
}

static void
default_write(struct ds_sock *sock)
{
	ds_flush(sock);
}

/* True when a hang-up may be told: what is left to read, where reading is watched, goes before it.
 */
static bool
nothing_to_read(const struct ds_sock *sock)
{
	if (!(sock->want & DS_READ))
		return true;
	if (ds_has_pushed(sock))
		return false;
	/* Not every event says so: reading may be watched only since it was fetched. Where poll
	 * fails (EINTR) it is not known, and the hang-up is told again in the next turn. */
	struct pollfd now = {.fd = sock->fd, .events = POLLIN};
	int n = poll(&now, 1, 0);
	return n == 0 || (n == 1 && !(now.revents & POLLIN));
}

static void
call(struct ds_sock *sock, enum ds_event_index index, void (*fn)(struct ds_sock *))
{
	if (sock->loop->profiling)
		ds_profile_call(sock, index, fn);
	else
		fn(sock);
}

/* After each event: it may have closed the socket, and so may those of others before it. */
void
ds_dispatch(struct ds_sock *sock, unsigned events)
{
	const struct ds_ops *ops = sock->ops;
	bool readable = (events & DS_READ) && (sock->want & DS_READ);

	if (ds_is_closed(sock))
		return;
	if (sock->loop->debug != NULL)
		ds_debug(sock->loop, "event: fd=%d (%s), state=%u", sock->fd, ops->name, events);
	if (sock->flags & DS_F_CONNECTING) {
		ds_connect_event(sock);
		return;
	}
	if (readable)
		call(sock, DS_EVENT_READ, ops->event_read);
	/* What was asked for may have changed since the event was fetched. */
	if ((events & DS_WRITE) && (sock->armed & DS_WRITE) && !ds_is_closed(sock))
		call(sock, DS_EVENT_WRITE,
		    ops->event_write != NULL ? ops->event_write : default_write);
	if ((events & DS_ERR) && !ds_is_closed(sock))
		call(sock, DS_EVENT_ERR, ops->event_err != NULL ? ops->event_err : default_err);
	if ((events & DS_HUP) && !readable && !ds_is_closed(sock) && nothing_to_read(sock))
		call(sock, DS_EVENT_HUP, ops->event_hup != NULL ? ops->event_hup : default_hup);
}

static void
leave_loop(struct ds_sock *sock)
{
	struct ds_loop *loop = sock->loop;

	sock->flags |= DS_F_CLOSED;
	loop->poller->del(loop->poller_state, sock);
	loop->map[sock->fd] = NULL;
	loop->watched -= !(sock->flags & DS_F_INTERNAL);
}

void
ds_sock_abandon(struct ds_sock *sock)
{
	leave_loop(sock);
	free(sock->extra);
	sock->extra = NULL;
}

/* Everything that ends a socket, but for what becomes of its descriptor. */
static void
finish(struct ds_sock *sock, const char *reason)
{
	struct ds_loop *loop = sock->loop;

	leave_loop(sock);
	sock->next_reap = NULL;
	if (loop->reap_first == NULL)
		loop->reap_first = sock;
	else
		loop->reap_last->next_reap = sock;
	loop->reap_last = sock;

	if (loop->debug != NULL)
		ds_debug(loop, "closing fd=%d (%s): %s", sock->fd, sock->ops->name,
		    reason != NULL ? reason : "");
	if (sock->extra != NULL && sock->extra->timer.loop != NULL)
		ds_timer_cancel(&sock->extra->timer);
	ds_post_drop(sock);
	ds_pushed_drop(sock);
	ds_queue_drop(sock);
	if (sock->ops->on_close != NULL)
		sock->ops->on_close(sock, reason);
}

void
ds_close(struct ds_sock *sock, const char *reason)
{
	if (ds_is_closed(sock))
		return;
	if (sock->flags & DS_F_CORKED)
		ds_tcp_cork(sock, false); /* so that the final bytes leave */
	finish(sock, reason);
}

int
ds_steal_fd(struct ds_sock *sock)
{
	int fd = ds_fd(sock);

	if (fd == -1)
		return -1;
	if (sock->flags & DS_F_CORKED)
		ds_tcp_cork(sock, false);
	sock->flags |= DS_F_BORROWED;
	finish(sock, "stolen");
	return fd;
}

/* What may come of reading, writing, polling and memory; anything else is told as EIO. */
static const char *
errno_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {{EPIPE, "EPIPE"}, {ECONNRESET, "ECONNRESET"}, {ETIMEDOUT, "ETIMEDOUT"},
	    {ENOMEM, "ENOMEM"}, {ENOBUFS, "ENOBUFS"}, {EHOSTUNREACH, "EHOSTUNREACH"},
	    {EHOSTDOWN, "EHOSTDOWN"}, {ENETUNREACH, "ENETUNREACH"}, {ENETDOWN, "ENETDOWN"},
	    {ECONNREFUSED, "ECONNREFUSED"}, {ECONNABORTED, "ECONNABORTED"}, {ENOTCONN, "ENOTCONN"},
	    {EPROTO, "EPROTO"}, {EMSGSIZE, "EMSGSIZE"}, {ENOSPC, "ENOSPC"}, {EFBIG, "EFBIG"},
	    {EACCES, "EACCES"}, {EPERM, "EPERM"}, {EBADF, "EBADF"}, {EINVAL, "EINVAL"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	return "EIO";
}

void
ds_close_errno(struct ds_sock *sock, int error)
{
	ds_close(sock, errno_name(error));
}

bool
ds_is_closed(const struct ds_sock *sock)
{
	return sock->flags & DS_F_CLOSED;
}

int
ds_fd(const struct ds_sock *sock)
{
	return ds_is_closed(sock) ? -1 : sock->fd;
}

void
ds_close_all(struct ds_loop *loop, const char *reason)
{
	for (size_t fd = 0; fd < loop->map_size; fd++)
		if (loop->map[fd] != NULL)
			ds_close(loop->map[fd], reason);
}

/* Destroy may close further sockets: they join the end of the list and go in the same call. */
void
ds_reap(struct ds_loop *loop)
{
	struct ds_sock *sock;

	while ((sock = loop->reap_first) != NULL) {
		loop->reap_first = sock->next_reap;
		if (!(sock->flags & DS_F_BORROWED))
			close(sock->fd);
		free(sock->extra);
		sock->extra = NULL;
		if (sock->ops->destroy != NULL)
			sock->ops->destroy(sock);
	}
}

void
ds_set_data(struct ds_sock *sock, void *data)
{
	sock->data = data;
}

void *
ds_data(const struct ds_sock *sock)
{
	return sock->data;
}

struct ds_extra *
ds_extra_of(struct ds_sock *sock)
{
	if (sock->extra == NULL) {
		sock->extra = calloc(1, sizeof(*sock->extra));
		if (sock->extra != NULL)
			sock->extra->sock = sock;
	}
	return sock->extra;
}
