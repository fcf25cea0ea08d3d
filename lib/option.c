/* SPDX-License-Identifier: ISC */
/* Socket options. What a descriptor cannot have, because it is no TCP socket, is not an error. */
#include "loop.h"
#include "os.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>

/* RESULT is that of setsockopt(2). */
static int
tolerate(int result)
{
	return result == 0 || errno == ENOPROTOOPT || errno == EOPNOTSUPP || errno == ENOTSOCK ? 0
											       : -1;
}

static int
set_int(struct ds_sock *sock, int level, int name, int value)
{
	if (ds_is_closed(sock)) {
		errno = EBADF;
		return -1;
	}
	return tolerate(setsockopt(sock->fd, level, name, &value, sizeof(value)));
}

int
ds_tcp_cork(struct ds_sock *sock, bool on)
{
	if (on == ((sock->flags & DS_F_CORKED) != 0))
		return 0;
	if (ds_is_closed(sock)) {
		errno = EBADF;
		return -1;
	}
	if (tolerate(ds_os_cork(sock->fd, on)) == -1)
		return -1;
	sock->flags ^= DS_F_CORKED;
	return 0;
}

int
ds_tcp_nodelay(struct ds_sock *sock, bool on)
{
	return set_int(sock, IPPROTO_TCP, TCP_NODELAY, on);
}

int
ds_tcp_keepalive(struct ds_sock *sock, int idle_s, int interval_s, int count)
{
	int64_t total_ms = (idle_s + (int64_t)interval_s * count) * 1000;

	if (set_int(sock, SOL_SOCKET, SO_KEEPALIVE, idle_s > 0) == -1)
		return -1;
	if (idle_s <= 0)
		return tolerate(ds_os_user_timeout(sock->fd, 0));
	if (set_int(sock, IPPROTO_TCP, TCP_KEEPIDLE, idle_s) == -1 ||
	    set_int(sock, IPPROTO_TCP, TCP_KEEPINTVL, interval_s) == -1 ||
	    set_int(sock, IPPROTO_TCP, TCP_KEEPCNT, count) == -1)
		return -1;
	return tolerate(ds_os_user_timeout(sock->fd, total_ms > INT_MAX ? INT_MAX : (int)total_ms));
}
