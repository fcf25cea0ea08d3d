/* SPDX-License-Identifier: ISC */
/*
 * The sockets block. That is safe as long as the replies to what is sent at once fit the socket
 * buffers, and it keeps the generator as light as the floor: one recv() and one send() a burst.
 */
#include "conn.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct addrinfo *
conn_resolve(const char *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *ai;
	char *host = strdup(address), *port = host ? strrchr(host, ':') : NULL;
	int rc;

	if (!port)
		errx(2, "%s: not HOST:PORT", address);
	*port++ = '\0';
	rc = getaddrinfo(host, port, &hints, &ai);
	if (rc != 0)
		errx(1, "%s: %s", address, gai_strerror(rc));
	free(host);
	return ai;
}

void
conn_open(struct conn *c, const struct addrinfo *ai)
{
	struct timeval stall = {.tv_sec = CONN_STALL_SECONDS};
	struct linger reset = {.l_onoff = 1}; /* or TIME_WAIT eats the ports, run after run */
	int on = 1;

	c->fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
	if (c->fd < 0 || connect(c->fd, ai->ai_addr, ai->ai_addrlen) < 0)
		err(1, "connect");
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof(stall)) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall)) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		err(1, "setsockopt");
}

void
conn_close(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
}

void
conn_send(struct conn *c, const char *bytes, size_t len)
{
	ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);

	if (n < 0)
		err(1, "send");
	if ((size_t)n < len)
		errx(1, "the server read nothing for %d s", CONN_STALL_SECONDS);
	c->received = 0;
	c->in_number = false;
}

static void
print_quoted(const char *what, const char *bytes, size_t len)
{
	size_t i;

	fprintf(stderr, "load: %s \"", what);
	for (i = 0; i < len && i < 60; i++) {
		if (isprint((unsigned char)bytes[i]))
			putc(bytes[i], stderr);
		else
			fprintf(stderr, "\\x%02x", (unsigned char)bytes[i]);
	}
	fputs(i < len ? "\"…\n" : "\"\n", stderr);
}

/* As many digits as there are; moves on behind the number where something follows it. */
static size_t
match_number(struct conn *c, const char *input, size_t n)
{
	size_t digits = 0;

	while (digits < n && input[digits] >= '0' && input[digits] <= '9')
		digits++;
	c->in_number |= digits > 0;
	if (digits < n && c->in_number) {
		c->in_number = false;
		c->received++;
	}
	return digits;
}

/* How much of the input is what was expected. Whole stretches without a number are compared at
 * once, which for replies of one length is all that there is to do. */
static size_t
match(struct conn *c, const char *input, size_t n, const char *expected, size_t len)
{
	size_t done = 0;

	while (done < n && c->received < len) {
		const char *at = expected + c->received, *number;
		size_t stretch = len - c->received;

		if (*at == CONN_NUMBER) {
			done += match_number(c, input + done, n - done);
			if (done < n && expected + c->received == at)
				break;
			continue;
		}
		if ((number = memchr(at, CONN_NUMBER, stretch)) != NULL)
			stretch = (size_t)(number - at);
		if (stretch > n - done)
			stretch = n - done;
		if (memcmp(input + done, at, stretch) != 0)
			break;
		c->received += stretch;
		done += stretch;
	}
	return done;
}

bool
conn_receive(struct conn *c, const char *expected, size_t len)
{
	static char input[65536];
	ssize_t n = recv(c->fd, input, sizeof(input), 0);
	size_t done;

	if (n < 0 && errno == EAGAIN)
		errx(1, "no reply for %d s", CONN_STALL_SECONDS);
	if (n < 0)
		err(1, "recv");
	if (n == 0)
		errx(1, "the server closed a connection");
	done = match(c, input, (size_t)n, expected, len);
	if (done < (size_t)n) {
		print_quoted("expected", expected + c->received, len - c->received);
		print_quoted("received", input + done, (size_t)n - done);
		errx(1, "wrong reply");
	}
	return c->received == len;
}

void
conn_exchange(struct conn *c, const char *requests, const char *replies)
{
	size_t len = strlen(replies);

	conn_send(c, requests, strlen(requests));
	while (!conn_receive(c, replies, len))
		continue;
}
