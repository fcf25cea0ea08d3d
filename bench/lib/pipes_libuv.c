/* SPDX-License-Identifier: ISC */
/* The pipe benchmark on libuv. */
#include "pipes.h"

#include <err.h>
#include <stdlib.h>
#include <uv.h>

static uv_loop_t *loop;
static uv_poll_t *polls;

static void
readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	pipes_event((int)(poll - polls));
}

void
pipes_open(int n)
{
	loop = uv_default_loop();
	polls = calloc((size_t)n, sizeof(*polls));
	if (loop == NULL || polls == NULL)
		errx(1, "pipes_open");
}

void
pipes_watch(int i, int fd)
{
	if (uv_poll_init(loop, &polls[i], fd) < 0 ||
	    uv_poll_start(&polls[i], UV_READABLE, readable) < 0)
		errx(1, "uv_poll_init");
}

void
pipes_turn(void)
{
	uv_run(loop, UV_RUN_ONCE);
}
