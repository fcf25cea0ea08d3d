/* SPDX-License-Identifier: ISC */
/*
 * Sockets: listening ones, what they accept, names and options. All addresses are on 127.0.0.1; a
 * listener is its port.
 */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* The descriptor's entry, or NULL with errno: it is none, or this call is to fail. */
static struct sim_fd *
begin(enum sim_call call, int fd)
{
	struct sim_fd *entry = sim_fd_of(fd);

	return entry != NULL && !sim_fails(call) ? entry : NULL;
}

int
__wrap_socket(int domain, int type, int protocol)
{
	if (!sim_running())
		return __real_socket(domain, type, protocol);
	int fd = -1;
	if (domain != AF_INET && domain != AF_INET6)
		errno = EAFNOSUPPORT;
	else if (!sim_fails(SIM_SOCKET))
		fd = sim_fd_new(SIM_UNBOUND);
	if (fd != -1)
		sim_fd_of(fd)->nonblock = type & SOCK_NONBLOCK;
	return (int)sim_note(SIM_SOCKET, fd, fd);
}

static int
bind_to(int fd, const struct sockaddr *addr)
{
	/* The port is in the same place in IPv4 and IPv6 addresses. */
	uint16_t port = ntohs(((const struct sockaddr_in *)(const void *)addr)->sin_port);
	struct sim_fd *entry = begin(SIM_BIND, fd);

	if (entry == NULL)
		return -1;
	if (sim_listener_on(port) != NULL)
		return sim_refuse(EADDRINUSE);
	entry->port = port;
	return 0;
}

int
__wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (!sim_is_ours(fd))
		return __real_bind(fd, addr, len);
	return (int)sim_note(SIM_BIND, fd, bind_to(fd, addr));
}

static int
start_listening(int fd, int backlog)
{
	struct sim_fd *entry = begin(SIM_LISTEN, fd);

	if (entry == NULL)
		return -1;
	entry->kind = SIM_LISTENER;
	entry->backlog = backlog < SIM_BACKLOG ? (size_t)backlog : SIM_BACKLOG;
	return 0;
}

int
__wrap_listen(int fd, int backlog)
{
	if (!sim_is_ours(fd))
		return __real_listen(fd, backlog);
	return (int)sim_note(SIM_LISTEN, fd, start_listening(fd, backlog));
}

/* As on Linux: it goes no further than the room there is. */
static int
put_name(uint16_t port, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};

	if (addr == NULL)
		return 0;
	memcpy(addr, &in, *len < sizeof(in) ? *len : sizeof(in));
	*len = sizeof(in);
	return 0;
}

static struct sim_peer *
next_in_queue(struct sim_fd *listener)
{
	struct sim_peer *peer = listener->queue[0];

	listener->queued--;
	memmove(&listener->queue[0], &listener->queue[1], listener->queued * sizeof(peer));
	return peer;
}

static int
accept_error(void)
{
	static const int errors[] = {
	    ECONNABORTED, EMFILE, ENFILE, ENOMEM, ENOBUFS, EPROTO, ENETDOWN, EPERM};

	return errors[sim_chance(sizeof(errors) / sizeof(errors[0]))];
}

static int
accept_next(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct sim_fd *listener = begin(SIM_ACCEPT, fd);

	if (listener == NULL || sim_disturbed())
		return -1;
	if (listener->kind != SIM_LISTENER)
		return sim_refuse(EINVAL);
	if (listener->queued == 0) {
		if (!listener->nonblock)
			sim_wrong("accept4 on descriptor %d would block", fd);
		return sim_refuse(EAGAIN);
	}
	if (sim_happens(sim_faults()->accept))
		return sim_refuse(accept_error());
	int accepted = sim_fd_new(SIM_STREAM);
	if (accepted == -1)
		return -1;
	struct sim_fd *entry = sim_fd_of(accepted);
	entry->peer = next_in_queue(listener);
	entry->port = listener->port;
	entry->nonblock = flags & SOCK_NONBLOCK;
	put_name(entry->peer->port, addr, len);
	return accepted;
}

int
__wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	if (!sim_is_ours(fd))
		return __real_accept4(fd, addr, len, flags);
	return (int)sim_note(SIM_ACCEPT, fd, accept_next(fd, addr, len, flags));
}

struct sim_peer *
sim_connect(uint16_t port)
{
	struct sim_fd *listener = sim_listener_on(port);

	if (listener == NULL || listener->queued >= listener->backlog)
		return NULL;
	struct sim_peer *peer = sim_peer_new();
	listener->queue[listener->queued++] = peer;
	return peer;
}

struct sim_peer *
sim_pair(int *fd)
{
	struct sim_peer *peer = sim_peer_new();

	*fd = sim_fd_new(SIM_STREAM);
	struct sim_fd *entry = sim_fd_of(*fd);
	entry->peer = peer;
	entry->nonblock = true;
	return peer;
}

static int
shut(int fd, int how)
{
	struct sim_fd *entry = begin(SIM_SHUTDOWN, fd);

	if (entry == NULL)
		return -1;
	if (entry->kind != SIM_STREAM || entry->peer->reset)
		return sim_refuse(ENOTCONN);
	if (how != SHUT_RD)
		entry->peer->out_ended = true;
	if (how != SHUT_WR)
		entry->peer->in_shut = true;
	return 0;
}

int
__wrap_shutdown(int fd, int how)
{
	if (!sim_is_ours(fd))
		return __real_shutdown(fd, how);
	return (int)sim_note(SIM_SHUTDOWN, fd, shut(fd, how));
}

int
__wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!sim_is_ours(fd))
		return __real_getsockname(fd, addr, len);
	const struct sim_fd *entry = begin(SIM_GETSOCKNAME, fd);
	return (int)sim_note(
	    SIM_GETSOCKNAME, fd, entry != NULL ? put_name(entry->port, addr, len) : -1);
}

static int
peer_name(int fd, struct sockaddr *addr, socklen_t *len)
{
	const struct sim_fd *entry = begin(SIM_GETPEERNAME, fd);

	if (entry == NULL)
		return -1;
	if (entry->kind != SIM_STREAM || entry->peer->reset)
		return sim_refuse(ENOTCONN);
	return put_name(entry->peer->port, addr, len);
}

int
__wrap_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!sim_is_ours(fd))
		return __real_getpeername(fd, addr, len);
	return (int)sim_note(SIM_GETPEERNAME, fd, peer_name(fd, addr, len));
}

static int
get_option(int fd, int level, int name, int *value)
{
	struct sim_fd *entry = begin(SIM_GETSOCKOPT, fd);

	if (entry == NULL)
		return -1;
	if (level != SOL_SOCKET || name != SO_ERROR)
		return sim_refuse(ENOPROTOOPT);
	*value = entry->kind == SIM_STREAM ? sim_take_error(&entry->peer->error) : 0;
	return 0;
}

/* Only the pending error is known. */
int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	if (!sim_is_ours(fd))
		return __real_getsockopt(fd, level, name, value, len);
	return (int)sim_note(SIM_GETSOCKOPT, fd, get_option(fd, level, name, value));
}

/* Taken and forgotten. */
int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (!sim_is_ours(fd))
		return __real_setsockopt(fd, level, name, value, len);
	return (int)sim_note(SIM_SETSOCKOPT, fd, begin(SIM_SETSOCKOPT, fd) != NULL ? 0 : -1);
}
