/* SPDX-License-Identifier: ISC */
/*
 * An echo server: echo [ADDRESS]. The smallest program that has all parts: a loop, a listener, and
 * a connection type that derives from struct ds_sock.
 */
#include <dsock.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct echo {
	struct ds_sock sock; /* first, so that a pointer to it is one to all of it */
};

static void
echo_read(struct ds_sock *sock)
{
	char buf[4096];
	ssize_t n = ds_read(sock, buf, sizeof(buf));

	if (n > 0)
		ds_write(sock, buf, (size_t)n); /* copies what the kernel does not take */
	else if (n == 0)
		ds_close(sock, "end of file");
	else if (errno != EAGAIN)
		ds_close(sock, strerror(errno));
	/* Reads no more while the peer does not take its echoes. */
	ds_watch_read(sock, !ds_has_queue(sock));
}

static void
echo_write(struct ds_sock *sock)
{
	if (ds_flush(sock))
		ds_watch_read(sock, true);
}

static void
echo_destroy(struct ds_sock *sock)
{
	free(sock);
}

static const struct ds_ops echo_ops = {
    .name = "echo",
    .event_read = echo_read,
    .event_write = echo_write,
    .destroy = echo_destroy,
};

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	struct echo *echo = malloc(sizeof(*echo));

	(void)peer;
	(void)arg;
	if (echo == NULL ||
	    ds_sock_init(&echo->sock, listener->sock.loop, &echo_ops, fd, DS_READ) == -1) {
		free(echo);
		close(fd);
	}
}

int
main(int argc, char **argv)
{
	struct ds_loop *loop = ds_loop_new();
	struct ds_listener listener;
	struct ds_addr addr;
	char text[DS_ADDR_STRLEN];
	const char *wrong = ds_addr_parse(&addr, argc > 1 ? argv[1] : "127.0.0.1:7000");

	if (loop == NULL || wrong != NULL) {
		fprintf(stderr, "echo: %s\n", wrong != NULL ? wrong : strerror(errno));
		return 1;
	}
	int fd = ds_listen(&addr, 128, 0660);
	if (fd == -1 || ds_listener_init(&listener, loop, fd, on_accept, NULL, NULL, NULL) == -1) {
		perror("echo");
		return 1;
	}
	printf("listening on %s\n", ds_local_string(&listener.sock, text, sizeof(text)));
	fflush(stdout);
	return ds_loop_run(loop) == -1;
}
