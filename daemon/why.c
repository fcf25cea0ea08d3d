/* SPDX-License-Identifier: ISC */
/* The verb `why`: for a name, the chain of who waits for whom down to the one whom all wait for;
 * for none, the holders that most wait for. */
#include "request.h"

#include <stdlib.h>

enum { CHAIN_MAX = 64, TOP = 20, CONTENDED_MAX = 10000, HOLDERS_MAX = 8, BLOCKERS_MAX = 20000 };

/* The holder that waits itself, since that is where the chain goes on; or the first. */
static const struct grant *
holder_in_chain(const struct lock *lock)
{
	const struct grant *grant = lock_first_holder(lock);
	struct grant_view view;

	for (int i = 0; grant != NULL && i < HOLDERS_MAX; i++, grant = lock_next_holder(grant)) {
		grant_view(grant, &view);
		if (view.owner != NULL && view.owner->blocked != NULL)
			return grant;
	}
	return lock_first_holder(lock);
}

static void
add_link(struct request *request, struct answer *line, const struct lock *lock,
    const struct claim *waiter, const struct grant *holder)
{
	struct service *service = request->service;
	struct claim_view wait;
	struct grant_view held;
	const char *name;
	size_t len;

	if (realm_name(request->session->realm, lock, &name, &len))
		answer_text(line, "lock", name, len);
	if (waiter != NULL) {
		claim_view(waiter, &wait);
		answer_who(service, line, "waiter", wait.owner, NULL);
		answer_seconds(line, "waits", service->now_ns - wait.since_ns);
	}
	answer_number(line, "waiters", lock_n_waiters(lock));
	if (holder == NULL)
		return;
	grant_view(holder, &held);
	answer_who(service, line, "holder", held.owner, held.who);
	answer_seconds(line, "held", service->now_ns - held.since_ns);
	if (held.over)
		answer_seconds(line, "kept", held.atleast_ns - service->now_ns);
	if (held.note.len > 0)
		answer_text(line, "note", held.note.at, held.note.len);
}

/* Whether who holds its lock would let CLAIM in: then it waits for something else. */
static bool
is_let_in(const struct claim *claim)
{
	struct claim_view wait;

	claim_view(claim, &wait);
	size_t holders = lock_n_holders(wait.lock);
	if (holders == 0)
		return true;
	return lock_mode(wait.lock) == wait.mode &&
	       (wait.mode == LOCK_SHARED || (wait.mode == LOCK_SLOTS && holders < wait.slots));
}

/* Where holders are in the way of the acquire that FIRST is of; NULL: nowhere. */
static const struct claim *
behind_holders(const struct claim *first)
{
	const struct claim *claim = first;

	while (claim != NULL && is_let_in(claim))
		claim = claim_next(first, claim);
	return claim;
}

/* Who stands before one that no holder is in the way of, in any of its queues; NULL: nobody. */
static const struct claim *
who_is_before(const struct claim *first)
{
	for (const struct claim *claim = first; claim != NULL; claim = claim_next(first, claim)) {
		struct claim_view wait;

		claim_view(claim, &wait);
		if (lock_first_waiter(wait.lock) != claim)
			return lock_first_waiter(wait.lock);
	}
	return NULL;
}

/* What HOLDER waits for itself, or, where there is none, WAITER in another queue; NULL: nothing. */
static const struct claim *
next_wait(const struct grant *holder, const struct claim *waiter)
{
	struct grant_view view;
	const struct claim *next;

	if (holder != NULL) {
		grant_view(holder, &view);
		waiter = view.owner != NULL ? view.owner->blocked : NULL;
	}
	if (waiter == NULL)
		return NULL;
	next = behind_holders(waiter);
	if (next == NULL)
		next = holder != NULL ? waiter : who_is_before(waiter);
	return next;
}

static void
chain(struct request *request, struct answer_list *list, const struct lock *lock)
{
	const struct claim *waiter = lock_first_waiter(lock);

	for (int i = 0; i < CHAIN_MAX && answer_list_has_room(list); i++) {
		const struct grant *holder =
		    waiter != NULL && is_let_in(waiter) ? NULL : holder_in_chain(lock);
		struct answer line = answer_list_line(list);
		struct claim_view wait;

		add_link(request, &line, lock, waiter, holder);
		waiter = next_wait(holder, waiter);
		if (waiter == NULL)
			answer_number(&line, "root", 1);
		answer_end(&line);
		if (waiter == NULL)
			return;
		claim_view(waiter, &wait);
		lock = wait.lock;
	}
}

/* Without a name. */

struct blocker {
	const void *id; /* the owner, or the grant that has none */
	const struct grant *grant;
	size_t waiters, locks;
};

/* Adds the oldest of those who hold LOCK to the N that there are. */
static size_t
collect_holders(const struct lock *lock, struct blocker *blockers, size_t n)
{
	const struct grant *grant = lock_first_holder(lock);

	for (int i = 0; grant != NULL && i < HOLDERS_MAX && n < BLOCKERS_MAX; i++) {
		struct grant_view view;

		grant_view(grant, &view);
		blockers[n++] = (struct blocker){
		    view.owner != NULL ? (const void *)view.owner : (const void *)grant, grant,
		    lock_n_waiters(lock), 1};
		grant = lock_next_holder(grant);
	}
	return n;
}

static size_t
collect(const struct request *request, struct blocker *blockers)
{
	const struct lock *lock = NULL;
	size_t n = 0;
	const char *name;
	size_t len;

	for (int i = 0; i < CONTENDED_MAX; i++) {
		if ((lock = locks_next_contended(request->service->locks, lock)) == NULL)
			break;
		if (realm_name(request->session->realm, lock, &name, &len))
			n = collect_holders(lock, blockers, n);
	}
	return n;
}

static int
by_id(const void *a, const void *b)
{
	const struct blocker *x = a, *y = b;

	return ((uintptr_t)x->id > (uintptr_t)y->id) - ((uintptr_t)x->id < (uintptr_t)y->id);
}

static int
by_waiters(const void *a, const void *b)
{
	const struct blocker *x = a, *y = b;

	return (x->waiters < y->waiters) - (x->waiters > y->waiters);
}

static size_t
merge(struct blocker *blockers, size_t n)
{
	size_t kept = 0;

	qsort(blockers, n, sizeof(*blockers), by_id);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && blockers[kept - 1].id == blockers[i].id) {
			blockers[kept - 1].waiters += blockers[i].waiters;
			blockers[kept - 1].locks++;
		} else {
			blockers[kept++] = blockers[i];
		}
	}
	qsort(blockers, kept, sizeof(*blockers), by_waiters);
	return kept < TOP ? kept : TOP;
}

static void
worst(struct request *request, struct answer_list *list, struct blocker *blockers)
{
	struct service *service = request->service;
	size_t n = merge(blockers, collect(request, blockers));

	for (size_t i = 0; i < n && answer_list_has_room(list); i++) {
		struct answer line = answer_list_line(list);
		struct grant_view view;
		const char *name = "";
		size_t len = 0;

		grant_view(blockers[i].grant, &view);
		realm_name(request->session->realm, view.lock, &name, &len);
		answer_who(service, &line, "holder", view.owner, view.who);
		answer_number(&line, "waiters", blockers[i].waiters);
		answer_number(&line, "locks", blockers[i].locks);
		answer_text(&line, "lock", name, len);
		answer_seconds(&line, "held", service->now_ns - view.since_ns);
		answer_end(&line);
	}
}

void
cmd_why(struct request *request)
{
	struct service *service = request->service;
	struct lock_text name[LOCK_NAMES_MAX];
	struct answer_list list;
	const struct lock *lock;

	if (request->args.n_names > 0) {
		if (!table_names(request, name))
			return;
		lock = locks_find(service->locks, name[0].at, name[0].len);
		answer_list_begin(&list, &service->reply, request->id);
		if (lock != NULL)
			chain(request, &list, lock);
		answer_list_end(&list, NULL, NULL);
		return;
	}
	struct blocker *blockers = calloc(BLOCKERS_MAX, sizeof(*blockers));
	if (blockers == NULL) {
		refuse(request, REFUSE_NO_MEMORY);
		return;
	}
	answer_list_begin(&list, &service->reply, request->id);
	worst(request, &list, blockers);
	answer_list_end(&list, NULL, NULL);
	free(blockers);
}
