/* SPDX-License-Identifier: ISC */
/* See top_keys.h. */
#include "top_keys.h"

#include <curses.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { CONTROL_H = 8, CONTROL_U = 21, ESCAPE = 27, DELETE = 127 };

/* Typing the filter. */

static void
begin_typing(struct top *top)
{
	top->typing = true;
	strlcpy(top->old_filter, top->view.filter, sizeof(top->old_filter));
}

static void
add_character(struct top *top, wint_t key)
{
	char filter[VIEW_FILTER + MB_LEN_MAX], bytes[MB_LEN_MAX];
	mbstate_t state = {0};
	size_t len = strlcpy(filter, top->view.filter, sizeof(filter));
	size_t n = wcrtomb(bytes, (wchar_t)key, &state);

	if (key < ' ' || n == (size_t)-1 || len + n >= VIEW_FILTER)
		return;
	memcpy(filter + len, bytes, n);
	filter[len + n] = '\0';
	view_set_filter(&top->view, filter);
}

static void
take_character_back(struct top *top)
{
	char filter[VIEW_FILTER];
	size_t len = strlcpy(filter, top->view.filter, sizeof(filter));

	while (len > 0 && (filter[len - 1] & 0xc0) == 0x80)
		len--;
	filter[len > 0 ? len - 1 : 0] = '\0';
	view_set_filter(&top->view, filter);
}

static void
type(struct top *top, bool is_code, wint_t key)
{
	if ((is_code && key == KEY_BACKSPACE) || key == DELETE || key == CONTROL_H) {
		take_character_back(top);
	} else if ((is_code && key == KEY_ENTER) || key == '\n' || key == '\r') {
		top->typing = false;
	} else if (key == ESCAPE) {
		top->typing = false;
		view_set_filter(&top->view, top->old_filter);
	} else if (key == CONTROL_U) {
		view_set_filter(&top->view, "");
	} else if (!is_code) {
		add_character(top, key);
	}
}

/* Moving: in the list it is the selection that goes, elsewhere the page. */

static void
move_by(struct top *top, long rows)
{
	struct detail *detail = &top->detail;

	if (top->page == TOP_LOCKS) {
		view_move(&top->view, rows);
		return;
	}
	if (rows < 0 && (size_t)-rows > detail->top)
		detail->top = 0;
	else if (detail->top + (size_t)rows <= 2 * DETAIL_MAX) /* drawing keeps it in bounds */
		detail->top += (size_t)rows;
	else
		detail->top = 2 * DETAIL_MAX;
}

static long
page_of(const struct top *top)
{
	return top->view.page > 1 ? (long)top->view.page - 1 : 1;
}

static bool
press_arrow(struct top *top, wint_t key)
{
	switch (key) {
	case KEY_UP:
		move_by(top, -1);
		return true;
	case KEY_DOWN:
		move_by(top, 1);
		return true;
	case KEY_PPAGE:
		move_by(top, -page_of(top));
		return true;
	case KEY_NPAGE:
		move_by(top, page_of(top));
		return true;
	case KEY_HOME:
		move_by(top, -MODEL_ROWS_MAX);
		return true;
	case KEY_END:
		move_by(top, MODEL_ROWS_MAX);
		return true;
	default:
		return false;
	}
}

/* The keys that have a name, and characters that mean the same. */
static wint_t
code_of(wint_t key)
{
	static const struct {
		wint_t key, code;
	} same[] = {{'k', KEY_UP}, {'j', KEY_DOWN}, {'g', KEY_HOME}, {'G', KEY_END}, {2, KEY_PPAGE},
	    {6, KEY_NPAGE}, {'\n', KEY_ENTER}, {'\r', KEY_ENTER}};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (same[i].key == key)
			return same[i].code;
	return 0;
}

static void
look_from_near(struct top *top)
{
	const struct row *row = view_selected(&top->view);

	if (row == NULL || detail_open(&top->detail, row->name) == -1)
		return;
	top->page = TOP_DETAIL;
	fetch_detail(&top->fetch);
}

static void
go_back(struct top *top)
{
	if (top->page == TOP_HELP) {
		top->page = top->before_help;
	} else if (top->page == TOP_DETAIL) {
		top->page = TOP_LOCKS;
		detail_close(&top->detail);
	} else {
		view_set_filter(&top->view, "");
	}
}

static void
help(struct top *top)
{
	if (top->page != TOP_HELP)
		top->before_help = top->page;
	top->page = top->page == TOP_HELP ? top->before_help : TOP_HELP;
}

static void
press_code(struct top *top, wint_t key)
{
	if (press_arrow(top, key))
		return;
	if (key == KEY_ENTER && top->page == TOP_LOCKS)
		look_from_near(top);
	else if (key == KEY_ENTER && top->page == TOP_DETAIL)
		fetch_detail(&top->fetch);
	else if (key == KEY_ENTER || key == KEY_LEFT)
		go_back(top);
}

static void
press_in_list(struct top *top, wint_t key)
{
	switch (key) {
	case 'n':
		view_set_order(&top->view, VIEW_NAME);
		break;
	case 'a':
		view_set_order(&top->view, VIEW_AGE);
		break;
	case 'w':
		view_set_order(&top->view, VIEW_WAITERS);
		break;
	case 'h':
		view_set_order(&top->view, VIEW_HOLDER);
		break;
	case 'r':
		view_flip(&top->view);
		break;
	case '/':
		begin_typing(top);
		break;
	default:
		break;
	}
}

static void
press_character(struct top *top, wint_t key)
{
	if (key == 'q')
		top->quits = true;
	else if (key == '?')
		help(top);
	else if (key == ESCAPE)
		go_back(top);
	else if (key == ' ')
		fetch_round(&top->fetch);
	else if (top->page == TOP_LOCKS)
		press_in_list(top, key);
}

void
keys_press(struct top *top, bool is_code, wint_t key)
{
	top->is_dirty = true;
	if (top->typing)
		type(top, is_code, key);
	else if (is_code || code_of(key) != 0)
		press_code(top, is_code ? key : code_of(key));
	else
		press_character(top, key);
}
