/* SPDX-License-Identifier: ISC */
/*
 * Acquires: what one asks for becomes a claim for each of its names, tied in a ring, which hold at
 * once, or wait in every queue, or leave nothing behind.
 */
#include "locks_internal.h"

/* One acquire while it is handled. */
struct acquire {
	struct locks *locks;
	struct lock_owner *owner;
	const struct lock_request *request;
	struct lock_answer *answer;
	int64_t now_ns;
	unsigned n_names; /* of the request; of what follows so many are set */
	uint64_t hash[LOCK_NAMES_MAX];
	struct lock *lock[LOCK_NAMES_MAX];   /* NULL: there is none as yet */
	struct claim *keyed[LOCK_NAMES_MAX]; /* that has the key of the request, or NULL */
};

/* The claims of a request, in a ring, in no list. NULL: no memory, and nothing is left. */
static struct claim *
make_claims(struct acquire *acquire)
{
	struct locks *locks = acquire->locks;
	const struct lock_request *request = acquire->request;
	struct claim *leader = NULL, *last = NULL;
	unsigned n;

	for (n = 0; n < acquire->n_names; n++) {
		const struct lock_text *name = &request->names[n];
		struct lock **lock = &acquire->lock[n];

		if (*lock == NULL &&
		    (*lock = lock_create(locks, acquire->hash[n], name->at, name->len)) == NULL)
			break;
		struct claim *claim = claim_new(*lock, acquire->owner, request, acquire->now_ns);
		if (claim == NULL)
			break;
		if (leader == NULL)
			leader = last = claim;
		claim->leads = claim == leader;
		claim->ring = leader;
		last->ring = claim;
		last = claim;
		if (request->key.len > 0 && claim_remember_key(locks, claim) == -1)
			break;
	}
	if (n == acquire->n_names)
		return leader;
	if (n < acquire->n_names && acquire->lock[n] != NULL &&
	    (leader == NULL || last->grant.lock != acquire->lock[n]))
		lock_tidy(locks, acquire->lock[n]);
	if (leader != NULL)
		claims_free(locks, leader);
	return NULL;
}

/* Why an acquire may be refused. */

/* What the one who asks waits for in LOCK; NULL: nothing. */
static const struct grant *
wait_of(const struct acquire *acquire, const struct lock *lock)
{
	const struct grant *grant;

	if (lock->crowd == NULL || lock->crowd->n_waiters == 0)
		return NULL;
	LIST_FOREACH (grant, &acquire->owner->waits, of.owned)
		if (grant->lock == lock)
			return grant;
	return NULL;
}

static enum lock_result
refuse(const struct acquire *acquire, unsigned n, enum lock_result why)
{
	acquire->answer->lock = acquire->lock[n];
	return why;
}

/* One stake a connection and name, but for the one that its key means. */
static enum lock_result
check_own(const struct acquire *acquire)
{
	for (unsigned n = 0; n < acquire->n_names; n++) {
		struct lock *lock = acquire->lock[n];

		if (lock == NULL)
			continue;
		const struct claim *keyed = acquire->keyed[n];
		const struct grant *meant = keyed != NULL ? &keyed->grant : NULL;
		const struct grant *held = lock_grant_of(acquire->locks, lock, acquire->owner);
		if (held != NULL && held != meant)
			return refuse(acquire, n, LOCK_HELD);
		const struct grant *wait = wait_of(acquire, lock);
		if (wait != NULL && wait != meant)
			return refuse(acquire, n, LOCK_ALREADY_WAITING);
	}
	return LOCK_OK;
}

/* The first name that cannot be granted at once, or as many as there are names. */
static unsigned
first_in_the_way(const struct acquire *acquire)
{
	const struct lock_request *request = acquire->request;
	unsigned n;

	for (n = 0; n < acquire->n_names; n++) {
		const struct lock *lock = acquire->lock[n];

		if (lock == NULL)
			continue;
		if ((lock->crowd != NULL && lock->crowd->n_waiters > 0) ||
		    !lock_admits(lock, request->mode, request->slots))
			break;
	}
	return n;
}

static enum lock_result
check_limits(const struct acquire *acquire, bool waits)
{
	const struct lock_request *request = acquire->request;
	const struct lock_owner *owner = acquire->owner;
	const struct lock_limits *limits = &acquire->locks->limits;
	enum lock_result limit = check_stakes(acquire->locks, owner, acquire->n_names);

	if (limit != LOCK_OK)
		return limit;
	if ((request->lease_ms != 0 || request->atleast_ms != 0) &&
	    owner->quota->detached >= owner->quota->max_detached)
		return LOCK_DETACHED_FULL;
	if (!waits)
		return LOCK_OK;
	if (owner->n_waits + acquire->n_names > limits->max_waits_per_owner)
		return LOCK_WAITS_FULL;
	for (unsigned n = 0; n < acquire->n_names; n++) {
		const struct lock *lock = acquire->lock[n];

		if (lock != NULL && lock->crowd != NULL &&
		    lock->crowd->n_waiters >= limits->max_waiters)
			return refuse(acquire, n, LOCK_QUEUE_FULL);
	}
	return LOCK_OK;
}

/* An acquire that was made already, by its key. */

static bool
same_mode(const struct claim *claim, const struct lock_request *request)
{
	return claim->mode == request->mode &&
	       (request->mode != LOCK_SLOTS || claim->slots == request->slots);
}

static void
move_to(struct locks *locks, struct claim *claim, struct lock_owner *owner)
{
	if (claim->grant.owner == owner)
		return;
	if (claim->pinned) /* it was granted, but not told so as yet */
		claim_first(claim)->outcome = LOCK_OUTCOME_TAKEN_OVER;
	claim_leave_owner(locks, claim);
	claim->grant.owner = owner;
	claim_join_owner(locks, claim);
}

static enum lock_result
grant_again(struct acquire *acquire)
{
	const struct lock_request *request = acquire->request;
	uint64_t token = acquire->keyed[0]->grant.token;

	for (unsigned n = 0; n < acquire->n_names; n++)
		if (acquire->keyed[n]->grant.token != token)
			return LOCK_KEY_IN_USE;
	for (unsigned n = 0; n < acquire->n_names && request->lease_ms != 0; n++) {
		enum lock_result result =
		    locks_may_renew(&acquire->keyed[n]->grant, request->lease_ms);

		if (result != LOCK_OK)
			return refuse(acquire, n, result);
	}
	for (unsigned n = 0; n < acquire->n_names; n++) {
		struct claim *claim = acquire->keyed[n];

		move_to(acquire->locks, claim, acquire->owner);
		if (request->lease_ms == 0)
			continue;
		claim->lease_ms = request->lease_ms;
		due_set(acquire->locks, claim, acquire->now_ns + claim->lease_ms * NS_PER_MS);
	}
	acquire->answer->token = token;
	acquire->answer->claim = acquire->keyed[0];
	acquire->answer->repeated = true;
	return LOCK_OK;
}

/* Whether the ring of the keyed claims has these names and no others. */
static bool
is_whole_wait(const struct acquire *acquire)
{
	const struct claim *first = acquire->keyed[0];

	if (claim_ring_size(first) != acquire->n_names)
		return false;
	for (unsigned n = 1; n < acquire->n_names; n++)
		if (claim_first(acquire->keyed[n]) != claim_first(first))
			return false;
	return true;
}

static enum lock_result wait_in_queues(struct acquire *, struct claim *const *before);

static enum lock_result
by_key(struct acquire *acquire)
{
	const struct lock_request *request = acquire->request;
	unsigned holding = 0, waiting = 0;
	enum lock_result result = check_own(acquire);

	if (result != LOCK_OK)
		return result;
	for (unsigned n = 0; n < acquire->n_names; n++) {
		const struct claim *claim = acquire->keyed[n];

		if (claim == NULL || !same_mode(claim, request))
			return refuse(acquire, n, LOCK_KEY_IN_USE);
		holding += claim->state == CLAIM_HOLDING;
		waiting += claim->state == CLAIM_WAITING;
	}
	if (holding == acquire->n_names)
		return grant_again(acquire);
	if (waiting != acquire->n_names || !is_whole_wait(acquire))
		return refuse(acquire, 0, LOCK_KEY_IN_USE);
	if (request->wait_ns == 0)
		return refuse(acquire, 0, LOCK_TAKEN);
	return wait_in_queues(acquire, acquire->keyed);
}

/* Looks all names up. Whether any of them is known by the key of the request. */
static bool
look_up(struct acquire *acquire)
{
	const struct lock_request *request = acquire->request;
	bool known = false;

	for (unsigned n = 0; n < acquire->n_names; n++) {
		const struct lock_text *name = &request->names[n];

		acquire->hash[n] = lock_hash(acquire->locks, name->at, name->len);
		acquire->lock[n] =
		    lock_lookup(acquire->locks, acquire->hash[n], name->at, name->len);
		acquire->keyed[n] = NULL;
		if (request->key.len > 0 && acquire->lock[n] != NULL)
			acquire->keyed[n] = claim_by_key(
			    acquire->locks, acquire->lock[n], request->key.at, request->key.len);
		known = known || acquire->keyed[n] != NULL;
	}
	return known;
}

static bool
is_plain(const struct lock_request *request)
{
	return request->mode == LOCK_EXCLUSIVE && request->lease_ms == 0 &&
	       request->atleast_ms == 0 && request->key.len == 0 && request->note.len == 0;
}

static enum lock_result
grant_at_once(struct acquire *acquire)
{
	uint64_t token = next_token(acquire->locks);

	if (token == 0)
		return LOCK_NO_TOKEN;
	struct claim *leader = make_claims(acquire);
	if (leader == NULL)
		return LOCK_NO_MEMORY;
	claims_grant(acquire->locks, leader, token, acquire->now_ns);
	acquire->answer->token = token;
	acquire->answer->claim = leader;
	return LOCK_OK;
}

static void
tell_queued(struct locks *locks, const struct claim *leader, int64_t now_ns)
{
	const struct claim *claim = leader;

	if (locks->observer->queued == NULL)
		return;
	do {
		locks->observer->queued(locks->observer->arg, claim, now_ns);
		claim = claim->ring;
	} while (claim != leader);
}

/* BEFORE: the claims whose places it takes, or NULL. */
static enum lock_result
wait_in_queues(struct acquire *acquire, struct claim *const *before)
{
	struct locks *locks = acquire->locks;
	struct claim *leader = make_claims(acquire);

	if (leader == NULL)
		return LOCK_NO_MEMORY;
	claims_enqueue(locks, leader, before);
	if (before != NULL) {
		claims_withdraw(locks, claim_first(before[0]));
		claims_settle(locks, claim_first(before[0]), LOCK_OUTCOME_TAKEN_OVER);
	}
	if (!leader->tagged && closes_cycle(locks, leader, acquire->answer)) {
		claims_withdraw(locks, leader);
		claims_free(locks, leader);
		serve_suspects(locks, acquire->now_ns);
		return LOCK_DEADLOCK;
	}
	due_set_wait(locks, leader, acquire->now_ns);
	acquire->answer->claim = leader;
	tell_queued(locks, leader, acquire->now_ns);
	serve_suspects(locks, acquire->now_ns);
	return LOCK_WAITING;
}

enum lock_result
locks_acquire(struct locks *locks, struct lock_owner *owner, const struct lock_request *request,
    int64_t now_ns, struct lock_answer *answer)
{
	struct acquire acquire; /* its arrays are not cleared first: look_up fills what is used */

	acquire.locks = locks;
	acquire.owner = owner;
	acquire.request = request;
	acquire.answer = answer;
	acquire.now_ns = now_ns;
	acquire.n_names = request->n_names;
	answer->token = 0;
	answer->claim = NULL;
	answer->lock = NULL;
	answer->repeated = false;
	answer->n_cycle = 0;
	if (look_up(&acquire))
		return by_key(&acquire);
	enum lock_result result;
	if (acquire.n_names == 1 && is_plain(request)) {
		result = plain_take(locks, owner, acquire.lock[0], acquire.hash[0],
		    request->names[0], now_ns, &answer->token);
		if (result != LOCK_TAKEN)
			return result;
	}
	if ((result = check_own(&acquire)) != LOCK_OK)
		return result;
	unsigned n = first_in_the_way(&acquire);
	bool waits = n < acquire.n_names;
	if (waits && request->wait_ns == 0)
		return refuse(&acquire, n, LOCK_TAKEN);
	if ((result = check_limits(&acquire, waits)) != LOCK_OK)
		return result;
	return waits ? wait_in_queues(&acquire, NULL) : grant_at_once(&acquire);
}
