/* SPDX-License-Identifier: ISC */
/*
 * One request at a time to a server that may go and come back. It is connected to again after a
 * delay that grows; it counts as back with its first answer, since one that is full accepts only to
 * refuse.
 */
#ifndef LATCH_TOP_LINK_H
#define LATCH_TOP_LINK_H

#include "conn.h"
#include "pairs.h"

#include <stdint.h>

enum { LINK_REASON = 256 };

struct link_ops {
	/* Connected: it may be asked. */
	void (*ready)(void *arg);
	/* The answer to the request: its first line, the lines that this has announced, its end. A
	 * refusal has no lines and no end. */
	void (*head)(void *arg, const struct line *);
	void (*line)(void *arg, const struct pairs *);
	void (*end)(void *arg);
	/* It has ended, and so has the request. */
	void (*lost)(void *arg);
};

struct link {
	struct conn conn;
	struct ds_timer retry;
	const struct ds_addr *addr;
	const struct link_ops *ops;
	void *arg;
	bool asked;		  /* a request is without its answer */
	bool in_lines;		  /* its first line has come */
	uint64_t lines;		  /* that are still to come */
	int64_t asked_ms;	  /* when */
	int64_t delay_ms;	  /* before the next try */
	bool is_lost;		  /* since its last answer, or there was none as yet */
	int64_t lost_ms;	  /* when; at first: when this began */
	int64_t retry_ms;	  /* when it is tried again */
	int64_t back_ms;	  /* when it came back; 0: it never was away */
	int64_t away_ms;	  /* for how long it had been */
	bool was_there;		  /* it has answered once at least */
	char reason[LINK_REASON]; /* why it was lost, or "" */
	char spoke[LINK_REASON];  /* what it said last without being asked, or "" */
};

void link_init(
    struct link *, struct ds_loop *, const struct ds_addr *, const struct link_ops *, void *arg);
void link_start(struct link *);
/* Whether it can be asked now. */
bool link_is_free(const struct link *);
void link_ask(struct link *, const struct request *);
int64_t link_now_ms(const struct link *);
void link_fini(struct link *);

#endif
