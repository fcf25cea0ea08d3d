/* SPDX-License-Identifier: ISC */
/*
 * Deadlocks, found before they happen: a wait without a tag blocks its owner, so one that closes a
 * cycle of blocked owners would never end. The search goes from the one who asks to whom it waits
 * for, and on; each owner is visited once, and of a queue no part twice. A wait with a tag blocks
 * nobody, and a semaphore's slot may come from anybody, so neither takes part; but where the owner
 * of a tagged wait is blocked by another one, it is as if it had what it stands for, since it
 * cannot withdraw.
 */
#include "locks_internal.h"

struct search {
	const struct lock_owner *asker;
	uint64_t number;	     /* marks what it has reached */
	struct lock_owner *to_visit; /* a stack */
	struct lock_answer *answer;
};

/* OWNER's wait, as far as it can be a link of a cycle. */
static struct claim *
blocking_wait(const struct lock_owner *owner)
{
	return owner->blocked != NULL && owner->blocked->mode != LOCK_SLOTS ? owner->blocked : NULL;
}

/* The path back from FROM, which waits for LOCK of the asker. */
static void
tell_cycle(struct search *search, struct lock_owner *from, const struct lock *lock)
{
	struct lock_answer *answer = search->answer;
	const struct lock_owner *holder = search->asker;
	unsigned n = 0;

	for (; n < LOCK_CYCLE_MAX; n++) {
		answer->cycle[n] = (struct lock_link){lock, holder};
		if (from == search->asker)
			break;
		holder = from;
		lock = from->reached_by;
		from = from->reached_from;
	}
	answer->n_cycle = n < LOCK_CYCLE_MAX ? n + 1 : n;
	for (unsigned i = 0, j = answer->n_cycle - 1; i < j; i++, j--) {
		struct lock_link link = answer->cycle[i];

		answer->cycle[i] = answer->cycle[j];
		answer->cycle[j] = link;
	}
}

/* FROM waits for OWNER in LOCK. True: that closes a cycle. */
static bool
reach(struct search *search, struct lock_owner *owner, struct lock_owner *from,
    const struct lock *lock)
{
	if (owner == search->asker) {
		tell_cycle(search, from, lock);
		return true;
	}
	if (owner->reached == search->number)
		return false;
	owner->reached = search->number;
	owner->reached_from = from;
	owner->reached_by = lock;
	if (blocking_wait(owner) != NULL) {
		owner->next = search->to_visit;
		search->to_visit = owner;
	}
	return false;
}

static bool
reach_holders(struct search *search, const struct claim *claim)
{
	struct lock *lock = claim->grant.lock;
	struct lock_owner *from = claim->grant.owner;
	struct claim *holder;

	if (lock->plain.token != 0)
		return reach(search, lock->plain.owner, from, lock);
	if (lock->crowd->mode == LOCK_SLOTS || lock->crowd->reached == search->number ||
	    (lock->crowd->mode == LOCK_SHARED && claim->mode == LOCK_SHARED))
		return false;
	lock->crowd->reached = search->number;
	TAILQ_FOREACH (holder, &lock->crowd->holders, link)
		if (holder->grant.owner != NULL && reach(search, holder->grant.owner, from, lock))
			return true;
	return false;
}

/* Whether CLAIM has to wait until BEFORE, which stands before it, was granted and released. */
static bool
is_in_the_way(const struct claim *before, const struct claim *claim)
{
	if (before->mode == LOCK_SLOTS)
		return false;
	return !before->tagged || (blocking_wait(before->grant.owner) != NULL &&
				      (before->mode != LOCK_SHARED || claim->mode != LOCK_SHARED));
}

/* Whether whoever is in the way of CLAIM is so of BEFORE, too. */
static bool
covers(const struct claim *before, const struct claim *claim)
{
	return !before->tagged && (before->mode != LOCK_SHARED || claim->mode == LOCK_SHARED);
}

/* Those who stand before it: up to the first that was reached and has reached the others, or will.
 */
static bool
reach_waiters(struct search *search, struct locks *locks, const struct claim *claim)
{
	struct claim *before = (struct claim *)claim;

	while ((before = TAILQ_PREV(before, claim_list, link)) != NULL) {
		struct lock_owner *owner = before->grant.owner;

		locks->steps++;
		if (!is_in_the_way(before, claim))
			continue;
		if (owner->reached == search->number && covers(before, claim))
			return false;
		if (reach(search, owner, claim->grant.owner, claim->grant.lock))
			return true;
	}
	return false;
}

static bool
visit(struct search *search, struct locks *locks, const struct claim *leader)
{
	const struct claim *claim = leader;

	do {
		locks->steps++;
		if (reach_holders(search, claim) || reach_waiters(search, locks, claim))
			return true;
		claim = claim->ring;
	} while (claim != leader);
	return false;
}

/* Nobody stands behind it: so it is, but where it took over the place of another. */
static bool
is_last(const struct claim *leader)
{
	const struct claim *claim = leader;

	do {
		if (TAILQ_NEXT(claim, link) != NULL)
			return false;
		claim = claim->ring;
	} while (claim != leader);
	return true;
}

bool
closes_cycle(struct locks *locks, const struct claim *leader, struct lock_answer *answer)
{
	struct search search = {
	    .asker = leader->grant.owner, .number = ++locks->reached, .answer = answer};

	/* Nobody waits for one who holds nothing and whom nobody stands behind. */
	if (leader->mode == LOCK_SLOTS ||
	    (search.asker->n_held == 0 && search.asker->n_waits == claim_ring_size(leader) &&
		is_last(leader)))
		return false;
	if (visit(&search, locks, leader))
		return true;
	while (search.to_visit != NULL) {
		struct lock_owner *owner = search.to_visit;

		search.to_visit = owner->next;
		if (visit(&search, locks, blocking_wait(owner)))
			return true;
	}
	return false;
}
