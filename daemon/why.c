/* SPDX-License-Identifier: ISC */
/* The verb `why`: for a name, the chain of who waits for whom down to the one whom all wait for;
 * for none, the holders that most wait for. */
#include "request.h"

#include <stdlib.h>

enum { CHAIN_MAX = 64, TOP = 20, CONTENDED_MAX = 10000, HOLDERS_MAX = 8 };

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

/* What HOLDER waits for itself: its claim there, or NULL. */
static const struct claim *
next_wait(const struct grant *holder)
{
	struct grant_view view;

	if (holder == NULL)
		return NULL;
	grant_view(holder, &view);
	const struct claim *first = view.owner != NULL ? view.owner->blocked : NULL;
	for (const struct claim *claim = first; claim != NULL; claim = claim_next(first, claim)) {
		struct claim_view wait;

		claim_view(claim, &wait);
		if (lock_n_holders(wait.lock) > 0)
			return claim;
	}
	return first;
}

static void
chain(struct request *request, struct answer_list *list, const struct lock *lock)
{
	const struct claim *waiter = lock_first_waiter(lock);

	for (int i = 0; i < CHAIN_MAX && answer_list_has_room(list); i++) {
		const struct grant *holder = holder_in_chain(lock);
		struct answer line = answer_list_line(list);
		struct claim_view wait;

		add_link(request, &line, lock, waiter, holder);
		waiter = next_wait(holder);
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
		const struct grant *grant = lock_first_holder(lock);
		if (grant == NULL || !realm_name(request->session->realm, lock, &name, &len))
			continue;
		struct grant_view view;
		grant_view(grant, &view);
		blockers[n++] = (struct blocker){
		    view.owner != NULL ? (const void *)view.owner : (const void *)grant, grant,
		    lock_n_waiters(lock), 1};
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
	struct blocker *blockers = calloc(CONTENDED_MAX, sizeof(*blockers));
	if (blockers == NULL) {
		refuse(request, REFUSE_NO_MEMORY);
		return;
	}
	answer_list_begin(&list, &service->reply, request->id);
	worst(request, &list, blockers);
	answer_list_end(&list, NULL, NULL);
	free(blockers);
}
