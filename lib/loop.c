/* SPDX-License-Identifier: ISC */
/*
 * The loop: its life and its turn. What a turn does, and in which order, stands in ds_loop_turn and
 * nowhere else; the parts are in sock.c, read.c and timer.c.
 */
#include "loop.h"
#include "os.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t
ds_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const struct ds_poller *
choose_poller(void)
{
	const char *wanted = getenv("DSOCK_BACKEND");

	if (wanted == NULL || *wanted == '\0')
		return ds_os_pollers[0];
	for (size_t i = 0; ds_os_pollers[i] != NULL; i++)
		if (strcmp(ds_os_pollers[i]->name, wanted) == 0)
			return ds_os_pollers[i];
	errno = EINVAL;
	return NULL;
}

struct ds_loop *
ds_loop_new(void)
{
	const struct ds_poller *poller = choose_poller();
	if (poller == NULL)
		return NULL;

	struct ds_loop *loop = calloc(1, sizeof(*loop));
	if (loop == NULL)
		return NULL;
	loop->poller = poller;
	loop->timeout_ms = -1;
	loop->now_ns = ds_clock_ns();
	TAILQ_INIT(&loop->pushed);
	TAILQ_INIT(&loop->posts);
	loop->events = calloc(DS_BATCH, sizeof(*loop->events));
	if (loop->events != NULL)
		loop->poller_state = poller->open();
	if (loop->poller_state == NULL) {
		free(loop->events);
		free(loop);
		return NULL;
	}
	return loop;
}

/* Whatever belongs to the loop goes; what is left is as new. */
static void
empty(struct ds_loop *loop, const char *reason)
{
	assert(!loop->in_turn);
	loop->freeing = true;
	ds_close_all(loop, reason);
	ds_reap(loop);
	ds_signals_free(loop);
	while (loop->heap_len > 0)
		ds_timer_cancel(loop->heap[1].timer);
	loop->freeing = false;
}

void
ds_loop_reset(struct ds_loop *loop)
{
	empty(loop, "reset");
	loop->timeout_ms = -1;
	loop->stopping = false;
	loop->read_budget = 0;
	ds_loop_set_post(loop, NULL, NULL);
	ds_loop_set_debug(loop, NULL, NULL);
	ds_loop_set_profiling(loop, true); /* forgets what was counted */
	ds_loop_set_profiling(loop, false);
}

void
ds_loop_free(struct ds_loop *loop)
{
	if (loop == NULL)
		return;
	empty(loop, "loop freed");
	loop->poller->close(loop->poller_state);
	free(loop->profile);
	free(loop->heap);
	free(loop->map);
	free(loop->events);
	free(loop);
}

static int
shorter_wait(int a_ms, int b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

static int
wait_ms(const struct ds_loop *loop)
{
	if (loop->stopping || loop->reap_first != NULL || ds_pushed_ready(loop))
		return 0;
	return shorter_wait(loop->timeout_ms, ds_timers_wait_ms(loop));
}

/* While one socket is served the next one's memory is fetched, and what its class keeps behind it:
 * of a thousand connections it is in no near cache. A guess that may reach too far, which is free.
 */
static inline void
fetch(const struct ds_sock *sock)
{
	enum { LINE = 64, LINES = 5 };

	for (int i = 0; i < LINES; i++)
		__builtin_prefetch((const char *)sock + (ptrdiff_t)i * LINE, 1);
}

int
ds_loop_turn(struct ds_loop *loop)
{
	assert(!loop->in_turn);
	loop->in_turn = true;
	loop->turn++;

	int n = loop->poller->wait(loop->poller_state, loop->events, DS_BATCH, wait_ms(loop));
	int error = n < 0 && errno != EINTR ? errno : 0;

	loop->may_be_more = n == DS_BATCH || n < 0;
	loop->now_ns = ds_clock_ns();
	for (int i = 0; i < n; i++) {
		if (i + 1 < n)
			fetch(loop->events[i + 1].sock);
		ds_dispatch(loop->events[i].sock, loop->events[i].events);
	}
	ds_pushed_run(loop);
	ds_timers_run(loop);
	ds_reap(loop);
	if (!ds_posts_run(loop))
		loop->stopping = true;

	bool stop = loop->stopping;
	loop->stopping = false; /* told once */
	loop->in_turn = false;
	if (error != 0) {
		errno = error;
		return -1;
	}
	return stop ? 0 : 1;
}

int
ds_loop_run(struct ds_loop *loop)
{
	int result;

	do
		result = ds_loop_turn(loop);
	while (result == 1);
	return result;
}

void
ds_loop_stop(struct ds_loop *loop)
{
	loop->stopping = true;
}

void
ds_loop_set_timeout(struct ds_loop *loop, int timeout_ms)
{
	loop->timeout_ms = timeout_ms;
}

int64_t
ds_loop_now(const struct ds_loop *loop)
{
	return loop->now_ns;
}

bool
ds_loop_is_behind(const struct ds_loop *loop)
{
	return loop->may_be_more || ds_pushed_ready(loop);
}

const char *
ds_loop_backend(const struct ds_loop *loop)
{
	return loop->poller->name;
}

size_t
ds_loop_watched(const struct ds_loop *loop)
{
	return loop->watched;
}

struct ds_sock *
ds_loop_sock(const struct ds_loop *loop, int fd)
{
	return fd >= 0 && (size_t)fd < loop->map_size ? loop->map[fd] : NULL;
}

void
ds_loop_each(struct ds_loop *loop, ds_sock_fn fn, void *arg)
{
	for (size_t fd = 0; fd < loop->map_size; fd++)
		if (loop->map[fd] != NULL && !(loop->map[fd]->flags & DS_F_INTERNAL))
			fn(loop->map[fd], arg);
}

void
ds_loop_each_closed(struct ds_loop *loop, ds_sock_fn fn, void *arg)
{
	for (struct ds_sock *sock = loop->reap_first; sock != NULL; sock = sock->next_reap)
		fn(sock, arg);
}
