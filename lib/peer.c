/* SPDX-License-Identifier: ISC */
/* Who is at the other end of a socket, and the texts for it. */
#include "peer.h"

#include "loop.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void
fill_unix(struct ds_peer *peer, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
		peer->pid = cred.pid;
		peer->u.uid = cred.uid;
	}
}

void
ds_peer_fill(struct ds_peer *peer, const struct ds_addr *addr, int fd)
{
	const uint8_t *ip6 = addr->u.in6.sin6_addr.s6_addr;

	memset(peer, 0, sizeof(*peer));
	peer->family = addr->u.sa.sa_family;
	switch (peer->family) {
	case AF_INET:
		peer->port = ntohs(addr->u.in.sin_port);
		memcpy(peer->u.ip, &addr->u.in.sin_addr, 4);
		break;
	case AF_INET6:
		peer->port = ntohs(addr->u.in6.sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&addr->u.in6.sin6_addr)) {
			peer->family = AF_INET;
			memcpy(peer->u.ip, ip6 + 12, 4);
		} else {
			memcpy(peer->u.ip, ip6, 16);
		}
		break;
	case AF_UNIX:
		fill_unix(peer, fd);
		break;
	default:
		break;
	}
}

char *
ds_peer_format(const struct ds_peer *peer, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];

	switch (peer->family) {
	case AF_INET:
		inet_ntop(AF_INET, peer->u.ip, ip, sizeof(ip));
		snprintf(buf, size, "%s:%u", ip, peer->port);
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, peer->u.ip, ip, sizeof(ip));
		snprintf(buf, size, "[%s]:%u", ip, peer->port);
		break;
	case AF_UNIX:
		snprintf(buf, size, "unix:%d", (int)peer->pid);
		break;
	default:
		snprintf(buf, size, "unknown");
	}
	return buf;
}

const struct ds_peer *
ds_sock_peer(struct ds_sock *sock)
{
	struct ds_addr addr;

	addr.len = sizeof(addr.u);
	if (sock->peer.family == AF_UNSPEC && !ds_is_closed(sock) &&
	    getpeername(sock->fd, &addr.u.sa, &addr.len) == 0)
		ds_peer_fill(&sock->peer, &addr, sock->fd);
	return &sock->peer;
}

void
ds_sock_set_peer(struct ds_sock *sock, const struct ds_peer *peer)
{
	sock->peer = *peer;
}

char *
ds_peer_string(struct ds_sock *sock, char *buf, size_t size)
{
	return ds_peer_format(ds_sock_peer(sock), buf, size);
}

char *
ds_local_string(struct ds_sock *sock, char *buf, size_t size)
{
	struct ds_addr addr = {0};

	addr.len = sizeof(addr.u);
	if (ds_is_closed(sock) || getsockname(sock->fd, &addr.u.sa, &addr.len) == -1)
		snprintf(buf, size, "unknown");
	else
		ds_addr_format(&addr, buf, size);
	return buf;
}

char *
ds_sock_string(struct ds_sock *sock, char *buf, size_t size)
{
	char peer[DS_ADDR_STRLEN];
	bool known = ds_sock_peer(sock)->family != AF_UNSPEC;

	snprintf(buf, size, "%s(%s%s): %s%s%s", sock->ops->name, sock->armed & DS_READ ? "R" : "",
	    sock->armed & DS_WRITE ? "W" : "", ds_is_closed(sock) ? "closed" : "open",
	    known ? " to " : "", known ? ds_peer_string(sock, peer, sizeof(peer)) : "");
	return buf;
}
