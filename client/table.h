/* SPDX-License-Identifier: ISC */
/*
 * Rows of text in columns under headings, to standard output. The widths are those of the first
 * rows, so that no more than these are kept; a cell that is wider moves the rest of its row. Empty
 * cells are `-`, so that there are as many words everywhere.
 */
#ifndef LATCH_TABLE_H
#define LATCH_TABLE_H

#include "pairs.h"

enum { TABLE_COLUMNS_MAX = 16, TABLE_FIRST_ROWS = 200 };

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,	/* to the right */
	COLUMN_SECONDS, /* likewise, in units */
	COLUMN_NOTE,	/* the last one: on a terminal, cut where its line ends */
};

struct column {
	const char *heading, *key;
	enum column_kind kind;
};

struct table {
	const struct column *columns;
	size_t n;
	size_t width[TABLE_COLUMNS_MAX];
	char *
	    *first; /* cells of the headings and of the rows that the widths are to be found from */
	size_t n_first;
	bool is_open; /* the widths are there */
	bool tty;
	size_t screen;
};

/* COLUMNS is lent until the end. */
void table_begin(struct table *, const struct column *columns, size_t n);
void table_row(struct table *, const struct pairs *);
/* Prints what is left; the headings also where there is no row. */
void table_end(struct table *);
/* Instead: nothing is printed, where no row was. */
void table_drop(struct table *);

#endif
