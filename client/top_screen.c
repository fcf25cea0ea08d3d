/* SPDX-License-Identifier: ISC */
/* See top_screen.h: the terminal, and the lines that every page has. */
#include "top_screen.h"
#include "top_draw.h"

#include "exits.h"
#include "say.h"
#include "top_cell.h"
#include "top_term.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ESCAPE_MS = 25, BACK_SHOWN_MS = 5000, SLOW_MS = 3000 };

static SCREEN *screen; /* as everything of the library's there is one a process */

static int
no_terminal(const char *why)
{
	const char *term = getenv("TERM");

	say("top: TERM%s%s %s", term != NULL ? "=" : "", term != NULL ? term : "", why);
	return LATCH_USAGE;
}

int
screen_begin(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		say("top: needs a terminal; for scripts there is `latch list`");
		return LATCH_USAGE;
	}
	const char *wrong = term_wrong();
	if (wrong != NULL)
		return no_terminal(wrong);
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return no_terminal("it cannot be begun");
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return 0;
}

void
screen_end(void)
{
	if (screen == NULL)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

void
screen_resize(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
	clearok(curscr, TRUE);
}

void
screen_suspend(void)
{
	endwin();
}

void
screen_resume(void)
{
	refresh();
	screen_resize();
}

bool
screen_key(bool *is_code, wint_t *key)
{
	int result = get_wch(key);

	*is_code = result == KEY_CODE_YES;
	return result != ERR;
}

/* A line from column 0 on, as wide as the screen. */
void
draw_line(int y, int attributes, const char *format, ...)
{
	char text[DRAW_LINE], fitted[DRAW_LINE * 4];
	va_list args;

	if (y < 0 || y >= LINES)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cell_fit(fitted, sizeof(fitted), text, draw_columns());
	attrset((attr_t)attributes);
	mvaddstr(y, 0, fitted);
	attrset(A_NORMAL);
}

/* What is already fitted, with foreign characters in it. */
void
draw_fitted(int y, int x, int attributes, const char *text)
{
	if (y < 0 || y >= LINES || x >= COLS)
		return;
	attrset((attr_t)attributes);
	mvaddstr(y, x, text);
	attrset(A_NORMAL);
}

int
draw_columns(void)
{
	return COLS < DRAW_LINE ? COLS : DRAW_LINE - 1;
}

static void
draw_heading(const struct top *top, int dim)
{
	const struct totals *totals = &top->fetch.totals;
	const struct counts *now = &totals->now;
	char up[CELL_DURATION], rates[128] = "requests ?/s";

	cell_duration(up, (int64_t)now->uptime * 1000);
	draw_line(0, A_BOLD, "latch top  %s%s%s%s%s", top->server.text,
	    totals->known ? "  up " : "", totals->known ? up : "",
	    top->prefix != NULL ? "  prefix " : "", top->prefix != NULL ? top->prefix : "");
	if (totals->has_rates)
		snprintf(rates, sizeof(rates), "requests %.1f/s (%.1f granted, %.1f refused)",
		    totals->granted + totals->refused, totals->granted, totals->refused);
	if (totals->known)
		draw_line(1, dim, "locks %llu  waiters %llu  clients %llu  %s",
		    (unsigned long long)now->locks, (unsigned long long)now->waiters,
		    (unsigned long long)now->clients, rates);
}

static void
draw_lost(const struct top *top, int64_t now_ms)
{
	const struct link *link = &top->fetch.link;
	char ago[CELL_DURATION], in[CELL_DURATION], state[64];
	const char *reason = *link->spoke != '\0' ? link->spoke : link->reason;

	cell_duration(ago, now_ms - link->lost_ms);
	cell_duration(in, link->retry_ms - now_ms + 999);
	if (link->conn.is_up || link->conn.is_open || !ds_timer_pending(&link->retry))
		snprintf(state, sizeof(state), "trying again");
	else
		snprintf(state, sizeof(state), "next try in %s", in);
	if (!link->was_there && *reason == '\0')
		draw_line(2, A_BOLD, "connecting");
	else
		draw_line(2, A_BOLD | A_REVERSE, "%s %s: %s; %s",
		    link->was_there ? "server lost for" : "no server for", ago, reason, state);
}

static void
draw_order(const struct top *top)
{
	static const char *const orders[VIEW_ORDERS] = {"name", "age", "waiters", "holder"};
	const struct view *view = &top->view;
	char part[VIEW_FILTER + 32] = "", out[64] = "";

	if (*view->filter != '\0')
		snprintf(part, sizeof(part), ", %zu of them with \"%s\"", view->n, view->filter);
	if (top->model.left_out > 0)
		snprintf(out, sizeof(out), ", %zu more are not shown", top->model.left_out);
	draw_line(2, A_NORMAL, "%zu names, by %s%s%s%s%s", top->model.n_rows, orders[view->order],
	    view->reverse ? ", reversed" : "", part, out,
	    top->model.whole ? "" : ", more are coming");
}

/* The third line: what is the matter, or what is shown. */
static void
draw_state(const struct top *top, int64_t now_ms)
{
	const struct link *link = &top->fetch.link;
	int64_t silent_ms = link->asked ? now_ms - link->asked_ms : 0;
	char text[CELL_DURATION];

	if (top->typing) {
		draw_line(2, A_BOLD, "filter: %s_", top->view.filter);
	} else if (link->is_lost) {
		draw_lost(top, now_ms);
	} else if (silent_ms >= SLOW_MS) {
		cell_duration(text, silent_ms);
		draw_line(2, A_BOLD | A_REVERSE, "no answer for %s", text);
	} else if (link->back_ms != 0 && now_ms - link->back_ms < BACK_SHOWN_MS) {
		cell_duration(text, link->away_ms);
		draw_line(2, A_BOLD, "the server is back after %s", text);
	} else if (*top->fetch.refused != '\0') {
		draw_line(2, A_BOLD | A_REVERSE, "%s", top->fetch.refused);
	} else if (top->page == TOP_LOCKS) {
		draw_order(top);
	}
}

static void
draw_keys(const struct top *top)
{
	static const char *const keys[] = {
	    [TOP_LOCKS] = ("q quit  ? help  / filter  sort: n name  a age  w waiters  h holder  "
			   "r reverse  Enter details"),
	    [TOP_DETAIL] = "q quit  ? help  Esc back  Enter refresh",
	    [TOP_HELP] = "q quit  Esc back",
	};

	draw_line(LINES - 1, A_REVERSE, "%s",
	    top->typing ? "Enter keep  Esc give up  Ctrl-U empty" : keys[top->page]);
}

static void
draw_help(void)
{
	static const char *const lines[] = {
	    "n a w h     sort by name, age of the first holder, waiters, holder",
	    "r           the other way round",
	    "/           show only what has some text in its name or holder; Esc: everything again",
	    "up down     select a lock; also k j, PgUp PgDn, Home End",
	    "Enter       the holders and the queue of the selected lock; there: ask anew",
	    "Space       ask the server now",
	    "Esc         back",
	    "?           this",
	    "q           quit",
	    "",
	    "AGE is how long the first holder has had it, WAIT how long the first in the queue",
	    "has waited; that is asked for those locks only which are on the screen. Characters",
	    "that cannot be shown are written as %XX.",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		draw_fitted(4 + (int)i, 2, A_NORMAL, lines[i]);
}

void
screen_draw(struct top *top)
{
	const struct link *link = &top->fetch.link;
	int64_t now_ms = link_now_ms(link);
	int dim = link->is_lost ? A_DIM : A_NORMAL;
	/* What was last known does not get older. */
	int64_t at_ms = link->is_lost ? link->lost_ms : now_ms;
	int room = LINES - DRAW_FIRST - 1;

	view_set_page(&top->view, room > 0 ? (size_t)room : 0);
	view_build(&top->view, now_ms);
	erase();
	draw_heading(top, dim);
	draw_state(top, now_ms);
	if (top->page == TOP_LOCKS)
		draw_locks(&top->view, room, dim, at_ms);
	else if (top->page == TOP_DETAIL)
		draw_detail(&top->detail, room, dim, at_ms);
	else
		draw_help();
	draw_keys(top);
	refresh();
}
