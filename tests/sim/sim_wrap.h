/* SPDX-License-Identifier: ISC */
/*
 * The calls that the linker redirects: __wrap_X is what the program gets for X, __real_X is X.
 * Everything here needs its -Wl,--wrap=X.
 */
#ifndef SIM_WRAP_H
#define SIM_WRAP_H

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#define WRAPPED(type, name, args)                                                                  \
	type __real_##name args;                                                                   \
	type __wrap_##name args

WRAPPED(ssize_t, recv, (int fd, void *buf, size_t len, int flags));
WRAPPED(ssize_t, read, (int fd, void *buf, size_t len));
WRAPPED(ssize_t, readv, (int fd, const struct iovec *iov, int count));
WRAPPED(ssize_t, send, (int fd, const void *data, size_t len, int flags));
WRAPPED(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags));
WRAPPED(ssize_t, write, (int fd, const void *data, size_t len));
WRAPPED(ssize_t, writev, (int fd, const struct iovec *iov, int count));
WRAPPED(int, close, (int fd));

WRAPPED(int, socket, (int domain, int type, int protocol));
WRAPPED(int, bind, (int fd, const struct sockaddr *addr, socklen_t len));
WRAPPED(int, listen, (int fd, int backlog));
WRAPPED(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags));
WRAPPED(int, connect, (int fd, const struct sockaddr *addr, socklen_t len));
WRAPPED(int, pipe, (int fds[2]));
WRAPPED(int, fcntl, (int fd, int command, ...));
WRAPPED(int, shutdown, (int fd, int how));
WRAPPED(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len));
WRAPPED(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *len));
WRAPPED(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len));
WRAPPED(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len));

WRAPPED(int, epoll_create1, (int flags));
WRAPPED(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event));
WRAPPED(int, epoll_wait, (int epfd, struct epoll_event *events, int max, int timeout_ms));
WRAPPED(int, poll, (struct pollfd * fds, nfds_t count, int timeout_ms));
WRAPPED(int, clock_gettime, (clockid_t clock, struct timespec *ts));
WRAPPED(int, signalfd, (int fd, const sigset_t *mask, int flags));
WRAPPED(void, arc4random_buf, (void *buf, size_t len));

WRAPPED(void *, malloc, (size_t size));
WRAPPED(void *, calloc, (size_t count, size_t size));
WRAPPED(void *, realloc, (void *old, size_t size));
WRAPPED(void *, reallocarray, (void *old, size_t count, size_t size));
WRAPPED(void *, recallocarray, (void *old, size_t old_count, size_t count, size_t size));
WRAPPED(char *, strdup, (const char *text));
WRAPPED(void, free, (void *old));

/* What _FORTIFY_SOURCE makes of some calls. */
WRAPPED(ssize_t, __recv_chk, (int fd, void *buf, size_t len, size_t size, int flags));
WRAPPED(ssize_t, __read_chk, (int fd, void *buf, size_t len, size_t size));
WRAPPED(int, __poll_chk, (struct pollfd * fds, nfds_t count, int timeout_ms, size_t size));

#endif
