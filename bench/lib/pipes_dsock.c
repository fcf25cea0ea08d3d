/* SPDX-License-Identifier: ISC */
/* The pipe benchmark on libdsock. */
#include "dsock.h"
#include "pipes.h"

#include <err.h>
#include <stdlib.h>

static struct ds_loop *loop;
static struct ds_sock *socks;

static void
readable(struct ds_sock *sock)
{
	pipes_event((int)(sock - socks));
}

static const struct ds_ops ops = {.name = "pipe", .event_read = readable};

void
pipes_open(int n)
{
	loop = ds_loop_new();
	socks = calloc((size_t)n, sizeof(*socks));
	if (loop == NULL || socks == NULL)
		err(1, "pipes_open");
}

void
pipes_watch(int i, int fd)
{
	if (ds_sock_init(&socks[i], loop, &ops, fd, DS_READ) == -1)
		err(1, "ds_sock_init");
}

void
pipes_turn(void)
{
	ds_loop_turn(loop);
}
