/* SPDX-License-Identifier: ISC */
/*
 * Queues and who is next: claims join and leave, grants begin and end. Whatever may make a head of
 * a queue the next one makes its lock a suspect; serving the suspects, one by one, ends every call
 * that changes something, so that nothing recurses however many are granted in a row.
 */
#include "locks_internal.h"

#include <stdlib.h>

bool
lock_admits(const struct lock *lock, enum lock_mode mode, unsigned slots)
{
	const struct crowd *crowd = lock->crowd;

	if (lock->plain.token != 0)
		return false;
	if (crowd == NULL || crowd->n_holders == 0)
		return true;
	if (crowd->mode != mode || mode == LOCK_EXCLUSIVE)
		return false;
	return mode == LOCK_SHARED || crowd->n_holders < slots;
}

/* Slots: a bit for each. There is room, since whoever asks for N of them makes it. */

static uint16_t
take_lowest_slot(struct crowd *crowd)
{
	uint32_t word = crowd->first_free;

	while (crowd->slots[word] == UINT64_MAX)
		word++;
	unsigned bit = (unsigned)__builtin_ctzll(~crowd->slots[word]);
	crowd->slots[word] |= UINT64_C(1) << bit;
	crowd->first_free = word;
	return (uint16_t)(64 * word + bit);
}

static void
give_slot_back(struct crowd *crowd, uint16_t slot)
{
	uint32_t word = slot / 64;

	crowd->slots[word] &= ~(UINT64_C(1) << slot % 64);
	if (word < crowd->first_free)
		crowd->first_free = word;
}

/* Who holds. */

void
claim_join_owner(struct locks *locks, struct claim *claim)
{
	struct lock_owner *owner = claim->grant.owner;

	if (claim->state == CLAIM_WAITING) {
		LIST_INSERT_HEAD(&owner->waits, &claim->grant, of.owned);
		owner->n_waits++;
		locks->n_waits++;
	} else {
		LIST_INSERT_HEAD(&owner->held, &claim->grant, of.owned);
		owner->n_held++;
	}
	owner->quota->stakes++;
	locks->n_stakes++;
}

/* It has outlived its connection. */
static void
forget_gone(struct locks *locks, struct claim *claim)
{
	claim->grant.of.gone.quota->stakes--;
	claim->grant.of.gone.quota->detached--;
	who_unref(claim->grant.of.gone.who);
	locks->n_stakes--;
}

void
claim_leave_owner(struct locks *locks, struct claim *claim)
{
	struct lock_owner *owner = claim->grant.owner;

	if (owner == NULL) {
		forget_gone(locks, claim);
		return;
	}
	LIST_REMOVE(&claim->grant, of.owned);
	if (claim->state == CLAIM_WAITING) {
		owner->n_waits--;
		locks->n_waits--;
	} else {
		owner->n_held--;
	}
	owner->quota->stakes--;
	locks->n_stakes--;
}

void
holder_add(struct locks *locks, struct claim *claim)
{
	struct crowd *crowd = claim->grant.lock->crowd;

	claim->state = CLAIM_HOLDING;
	crowd->mode = claim->mode;
	if (claim->mode == LOCK_SLOTS)
		claim->slot = take_lowest_slot(crowd);
	TAILQ_INSERT_TAIL(&crowd->holders, claim, link);
	crowd->n_holders++;
	claim_join_owner(locks, claim);
}

/* Its lock no longer has this claim. */
static void
leave_crowd(struct locks *locks, struct claim *claim)
{
	struct crowd *crowd = claim->grant.lock->crowd;

	TAILQ_REMOVE(&crowd->holders, claim, link);
	crowd->n_holders--;
	if (claim->mode == LOCK_SLOTS)
		give_slot_back(crowd, claim->slot);
	lock_suspect(locks, claim->grant.lock);
}

static void
holder_remove(struct locks *locks, struct claim *claim)
{
	claim_leave_owner(locks, claim);
	leave_crowd(locks, claim);
}

/* The grant goes on without an owner. */
static void
detach(struct locks *locks, struct claim *claim)
{
	const struct lock_observer *observer = locks->observer;
	struct lock_owner *owner = claim->grant.owner;
	struct lock_quota *quota = owner->quota;

	claim_leave_owner(locks, claim);
	claim->grant.owner = NULL;
	claim->grant.of.gone.quota = quota;
	claim->grant.of.gone.who =
	    observer->who != NULL ? who_ref(observer->who(observer->arg, owner)) : NULL;
	quota->stakes++;
	quota->detached++;
	locks->n_stakes++;
}

/* Who waits. */

static void
join_queue(struct locks *locks, struct claim *claim, struct claim *before)
{
	struct crowd *crowd = claim->grant.lock->crowd;

	if (before != NULL) {
		TAILQ_INSERT_BEFORE(before, claim, link);
		claim->place = before->place;
		crowd->holes = true;
	} else {
		TAILQ_INSERT_TAIL(&crowd->queue, claim, link);
		claim->place = (uint32_t)(crowd->gone + crowd->n_waiters + 1);
	}
	if (crowd->n_waiters++ == 0)
		TAILQ_INSERT_TAIL(&locks->contended, crowd, contended);
}

static void
leave_queue(struct locks *locks, struct claim *claim)
{
	struct crowd *crowd = claim->grant.lock->crowd;

	if (claim == TAILQ_FIRST(&crowd->queue))
		crowd->gone++;
	else
		crowd->holes = true;
	TAILQ_REMOVE(&crowd->queue, claim, link);
	if (--crowd->n_waiters == 0) {
		TAILQ_REMOVE(&locks->contended, crowd, contended);
		crowd->gone = 0;
		crowd->holes = false;
	}
	lock_suspect(locks, claim->grant.lock);
}

void
claims_enqueue(struct locks *locks, struct claim *leader, struct claim *const *before)
{
	struct claim *claim = leader;

	do {
		claim->state = CLAIM_WAITING;
		join_queue(locks, claim, before != NULL ? *before++ : NULL);
		claim_join_owner(locks, claim);
		claim = claim->ring;
	} while (claim != leader);
	if (!leader->tagged)
		leader->grant.owner->blocked = leader;
}

/* Nothing of the ring waits any more. */
static void
leave_queues(struct locks *locks, struct claim *leader)
{
	struct claim *claim = leader;

	due_set(locks, leader, LOCK_FOREVER);
	if (leader->grant.owner->blocked == leader)
		leader->grant.owner->blocked = NULL;
	do {
		leave_queue(locks, claim);
		claim_leave_owner(locks, claim);
		claim = claim->ring;
	} while (claim != leader);
}

void
claims_withdraw(struct locks *locks, struct claim *leader)
{
	struct claim *claim = leader;

	leave_queues(locks, leader);
	do {
		claim_forget_key(locks, claim);
		claim->state = CLAIM_OVER;
		claim = claim->ring;
	} while (claim != leader);
}

/* Grants. */

void
claims_grant(struct locks *locks, struct claim *leader, uint64_t token, int64_t now_ns)
{
	struct claim *claim = leader;

	do {
		int64_t waited_ms = (now_ns - claim->grant.since_ns) / NS_PER_MS;

		claim->waited_ms = waited_ms < UINT32_MAX ? (uint32_t)waited_ms : UINT32_MAX;
		claim->grant.token = token;
		claim->grant.since_ns = now_ns;
		holder_add(locks, claim);
		if (claim->lease_ms != 0)
			due_set(locks, claim, now_ns + claim->lease_ms * NS_PER_MS);
		claim = claim->ring;
	} while (claim != leader);
	if (locks->observer->granted == NULL)
		return;
	do {
		locks->observer->granted(locks->observer->arg, &claim->grant, now_ns);
		claim = claim->ring;
	} while (claim != leader);
}

void
claims_settle(struct locks *locks, struct claim *leader, enum lock_outcome outcome)
{
	struct lock_owner *owner = leader->grant.owner;
	struct claim *claim = leader;

	leader->outcome = (uint8_t)outcome;
	do {
		claim->pinned = true;
		claim->grant.lock->crowd->pins++;
		claim = claim->ring;
	} while (claim != leader);
	if (STAILQ_EMPTY(&owner->settled))
		TAILQ_INSERT_TAIL(&locks->news, owner, news);
	STAILQ_INSERT_TAIL(&owner->settled, leader, settled);
}

/* At the head of all its queues, and nobody who holds is in the way. */
static bool
is_next(struct locks *locks, const struct claim *claim)
{
	const struct claim *each = claim;

	do {
		locks->steps++;
		if (each != TAILQ_FIRST(&each->grant.lock->crowd->queue) ||
		    !lock_admits(each->grant.lock, (enum lock_mode)each->mode, each->slots))
			return false;
		each = each->ring;
	} while (each != claim);
	return true;
}

static void
serve(struct locks *locks, struct lock *lock, int64_t now_ns)
{
	struct claim *head;

	if (locks->frozen)
		return;
	while ((head = TAILQ_FIRST(&lock->crowd->queue)) != NULL && is_next(locks, head)) {
		struct claim *leader = claim_first(head);
		uint64_t token = next_token(locks);

		if (token == 0) {
			locks->starved = true;
			return;
		}
		leave_queues(locks, leader);
		claims_grant(locks, leader, token, now_ns);
		claims_settle(locks, leader, LOCK_OUTCOME_GRANTED);
	}
}

void
lock_suspect(struct locks *locks, struct lock *lock)
{
	if (lock->crowd->is_suspect)
		return;
	lock->crowd->is_suspect = true;
	STAILQ_INSERT_TAIL(&locks->suspects, lock->crowd, suspect);
}

void
serve_suspects(struct locks *locks, int64_t now_ns)
{
	struct crowd *crowd;

	while ((crowd = STAILQ_FIRST(&locks->suspects)) != NULL) {
		struct lock *lock = crowd->lock;

		STAILQ_REMOVE_HEAD(&locks->suspects, suspect);
		crowd->is_suspect = false;
		serve(locks, lock, now_ns);
		if (!lock->crowd->is_suspect)
			lock_tidy(locks, lock);
	}
}

/* The end of a grant. */

static bool
keeps_time(const struct claim *claim, enum lock_end how, int64_t now_ns)
{
	return how != LOCK_END_REVOKE && claim->atleast_ms != 0 &&
	       now_ns < claim->grant.since_ns + claim->atleast_ms * NS_PER_MS;
}

static void
haunt(struct locks *locks, struct claim *claim)
{
	if (claim->grant.owner != NULL)
		detach(locks, claim);
	claim->ghost = true;
	claim_forget_key(locks, claim);
	due_set(locks, claim, claim->grant.since_ns + claim->atleast_ms * NS_PER_MS);
}

static void
tell_end(struct locks *locks, struct grant *grant, enum lock_end how, int64_t now_ns)
{
	if (locks->observer->ended != NULL)
		locks->observer->ended(locks->observer->arg, grant, how, now_ns);
}

static void
claim_end(struct locks *locks, struct claim *claim, enum lock_end how, int64_t now_ns)
{
	if (how == LOCK_END_CLOSE && claim->lease_ms != 0) {
		detach(locks, claim);
		return;
	}
	if (!claim->ghost)
		tell_end(locks, &claim->grant, how, now_ns);
	if (!claim->ghost && keeps_time(claim, how, now_ns)) {
		haunt(locks, claim);
		return;
	}
	holder_remove(locks, claim);
	due_set(locks, claim, LOCK_FOREVER);
	claim_forget_key(locks, claim);
	claim->state = CLAIM_OVER;
	if (!claim->pinned)
		claim_free(claim);
}

void
grant_end(struct locks *locks, struct grant *grant, enum lock_end how, int64_t now_ns)
{
	struct claim *claim = claim_of(grant);

	if (claim != NULL) {
		claim_end(locks, claim, how, now_ns);
		return;
	}
	tell_end(locks, grant, how, now_ns);
	plain_end(locks, grant->lock);
}

void
locks_end(struct locks *locks, struct grant *grant, enum lock_end how, int64_t now_ns)
{
	grant_end(locks, grant, how, now_ns);
	serve_suspects(locks, now_ns);
}
