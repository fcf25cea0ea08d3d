/* SPDX-License-Identifier: ISC */
/*
 * What is known of a server's locks: a row a name, put together from the pages of its list. A sweep
 * is one walk over all pages; what it did not see is gone at its end. Rows live from then to then
 * and stay where they are in memory. Times are milliseconds of any one clock. No socket, no screen.
 */
#ifndef LATCH_TOP_MODEL_H
#define LATCH_TOP_MODEL_H

#include "pairs.h"

#include <stdint.h>
#include <sys/tree.h>

/* A row takes about 150 bytes and its texts. */
enum { MODEL_ROWS_MAX = 200000, MODEL_TEXT_MAX = 64 << 20 };

#define UNKNOWN_MS INT64_MIN

struct row {
	RB_ENTRY(row) link;
	char *name, *holder; /* as bytes; "" where nobody holds it */
	const char *mode;    /* static */
	uint64_t token;	     /* of the first holder, 0: none. Tokens only grow. */
	uint64_t holders, waiters;
	int64_t since_ms;      /* the first holder has it */
	int64_t wait_since_ms; /* the first one in the queue waits */
	uint32_t sweep;	       /* that saw it last */
	uint32_t asked;	       /* the round in which its queue was asked for; the fetcher's */
};

RB_HEAD(row_tree, row);

struct model {
	struct row_tree rows; /* by name */
	size_t n_rows, text_bytes;
	size_t rows_max, text_max;
	size_t left_out;     /* of the last whole sweep: locks that there was no room for */
	size_t left_out_now; /* of this one, so far */
	uint32_t sweep;
	uint32_t generation; /* changes where rows have ceased to be */
	bool whole;	     /* a sweep has come to its end */
	struct row *victim;  /* where the search for a row to give up goes on */
};

void model_init(struct model *, size_t rows_max, size_t text_max);
void model_fini(struct model *);

void model_begin(struct model *);
/*
 * One line of a list. Where there is no room for one more row, a lock that somebody waits for takes
 * the place of one that nobody waits for, and others are counted as left out.
 */
void model_merge(struct model *, const struct pairs *, int64_t now_ms);
void model_end(struct model *);

/* NULL: there is none. */
struct row *model_find(struct model *, const char *name);
struct row *model_first(struct model *);
struct row *model_next(struct row *);

/* `12.5`, seconds, in milliseconds; UNKNOWN_MS where there is no such pair. */
int64_t pairs_ms(const struct pairs *, const char *key);
/* 0 where there is none. */
uint64_t pairs_number(const struct pairs *, const char *key);

#endif
