/* SPDX-License-Identifier: ISC */
/* What becomes of a wait and of a grant: they are found, renewed, withdrawn, told of. */
#include "locks_internal.h"

struct claim *
locks_find_wait(const struct lock_owner *owner, struct lock_text tag)
{
	struct grant *grant;

	if (tag.len == 0)
		return owner->blocked;
	LIST_FOREACH (grant, &owner->waits, of.owned) {
		struct claim *claim = claim_of_wait(grant);
		struct lock_text its = claim_tag(claim);

		if (claim->leads && its.len == tag.len && memcmp(its.at, tag.at, tag.len) == 0)
			return claim;
	}
	return NULL;
}

void
locks_cancel(struct locks *locks, struct claim *claim, int64_t now_ns)
{
	claims_withdraw(locks, claim_first(claim));
	claims_free(locks, claim);
	serve_suspects(locks, now_ns);
}

void
locks_done(struct locks *locks, struct lock_owner *owner, struct claim *leader)
{
	struct claim *claim = leader, *next;

	STAILQ_REMOVE_HEAD(&owner->settled, settled);
	if (STAILQ_EMPTY(&owner->settled))
		TAILQ_REMOVE(&locks->news, owner, news);
	for (unsigned n = claim_ring_size(leader); n > 0; n--, claim = next) {
		struct lock *lock = claim->grant.lock;

		next = claim->ring;
		claim->pinned = false;
		lock->crowd->pins--;
		if (claim->state == CLAIM_OVER)
			claim_free(claim);
		lock_tidy(locks, lock);
	}
}

/* Whether somebody holds LOCK with that token. */
static bool
is_current(const struct lock *lock, uint64_t token)
{
	const struct claim *claim;

	if (lock->plain.token != 0)
		return lock->plain.token == token;
	TAILQ_FOREACH (claim, &lock->crowd->holders, link)
		if (claim->grant.token == token && !claim->ghost)
			return true;
	return false;
}

struct grant *
locks_find_grant(struct locks *locks, const struct lock_ref *ref, enum lock_result *why)
{
	const struct lock_text *name = ref->name;
	struct lock *lock =
	    lock_lookup(locks, lock_hash(locks, name->at, name->len), name->at, name->len);
	struct grant *grant = NULL;

	*why = ref->token != 0 ? LOCK_STALE : LOCK_NOT_HELD;
	if (lock == NULL)
		return NULL;
	if (ref->key.len > 0) {
		struct claim *claim = claim_by_key(locks, lock, ref->key.at, ref->key.len);

		if (claim != NULL && claim->state == CLAIM_HOLDING)
			grant = &claim->grant;
	} else {
		grant = lock_grant_of(locks, lock, ref->owner);
	}
	if (grant != NULL && (ref->token == 0 || ref->token == grant->token)) {
		*why = LOCK_OK;
		return grant;
	}
	if (grant == NULL && ref->token != 0 && is_current(lock, ref->token))
		*why = LOCK_NOT_HELD;
	return NULL;
}

/* A lease outlives its connection, so one more of them is as one more acquire of one. */
enum lock_result
locks_may_renew(const struct grant *grant, uint32_t lease_ms)
{
	const struct claim *claim = claim_of(grant);
	const struct lock_quota *quota;

	if (claim != NULL && claim->lease_ms != 0)
		return LOCK_OK;
	if (lease_ms == 0)
		return LOCK_NO_LEASE;
	quota = grant->owner->quota;
	return quota->detached < quota->max_detached ? LOCK_OK : LOCK_DETACHED_FULL;
}

enum lock_result
locks_renew(struct locks *locks, struct grant **grant, uint32_t lease_ms, int64_t now_ns)
{
	struct claim *claim = claim_of(*grant);
	enum lock_result result = locks_may_renew(*grant, lease_ms);

	if (result != LOCK_OK)
		return result;
	if (claim == NULL && (claim = claim_from_plain(locks, (*grant)->lock)) == NULL)
		return LOCK_NO_MEMORY;
	*grant = &claim->grant;
	if (lease_ms != 0)
		claim->lease_ms = lease_ms;
	due_set(locks, claim, now_ns + claim->lease_ms * NS_PER_MS);
	return LOCK_OK;
}
