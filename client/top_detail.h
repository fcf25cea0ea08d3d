/* SPDX-License-Identifier: ISC */
/*
 * One lock from near: its holders and its queue, as `inspect` says them a page at a time. What
 * comes is gathered apart and shown when it is whole. No socket, no screen.
 */
#ifndef LATCH_TOP_DETAIL_H
#define LATCH_TOP_DETAIL_H

#include "pairs.h"

#include <stdint.h>

enum { DETAIL_MAX = 1000, DETAIL_STATE = 24, DETAIL_MODE = 24 };

struct entry {
	bool waits;
	char state[DETAIL_STATE]; /* `held`, `detached`, `kept`, `waits 1` */
	char mode[DETAIL_MODE];	  /* `slot 2 of 5` */
	char *who, *peer, *note;  /* as bytes; "" where there is none */
	uint64_t token;
	int64_t since_ms;
	int64_t until_ms; /* the lease of a holder, the patience of who waits; UNKNOWN_MS: endless
			   */
};

struct entries {
	struct entry *entry;
	size_t n;
	uint64_t holders, waiters; /* all, also those beyond DETAIL_MAX */
};

struct detail {
	char *name; /* NULL: none is looked at */
	struct entries shown, coming;
	bool whole;	   /* shown is an answer; else the first one is still to come */
	char refused[256]; /* why it has no answer, or "" */
	size_t top;	   /* the first line on the screen */
};

/* 0, or -1 with ENOMEM. */
int detail_open(struct detail *, const char *name);
void detail_close(struct detail *);

void detail_begin(struct detail *);
/* The first line of the answer to a page. */
void detail_take_head(struct detail *, const struct pairs *);
/* One of the lines after it. False: there is room for no more. */
bool detail_take(struct detail *, const struct pairs *, int64_t now_ms);
void detail_end(struct detail *);

#endif
