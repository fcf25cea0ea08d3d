/* SPDX-License-Identifier: ISC */
/* See top_model.h. */
#include "top_model.h"

#include <stdlib.h>
#include <string.h>

static int
by_name(const struct row *a, const struct row *b)
{
	return strcmp(a->name, b->name);
}

RB_PROTOTYPE(row_tree, row, link, by_name)
RB_GENERATE(row_tree, row, link, by_name)

void
model_init(struct model *model, size_t rows_max, size_t text_max)
{
	*model = (struct model){.rows_max = rows_max, .text_max = text_max};
	RB_INIT(&model->rows);
}

static size_t
text_size(const char *name, const char *holder)
{
	return strlen(name) + strlen(holder) + 2;
}

static void
forget_texts(struct model *model, struct row *row)
{
	model->text_bytes -= text_size(row->name, row->holder);
	free(row->name);
	free(row->holder);
}

static void
drop(struct model *model, struct row *row)
{
	RB_REMOVE(row_tree, &model->rows, row);
	forget_texts(model, row);
	free(row);
	model->n_rows--;
	model->generation++;
	model->victim = NULL;
}

void
model_fini(struct model *model)
{
	struct row *row;

	while ((row = RB_MIN(row_tree, &model->rows)) != NULL)
		drop(model, row);
}

void
model_begin(struct model *model)
{
	model->sweep++;
	model->left_out_now = 0;
	model->victim = RB_MIN(row_tree, &model->rows);
}

void
model_end(struct model *model)
{
	struct row *row, *next;

	RB_FOREACH_SAFE(row, row_tree, &model->rows, next)
	if (row->sweep != model->sweep)
		drop(model, row);
	model->left_out = model->left_out_now;
	model->whole = true;
}

struct row *
model_find(struct model *model, const char *name)
{
	struct row like = {.name = (char *)name};

	return RB_FIND(row_tree, &model->rows, &like);
}

struct row *
model_first(struct model *model)
{
	return RB_MIN(row_tree, &model->rows);
}

struct row *
model_next(struct row *row)
{
	return RB_NEXT(row_tree, NULL, row);
}

int64_t
pairs_ms(const struct pairs *pairs, const char *key)
{
	enum { MOST_S = 1 << 30 };
	const char *value = pairs_get(pairs, key);
	double seconds = value != NULL ? strtod(value, NULL) : -1;

	return seconds >= 0 && seconds < MOST_S ? (int64_t)(seconds * 1000) : UNKNOWN_MS;
}

uint64_t
pairs_number(const struct pairs *pairs, const char *key)
{
	const char *value = pairs_get(pairs, key);

	return value != NULL ? strtoull(value, NULL, 10) : 0;
}

static const char *
mode_of(const struct pairs *pairs)
{
	static const char *const modes[] = {"exclusive", "shared", "slots"};
	const char *mode = pairs_get(pairs, "mode");

	for (size_t i = 0; mode != NULL && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(mode, modes[i]) == 0)
			return modes[i];
	return "?";
}

/* The texts of a row that are to be had, or false: it has none then and is as it was. */
static bool
set_texts(struct model *model, struct row *row, const char *name, const char *holder)
{
	size_t old = row->name != NULL ? text_size(row->name, row->holder) : 0;

	if (model->text_bytes - old + text_size(name, holder) > model->text_max)
		return false;
	char *new_name = strdup(name), *new_holder = strdup(holder);

	if (new_name == NULL || new_holder == NULL) {
		free(new_name);
		free(new_holder);
		return false;
	}
	if (row->name != NULL)
		forget_texts(model, row);
	row->name = new_name;
	row->holder = new_holder;
	model->text_bytes += text_size(name, holder);
	return true;
}

/* One that nobody waits for, out of the tree; its memory and its address stay for another name. The
 * search goes over the rows once a sweep. */
static struct row *
give_up(struct model *model, uint64_t waiters)
{
	struct row *row = model->victim;

	if (waiters == 0)
		return NULL;
	while (row != NULL && row->waiters > 0)
		row = RB_NEXT(row_tree, &model->rows, row);
	model->victim = row != NULL ? RB_NEXT(row_tree, &model->rows, row) : NULL;
	if (row == NULL)
		return NULL;
	RB_REMOVE(row_tree, &model->rows, row);
	return row;
}

static bool
has_room(const struct model *model, const char *name, const char *holder)
{
	return model->n_rows < model->rows_max &&
	       model->text_bytes + text_size(name, holder) <= model->text_max;
}

/* A row for a name that has none. */
static struct row *
add(struct model *model, const char *name, const char *holder, uint64_t waiters)
{
	struct row *row, *old = NULL;

	if (has_room(model, name, holder))
		row = calloc(1, sizeof(*row));
	else
		row = old = give_up(model, waiters);
	if (row == NULL)
		return NULL;
	if (!set_texts(model, row, name, holder)) {
		if (old != NULL)
			RB_INSERT(row_tree, &model->rows, old);
		else
			free(row);
		return NULL;
	}
	/* One that this sweep has seen already; another one is counted when it comes. */
	if (old != NULL && old->sweep == model->sweep)
		model->left_out_now++;
	row->token = row->asked = 0;
	row->wait_since_ms = UNKNOWN_MS;
	RB_INSERT(row_tree, &model->rows, row);
	if (old == NULL)
		model->n_rows++;
	return row;
}

static struct row *
row_for(struct model *model, const char *name, const char *holder, uint64_t waiters)
{
	struct row *row = model_find(model, name);

	if (row == NULL)
		return add(model, name, holder, waiters);
	if (strcmp(row->holder, holder) == 0)
		return row;
	return set_texts(model, row, name, holder) ? row : NULL;
}

void
model_merge(struct model *model, const struct pairs *pairs, int64_t now_ms)
{
	const char *name = pairs_get(pairs, "lock"), *holder = pairs_get(pairs, "holder");
	uint64_t token = pairs_number(pairs, "token"), waiters = pairs_number(pairs, "waiters");
	int64_t age = pairs_ms(pairs, "age");

	if (name == NULL)
		return;
	struct row *row = row_for(model, name, holder != NULL ? holder : "", waiters);
	if (row == NULL) {
		model->left_out_now++;
		return;
	}
	/* One grant began once, however its age was rounded; and who is first in the queue can be
	 * another one only where the grant is. */
	if (row->token != token || token == 0) {
		row->since_ms = age != UNKNOWN_MS ? now_ms - age : UNKNOWN_MS;
		row->wait_since_ms = UNKNOWN_MS;
	}
	if (waiters == 0)
		row->wait_since_ms = UNKNOWN_MS;
	row->token = token;
	row->mode = mode_of(pairs);
	row->holders = pairs_number(pairs, "holders");
	row->waiters = waiters;
	row->sweep = model->sweep;
} /* NOLINT: the row is in the tree */
