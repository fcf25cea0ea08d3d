/* SPDX-License-Identifier: ISC */
/*
 * A client that pipelines: pipeline ADDRESS COUNT LINE. Connects, sends LINE that many times
 * without waiting, never with more than a megabyte queued, counts the reply lines and says how many
 * came. Gives up after
 * ten silent seconds.
 */
#include <dsock.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pipeline {
	struct ds_sock sock; /* first */
	const char *line;
	unsigned long to_send, to_come;
	const char *reason; /* why it ended early */
};

enum { BURST_BYTES = 1 << 16, SILENCE_MS = 10000 };

/* Called again by the write queue when all before it is written: so it goes on for ever and queues
 * little. */
static void
send_more(struct ds_sock *sock, void *arg)
{
	struct pipeline *p = arg;

	while (p->to_send > 0 && ds_queued(sock) < BURST_BYTES) {
		p->to_send--;
		ds_write(sock, p->line, strlen(p->line));
		ds_write(sock, "\r\n", 2);
	}
	if (p->to_send > 0)
		ds_write_call(sock, send_more, p);
}

static void
on_connect(struct ds_sock *sock)
{
	ds_write_call(sock, send_more, sock);
}

static void
on_read(struct ds_sock *sock)
{
	struct pipeline *p = (struct pipeline *)sock;
	char buf[16384];
	ssize_t n = ds_read(sock, buf, sizeof(buf));

	if (n == 0 || (n == -1 && errno != EAGAIN))
		ds_close(sock, n == 0 ? "the server has closed" : strerror(errno));
	for (ssize_t i = 0; i < n && p->to_come > 0; i++)
		p->to_come -= buf[i] == '\n';
	if (p->to_come == 0)
		ds_close(sock, NULL);
}

static void
on_close(struct ds_sock *sock, const char *reason)
{
	((struct pipeline *)sock)->reason = reason;
	ds_loop_stop(sock->loop);
}

static const struct ds_ops ops = {
    .name = "pipeline",
    .event_read = on_read,
    .event_connect = on_connect,
    .on_close = on_close,
};

int
main(int argc, char **argv)
{
	struct ds_loop *loop = ds_loop_new();
	struct ds_addr addr;
	struct pipeline p;

	if (argc != 4 || loop == NULL)
		return fputs("usage: pipeline ADDRESS COUNT LINE\n", stderr), 64;
	const char *wrong = ds_addr_parse(&addr, argv[1]);
	unsigned long count = strtoul(argv[2], NULL, 10);
	if (wrong == NULL && (ds_connect(&p.sock, loop, &ops, &addr, DS_READ, 5000) == -1 ||
				 ds_set_idle_timeout(&p.sock, SILENCE_MS) == -1))
		wrong = strerror(errno);
	if (wrong == NULL) {
		p.line = argv[3];
		p.to_send = p.to_come = count;
		ds_loop_run(loop);
		wrong = p.reason;
		printf("%lu replies\n", count - p.to_come);
	}
	ds_loop_free(loop);
	if (wrong != NULL)
		fprintf(stderr, "pipeline: %s\n", wrong);
	return wrong != NULL;
}
