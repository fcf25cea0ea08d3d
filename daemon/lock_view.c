/* SPDX-License-Identifier: ISC */
/* Looking at the lock table: nothing here changes who holds or waits. */
#include "locks_internal.h"

const struct lock *
locks_find(const struct locks *locks, const char *name, size_t len)
{
	return lock_lookup(locks, lock_hash(locks, name, len), name, len);
}

const char *
lock_name(const struct lock *lock, size_t *len)
{
	*len = lock->len;
	return lock->name;
}

enum lock_mode
lock_mode(const struct lock *lock)
{
	if (lock->plain.token != 0 || lock->crowd == NULL)
		return LOCK_EXCLUSIVE;
	return (enum lock_mode)lock->crowd->mode;
}

size_t
lock_n_holders(const struct lock *lock)
{
	if (lock->plain.token != 0)
		return 1;
	return lock->crowd != NULL ? lock->crowd->n_holders : 0;
}

size_t
lock_n_waiters(const struct lock *lock)
{
	return lock->crowd != NULL ? lock->crowd->n_waiters : 0;
}

static const struct grant *
grant_of(const struct claim *claim)
{
	return claim != NULL ? &claim->grant : NULL;
}

const struct grant *
lock_first_holder(const struct lock *lock)
{
	if (lock->plain.token != 0)
		return &lock->plain;
	return lock->crowd != NULL ? grant_of(TAILQ_FIRST(&lock->crowd->holders)) : NULL;
}

const struct grant *
lock_next_holder(const struct grant *grant)
{
	const struct claim *claim = claim_of(grant);

	return claim != NULL ? grant_of(TAILQ_NEXT(claim, link)) : NULL;
}

const struct claim *
lock_first_waiter(const struct lock *lock)
{
	return lock->crowd != NULL ? TAILQ_FIRST(&lock->crowd->queue) : NULL;
}

const struct claim *
lock_next_waiter(const struct claim *claim)
{
	return TAILQ_NEXT(claim, link);
}

uint64_t
lock_place(const struct lock *lock)
{
	return lock->entry.hash;
}

uint64_t
locks_place(const struct locks *locks, const char *name, size_t len)
{
	return lock_hash(locks, name, len);
}

/* Two names with one 64-bit hash: once in 10^11 tables of 10,000 locks, and nobody can bring it
 * about. */
const struct lock *
locks_at(const struct locks *locks, uint64_t place)
{
	struct table_entry *entry = table_chain(&locks->table, place);

	while (entry != NULL && entry->hash != place)
		entry = entry->next;
	return (const struct lock *)entry;
}

const struct lock *
locks_next_contended(const struct locks *locks, const struct lock *lock)
{
	const struct crowd *crowd =
	    lock == NULL ? TAILQ_FIRST(&locks->contended) : TAILQ_NEXT(lock->crowd, contended);

	return crowd != NULL ? crowd->lock : NULL;
}

void
grant_view(const struct grant *grant, struct grant_view *view)
{
	const struct claim *claim = claim_of(grant);

	*view = (struct grant_view){.lock = grant->lock,
	    .owner = grant->owner,
	    .mode = LOCK_EXCLUSIVE,
	    .slot = -1,
	    .token = grant->token,
	    .since_ns = grant->since_ns,
	    .until_ns = LOCK_FOREVER,
	    .note = {"", 0}};
	if (claim == NULL)
		return;
	if (grant->owner == NULL)
		view->who = grant->of.gone.who;
	view->mode = (enum lock_mode)claim->mode;
	view->slots = claim->slots;
	if (claim->mode == LOCK_SLOTS)
		view->slot = claim->slot;
	view->lease_ms = claim->lease_ms;
	view->over = claim->ghost;
	if (claim->lease_ms != 0 && !claim->ghost)
		view->until_ns = claim->due.when_ns;
	if (claim->atleast_ms != 0)
		view->atleast_ns = grant->since_ns + claim->atleast_ms * NS_PER_MS;
	view->waited_ms = claim->waited_ms;
	view->note = claim_note(claim);
}

void
claim_view(const struct claim *claim, struct claim_view *view)
{
	*view = (struct claim_view){.lock = claim->grant.lock,
	    .owner = claim->grant.owner,
	    .mode = (enum lock_mode)claim->mode,
	    .slots = claim->slots,
	    .since_ns = claim->grant.since_ns,
	    .deadline_ns = claim->deadline_ns,
	    .lease_ms = claim->lease_ms,
	    .beat_ms = claim->beat_ms,
	    .note = claim_note(claim),
	    .tag = claim_tag(claim)};
}

/* Who leaves from the front moves all places up by one; who leaves elsewhere makes them uncertain
 * until somebody asks. */
size_t
claim_position(const struct claim *claim)
{
	struct crowd *crowd = claim->grant.lock->crowd;

	if (crowd->holes) {
		uint32_t place = (uint32_t)crowd->gone;
		struct claim *each;

		TAILQ_FOREACH (each, &crowd->queue, link)
			each->place = ++place;
		crowd->holes = false;
	}
	return claim->place - (uint32_t)crowd->gone;
}

const struct claim *
claim_next(const struct claim *first, const struct claim *claim)
{
	return claim->ring != first ? claim->ring : NULL;
}

const struct grant *
claim_grant(const struct claim *claim)
{
	return &claim->grant;
}

const struct claim *
claim_leader(const struct claim *claim)
{
	return claim_first(claim);
}

const struct claim *
grant_claim(const struct grant *grant)
{
	return claim_of(grant);
}

struct claim *
lock_owner_news(const struct lock_owner *owner)
{
	return STAILQ_FIRST(&owner->settled);
}

struct lock_owner *
locks_news(const struct locks *locks)
{
	return TAILQ_FIRST(&locks->news);
}

enum lock_outcome
claim_outcome(const struct claim *claim)
{
	return (enum lock_outcome)claim->outcome;
}
