/* SPDX-License-Identifier: ISC */
/* See top_draw.h: the rows of the list, and a lock from near. */
#include "top_draw.h"

#include "top_cell.h"

#include <curses.h>
#include <stdio.h>

enum { CELLS_MAX = 8, GAP = 1, CELL = DRAW_LINE * 4 };

struct column {
	const char *title;
	int width;   /* 0: a share of what is left */
	int share;   /* in ninths */
	int from;    /* only on screens with so many columns */
	bool number; /* at the right */
};

static void
lay_out(const struct column *columns, int n, int widths[CELLS_MAX])
{
	int left = draw_columns();

	for (int i = 0; i < n; i++) {
		widths[i] = left > 0 && draw_columns() >= columns[i].from ? columns[i].width : -1;
		if (widths[i] >= 0)
			left -= (i > 0 ? GAP : 0);
		if (widths[i] > 0)
			left -= widths[i];
	}
	if (left < 0)
		left = 0;
	for (int i = 0; i < n; i++)
		if (columns[i].width == 0 && widths[i] == 0)
			widths[i] = left * columns[i].share / 9;
}

/* A line of cells over the whole width of the screen. */
static void
draw_cells(int y, int attributes, const struct column *columns, int n, const char *const *cells)
{
	static char fitted[CELL];
	int widths[CELLS_MAX], x = 0;

	draw_line(y, attributes, "%s", "");
	lay_out(columns, n, widths);
	for (int i = 0; i < n; i++) {
		int width = widths[i], most = draw_columns() - x;

		if (width < 0 || most <= 0)
			continue;
		if (width > most)
			width = most;
		int blank = columns[i].number ? width - cell_width(cells[i]) : 0;
		if (blank < 0)
			blank = 0;
		cell_fit(fitted, sizeof(fitted), cells[i], width - blank);
		draw_fitted(y, x + blank, attributes, fitted);
		x += width + GAP;
	}
}

static void
draw_titles(int y, const struct column *columns, int n)
{
	const char *titles[CELLS_MAX];

	for (int i = 0; i < n; i++)
		titles[i] = columns[i].title;
	draw_cells(y, A_REVERSE, columns, n, titles);
}

static void
since(char text[CELL_DURATION], int64_t then_ms, int64_t now_ms)
{
	if (then_ms == UNKNOWN_MS)
		snprintf(text, CELL_DURATION, "-");
	else
		cell_duration(text, now_ms - then_ms);
}

/* The list. */

static const struct column lock_columns[] = {
    {"LOCK", 0, 5, 0, false},
    {"MODE", 9, 0, 72, false},
    {"HOLDER", 0, 4, 0, false},
    {"AGE", 7, 0, 30, true},
    {"HOLDERS", 7, 0, 64, true},
    {"WAITERS", 7, 0, 40, true},
    {"WAIT", 7, 0, 50, true},
};
enum { LOCK_CELLS = sizeof(lock_columns) / sizeof(lock_columns[0]) };

static void
draw_row(const struct row *row, int y, int attributes, int64_t at_ms)
{
	char age[CELL_DURATION], wait[CELL_DURATION], holders[24], waiters[24];
	const char *cells[] = {row->name, row->mode, *row->holder != '\0' ? row->holder : "-", age,
	    holders, waiters, wait};

	since(age, row->since_ms, at_ms);
	since(wait, row->wait_since_ms, at_ms);
	snprintf(holders, sizeof(holders), "%llu", (unsigned long long)row->holders);
	snprintf(waiters, sizeof(waiters), "%llu", (unsigned long long)row->waiters);
	if (row->waiters > 0 && attributes == A_NORMAL)
		attributes = A_BOLD;
	draw_cells(y, attributes, lock_columns, LOCK_CELLS, cells);
}

void
draw_locks(const struct view *view, int room, int attributes, int64_t at_ms)
{
	draw_titles(DRAW_FIRST - 1, lock_columns, LOCK_CELLS);
	for (int i = 0; i < room; i++) {
		size_t place = view->top + (size_t)i;
		const struct row *row = view_row(view, place);

		if (row == NULL)
			break;
		draw_row(row, DRAW_FIRST + i,
		    attributes | (place == view->selected ? A_REVERSE : A_NORMAL), at_ms);
	}
}

/* A lock from near: a line an entry, and one for its note where it has one. */

static const struct column entry_columns[] = {
    {"STATE", 10, 0, 0, false},
    {"MODE", 12, 0, 70, false},
    {"WHO", 0, 9, 0, false},
    {"FROM", 21, 0, 86, false},
    {"TOKEN", 20, 0, 108, true},
    {"AGE", 7, 0, 30, true},
    {"LEFT", 7, 0, 50, true},
};
enum { ENTRY_CELLS = sizeof(entry_columns) / sizeof(entry_columns[0]) };

static void
draw_entry(const struct entry *entry, int y, int attributes, int64_t at_ms)
{
	char age[CELL_DURATION], left[CELL_DURATION] = "-", token[24] = "-";
	const char *cells[] = {entry->state, entry->mode, entry->who != NULL ? entry->who : "",
	    entry->peer != NULL ? entry->peer : "", token, age, left};

	since(age, entry->since_ms, at_ms);
	if (entry->until_ms != UNKNOWN_MS)
		cell_duration(left, entry->until_ms - at_ms);
	if (entry->token != 0)
		snprintf(token, sizeof(token), "%llu", (unsigned long long)entry->token);
	draw_cells(y, attributes, entry_columns, ENTRY_CELLS, cells);
}

static bool
has_note(const struct entry *entry)
{
	return entry->note != NULL && *entry->note != '\0';
}

static size_t
count_lines(const struct entries *entries)
{
	size_t n = entries->n;

	for (size_t i = 0; i < entries->n; i++)
		n += has_note(&entries->entry[i]);
	return n;
}

static void
draw_entries(const struct detail *detail, int y, int room, int attributes, int64_t at_ms)
{
	const struct entries *shown = &detail->shown;
	long line = -(long)detail->top;

	for (size_t i = 0; i < shown->n && line < room; i++) {
		const struct entry *entry = &shown->entry[i];

		if (line >= 0)
			draw_entry(entry, y + (int)line, attributes, at_ms);
		line++;
		if (!has_note(entry))
			continue;
		if (line >= 0 && line < room)
			draw_line(y + (int)line, attributes, "    %s", entry->note);
		line++;
	}
}

static void
draw_subject(const struct detail *detail, int attributes)
{
	const struct entries *shown = &detail->shown;
	char counts[256] = "one moment", more[64] = "";
	uint64_t all = shown->holders + shown->waiters;

	if (all > shown->n && shown->n == DETAIL_MAX)
		snprintf(more, sizeof(more), ", %llu more are not shown",
		    (unsigned long long)(all - shown->n));
	if (*detail->refused != '\0')
		snprintf(counts, sizeof(counts), "%s", detail->refused);
	else if (detail->whole && all == 0)
		snprintf(counts, sizeof(counts), "nobody holds it");
	else if (detail->whole)
		snprintf(counts, sizeof(counts), "%llu hold%s it, %llu wait%s%s",
		    (unsigned long long)shown->holders, shown->holders == 1 ? "s" : "",
		    (unsigned long long)shown->waiters, shown->waiters == 1 ? "s" : "", more);
	draw_line(DRAW_FIRST - 1, attributes | A_BOLD, "%s: %s", detail->name, counts);
}

void
draw_detail(struct detail *detail, int room, int attributes, int64_t at_ms)
{
	size_t lines = count_lines(&detail->shown);

	if (detail->name == NULL || room < 1)
		return;
	room--; /* for the titles */
	size_t most = lines > (size_t)room ? lines - (size_t)room : 0;
	if (detail->top > most)
		detail->top = most;
	draw_subject(detail, attributes);
	draw_titles(DRAW_FIRST, entry_columns, ENTRY_CELLS);
	draw_entries(detail, DRAW_FIRST + 1, room, attributes, at_ms);
}
