/* SPDX-License-Identifier: ISC */
/*
 * Timers: a 4-ary heap ordered by due time, then by order of arrival. A timer knows its place
 * (slot), so it is cancelled without a search. heap[0] is unused, slot 0 means not pending. Four
 * children to a node make the heap half as deep as a binary one and lie in two cache lines.
 */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum { ARITY = 4, NS_PER_MS = 1000000 };

static bool
before(const struct ds_timer_node *a, const struct ds_timer_node *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static uint32_t
parent_of(uint32_t slot)
{
	return (slot - 2) / ARITY + 1;
}

static void
place(struct ds_loop *loop, uint32_t slot, struct ds_timer_node node)
{
	loop->heap[slot] = node;
	node.timer->slot = slot;
}

static void
sift_up(struct ds_loop *loop, uint32_t slot, struct ds_timer_node node)
{
	while (slot > 1 && before(&node, &loop->heap[parent_of(slot)])) {
		place(loop, slot, loop->heap[parent_of(slot)]);
		slot = parent_of(slot);
	}
	place(loop, slot, node);
}

static void
sift_down(struct ds_loop *loop, uint32_t slot, struct ds_timer_node node)
{
	for (;;) {
		uint64_t first = (uint64_t)(slot - 1) * ARITY + 2;
		uint32_t best = 0;

		for (uint64_t child = first; child < first + ARITY && child <= loop->heap_len;
		     child++)
			if (best == 0 || before(&loop->heap[child], &loop->heap[best]))
				best = (uint32_t)child;
		if (best == 0 || !before(&loop->heap[best], &node))
			break;
		place(loop, slot, loop->heap[best]);
		slot = best;
	}
	place(loop, slot, node);
}

static int
heap_reserve(struct ds_loop *loop)
{
	if (loop->heap_len + 1 < loop->heap_cap)
		return 0;
	if (loop->heap_cap > UINT32_MAX / 2) {
		errno = ENOMEM;
		return -1;
	}
	uint32_t cap = loop->heap_cap == 0 ? 32 : loop->heap_cap * 2;
	struct ds_timer_node *heap = reallocarray(loop->heap, cap, sizeof(*heap));
	if (heap == NULL)
		return -1;
	loop->heap = heap;
	loop->heap_cap = cap;
	return 0;
}

void
ds_timer_init(struct ds_timer *timer, struct ds_loop *loop, ds_timer_fn fn, void *arg)
{
	*timer = (struct ds_timer){.fn = fn, .arg = arg, .loop = loop};
}

int
ds_timer_add_at(struct ds_timer *timer, int64_t when_ns)
{
	struct ds_loop *loop = timer->loop;

	ds_timer_cancel(timer);
	if (heap_reserve(loop) == -1)
		return -1;
	/* Never before what is due already: one that keeps coming back must not go first each time.
	 */
	if (when_ns < loop->now_ns)
		when_ns = loop->now_ns;
	struct ds_timer_node node = {.due_ns = when_ns, .seq = loop->timer_seq++, .timer = timer};
	sift_up(loop, ++loop->heap_len, node);
	return 0;
}

int
ds_timer_add(struct ds_timer *timer, int64_t delay_ms)
{
	int64_t now = ds_clock_ns();

	if (delay_ms < 0)
		delay_ms = 0;
	if (delay_ms > (INT64_MAX - now) / NS_PER_MS)
		return ds_timer_add_at(timer, INT64_MAX);
	return ds_timer_add_at(timer, now + delay_ms * NS_PER_MS);
}

void
ds_timer_cancel(struct ds_timer *timer)
{
	struct ds_loop *loop = timer->loop;
	uint32_t slot = timer->slot;

	if (slot == 0)
		return;
	timer->slot = 0;
	struct ds_timer_node last = loop->heap[loop->heap_len--];
	if (last.timer == timer)
		return;
	if (slot > 1 && before(&last, &loop->heap[parent_of(slot)]))
		sift_up(loop, slot, last);
	else
		sift_down(loop, slot, last);
}

bool
ds_timer_pending(const struct ds_timer *timer)
{
	return timer->slot != 0;
}

int
ds_timers_wait_ms(const struct ds_loop *loop)
{
	if (loop->heap_len == 0)
		return -1;
	int64_t left = loop->heap[1].due_ns - ds_clock_ns();
	if (left <= 0)
		return 0;
	int64_t ms = left / NS_PER_MS + (left % NS_PER_MS != 0); /* rounded up: never early */
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* What is added from here on has a higher number and waits for the next turn, however soon it is
 * due. */
void
ds_timers_run(struct ds_loop *loop)
{
	uint64_t limit = loop->timer_seq;

	while (loop->heap_len > 0) {
		struct ds_timer_node first = loop->heap[1];

		if (first.due_ns > loop->now_ns || first.seq >= limit)
			return;
		ds_timer_cancel(first.timer);
		first.timer->fn(first.timer, first.timer->arg);
	}
}
