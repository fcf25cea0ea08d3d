/* SPDX-License-Identifier: ISC */
/* What a timer costs with a million pending: adding, moving, cancelling, in nanoseconds. */
#include "dsock.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIMERS = 1000000 };

static double
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void
never(struct ds_timer *timer, void *arg)
{
	(void)timer;
	(void)arg;
	abort();
}

/* All of them once; MS is the least delay. */
static double
add_all(struct ds_timer *timers, unsigned seed, int ms)
{
	double begun = now_ns();

	for (int i = 0; i < TIMERS; i++)
		if (ds_timer_add(&timers[i], ms + rand_r(&seed) % 3600000) == -1)
			err(1, "ds_timer_add");
	return (now_ns() - begun) / TIMERS;
}

int
main(void)
{
	struct ds_loop *loop = ds_loop_new();
	struct ds_timer *timers = calloc(TIMERS, sizeof(*timers));

	if (loop == NULL || timers == NULL)
		err(1, "setup");
	for (int i = 0; i < TIMERS; i++)
		ds_timer_init(&timers[i], loop, never, NULL);
	double first = add_all(timers, 1, 3600000);
	double moved = add_all(timers, 2, 3600000);
	double begun = now_ns();
	for (int i = 0; i < TIMERS; i++)
		ds_timer_cancel(&timers[(i * 7919L) % TIMERS]);
	double cancelled = (now_ns() - begun) / TIMERS;
	printf("of %d timers: add %.0f ns, move %.0f ns, cancel %.0f ns\n", TIMERS, first, moved,
	    cancelled);
	ds_loop_free(loop);
	free(timers);
	return 0;
}
