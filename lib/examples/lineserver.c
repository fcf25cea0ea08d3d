/* SPDX-License-Identifier: ISC */
/* See lineserver.h. */
#include "lineserver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
line_read(struct line_sock *line, void (*fn)(struct line_sock *, char *))
{
	struct ds_sock *sock = &line->sock;
	ssize_t n = ds_read(sock, line->buf + line->len, sizeof(line->buf) - line->len);
	char *start = line->buf, *end;

	if (n == 0 || (n == -1 && errno != EAGAIN))
		ds_close(sock, n == 0 ? "end of file" : strerror(errno));
	if (n <= 0)
		return;
	line->len += (size_t)n;
	while ((end = memchr(start, '\n', line->len - (size_t)(start - line->buf))) != NULL) {
		*end = '\0';
		if (end > start && end[-1] == '\r')
			end[-1] = '\0';
		fn(line, start);
		if (ds_is_closed(sock))
			return;
		start = end + 1;
	}
	line->len -= (size_t)(start - line->buf);
	memmove(line->buf, start, line->len);
	if (line->len == sizeof(line->buf))
		ds_close(sock, "line too long");
}

struct line_sock *
line_accept(struct ds_listener *listener, int fd, const struct ds_ops *ops, size_t size)
{
	struct line_sock *line = calloc(1, size);

	if (line != NULL && ds_sock_init(&line->sock, listener->sock.loop, ops, fd, DS_READ) == 0)
		return line;
	free(line);
	close(fd);
	return NULL;
}

void
line_destroy(struct ds_sock *sock)
{
	free(sock);
}

static void
on_signal(struct ds_signal *signal, int signo, void *arg)
{
	(void)arg;
	(void)signo;
	ds_loop_stop(signal->loop);
}

int
line_serve(int argc, char **argv, const char *fallback, ds_accept_fn on_accept)
{
	struct ds_loop *loop = ds_loop_new();
	struct ds_listener listener;
	struct ds_signal sigterm, sigint;
	struct ds_addr addr;
	char text[DS_ADDR_STRLEN];
	const char *wrong = ds_addr_parse(&addr, argc > 1 ? argv[1] : fallback);

	if (loop == NULL || wrong != NULL) {
		fprintf(stderr, "%s: %s\n", argv[0], wrong != NULL ? wrong : strerror(errno));
		return 1;
	}
	int fd = ds_listen(&addr, 128, 0660);
	if (fd == -1 || ds_listener_init(&listener, loop, fd, on_accept, NULL, NULL, NULL) == -1 ||
	    ds_signal_add(&sigterm, loop, SIGTERM, on_signal, NULL) == -1 ||
	    ds_signal_add(&sigint, loop, SIGINT, on_signal, NULL) == -1) {
		perror(argv[0]);
		return 1;
	}
	printf("listening on %s\n", ds_local_string(&listener.sock, text, sizeof(text)));
	fflush(stdout);
	int result = ds_loop_run(loop);
	ds_loop_free(loop); /* closes and destroys what is still open */
	return result == -1;
}
