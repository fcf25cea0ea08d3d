/* SPDX-License-Identifier: ISC */
/* See top_view.h. */
#include "top_view.h"

#include <stdlib.h>
#include <string.h>

enum { BUILD_EVERY_MS = 500 };

void
view_init(struct view *view, struct model *model)
{
	*view = (struct view){.model = model, .stale = true};
}

void
view_fini(struct view *view)
{
	free(view->rows);
	free(view->selected_name);
	view->rows = NULL;
	view->selected_name = NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* The oldest first. Grants are numbered in their order; who waits for a lock that nobody holds has
 * none. */
static int
by_age(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	uint64_t s = (*x)->token - 1, t = (*y)->token - 1; /* 0 becomes the last */

	return s != t ? (s > t) - (s < t) : by_name(a, b);
}

static int
by_waiters(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	uint64_t s = (*x)->waiters, t = (*y)->waiters;

	return s != t ? (s < t) - (s > t) : by_name(a, b);
}

static int
by_holder(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	int order = strcmp((*x)->holder, (*y)->holder);

	if (order == 0)
		return by_name(a, b);
	if (*(*x)->holder == '\0' || *(*y)->holder == '\0')
		return -order;
	return order;
}

static int (*const orders[VIEW_ORDERS])(const void *, const void *) = {
    [VIEW_NAME] = by_name,
    [VIEW_AGE] = by_age,
    [VIEW_WAITERS] = by_waiters,
    [VIEW_HOLDER] = by_holder,
};

void
view_set_order(struct view *view, enum view_order order)
{
	view->order = order;
	view->reverse = false;
	view->stale = true;
}

void
view_flip(struct view *view)
{
	view->reverse = !view->reverse;
	view->stale = true;
}

void
view_set_filter(struct view *view, const char *text)
{
	strlcpy(view->filter, text, sizeof(view->filter));
	view->stale = true;
}

static bool
passes(const struct view *view, const struct row *row)
{
	return *view->filter == '\0' || strcasestr(row->name, view->filter) != NULL ||
	       strcasestr(row->holder, view->filter) != NULL;
}

static bool
is_at(const struct view *view, size_t i, const char *name)
{
	const struct row *row = view_row(view, i);

	return row != NULL && strcmp(row->name, name) == 0;
}

static void
find_selected(struct view *view)
{
	for (size_t i = 0; view->selected_name != NULL && i < view->n; i++) {
		if (is_at(view, i, view->selected_name)) {
			view->selected = i;
			return;
		}
	}
	if (view->selected >= view->n)
		view->selected = view->n > 0 ? view->n - 1 : 0;
}

static bool
make_room(struct view *view)
{
	if (view->model->n_rows <= view->size)
		return true;
	size_t size = view->model->n_rows + view->model->n_rows / 4;
	struct row **rows = reallocarray(view->rows, size, sizeof(*rows));

	if (rows == NULL)
		return false;
	view->rows = rows;
	view->size = size;
	return true;
}

void
view_build(struct view *view, int64_t now_ms)
{
	bool gone = view->generation != view->model->generation;

	if (!view->stale && !gone && now_ms - view->built_ms < BUILD_EVERY_MS)
		return;
	view->n = 0;
	if (make_room(view)) {
		for (struct row *row = model_first(view->model); row != NULL; row = model_next(row))
			if (passes(view, row))
				view->rows[view->n++] = row;
	}
	if (view->order != VIEW_NAME) /* which they are in */
		qsort(view->rows, view->n, sizeof(struct row *), orders[view->order]);
	view->generation = view->model->generation;
	view->built_ms = now_ms;
	view->stale = false;
	find_selected(view);
	view_set_page(view, view->page);
}

struct row *
view_row(const struct view *view, size_t i)
{
	if (i >= view->n)
		return NULL;
	return view->rows[view->reverse ? view->n - 1 - i : i];
}

struct row *
view_selected(const struct view *view)
{
	return view_row(view, view->selected);
}

void
view_move(struct view *view, long rows)
{
	size_t most = view->n > 0 ? view->n - 1 : 0, by = rows < 0 ? -(size_t)rows : (size_t)rows;

	if (rows < 0)
		view->selected -= by < view->selected ? by : view->selected;
	else
		view->selected += by < most - view->selected ? by : most - view->selected;
	free(view->selected_name);
	view->selected_name = NULL;
	const struct row *row = view_selected(view);
	if (row != NULL && view->selected > 0)
		view->selected_name = strdup(row->name);
	view_set_page(view, view->page);
}

void
view_set_page(struct view *view, size_t rows)
{
	view->page = rows;
	if (rows == 0)
		return;
	if (view->selected < view->top)
		view->top = view->selected;
	if (view->selected >= view->top + rows)
		view->top = view->selected - rows + 1;
	if (view->top + rows > view->n)
		view->top = view->n > rows ? view->n - rows : 0;
}

struct row *
view_wants_queue(const struct view *view, uint32_t round)
{
	if (view->generation != view->model->generation)
		return NULL;
	for (size_t i = view->top; i < view->top + view->page; i++) {
		struct row *row = view_row(view, i);

		if (row == NULL)
			break;
		if (row->waiters > 0 && row->asked != round)
			return row;
	}
	return NULL;
}
