/* SPDX-License-Identifier: ISC */
/* Drawing: lines in their place. What is beyond the screen is not drawn. */
#ifndef LATCH_TOP_DRAW_H
#define LATCH_TOP_DRAW_H

#include "top_detail.h"
#include "top_view.h"

enum {
	DRAW_LINE = 1024, /* columns at most */
	DRAW_FIRST = 4,	  /* the line of the first row; above it is what its columns are */
};

int draw_columns(void);
void draw_line(int y, int attributes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void draw_fitted(int y, int x, int attributes, const char *text);

/* ROOM lines from DRAW_FIRST on, as things were at AT_MS. */
void draw_locks(const struct view *, int room, int attributes, int64_t at_ms);
void draw_detail(struct detail *, int room, int attributes, int64_t at_ms);

#endif
