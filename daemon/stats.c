/* SPDX-License-Identifier: ISC */
/* See stats.h. A bucket belongs to one interval; it is begun anew when another one comes round to
 * it. */
#include "stats.h"

#include <string.h>

#define NS_PER_S INT64_C(1000000000)

static int64_t
interval_of(int64_t now_ns)
{
	return now_ns / (LOAD_BUCKET_S * NS_PER_S);
}

void
stats_init(struct stats *stats, int64_t now_ns)
{
	memset(stats, 0, sizeof(*stats));
	stats->start_ns = now_ns;
}

void
stats_count_trylock(struct stats *stats, int64_t now_ns, bool granted)
{
	int64_t interval = interval_of(now_ns);
	struct load_bucket *bucket = &stats->load[interval % LOAD_BUCKETS];

	if (bucket->interval != interval)
		*bucket = (struct load_bucket){.interval = interval};
	bucket->count++;
	if (granted)
		stats->successes++;
	else
		stats->failures++;
}

uint64_t
stats_load(const struct stats *stats, int64_t now_ns)
{
	int64_t oldest = interval_of(now_ns) - LOAD_BUCKETS;
	uint64_t sum = 0;

	for (int i = 0; i < LOAD_BUCKETS; i++)
		if (stats->load[i].interval > oldest)
			sum += stats->load[i].count;
	return sum;
}

int64_t
stats_runtime_s(const struct stats *stats, int64_t now_ns)
{
	return (now_ns - stats->start_ns) / NS_PER_S;
}
