/* SPDX-License-Identifier: ISC */
/* See top_fetch.h. */
#include "top_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	AT_ONCE = 4,   /* requests of a round that follow each other without a pause */
	PAUSE_MS = 10, /* at least */
	PAUSE_MAX_MS = 2000,
	PAUSE_TIMES = 4, /* as long as the answer took: so the server has four fifths for others */
	LIST_PAGE = 1000,
	DETAIL_PAGE = 250,
};

/* One kind of request. BEGIN is false where there is nothing to ask. */
struct errand {
	bool (*begin)(struct fetch *, struct request *);
	void (*head)(struct fetch *, const struct pairs *);
	void (*line)(struct fetch *, const struct pairs *, int64_t now_ms);
	void (*end)(struct fetch *, int64_t now_ms);
	void (*refused)(struct fetch *);
};

static void
add_number(struct request *request, const char *key, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	request_add(request, key, text);
}

static void
keep_cursor(char *cursor, size_t size, const struct pairs *pairs)
{
	const char *after = pairs_get(pairs, "after");

	snprintf(cursor, size, "%s", after != NULL ? after : "");
}

/* The counters. */

static bool
totals_begin(struct fetch *fetch, struct request *request)
{
	if (!fetch->wants_totals)
		return false;
	fetch->wants_totals = false;
	request_begin(request, "stats");
	return true;
}

static void
totals_line(struct fetch *fetch, const struct pairs *pairs, int64_t now_ms)
{
	(void)now_ms;
	totals_take(&fetch->totals, pairs);
}

static void
totals_done(struct fetch *fetch, int64_t now_ms)
{
	totals_end(&fetch->totals, now_ms);
}

/* The list. */

static bool
list_begin(struct fetch *fetch, struct request *request)
{
	if (!fetch->in_sweep && !fetch->wants_list)
		return false;
	if (!fetch->in_sweep) {
		fetch->in_sweep = true;
		fetch->wants_list = false;
		fetch->cursor[0] = '\0';
		model_begin(fetch->model);
	}
	request_begin(request, "list");
	if (fetch->prefix != NULL)
		request_add(request, "prefix", fetch->prefix);
	if (*fetch->cursor != '\0')
		request_add(request, "after", fetch->cursor);
	add_number(request, "limit", LIST_PAGE);
	return true;
}

static void
list_head(struct fetch *fetch, const struct pairs *pairs)
{
	keep_cursor(fetch->cursor, sizeof(fetch->cursor), pairs);
}

static void
list_line(struct fetch *fetch, const struct pairs *pairs, int64_t now_ms)
{
	model_merge(fetch->model, pairs, now_ms);
}

static void
list_end(struct fetch *fetch, int64_t now_ms)
{
	(void)now_ms;
	if (*fetch->cursor != '\0')
		return;
	fetch->in_sweep = false;
	model_end(fetch->model);
}

static void
list_refused(struct fetch *fetch)
{
	fetch->in_sweep = false;
}

/* A lock from near. */

static bool
detail_ask(struct fetch *fetch, struct request *request)
{
	if (fetch->detail->name == NULL || (!fetch->wants_detail && !fetch->in_detail))
		return false;
	if (!fetch->in_detail) {
		fetch->detail_cursor[0] = '\0';
		detail_begin(fetch->detail);
	}
	fetch->in_detail = true;
	fetch->wants_detail = false;
	request_begin(request, "inspect");
	request_add(request, "lock", fetch->detail->name);
	if (*fetch->detail_cursor != '\0')
		request_add(request, "after", fetch->detail_cursor);
	add_number(request, "limit", DETAIL_PAGE);
	return true;
}

static void
detail_head(struct fetch *fetch, const struct pairs *pairs)
{
	if (!fetch->in_detail)
		return;
	keep_cursor(fetch->detail_cursor, sizeof(fetch->detail_cursor), pairs);
	detail_take_head(fetch->detail, pairs);
}

static void
detail_line(struct fetch *fetch, const struct pairs *pairs, int64_t now_ms)
{
	if (fetch->in_detail && !detail_take(fetch->detail, pairs, now_ms))
		fetch->detail_cursor[0] = '\0';
}

static void
detail_done(struct fetch *fetch, int64_t now_ms)
{
	(void)now_ms;
	if (!fetch->in_detail || *fetch->detail_cursor != '\0')
		return;
	fetch->in_detail = false;
	detail_end(fetch->detail);
}

static void
detail_refused(struct fetch *fetch)
{
	fetch->in_detail = false;
	snprintf(fetch->detail->refused, sizeof(fetch->detail->refused), "%s", fetch->refused);
}

/* Who has waited longest for a lock is the first in its queue: the one line after its holders. */

static bool
queue_begin(struct fetch *fetch, struct request *request)
{
	struct row *row = view_wants_queue(fetch->view, fetch->round);

	if (row == NULL)
		return false;
	row->asked = fetch->round;
	free(fetch->queue_name);
	fetch->queue_name = strdup(row->name);
	request_begin(request, "inspect");
	request_add(request, "lock", row->name);
	if (row->holders > 0)
		add_number(request, "after", row->holders);
	add_number(request, "limit", 1);
	return fetch->queue_name != NULL;
}

static struct row *
queue_row(struct fetch *fetch)
{
	return model_find(fetch->model, fetch->queue_name);
}

static void
queue_head(struct fetch *fetch, const struct pairs *pairs)
{
	struct row *row = queue_row(fetch);

	if (row == NULL)
		return;
	row->holders = pairs_number(pairs, "holders");
	row->waiters = pairs_number(pairs, "waiters");
	row->wait_since_ms = UNKNOWN_MS;
}

static void
queue_line(struct fetch *fetch, const struct pairs *pairs, int64_t now_ms)
{
	struct row *row = queue_row(fetch);
	int64_t age = pairs_ms(pairs, "age");

	if (row != NULL && pairs_number(pairs, "position") == 1 && age != UNKNOWN_MS)
		row->wait_since_ms = now_ms - age;
}

/* In the order of their haste. */
static const struct errand errands[] = {
    {detail_ask, detail_head, detail_line, detail_done, detail_refused},
    {totals_begin, NULL, totals_line, totals_done, NULL},
    {list_begin, list_head, list_line, list_end, list_refused},
    {queue_begin, queue_head, queue_line, NULL, NULL},
};

static int64_t
now_of(const struct fetch *fetch)
{
	return link_now_ms(&fetch->link);
}

/* A walk that takes longer than a round goes on in the next one. */
static void
begin_round(struct fetch *fetch)
{
	fetch->round++;
	fetch->round_ms = now_of(fetch) + fetch->interval_ms;
	fetch->asked = 0;
	fetch->wants_totals = fetch->wants_list = fetch->wants_detail = true;
}

static void
ask(struct fetch *fetch)
{
	struct request request;

	if (!link_is_free(&fetch->link))
		return;
	if (now_of(fetch) >= fetch->round_ms)
		begin_round(fetch);
	fetch->idle = false;
	for (size_t i = 0; i < sizeof(errands) / sizeof(errands[0]); i++) {
		if (!errands[i].begin(fetch, &request))
			continue;
		request_end(&request);
		fetch->errand = &errands[i];
		if (request.cut) { /* no server has such a name */
			snprintf(fetch->refused, sizeof(fetch->refused), "the name is too long");
			if (errands[i].refused != NULL)
				errands[i].refused(fetch);
			continue;
		}
		fetch->asked++;
		ds_timer_cancel(&fetch->next);
		link_ask(&fetch->link, &request);
		return;
	}
	fetch->idle = true;
	ds_timer_add(&fetch->next, fetch->round_ms - now_of(fetch));
}

static void
ask_now(struct ds_timer *timer, void *arg)
{
	(void)timer;
	ask(arg);
}

/* The answer is whole. */
static void
ask_next(struct fetch *fetch)
{
	int64_t pause = (now_of(fetch) - fetch->link.asked_ms) * PAUSE_TIMES;

	fetch->errand = NULL;
	if (pause < PAUSE_MS)
		pause = PAUSE_MS;
	if (pause > PAUSE_MAX_MS)
		pause = PAUSE_MAX_MS;
	ds_timer_add(&fetch->next, fetch->asked < AT_ONCE ? 0 : pause);
	fetch->changed(fetch->arg);
}

static void
on_ready(void *arg)
{
	struct fetch *fetch = arg;

	fetch->round_ms = now_of(fetch);
	ask(fetch);
	fetch->changed(fetch->arg);
}

static void
on_head(void *arg, const struct line *line)
{
	struct fetch *fetch = arg;

	if (line->kind == LINE_OK) {
		fetch->refused[0] = '\0';
		if (fetch->errand->head != NULL)
			fetch->errand->head(fetch, &line->pairs);
		return;
	}
	snprintf(fetch->refused, sizeof(fetch->refused), "%s", fetch->link.spoke);
	if (fetch->errand->refused != NULL)
		fetch->errand->refused(fetch);
	ask_next(fetch);
}

static void
on_line(void *arg, const struct pairs *pairs)
{
	struct fetch *fetch = arg;

	fetch->errand->line(fetch, pairs, now_of(fetch));
}

static void
on_end(void *arg)
{
	struct fetch *fetch = arg;

	if (fetch->errand->end != NULL)
		fetch->errand->end(fetch, now_of(fetch));
	ask_next(fetch);
}

static void
on_lost(void *arg)
{
	struct fetch *fetch = arg;

	ds_timer_cancel(&fetch->next);
	fetch->errand = NULL;
	fetch->in_sweep = fetch->in_detail = false;
	fetch->changed(fetch->arg);
}

static const struct link_ops link_ops = {
    .ready = on_ready, .head = on_head, .line = on_line, .end = on_end, .lost = on_lost};

void
fetch_init(
    struct fetch *fetch, struct ds_loop *loop, const struct ds_addr *addr, int64_t interval_ms)
{
	*fetch = (struct fetch){.interval_ms = interval_ms};
	link_init(&fetch->link, loop, addr, &link_ops, fetch);
	ds_timer_init(&fetch->next, loop, ask_now, fetch);
}

void
fetch_start(struct fetch *fetch)
{
	link_start(&fetch->link);
}

void
fetch_detail(struct fetch *fetch)
{
	/* What still comes of another lock's answer is not taken. */
	fetch->in_detail = false;
	fetch->wants_detail = true;
	ask(fetch);
}

void
fetch_queues(struct fetch *fetch)
{
	/* In a pause between two requests they have time until that is over. */
	if (fetch->idle)
		ask(fetch);
}

void
fetch_round(struct fetch *fetch)
{
	fetch->round_ms = now_of(fetch);
	ask(fetch);
}

void
fetch_fini(struct fetch *fetch)
{
	ds_timer_cancel(&fetch->next);
	link_fini(&fetch->link);
	free(fetch->queue_name);
}
