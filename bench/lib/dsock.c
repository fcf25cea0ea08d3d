/* SPDX-License-Identifier: ISC */
/* The line server on libdsock. */
#include "dsock.h"

#include "answer.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void
client_read(struct ds_sock *sock)
{
	ssize_t n = ds_read(sock, answer_input, sizeof(answer_input));

	if (n > 0) {
		size_t len = answer_len(answer_input, (size_t)n);
		if (len > 0 && ds_write(sock, answer_replies, len) == 0)
			ds_watch_read(sock, false);
	} else if (n == 0 || errno != EAGAIN) {
		ds_close(sock, "end");
	}
}

static void
client_write(struct ds_sock *sock)
{
	if (ds_flush(sock))
		ds_watch_read(sock, true);
}

static void
client_destroy(struct ds_sock *sock)
{
	free(sock);
}

static const struct ds_ops ops = {
    .name = "client",
    .event_read = client_read,
    .event_write = client_write,
    .destroy = client_destroy,
};

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	struct ds_sock *sock = malloc(sizeof(*sock));

	(void)peer;
	(void)arg;
	if (sock == NULL || ds_sock_init(sock, listener->sock.loop, &ops, fd, DS_READ) == -1) {
		free(sock);
		close(fd);
	}
}

int
main(int argc, char **argv)
{
	struct ds_loop *loop = ds_loop_new();
	struct ds_listener listener;

	if (argc != 2 || loop == NULL)
		errx(2, "usage: dsock PORT");
	answer_init();
	if (ds_listener_init(
		&listener, loop, answer_listen(argv[1]), on_accept, NULL, NULL, NULL) == -1)
		err(1, "ds_listener_init");
	ds_tcp_nodelay(&listener.sock, true); /* which those that are accepted inherit */
	return ds_loop_run(loop) == -1;
}
