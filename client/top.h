/* SPDX-License-Identifier: ISC */
/* `latch top`: the locks of a server on a screen that lives. Inside: what its parts share. */
#ifndef LATCH_TOP_H
#define LATCH_TOP_H

#include "server.h"
#include "top_fetch.h"

enum top_page { TOP_LOCKS, TOP_DETAIL, TOP_HELP };

struct top {
	struct ds_loop *loop;
	struct server server;
	const char *prefix; /* NULL: all */
	int64_t interval_ms;

	struct model model;
	struct view view;
	struct detail detail;
	struct fetch fetch;

	enum top_page page, before_help;
	bool typing;		      /* the filter */
	char old_filter[VIEW_FILTER]; /* which comes back where the new one is given up */
	bool is_dirty;		      /* to be drawn at the end of the turn */
	bool quits;
};

#endif
