/* SPDX-License-Identifier: ISC */
/* Who is at the other end of a socket, and the texts for it. */
#include "peer.h"

#include "loop.h"
#include "os.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

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
		ds_os_peer_cred(fd, &peer->pid, &peer->u.uid);
		break;
	default:
		break;
	}
}

/* Writes the address without its port; true where it is an IPv6 address. */
static bool
format_ip(const struct ds_peer *peer, char *buf, size_t size)
{
	switch (peer->family) {
	case AF_INET:
	case AF_INET6:
		inet_ntop(peer->family, peer->u.ip, buf, (socklen_t)size);
		break;
	case AF_UNIX:
		snprintf(buf, size, "unix:%d", (int)peer->pid);
		break;
	default:
		snprintf(buf, size, "unknown");
	}
	return peer->family == AF_INET6;
}

char *
ds_peer_format_ip(const struct ds_peer *peer, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];

	format_ip(peer, ip, sizeof(ip));
	snprintf(buf, size, "%s", ip);
	return buf;
}

char *
ds_peer_format(const struct ds_peer *peer, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];
	bool v6 = format_ip(peer, ip, sizeof(ip));

	if (peer->family != AF_INET && !v6)
		snprintf(buf, size, "%s", ip);
	else
		snprintf(buf, size, v6 ? "[%s]:%u" : "%s:%u", ip, peer->port);
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
ds_peer_ip_string(struct ds_sock *sock, char *buf, size_t size)
{
	return ds_peer_format_ip(ds_sock_peer(sock), buf, size);
}

static bool
local_addr(const struct ds_sock *sock, struct ds_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->len = sizeof(addr->u);
	return !ds_is_closed(sock) && getsockname(sock->fd, &addr->u.sa, &addr->len) == 0;
}

char *
ds_local_string(struct ds_sock *sock, char *buf, size_t size)
{
	struct ds_addr addr;

	if (local_addr(sock, &addr))
		return ds_addr_format(&addr, buf, size);
	snprintf(buf, size, "unknown");
	return buf;
}

char *
ds_local_ip_string(struct ds_sock *sock, char *buf, size_t size)
{
	struct ds_addr addr;
	struct ds_peer here = {0};

	if (local_addr(sock, &addr) && addr.u.sa.sa_family == AF_UNIX)
		return ds_addr_format(&addr, buf, size);
	if (!ds_is_closed(sock))
		ds_peer_fill(&here, &addr, sock->fd);
	return ds_peer_format_ip(&here, buf, size);
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
