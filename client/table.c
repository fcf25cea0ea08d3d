/* SPDX-License-Identifier: ISC */
/* See table.h. */
#include "table.h"

#include "duration.h"
#include "exits.h"
#include "text.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GAP = 2, WIDEST = 48, NOTE_MIN = 8, SCREEN = 80 };

static size_t
screen_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return SCREEN;
}

static bool
is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

void
table_begin(struct table *table, const struct column *columns, size_t n)
{
	*table = (struct table){.columns = columns, .n = n, .tty = is_terminal()};
	table->screen = isatty(STDOUT_FILENO) ? screen_width() : 0;
	table->first = calloc((1 + TABLE_FIRST_ROWS) * n, sizeof(*table->first));
	if (table->first == NULL)
		err(LATCH_TROUBLE, NULL);
	table->n_first = 1;
	for (size_t i = 0; i < n; i++) {
		table->first[i] = text_safe(columns[i].heading, 0);
		table->width[i] = text_width(columns[i].heading);
	}
}

static char *
make_cell(const struct column *column, const struct pairs *pairs)
{
	const char *value = pairs_get(pairs, column->key);
	char buf[32];
	int64_t ms;

	if (value == NULL || *value == '\0')
		value = "-";
	else if (column->kind == COLUMN_SECONDS && duration_parse(value, &ms))
		value = duration_format(ms, buf, sizeof(buf));
	return text_safe(value, 0);
}

static void
pad(size_t columns)
{
	printf("%*s", (int)columns, "");
}

/* A note begins at column AT of its line. */
static void
print_cell(const struct table *table, size_t i, char *cell, size_t at)
{
	enum column_kind kind = table->columns[i].kind;
	bool right = kind == COLUMN_NUMBER || kind == COLUMN_SECONDS;

	if (kind == COLUMN_NOTE && table->screen > 0)
		text_cut(cell, table->screen > at + NOTE_MIN ? table->screen - at : NOTE_MIN);
	size_t width = text_width(cell);
	size_t room = table->width[i] > width ? table->width[i] - width : 0;
	if (right)
		pad(room);
	fputs(cell, stdout);
	if (i + 1 < table->n)
		pad(GAP + (right ? 0 : room));
}

static void
print_row(const struct table *table, char **cells)
{
	size_t at = 0;

	for (size_t i = 0; i < table->n; i++) {
		size_t width = text_width(cells[i]);

		print_cell(table, i, cells[i], at);
		at += GAP + (width > table->width[i] ? width : table->width[i]);
		free(cells[i]);
	}
	putchar('\n');
}

static void
open_table(struct table *table)
{
	for (size_t i = 0; i < table->n_first; i++) {
		bool bold = i == 0 && table->tty;

		if (bold)
			fputs("\033[1m", stdout);
		print_row(table, table->first + i * table->n);
		if (bold)
			fputs("\033[0m", stdout);
	}
	free(table->first);
	table->first = NULL;
	table->is_open = true;
}

static void
keep_row(struct table *table, char **cells)
{
	memcpy(table->first + table->n_first * table->n, cells, table->n * sizeof(*cells));
	table->n_first++;
	for (size_t i = 0; i < table->n; i++) {
		size_t width = text_width(cells[i]);

		if (width > WIDEST)
			width = WIDEST;
		if (width > table->width[i])
			table->width[i] = width;
	}
	if (table->n_first == 1 + TABLE_FIRST_ROWS)
		open_table(table);
}

void
table_row(struct table *table, const struct pairs *pairs)
{
	char *cells[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < table->n; i++)
		cells[i] = make_cell(&table->columns[i], pairs);
	if (table->is_open)
		print_row(table, cells);
	else
		keep_row(table, cells);
}

void
table_end(struct table *table)
{
	if (!table->is_open)
		open_table(table);
}

void
table_drop(struct table *table)
{
	for (size_t i = 0; i < table->n_first * table->n; i++)
		free(table->first[i]);
	free(table->first);
	table->first = NULL;
}
