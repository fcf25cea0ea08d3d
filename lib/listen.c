/* SPDX-License-Identifier: ISC */
/*
 * Listeners. A level-triggered accept that fails for want of descriptors would be reported again at
 * once, for ever; so the listener stops watching for a while instead, and the backlog holds who
 * comes.
 */
#include "loop.h"
#include "os.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ACCEPT_BATCH = 64, /* connections a turn, so that a flood of them starves nobody */
	RETRY_MS = 100
};

static struct ds_listener *
listener_of(struct ds_sock *sock)
{
	return (struct ds_listener *)sock;
}

static void
pause_accepting(struct ds_listener *listener, int error)
{
	if (ds_timer_add(&listener->retry, RETRY_MS) == -1)
		return; /* rather busy than deaf */
	ds_watch_read(&listener->sock, false);
	if (!listener->paused && listener->on_pause != NULL)
		listener->on_pause(listener, error, listener->arg);
	listener->paused = true;
}

/* Errors of the connection that was to be accepted, see accept(2): they concern nobody else. */
static bool
is_of_one_peer(int error)
{
	static const int errors[] = {EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT,
	    EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (error == errors[i])
			return true;
	return false;
}

/* True when it is worth trying for another one. */
static bool
accept_one(struct ds_listener *listener)
{
	struct ds_addr addr = {0};
	struct ds_peer peer;

	int fd = ds_os_accept(listener->sock.fd, &addr);
	if (fd == -1) {
		if (is_of_one_peer(errno))
			return true;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			pause_accepting(listener, errno);
		return false;
	}
	if (listener->paused) {
		listener->paused = false;
		if (listener->on_pause != NULL)
			listener->on_pause(listener, 0, listener->arg);
		if (ds_is_closed(&listener->sock)) {
			close(fd);
			return false;
		}
	}
	ds_peer_fill(&peer, &addr, fd);
	listener->on_accept(listener, fd, &peer, listener->arg);
	return true;
}

static void
listener_read(struct ds_sock *sock)
{
	for (int i = 0; i < ACCEPT_BATCH && !ds_is_closed(sock); i++)
		if (!accept_one(listener_of(sock)))
			return;
}

static void
listener_retry(struct ds_timer *timer, void *arg)
{
	struct ds_listener *listener = arg;

	(void)timer;
	ds_watch_read(&listener->sock, true);
}

static void
listener_close(struct ds_sock *sock, const char *reason)
{
	(void)reason;
	ds_timer_cancel(&listener_of(sock)->retry);
}

static void
listener_destroy(struct ds_sock *sock)
{
	struct ds_listener *listener = listener_of(sock);

	if (listener->on_destroy != NULL)
		listener->on_destroy(sock, listener->arg);
}

static const struct ds_ops listener_ops = {
    .name = "listener",
    .event_read = listener_read,
    .on_close = listener_close,
    .destroy = listener_destroy,
};

int
ds_listener_init(struct ds_listener *listener, struct ds_loop *loop, int fd, ds_accept_fn on_accept,
    ds_pause_fn on_pause, ds_sock_fn on_destroy, void *arg)
{
	if (ds_sock_init(&listener->sock, loop, &listener_ops, fd, DS_READ) == -1)
		return -1;
	ds_timer_init(&listener->retry, loop, listener_retry, listener);
	listener->on_accept = on_accept;
	listener->on_pause = on_pause;
	listener->on_destroy = on_destroy;
	listener->arg = arg;
	listener->paused = false;
	return 0;
}

/* True when nobody answers on a unix path any more, and the path is out of the way. */
static bool
remove_stale(const struct ds_addr *addr)
{
	struct stat st;

	if (lstat(addr->u.un.sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = ds_os_socket(AF_UNIX);
	if (fd == -1)
		return false;
	bool stale = connect(fd, &addr->u.sa, addr->len) == -1 && errno == ECONNREFUSED;
	close(fd);
	return stale && unlink(addr->u.un.sun_path) == 0;
}

static int
bind_unix(int fd, const struct ds_addr *addr, unsigned mode)
{
	/* On Linux the path gets the descriptor's mode less the umask: never wider than asked for.
	 */
	if (fchmod(fd, mode) == -1)
		return -1;
	if (bind(fd, &addr->u.sa, addr->len) == -1) {
		if (errno != EADDRINUSE)
			return -1;
		if (!remove_stale(addr)) {
			errno = EADDRINUSE;
			return -1;
		}
		if (bind(fd, &addr->u.sa, addr->len) == -1)
			return -1;
	}
	return chmod(addr->u.un.sun_path, mode);
}

static int
bind_inet(int fd, const struct ds_addr *addr)
{
	int on = 1, v6_only = !addr->every_family;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		return -1;
	if (addr->u.sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) == -1)
		return -1;
	return bind(fd, &addr->u.sa, addr->len);
}

static int
open_listening(const struct ds_addr *addr, int backlog, unsigned mode)
{
	int family = addr->u.sa.sa_family;
	int fd = ds_os_socket(family);

	if (fd == -1)
		return -1;
	int bound = family == AF_UNIX ? bind_unix(fd, addr, mode) : bind_inet(fd, addr);
	if (bound == -1 || listen(fd, backlog) == -1) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int
ds_listen(const struct ds_addr *addr, int backlog, unsigned mode)
{
	int fd = open_listening(addr, backlog, mode);

	/* Every address, on a host without IPv6. */
	if (fd == -1 && addr->every_family && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		struct ds_addr v4 = {.len = sizeof(v4.u.in)};
		v4.u.in =
		    (struct sockaddr_in){.sin_family = AF_INET, .sin_port = addr->u.in6.sin6_port};
		fd = open_listening(&v4, backlog, mode);
	}
	return fd;
}
