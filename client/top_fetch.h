/* SPDX-License-Identifier: ISC */
/*
 * What is asked of the server and when: a round an interval, of the selected lock, the counters,
 * the list from its first page to its last, and the first in the queue of each contended lock on
 * the screen. Never more than one request is without its answer, and after the first few of a round
 * there is a pause between them, the longer the longer an answer takes.
 */
#ifndef LATCH_TOP_FETCH_H
#define LATCH_TOP_FETCH_H

#include "top_detail.h"
#include "top_link.h"
#include "top_totals.h"
#include "top_view.h"

struct fetch {
	struct link link;
	struct ds_timer next; /* the next request, or the next round */
	struct model *model;
	struct view *view;
	struct detail *detail;
	struct totals totals;
	const char *prefix; /* NULL: all */
	int64_t interval_ms;
	void (*changed)(void *arg);
	void *arg;

	const struct errand *errand; /* what the request is about; NULL: nothing is asked */
	uint32_t round;
	int64_t round_ms; /* when the next one begins */
	unsigned asked;	  /* requests of this round */
	bool idle;	  /* until the next round */
	bool wants_totals, wants_detail, wants_list;
	bool in_sweep, in_detail; /* between two pages */
	char cursor[32];	  /* of the list; "": the first page */
	char detail_cursor[32];
	char *queue_name;  /* of the errand about a queue */
	char refused[256]; /* what the server thinks of the last request, or "" */
};

void fetch_init(struct fetch *, struct ds_loop *, const struct ds_addr *, int64_t interval_ms);
void fetch_start(struct fetch *);
/* Something is wanted before the next round: a lock from near, or the queues of another page. */
void fetch_detail(struct fetch *);
void fetch_queues(struct fetch *);
/* A round at once. */
void fetch_round(struct fetch *);
void fetch_fini(struct fetch *);

#endif
