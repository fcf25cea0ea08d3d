/* SPDX-License-Identifier: ISC */
/*
 * The floor that `make bench` measures against: what the kernel alone costs a server that answers
 * lines. One thread, level-triggered epoll; each line received is answered with "OK \r\n", and
 * nothing is parsed, stored or remembered between two events. The replies lie ready in memory, so
 * that a wake-up is wait, receive, count the line feeds, send. It is no server: a peer that does
 * not read its replies is dropped.
 */
#define _GNU_SOURCE 1 /* accept4 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY "OK \r\n"
#define REPLY_LEN (sizeof(REPLY) - 1)
#define INPUT_MAX 65536
#define BATCH_MAX 512

static char input[INPUT_MAX];
static char replies[INPUT_MAX * REPLY_LEN];

static int
listen_on(const char *port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	const char *error;
	int fd, on = 1;

	addr.sin_port = htons((uint16_t)strtonum(port, 1, 65535, &error));
	if (error)
		errx(2, "port %s: %s", port, error);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, SOMAXCONN) < 0)
		err(1, "port %s", port);
	return fd;
}

static void
watch(int ep, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		err(1, "epoll_ctl");
}

static void
accept_all(int ep, int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(ep, fd);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(1, "accept4");
}

static size_t
count_lines(const char *bytes, size_t n)
{
	const char *end = bytes + n;
	size_t lines = 0;

	while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		bytes++;
		lines++;
	}
	return lines;
}

static void
answer(int fd)
{
	ssize_t n = recv(fd, input, sizeof(input), 0);
	size_t len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	len = n > 0 ? count_lines(input, (size_t)n) * REPLY_LEN : 0;
	if (n <= 0 || (len > 0 && send(fd, replies, len, MSG_NOSIGNAL) != (ssize_t)len))
		close(fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[BATCH_MAX];
	int ep, listener, i, n;

	if (argc != 2)
		errx(2, "usage: floor PORT");
	for (i = 0; i < INPUT_MAX; i++)
		memcpy(replies + (size_t)i * REPLY_LEN, REPLY, REPLY_LEN);
	listener = listen_on(argv[1]);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		err(1, "epoll_create1");
	watch(ep, listener);
	for (;;) {
		n = epoll_wait(ep, events, BATCH_MAX, -1);
		if (n < 0 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(ep, listener);
			else
				answer(events[i].data.fd);
		}
	}
}
