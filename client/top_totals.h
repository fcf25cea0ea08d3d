/* SPDX-License-Identifier: ISC */
/* The server's own counters, and what two looks at them say: how many requests for locks a second.
 */
#ifndef LATCH_TOP_TOTALS_H
#define LATCH_TOP_TOTALS_H

#include "pairs.h"

#include <stdint.h>

struct counts {
	uint64_t uptime, successes, failures, locks, waiters, clients;
};

struct totals {
	struct counts now, coming;
	int64_t at_ms;
	bool known;		 /* there was one answer at least */
	bool has_rates;		 /* two, of one life of the server */
	double granted, refused; /* a second */
};

/* One line of the answer to `stats`. */
void totals_take(struct totals *, const struct pairs *);
/* That was all of it. */
void totals_end(struct totals *, int64_t now_ms);

#endif
