/* SPDX-License-Identifier: ISC */
/* See top_totals.h. */
#include "top_totals.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *key;
	size_t offset;
} members[] = {
    {"uptime", offsetof(struct counts, uptime)},
    {"successes", offsetof(struct counts, successes)},
    {"failures", offsetof(struct counts, failures)},
    {"locks", offsetof(struct counts, locks)},
    {"waiters", offsetof(struct counts, waiters)},
    {"clients", offsetof(struct counts, clients)},
};

void
totals_take(struct totals *totals, const struct pairs *pairs)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *value = pairs_get(pairs, members[i].key);

		if (value != NULL)
			*(uint64_t *)((char *)&totals->coming + members[i].offset) =
			    strtoull(value, NULL, 10);
	}
}

void
totals_end(struct totals *totals, int64_t now_ms)
{
	const struct counts *old = &totals->now, *new = &totals->coming;
	double seconds = (double)(now_ms - totals->at_ms) / 1000;

	/* A server that was begun anew counts from nothing. */
	bool same_life = totals->known && new->uptime >= old->uptime &&new->successes >=
					      old->successes &&new->failures >= old->failures;
	totals->has_rates = same_life && seconds > 0;
	if (totals->has_rates) {
		totals->granted = (double)(new->successes - old->successes) / seconds;
		totals->refused = (double)(new->failures - old->failures) / seconds;
	}
	totals->now = totals->coming;
	totals->coming = (struct counts){0};
	totals->at_ms = now_ms;
	totals->known = true;
}
