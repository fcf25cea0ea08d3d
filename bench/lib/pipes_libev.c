/* SPDX-License-Identifier: ISC */
/* The pipe benchmark on libev. */
#include "pipes.h"

#include <err.h>
#include <ev.h>
#include <stdlib.h>

static struct ev_loop *loop;
static ev_io *ios;

static void
readable(struct ev_loop *unused, ev_io *io, int events)
{
	(void)unused;
	(void)events;
	pipes_event((int)(io - ios));
}

void
pipes_open(int n)
{
	loop = ev_default_loop(EVBACKEND_EPOLL);
	ios = calloc((size_t)n, sizeof(*ios));
	if (loop == NULL || ios == NULL)
		errx(1, "pipes_open");
}

void
pipes_watch(int i, int fd)
{
	ev_io_init(&ios[i], readable, fd, EV_READ);
	ev_io_start(loop, &ios[i]);
}

void
pipes_turn(void)
{
	ev_run(loop, EVRUN_ONCE);
}
