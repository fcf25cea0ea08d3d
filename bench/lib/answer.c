/* SPDX-License-Identifier: ISC */
/* See answer.h. */
#include "answer.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

char answer_input[INPUT_SIZE];
char answer_replies[INPUT_SIZE * REPLY_LEN];

void
answer_init(void)
{
	for (int i = 0; i < INPUT_SIZE; i++)
		memcpy(answer_replies + (size_t)i * REPLY_LEN, "OK \r\n", REPLY_LEN);
}

size_t
answer_len(const char *bytes, size_t n)
{
	const char *end = bytes + n;
	size_t lines = 0;

	while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		bytes++;
		lines++;
	}
	return lines * REPLY_LEN;
}

int
answer_listen(const char *port)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const char *error;
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	addr.sin_port = htons((uint16_t)strtonum(port, 1, 65535, &error));
	if (error != NULL)
		errx(2, "port %s: %s", port, error);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 || listen(fd, SOMAXCONN) == -1)
		err(1, "port %s", port);
	return fd;
}

int
answer_accept(int listener)
{
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd != -1)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}
