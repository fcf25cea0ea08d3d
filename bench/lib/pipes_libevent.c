/* SPDX-License-Identifier: ISC */
/* The pipe benchmark on libevent. */
#include "pipes.h"

#include <err.h>
#include <event2/event.h>
#include <stdint.h>

static struct event_base *base;

static void
readable(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	pipes_event((int)(intptr_t)arg);
}

void
pipes_open(int n)
{
	(void)n;
	base = event_base_new();
	if (base == NULL)
		errx(1, "event_base_new");
}

void
pipes_watch(int i, int fd)
{
	struct event *event =
	    event_new(base, fd, EV_READ | EV_PERSIST, readable, (void *)(intptr_t)i);

	if (event == NULL || event_add(event, NULL) == -1)
		errx(1, "event_add");
}

void
pipes_turn(void)
{
	event_base_loop(base, EVLOOP_ONCE);
}
