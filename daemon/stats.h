/* SPDX-License-Identifier: ISC */
/* Counters, and the load: how many trylocks came in the last five minutes, in buckets of three
 * seconds. */
#ifndef LATCHD_STATS_H
#define LATCHD_STATS_H

#include <stdbool.h>
#include <stdint.h>

enum { LOAD_BUCKETS = 100, LOAD_BUCKET_S = 3 };

struct load_bucket {
	int64_t interval; /* which span of LOAD_BUCKET_S since the clock's zero it counts */
	uint64_t count;
};

struct stats {
	int64_t start_ns;
	uint64_t successes, failures; /* of trylocks */
	struct load_bucket load[LOAD_BUCKETS];
};

/* All times are monotonic nanoseconds. */
void stats_init(struct stats *, int64_t now_ns);
void stats_count_trylock(struct stats *, int64_t now_ns, bool granted);
uint64_t stats_load(const struct stats *, int64_t now_ns);
int64_t stats_runtime_s(const struct stats *, int64_t now_ns);

#endif
