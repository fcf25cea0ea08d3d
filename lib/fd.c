/* SPDX-License-Identifier: ISC */
/* Other descriptors: a socket class of the library's own that borrows one and calls a function. */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>

struct fd_watch {
	struct ds_sock sock;
	ds_fd_fn fn;
	void *arg;
};

static void
fd_event(struct ds_sock *sock, unsigned events)
{
	struct fd_watch *watch = (struct fd_watch *)sock;

	watch->fn(sock->loop, sock->fd, events, watch->arg);
}

static void
fd_readable(struct ds_sock *sock)
{
	fd_event(sock, DS_READ);
}

static void
fd_writable(struct ds_sock *sock)
{
	fd_event(sock, DS_WRITE);
}

static void
fd_error(struct ds_sock *sock)
{
	fd_event(sock, DS_ERR);
}

static void
fd_hup(struct ds_sock *sock)
{
	fd_event(sock, DS_HUP);
}

static void
fd_destroy(struct ds_sock *sock)
{
	free(sock);
}

static const struct ds_ops fd_ops = {
    .name = "fd",
    .event_read = fd_readable,
    .event_write = fd_writable,
    .event_err = fd_error,
    .event_hup = fd_hup,
    .destroy = fd_destroy,
};

int
ds_fd_add(struct ds_loop *loop, int fd, unsigned events, ds_fd_fn fn, void *arg)
{
	struct fd_watch *watch = malloc(sizeof(*watch));

	if (watch == NULL)
		return -1;
	if (ds_sock_init(&watch->sock, loop, &fd_ops, fd, events) == -1) {
		free(watch);
		return -1;
	}
	watch->sock.flags |= DS_F_BORROWED;
	watch->fn = fn;
	watch->arg = arg;
	return 0;
}

int
ds_fd_cancel(struct ds_loop *loop, int fd)
{
	struct ds_sock *sock = ds_loop_sock(loop, fd);

	if (sock == NULL || sock->ops != &fd_ops) {
		errno = ENOENT;
		return -1;
	}
	ds_close(sock, "cancelled");
	return 0;
}
