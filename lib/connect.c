/* SPDX-License-Identifier: ISC */
/*
 * Connecting. While it lasts the back end watches for writing only, whatever the class has asked
 * for, and what is written waits in the queue. The deadline is the timer that later serves the idle
 * timeout.
 */
#include "loop.h"
#include "os.h"

#include <errno.h>
#include <unistd.h>

static void
too_late(struct ds_timer *timer, void *arg)
{
	(void)timer;
	ds_close(arg, "connect timeout");
}

static int
start(int fd, const struct ds_addr *addr)
{
	int result;

	do
		result = connect(fd, &addr->u.sa, addr->len);
	while (result == -1 && errno == EINTR);
	return result == -1 && errno != EINPROGRESS && errno != EALREADY && errno != EISCONN ? -1
											     : 0;
}

static int
set_up(struct ds_sock *sock, int fd, const struct ds_addr *addr, unsigned watch, int timeout_ms)
{
	struct ds_extra *extra = timeout_ms > 0 ? ds_extra_of(sock) : NULL;

	sock->flags |= DS_F_CONNECTING;
	sock->want = (uint8_t)watch;
	ds_peer_fill(&sock->peer, addr, fd);
	if (timeout_ms <= 0)
		return 0;
	if (extra == NULL)
		return -1;
	ds_timer_init(&extra->timer, sock->loop, too_late, sock);
	return ds_timer_add(&extra->timer, timeout_ms);
}

int
ds_connect(struct ds_sock *sock, struct ds_loop *loop, const struct ds_ops *ops,
    const struct ds_addr *addr, unsigned watch, int timeout_ms)
{
	int fd = ds_os_socket(addr->u.sa.sa_family);

	if (fd == -1)
		return -1;
	if (start(fd, addr) == -1 || ds_sock_init(sock, loop, ops, fd, DS_WRITE) == -1) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	if (set_up(sock, fd, addr, watch, timeout_ms) == -1) {
		ds_sock_abandon(sock);
		close(fd);
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

bool
ds_is_connecting(const struct ds_sock *sock)
{
	return sock->flags & DS_F_CONNECTING;
}

void
ds_connect_event(struct ds_sock *sock)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		ds_close_errno(sock, error);
		return;
	}
	sock->flags &= (uint16_t)~DS_F_CONNECTING;
	if (sock->extra != NULL)
		ds_timer_cancel(&sock->extra->timer);
	if (sock->extra != NULL)
		sock->extra->active_ns = ds_loop_now(sock->loop);
	if (ds_idle_start(sock) == -1) {
		ds_close_errno(sock, ENOMEM);
		return;
	}
	if (sock->ops->event_connect != NULL)
		sock->ops->event_connect(sock);
	ds_flush(sock); /* arms what is wanted, too */
}
