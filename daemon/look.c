/* SPDX-License-Identifier: ISC */
/* The native verbs that look: inspect, list, history. Each answers a page that fits into one reply;
 * where there is more, it says after= what the next one is to be asked. */
#include "request.h"

enum { PAGE = 100, PAGE_MAX = 1000, WALK_STEPS = 2048 };

static void
add_person(struct service *service, struct answer *line, const struct lock_owner *owner,
    const struct who *who)
{
	size_t len;
	const char *text;

	if (owner != NULL)
		who = session_who(service, session_of(owner));
	answer_who(service, line, "who", NULL, who);
	if (who == NULL)
		return;
	text = who_peer(who, &len);
	answer_text(line, "peer", text, len);
	answer_number(line, "client", who->client);
	if (who->pid > 0) {
		answer_number(line, "pid", (uint64_t)who->pid);
		answer_number(line, "uid", who->uid);
	}
}

static void
add_mode(struct answer *line, enum lock_mode mode, unsigned slots)
{
	answer_word(line, "mode", mode_names[mode]);
	if (mode == LOCK_SLOTS)
		answer_number(line, "slots", slots);
}

static void
add_note(struct answer *line, const struct lock_text *note)
{
	if (note->len > 0)
		answer_text(line, "note", note->at, note->len);
}

static void
line_of_holder(struct service *service, struct answer *line, const struct grant *grant)
{
	struct grant_view view;

	grant_view(grant, &view);
	answer_word(line, "state", view.over ? "kept" : view.owner == NULL ? "detached" : "held");
	add_mode(line, view.mode, view.slots);
	if (view.slot >= 0)
		answer_number(line, "slot", (uint64_t)view.slot);
	answer_number(line, "token", view.token);
	add_person(service, line, view.owner, view.who);
	answer_time(line, "since", wall_of(service, view.since_ns));
	answer_seconds(line, "age", service->now_ns - view.since_ns);
	answer_seconds(line, "waited", view.waited_ms * NS_PER_MS);
	if (view.until_ns != LOCK_FOREVER)
		answer_seconds(line, "lease", view.until_ns - service->now_ns);
	if (view.atleast_ns > service->now_ns)
		answer_seconds(line, "atleast", view.atleast_ns - service->now_ns);
	add_note(line, &view.note);
	answer_end(line);
}

static void
line_of_waiter(struct service *service, struct answer *line, const struct claim *claim)
{
	size_t position = claim_position(claim);
	struct claim_view view;
	int64_t expect;

	claim_view(claim, &view);
	answer_word(line, "state", "waiting");
	answer_number(line, "position", position);
	add_mode(line, view.mode, view.slots);
	add_person(service, line, view.owner, NULL);
	answer_time(line, "since", wall_of(service, view.since_ns));
	answer_seconds(line, "age", service->now_ns - view.since_ns);
	if (view.deadline_ns != LOCK_FOREVER)
		answer_seconds(line, "timeout", view.deadline_ns - service->now_ns);
	if (expect_ns(service, view.lock, position, &expect))
		answer_seconds(line, "expect", expect);
	add_note(line, &view.note);
	answer_end(line);
}

/* inspect: one page of holders, then waiters, which are numbered: those behind number AFTER. */
struct inspection {
	const struct lock *lock;
	uint64_t after, limit;
	uint64_t number; /* of the last one that was looked at */
	uint64_t next;	 /* what the next page is after; 0: this is the last one */
};

/* Whether the next one belongs here. The page ends with the first for which there is no room. */
static bool
is_on_page(struct inspection *in, const struct answer_list *list)
{
	if (++in->number <= in->after)
		return false;
	if (list->lines < in->limit && answer_list_has_room(list))
		return true;
	in->next = in->number - 1;
	return false;
}

static void
inspect_page(struct request *request, struct answer_list *list, struct inspection *in)
{
	const struct grant *grant = lock_first_holder(in->lock);
	const struct claim *claim = lock_first_waiter(in->lock);

	for (; grant != NULL && in->next == 0; grant = lock_next_holder(grant))
		if (is_on_page(in, list)) {
			struct answer line = answer_list_line(list);
			line_of_holder(request->service, &line, grant);
		}
	for (; claim != NULL && in->next == 0; claim = lock_next_waiter(claim))
		if (is_on_page(in, list)) {
			struct answer line = answer_list_line(list);
			line_of_waiter(request->service, &line, claim);
		}
}

static void
inspect_head(struct answer *answer, void *arg)
{
	const struct inspection *in = arg;

	answer_number(answer, "holders", in->lock != NULL ? lock_n_holders(in->lock) : 0);
	answer_number(answer, "waiters", in->lock != NULL ? lock_n_waiters(in->lock) : 0);
	if (in->next != 0)
		answer_number(answer, "after", in->next);
}

void
list_lock(struct request *request, struct answer_list *list, const struct lock *lock)
{
	struct inspection in = {.lock = lock, .limit = PAGE_MAX};

	if (lock != NULL)
		inspect_page(request, list, &in);
	answer_list_end(list, inspect_head, &in);
}

static bool
limit_arg(struct request *request, uint64_t *limit)
{
	return number_arg(request, ARG_LIMIT, 1, PAGE_MAX, PAGE, limit);
}

void
cmd_inspect(struct request *request)
{
	struct lock_text name[LOCK_NAMES_MAX];
	struct answer_list list;
	struct inspection in = {0};

	if (!table_names(request, name) || !limit_arg(request, &in.limit) ||
	    !number_arg(request, ARG_AFTER, 1, UINT32_MAX, 0, &in.after))
		return;
	in.lock = locks_find(request->service->locks, name[0].at, name[0].len);
	answer_list_begin(&list, &request->service->reply, request->id);
	if (in.lock != NULL)
		inspect_page(request, &list, &in);
	answer_list_end(&list, inspect_head, &in);
}

/* list: names in table order, a page at a time by the cursor of the table's walk. */

struct names_page {
	struct request *request;
	struct answer_list list;
	struct text prefix;
	uint64_t cursor; /* 0: that was the last one */
};

static void
line_of_lock(const struct lock *lock, void *arg)
{
	struct names_page *page = arg;
	struct service *service = page->request->service;
	const struct grant *first = lock_first_holder(lock);
	struct grant_view view;
	const char *name;
	size_t len;

	if (lock_n_holders(lock) + lock_n_waiters(lock) == 0 ||
	    !realm_name(page->request->session->realm, lock, &name, &len) ||
	    len < page->prefix.len || memcmp(name, page->prefix.at, page->prefix.len) != 0)
		return;
	struct answer line = answer_list_line(&page->list);
	answer_text(&line, "lock", name, len);
	if (first != NULL) {
		grant_view(first, &view);
		answer_word(&line, "mode", mode_names[view.mode]);
		answer_who(service, &line, "holder", view.owner, view.who);
		answer_number(&line, "token", view.token);
		answer_seconds(&line, "age", service->now_ns - view.since_ns);
	}
	answer_number(&line, "holders", lock_n_holders(lock));
	answer_number(&line, "waiters", lock_n_waiters(lock));
	answer_end(&line);
}

static void
list_head(struct answer *answer, void *arg)
{
	const struct names_page *page = arg;

	if (page->cursor != 0)
		answer_number(answer, "after", page->cursor);
}

void
list_names(struct request *request, struct text prefix, uint64_t after, uint64_t limit)
{
	struct names_page page = {.request = request, .prefix = prefix, .cursor = after};
	bool more = true;

	answer_list_begin(&page.list, &request->service->reply, request->id);
	/* A bucket goes out whole, so a page may have a few lines more than LIMIT. */
	for (int i = 0; i < WALK_STEPS && more && page.list.lines < limit; i++) {
		if (!answer_list_has_room(&page.list))
			break;
		more = locks_walk(request->service->locks, &page.cursor, line_of_lock, &page);
	}
	if (!more)
		page.cursor = 0;
	answer_list_end(&page.list, list_head, &page);
}

void
cmd_list(struct request *request)
{
	const struct args *args = &request->args;
	struct text prefix = {"", 0};
	uint64_t limit, after;

	if (args_has(args, ARG_PREFIX))
		prefix = args->value[ARG_PREFIX];
	if (limit_arg(request, &limit) && number_arg(request, ARG_AFTER, 1, UINT64_MAX, 0, &after))
		list_names(request, prefix, after, limit);
}

/* history: of one name or of all, the newest first; with at=, who had it then. */

struct past {
	struct request *request;
	struct answer_list list;
	uint64_t limit;
	int64_t at_ns; /* monotonic; LOCK_FOREVER: not asked for */
};

static const char *const past_ends[] = {
    [HISTORY_RELEASED] = "release",
    [HISTORY_EXPIRED] = "lease",
    [HISTORY_CLOSED] = "close",
    [HISTORY_REVOKED] = "revoke",
};

static bool
visible_record(
    const struct realm *realm, const struct history_record *record, const char **name, size_t *len)
{
	if (record->len < realm->prefix_len ||
	    memcmp(record->name, realm->prefix, realm->prefix_len) != 0)
		return false;
	*name = record->name + realm->prefix_len;
	*len = record->len - realm->prefix_len;
	return true;
}

static void
line_of_record(struct past *past, const struct history_record *record)
{
	struct service *service = past->request->service;
	const char *name;
	size_t len;

	if (!visible_record(past->request->session->realm, record, &name, &len) ||
	    (past->at_ns != LOCK_FOREVER &&
		(past->at_ns < record->from_ns || past->at_ns >= record->to_ns)))
		return;
	struct answer line = answer_list_line(&past->list);
	answer_text(&line, "lock", name, len);
	answer_number(&line, "token", record->token);
	answer_word(&line, "mode", mode_names[record->mode]);
	if (record->slot != HISTORY_NO_SLOT)
		answer_number(&line, "slot", record->slot);
	add_person(service, &line, NULL, record->who);
	answer_seconds(&line, "waited", record->waited_ms * NS_PER_MS);
	answer_time(&line, "from", wall_of(service, record->from_ns));
	answer_time(&line, "to", wall_of(service, record->to_ns));
	answer_seconds(&line, "held", record->to_ns - record->from_ns);
	answer_word(&line, "ended", past_ends[record->end]);
	answer_end(&line);
}

/* Those who have it now have no record as yet. */
static void
lines_of_present(struct past *past, const struct lock *lock)
{
	struct service *service = past->request->service;
	struct grant_view view;
	const char *name;
	size_t len;

	for (const struct grant *grant = lock_first_holder(lock); grant != NULL;
	     grant = lock_next_holder(grant)) {
		grant_view(grant, &view);
		if (view.over || past->at_ns < view.since_ns || past->at_ns > service->now_ns ||
		    !realm_name(past->request->session->realm, lock, &name, &len) ||
		    past->list.lines >= past->limit || !answer_list_has_room(&past->list))
			continue;
		struct answer line = answer_list_line(&past->list);
		answer_text(&line, "lock", name, len);
		answer_number(&line, "token", view.token);
		answer_word(&line, "mode", mode_names[view.mode]);
		if (view.slot >= 0)
			answer_number(&line, "slot", (uint64_t)view.slot);
		add_person(service, &line, view.owner, view.who);
		answer_seconds(&line, "waited", view.waited_ms * NS_PER_MS);
		answer_time(&line, "from", wall_of(service, view.since_ns));
		answer_seconds(&line, "held", service->now_ns - view.since_ns);
		answer_word(&line, "ended", "not");
		answer_end(&line);
	}
}

static bool
past_next(struct past *past, const struct lock_text *name, uint64_t *cursor,
    struct history_record *record)
{
	const struct service *service = past->request->service;

	if (name == NULL)
		return history_next_any(service->history, cursor, record);
	return history_next(service->history, locks_place(service->locks, name->at, name->len),
	    name->at, name->len, cursor, record);
}

void
cmd_history(struct request *request)
{
	enum { STEPS = 20000 }; /* records that are looked at, for who asks for a rare time */
	struct service *service = request->service;
	struct past past = {.request = request, .at_ns = LOCK_FOREVER};
	struct lock_text names[LOCK_NAMES_MAX], *name = NULL;
	struct history_record record;
	uint64_t cursor = 0;

	if (!limit_arg(request, &past.limit))
		return;
	if (request->args.n_names > 0 && !table_names(request, name = names))
		return;
	int64_t wall = wall_of(service, service->now_ns), at;
	if (args_has(&request->args, ARG_AT)) {
		if (!parse_time(request->args.value[ARG_AT], wall, &at)) {
			refuse_arg(request, ARG_AT,
			    "is a time: 2026-11-24T03:12:07Z, seconds since 1970, or -5m");
			return;
		}
		past.at_ns = at - wall + service->now_ns;
	}
	answer_list_begin(&past.list, &service->reply, request->id);
	const struct lock *lock =
	    name != NULL ? locks_find(service->locks, name->at, name->len) : NULL;
	if (lock != NULL && past.at_ns != LOCK_FOREVER)
		lines_of_present(&past, lock);
	for (int i = 0;
	     i < STEPS && past.list.lines < past.limit && answer_list_has_room(&past.list) &&
	     past_next(&past, name, &cursor, &record);
	     i++)
		line_of_record(&past, &record);
	answer_list_end(&past.list, NULL, NULL);
}
