/* SPDX-License-Identifier: ISC */
/* See fence.h. */
#include "fence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { NS_PER_S = 1000000000 };

/* The token that stands for a time, 0 where none does. */
static uint64_t
token_of(const struct timespec *time)
{
	if (time->tv_sec < 0 || (uint64_t)time->tv_sec >= FENCE_BLOCKS)
		return 0;
	return ((uint64_t)time->tv_sec << 32) + ((uint64_t)time->tv_nsec << 32) / NS_PER_S;
}

static uint64_t
greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* All below BLOCK may be given. At FENCE_BLOCKS that is the last number there is. */
static void
extend(struct fence *fence, uint64_t block)
{
	fence->block = block;
	fence->end = (block << 32) - 1;
	fence->mark = fence->last + (fence->end - fence->last) / 2;
}

/* What is left of a block after a fraction of a second may be little: half a block is there at
 * least.
 */
static int
reserve_first(struct fence *fence, uint64_t clock)
{
	uint64_t before, block;
	int status = fence_file_read(&fence->dir, &before, fence->reason);

	if (status != 0)
		return status;
	if (before == FENCE_BLOCKS) {
		snprintf(fence->reason, sizeof(fence->reason),
		    "%s/" FENCE_FILE " has no block left: no token could be above all that were "
		    "given; remove it to begin anew with the wall clock, below them",
		    fence->dir.path);
		return EX_CONFIG;
	}
	fence->is_new = before == 0;
	fence->last = greater(greater(before, 1) << 32, clock);
	block = (fence->last >> 32) + ((uint32_t)fence->last > UINT32_MAX / 2 ? 2 : 1);
	if (block > FENCE_BLOCKS)
		block = FENCE_BLOCKS;
	status = fence_file_write(&fence->dir, block, fence->reason);
	if (status == 0)
		extend(fence, block);
	return status;
}

int
fence_open(struct fence *fence, const char *path, const struct timespec *now, fence_done_fn *done,
    void *arg)
{
	uint64_t clock = token_of(now);
	int status;

	*fence = (struct fence){.done = done, .arg = arg};
	if (path == NULL) {
		fence->last = greater(clock, UINT64_C(1) << 32);
		fence->mark = fence->end = UINT64_MAX;
		return 0;
	}
	status = fence_dir_open(&fence->dir, path, fence->reason);
	if (status == 0)
		status = reserve_first(fence, clock);
	if (status != 0)
		fence_dir_close(&fence->dir);
	return status;
}

void
fence_close(struct fence *fence)
{
	if (fence->state == FENCE_RESERVING && fence->has_thread)
		pthread_join(fence->thread, NULL);
	fence->state = FENCE_IDLE;
	fence->end = fence->mark = fence->last;
	fence_dir_close(&fence->dir);
}

/* More, while running. */

static void
finish(struct fence *fence)
{
	atomic_store(&fence->finished, true);
	if (fence->done != NULL)
		fence->done(fence->arg);
}

static void *
reserve_more(void *arg)
{
	struct fence *fence = arg;

	fence->status = fence_file_write(&fence->dir, fence->block + 1, fence->reason);
	finish(fence);
	return NULL;
}

/* Signals are for the thread that calls. */
static int
start_thread(struct fence *fence)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&fence->thread, NULL, reserve_more, fence);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static void
begin(struct fence *fence)
{
	int error = 0;

	fence->state = FENCE_RESERVING;
	fence->mark = fence->end;
	atomic_store(&fence->finished, false);
	if (fence->block < FENCE_BLOCKS && (error = start_thread(fence)) == 0) {
		fence->has_thread = true;
		return;
	}
	fence->has_thread = false;
	fence->status = EX_OSERR;
	if (error != 0)
		snprintf(fence->reason, sizeof(fence->reason),
		    "cannot start a thread to reserve fencing tokens: %s", strerror(error));
	else
		snprintf(fence->reason, sizeof(fence->reason),
		    "%s/" FENCE_FILE " has no block left", fence->dir.path);
	finish(fence);
}

int
fence_settle(struct fence *fence)
{
	if (fence->state != FENCE_RESERVING || !atomic_load(&fence->finished))
		return 0;
	if (fence->has_thread)
		pthread_join(fence->thread, NULL);
	if (fence->status != 0) {
		fence->state = FENCE_FAILED;
		return -1;
	}
	fence->state = FENCE_IDLE;
	extend(fence, fence->block + 1);
	return 0;
}

void
fence_retry(struct fence *fence)
{
	if (fence->state == FENCE_FAILED)
		begin(fence);
}

uint64_t
fence_more(struct fence *fence)
{
	/* Whoever is to be told of a failure has not been: that stays for fence_settle. */
	if (fence->state == FENCE_RESERVING && atomic_load(&fence->finished) && fence->status == 0)
		fence_settle(fence);
	if (fence->last >= fence->mark && fence->state == FENCE_IDLE && fence->dir.path != NULL)
		begin(fence);
	return fence->last < fence->end ? ++fence->last : 0;
}
