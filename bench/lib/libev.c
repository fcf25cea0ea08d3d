/* SPDX-License-Identifier: ISC */
/* The line server on libev: it has no buffers, so the remainder of a write is kept here. */
#include "answer.h"

#include <err.h>
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
	ev_io reading, writing;
	size_t rest; /* bytes of replies that the kernel has not taken */
};

static void
end(struct ev_loop *loop, struct client *client)
{
	ev_io_stop(loop, &client->reading);
	ev_io_stop(loop, &client->writing);
	close(client->reading.fd);
	free(client);
}

static void
flush(struct ev_loop *loop, struct client *client)
{
	/* All replies are alike, so those that are left begin where the last write ended. */
	size_t skip = (REPLY_LEN - client->rest % REPLY_LEN) % REPLY_LEN;
	ssize_t n = send(client->reading.fd, answer_replies + skip, client->rest, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN) {
		end(loop, client);
		return;
	}
	client->rest -= n > 0 ? (size_t)n : 0;
	if (client->rest > 0) {
		ev_io_stop(loop, &client->reading);
		ev_io_start(loop, &client->writing);
	} else if (ev_is_active(&client->writing)) {
		ev_io_stop(loop, &client->writing);
		ev_io_start(loop, &client->reading);
	}
}

static void
on_read(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	ssize_t n = recv(io->fd, answer_input, sizeof(answer_input), 0);

	(void)events;
	if (n > 0) {
		client->rest = answer_len(answer_input, (size_t)n);
		if (client->rest > 0)
			flush(loop, client);
	} else if (n == 0 || errno != EAGAIN) {
		end(loop, client);
	}
}

static void
on_write(struct ev_loop *loop, ev_io *io, int events)
{
	(void)events;
	flush(loop, io->data);
}

static void
on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	int fd;

	(void)events;
	while ((fd = answer_accept(io->fd)) != -1) {
		struct client *client = calloc(1, sizeof(*client));
		if (client == NULL)
			err(1, "calloc");
		ev_io_init(&client->reading, on_read, fd, EV_READ);
		ev_io_init(&client->writing, on_write, fd, EV_WRITE);
		client->reading.data = client->writing.data = client;
		ev_io_start(loop, &client->reading);
	}
}

int
main(int argc, char **argv)
{
	struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL);
	ev_io listener;

	if (argc != 2)
		errx(2, "usage: libev PORT");
	answer_init();
	ev_io_init(&listener, on_accept, answer_listen(argv[1]), EV_READ);
	ev_io_start(loop, &listener);
	ev_run(loop, 0);
	return 0;
}
