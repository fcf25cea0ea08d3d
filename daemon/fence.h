/* SPDX-License-Identifier: ISC */
/*
 * Fencing tokens: numbers that never fall, nor come twice, over restarts, kill -9, the loss of
 * power and a wall clock that is set back. A block is 2^32 of them: the upper half of a token is
 * its block, and blocks are reserved in a file (see fence_file.h) before one of their tokens is
 * given.
 *
 * A process begins with the block in the file, or with that of the second that the wall clock shows
 * where this is higher, within it at the fraction of the second. So tokens of a process that has a
 * file are above those of one that had none or whose file was lost, unless the clock was set back
 * between the two. Nobody gives 2^32 tokens a second, so the clock is not caught up with.
 *
 * Giving one is an increment and a comparison. When half of what was reserved has been given, a
 * thread reserves more, so nobody waits for the disk.
 */
#ifndef LATCHD_FENCE_H
#define LATCHD_FENCE_H

#include "fence_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Called in a thread of the fence's own when fence_settle has something to do. */
typedef void fence_done_fn(void *arg);

enum fence_state {
	FENCE_IDLE,
	FENCE_RESERVING, /* until fence_settle, also when the thread is done */
	FENCE_FAILED,	 /* until fence_retry */
};

/* A zeroed one has no tokens and can be closed. */
struct fence {
	uint64_t last; /* the token that was given last */
	uint64_t mark; /* from here on fence_more has something to decide; at most END */
	uint64_t end;  /* the last token of what is reserved */

	uint64_t block; /* in the file */
	struct fence_dir dir;
	bool is_new; /* there was no file */

	/* The thread that reserves. It writes STATUS and REASON, then FINISHED; all else is ours.
	 */
	enum fence_state state;
	bool has_thread;
	pthread_t thread;
	atomic_bool finished;
	int status;
	char reason[FENCE_REASON_SIZE];
	fence_done_fn *done;
	void *arg;
};

/*
 * Reserves the first tokens in the directory PATH, which is lent until fence_close; NULL: none is
 * kept anywhere. NOW is the wall clock. DONE may be NULL. Returns 0, or an exit status of
 * sysexits(3) and the reason in fence->reason; there is nothing to close then.
 */
int fence_open(
    struct fence *, const char *path, const struct timespec *now, fence_done_fn *done, void *arg);
/* Waits for the thread, if it is at work. */
void fence_close(struct fence *);

/* What fence_next does when it is at the mark. */
uint64_t fence_more(struct fence *);

/* A token above all that were given before, or 0 when what is reserved is used up. */
static inline uint64_t
fence_next(struct fence *fence)
{
	if (__builtin_expect(fence->last >= fence->mark, 0))
		return fence_more(fence);
	return ++fence->last;
}

/*
 * To be called some time after DONE: takes over what the thread has reserved. Returns 0, also when
 * there is nothing yet; or -1 where it failed, with the reason in fence->reason. Then fence_retry
 * is to be called after a while.
 */
int fence_settle(struct fence *);
void fence_retry(struct fence *);

#endif
