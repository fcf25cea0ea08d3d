/* SPDX-License-Identifier: ISC */
/*
 * Deadlines: of leases, of grants that were released before their time, of waits, and when one who
 * waits is told that it still does. One tree in the order of time; a claim is in it at most once,
 * and of an acquire of several names that waits only the leader. At one and the same time grants go
 * first, in their order, so that who waits up to that time has what they leave; then waits.
 */
#include "locks_internal.h"

/* Two of one time; nothing of this changes while they are in the tree. What waits has token 0,
 * which is to be the last, and has waited since then. Those of one acquire, or of one turn, as they
 * lie. */
static int
compare_age(struct due *a, struct due *b)
{
	const struct grant *x = &claim_of_due(a)->grant, *y = &claim_of_due(b)->grant;

	if (x->token != y->token)
		return x->token - 1 < y->token - 1 ? -1 : 1;
	if (x->since_ns != y->since_ns)
		return x->since_ns < y->since_ns ? -1 : 1;
	return (a > b) - (a < b);
}

static int
due_compare(struct due *a, struct due *b)
{
	if (a->when_ns != b->when_ns)
		return a->when_ns < b->when_ns ? -1 : 1;
	return compare_age(a, b);
}

RB_PROTOTYPE(due_tree, due, link, due_compare)
RB_GENERATE(due_tree, due, link, due_compare)

void
due_set(struct locks *locks, struct claim *claim, int64_t when_ns)
{
	struct due *due = &claim->due;

	if (due->when_ns == when_ns)
		return;
	if (due->when_ns != LOCK_FOREVER) {
		if (locks->first_due == due)
			locks->first_due = RB_NEXT(due_tree, &locks->due, due);
		RB_REMOVE(due_tree, &locks->due, due);
	}
	due->when_ns = when_ns;
	if (when_ns == LOCK_FOREVER)
		return;
	RB_INSERT(due_tree, &locks->due, due);
	if (locks->first_due == NULL || due_compare(due, locks->first_due) < 0)
		locks->first_due = due;
}

void
due_set_wait(struct locks *locks, struct claim *leader, int64_t now_ns)
{
	int64_t when = leader->deadline_ns, beat = now_ns + leader->beat_ms * NS_PER_MS;

	due_set(locks, leader, leader->beat_ms != 0 && beat < when ? beat : when);
}

int64_t
locks_next_due(const struct locks *locks)
{
	if (locks->starved && locks->last_token < locks->end_token)
		return 0;
	return locks->first_due != NULL ? locks->first_due->when_ns : INT64_MAX;
}

static void
wait_is_due(struct locks *locks, struct claim *leader, int64_t now_ns)
{
	if (leader->due.when_ns == leader->deadline_ns) {
		claims_withdraw(locks, leader);
		claims_settle(locks, leader, LOCK_OUTCOME_TIMEOUT);
		return;
	}
	due_set_wait(locks, leader, now_ns);
	if (locks->observer->beat != NULL)
		locks->observer->beat(locks->observer->arg, leader, now_ns);
}

/* There were no tokens, and now there are. */
static void
serve_starved(struct locks *locks)
{
	struct crowd *crowd;

	locks->starved = false;
	TAILQ_FOREACH (crowd, &locks->contended, contended)
		lock_suspect(locks, crowd->lock);
}

bool
locks_due(struct locks *locks, int64_t until_ns, int64_t now_ns, unsigned max)
{
	if (locks->starved && locks->last_token < locks->end_token)
		serve_starved(locks);
	serve_suspects(locks, now_ns);
	for (; locks->first_due != NULL && locks->first_due->when_ns <= until_ns; max--) {
		if (max == 0)
			return false;
		struct claim *claim = claim_of_due(locks->first_due);

		if (claim->state == CLAIM_WAITING)
			wait_is_due(locks, claim, now_ns);
		else
			grant_end(locks, &claim->grant, LOCK_END_LEASE, now_ns);
		serve_suspects(locks, now_ns);
	}
	return true;
}
