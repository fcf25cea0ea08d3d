/* SPDX-License-Identifier: ISC */
/*
 * Wake-ups from other threads and from signal handlers: a byte through a pipe. Always true: once
 * woken, the function runs after the last ds_wake that was called before, however many there were.
 */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct ds_waker *
waker_of(struct ds_sock *sock)
{
	return (struct ds_waker *)sock;
}

static void
waker_read(struct ds_sock *sock)
{
	char bytes[256];

	/* Emptied first: who wakes from here on is heard again. */
	while (ds_read(sock, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
		;
	waker_of(sock)->fn(waker_of(sock), waker_of(sock)->arg);
}

static void
waker_close(struct ds_sock *sock, const char *reason)
{
	(void)reason;
	close(waker_of(sock)->write_fd);
}

static const struct ds_ops waker_ops = {
    .name = "waker", .event_read = waker_read, .on_close = waker_close};

int
ds_waker_init(struct ds_waker *waker, struct ds_loop *loop, ds_waker_fn fn, void *arg)
{
	int fds[2];

	if (pipe(fds) == -1)
		return -1;
	for (int i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
	}
	if (ds_sock_init(&waker->sock, loop, &waker_ops, fds[0], DS_READ) == -1) {
		int error = errno;
		close(fds[0]);
		close(fds[1]);
		errno = error;
		return -1;
	}
	waker->fn = fn;
	waker->arg = arg;
	waker->write_fd = fds[1];
	return 0;
}

void
ds_wake(const struct ds_waker *waker)
{
	int before = errno;
	ssize_t n;

	do
		n = write(waker->write_fd, "", 1);
	while (n == -1 && errno == EINTR);
	errno = before; /* a full pipe wakes as well; a signal handler must leave errno alone */
}
