/* SPDX-License-Identifier: ISC */
/*
 * What is shown of the model: the rows that pass the filter, in an order, the one that is selected
 * and the page around it. The selected one is found again by its name, wherever it has gone. Rows
 * are the model's: view_build has to be called where the model's generation has changed.
 */
#ifndef LATCH_TOP_VIEW_H
#define LATCH_TOP_VIEW_H

#include "top_model.h"

enum view_order { VIEW_NAME, VIEW_AGE, VIEW_WAITERS, VIEW_HOLDER, VIEW_ORDERS };
enum { VIEW_FILTER = 256 };

struct view {
	struct model *model;
	struct row **rows;
	size_t n, size;
	enum view_order order;
	bool reverse;
	char filter[VIEW_FILTER]; /* a part of a name or of a holder; letters in any case */
	size_t selected, top, page;
	char *selected_name; /* NULL: the first place, whoever is there */
	uint32_t generation; /* the model's, when it was built */
	int64_t built_ms;
	bool stale; /* to be built before it is shown */
};

void view_init(struct view *, struct model *);
void view_fini(struct view *);
void view_set_order(struct view *, enum view_order);
void view_flip(struct view *);
void view_set_filter(struct view *, const char *text);
/* Builds it where it has to be, or where the last time is a while ago. */
void view_build(struct view *, int64_t now_ms);
/* NULL: beyond the last. */
struct row *view_row(const struct view *, size_t i);
struct row *view_selected(const struct view *);
/* By so many rows, no farther than there are. */
void view_move(struct view *, long rows);
/* The page has so many rows: the selected one is on it from now on. */
void view_set_page(struct view *, size_t rows);
/* One of the page whose queue was not asked for in this round. */
struct row *view_wants_queue(const struct view *, uint32_t round);

#endif
