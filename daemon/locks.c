/* SPDX-License-Identifier: ISC */
/*
 * See locks.h. The names and their plain grants: exclusive, bound to a connection, without any
 * terms, as nearly all are. What has to be waited for, or has terms, is in claims.c and queue.c.
 */
#include "locks_internal.h"

#include <stdlib.h>

struct locks *
locks_new(void)
{
	struct locks *locks = calloc(1, sizeof(*locks));

	if (locks == NULL)
		return NULL;
	if (table_init(&locks->table) == -1 || table_init(&locks->keys) == -1) {
		table_fini(&locks->table);
		free(locks);
		return NULL;
	}
	static const struct lock_observer nobody;
	locks->observer = &nobody;
	RB_INIT(&locks->due);
	TAILQ_INIT(&locks->news);
	TAILQ_INIT(&locks->contended);
	STAILQ_INIT(&locks->suspects);
	arc4random_buf(locks->key, sizeof(locks->key));
	locks->limits = (struct lock_limits){SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
	locks->end_token = UINT64_MAX;
	return locks;
}

/* Leases and ghosts: all else went with its owner. */
static void
end_detached(struct locks *locks)
{
	while (locks->first_due != NULL)
		locks_end(locks, &claim_of_due(locks->first_due)->grant, LOCK_END_REVOKE, 0);
}

void
locks_free(struct locks *locks)
{
	if (locks == NULL)
		return;
	static const struct lock_observer nobody;
	locks->observer = &nobody;
	end_detached(locks);
	table_fini(&locks->table);
	table_fini(&locks->keys);
	free(locks);
}

void
locks_set_limits(struct locks *locks, const struct lock_limits *limits)
{
	locks->limits = *limits;
}

void
locks_set_observer(struct locks *locks, const struct lock_observer *observer)
{
	locks->observer = observer;
}

void
locks_set_tokens(struct locks *locks, uint64_t last, uint64_t end)
{
	locks->last_token = last;
	locks->end_token = end;
}

void
locks_freeze(struct locks *locks)
{
	locks->frozen = true;
}

uint64_t
locks_last_token(const struct locks *locks)
{
	return locks->last_token;
}

uint64_t
next_token(struct locks *locks)
{
	if (locks->last_token < locks->end_token)
		return ++locks->last_token;
	return locks->observer->tokens != NULL ? locks->observer->tokens(locks->observer->arg) : 0;
}

size_t
locks_count(const struct locks *locks)
{
	return locks->n_stakes - locks->n_waits;
}

size_t
locks_count_waits(const struct locks *locks)
{
	return locks->n_waits;
}

size_t
locks_count_names(const struct locks *locks)
{
	return locks->table.count;
}

uint64_t
locks_steps(const struct locks *locks)
{
	return locks->steps;
}

void
lock_owner_init(struct lock_owner *owner, struct lock_quota *quota)
{
	*owner = (struct lock_owner){.quota = quota};
	LIST_INIT(&owner->held);
	LIST_INIT(&owner->waits);
	STAILQ_INIT(&owner->settled);
}

uint64_t
lock_hash(const struct locks *locks, const void *data, size_t len)
{
	return siphash13(data, len, locks->key);
}

struct lock *
lock_lookup(const struct locks *locks, uint64_t hash, const char *name, size_t len)
{
	struct table_entry *entry = table_chain(&locks->table, hash);

	for (; entry != NULL; entry = entry->next) {
		struct lock *lock = (struct lock *)entry;

		if (entry->hash == hash && lock->len == len && memcmp(lock->name, name, len) == 0)
			return lock;
	}
	return NULL;
}

struct lock *
lock_create(struct locks *locks, uint64_t hash, const char *name, size_t len)
{
	struct lock *lock = malloc(sizeof(*lock) + len);

	if (lock == NULL)
		return NULL;
	lock->entry.hash = hash;
	lock->plain.token = 0;
	lock->crowd = NULL;
	lock->len = (uint32_t)len;
	memcpy(lock->name, name, len);
	table_insert(&locks->table, &lock->entry);
	return lock;
}

struct crowd *
lock_crowd(struct lock *lock)
{
	if (lock->crowd == NULL && (lock->crowd = calloc(1, sizeof(*lock->crowd))) != NULL) {
		lock->crowd->lock = lock;
		TAILQ_INIT(&lock->crowd->holders);
		TAILQ_INIT(&lock->crowd->queue);
	}
	return lock->crowd;
}

static bool
is_needed(const struct crowd *crowd)
{
	return crowd->n_holders > 0 || crowd->n_waiters > 0 || crowd->pins > 0 || crowd->is_suspect;
}

void
lock_tidy(struct locks *locks, struct lock *lock)
{
	if (lock->crowd != NULL) {
		if (is_needed(lock->crowd))
			return;
		free(lock->crowd->slots);
		free(lock->crowd);
		lock->crowd = NULL;
	}
	if (lock->plain.token != 0)
		return;
	table_remove(&locks->table, &lock->entry);
	free(lock);
}

enum lock_result
check_stakes(const struct locks *locks, const struct lock_owner *owner, size_t n)
{
	const struct lock_quota *quota = owner->quota;

	if ((size_t)owner->n_held + owner->n_waits + n > locks->limits.max_per_owner)
		return LOCK_OWNER_FULL;
	if (quota->max != 0 && quota->stakes + n > quota->max)
		return LOCK_QUOTA_FULL;
	return locks->n_stakes + n > locks->limits.max ? LOCK_TABLE_FULL : LOCK_OK;
}

/* Plain grants. */

void
plain_grant(struct locks *locks, struct lock *lock, struct lock_owner *owner, uint64_t token,
    int64_t now_ns)
{
	struct grant *grant = &lock->plain;

	grant->lock = lock;
	grant->owner = owner;
	grant->token = token;
	grant->since_ns = now_ns;
	LIST_INSERT_HEAD(&owner->held, grant, of.owned);
	owner->n_held++;
	owner->quota->stakes++;
	locks->n_stakes++;
	if (locks->observer->granted != NULL)
		locks->observer->granted(locks->observer->arg, grant, now_ns);
}

void
plain_remove(struct locks *locks, struct lock *lock)
{
	struct lock_owner *owner = lock->plain.owner;

	LIST_REMOVE(&lock->plain, of.owned);
	lock->plain.token = 0;
	owner->n_held--;
	owner->quota->stakes--;
	locks->n_stakes--;
}

void
plain_end(struct locks *locks, struct lock *lock)
{
	plain_remove(locks, lock);
	if (lock->crowd == NULL)
		lock_tidy(locks, lock);
	else
		lock_suspect(locks, lock);
}

/* One may be there only because it was not told yet how a wait for it ended. */
static bool
is_free(const struct lock *lock)
{
	return lock->plain.token == 0 && lock->crowd->n_holders == 0 && lock->crowd->n_waiters == 0;
}

static inline enum lock_result
take(struct locks *locks, struct lock_owner *owner, struct lock *lock, uint64_t hash,
    struct lock_text name, int64_t now_ns, uint64_t *token)
{
	if (lock != NULL && !is_free(lock))
		return LOCK_TAKEN;
	enum lock_result limit = check_stakes(locks, owner, 1);
	if (limit != LOCK_OK)
		return limit;
	if (lock == NULL && (lock = lock_create(locks, hash, name.at, name.len)) == NULL)
		return LOCK_NO_MEMORY;
	*token = next_token(locks);
	if (*token == 0) {
		lock_tidy(locks, lock);
		return LOCK_NO_TOKEN;
	}
	plain_grant(locks, lock, owner, *token, now_ns);
	return LOCK_OK;
}

enum lock_result
plain_take(struct locks *locks, struct lock_owner *owner, struct lock *lock, uint64_t hash,
    struct lock_text name, int64_t now_ns, uint64_t *token)
{
	return take(locks, owner, lock, hash, name, now_ns, token);
}

enum lock_result
locks_try(
    struct locks *locks, struct lock_owner *owner, const char *name, size_t len, int64_t now_ns)
{
	uint64_t hash = lock_hash(locks, name, len), token;
	struct lock *lock = lock_lookup(locks, hash, name, len);

	return take(locks, owner, lock, hash, (struct lock_text){name, len}, now_ns, &token);
}

/* An owner with many grants in a lock with many holders is rare: the shorter of the lists is
 * searched. */
struct grant *
lock_grant_of(struct locks *locks, struct lock *lock, const struct lock_owner *owner)
{
	struct claim *claim;
	struct grant *grant;

	if (lock->plain.token != 0)
		return lock->plain.owner == owner ? &lock->plain : NULL;
	if (lock->crowd == NULL)
		return NULL;
	if (lock->crowd->n_holders <= owner->n_held) {
		TAILQ_FOREACH (claim, &lock->crowd->holders, link) {
			locks->steps++;
			if (claim->grant.owner == owner)
				return &claim->grant;
		}
		return NULL;
	}
	LIST_FOREACH (grant, &owner->held, of.owned) {
		locks->steps++;
		if (grant->lock == lock)
			return grant;
	}
	return NULL;
}

enum lock_result
locks_release(
    struct locks *locks, struct lock_owner *owner, const char *name, size_t len, int64_t now_ns)
{
	struct lock *lock = lock_lookup(locks, lock_hash(locks, name, len), name, len);
	struct grant *grant = lock != NULL ? lock_grant_of(locks, lock, owner) : NULL;

	if (grant == NULL)
		return LOCK_NOT_HELD;
	locks_end(locks, grant, LOCK_END_RELEASE, now_ns);
	return LOCK_OK;
}

/* What the owner was never told that it has ends with it, whatever its terms; but for what has a
 * key, for which it may come back. */
static void
disown_untold(struct locks *locks, struct lock_owner *owner)
{
	struct claim *leader, *claim;

	STAILQ_FOREACH (leader, &owner->settled, settled) {
		if (leader->outcome != LOCK_OUTCOME_GRANTED)
			continue;
		claim = leader;
		do {
			if (claim->state == CLAIM_HOLDING && claim->grant.owner == owner &&
			    claim->key_len == 0) {
				claim->lease_ms = claim->atleast_ms = 0;
				due_set(locks, claim, LOCK_FOREVER);
			}
			claim = claim->ring;
		} while (claim != leader);
	}
}

void
locks_owner_gone(struct locks *locks, struct lock_owner *owner, int64_t now_ns)
{
	struct claim *claim;

	disown_untold(locks, owner);
	while ((claim = STAILQ_FIRST(&owner->settled)) != NULL)
		locks_done(locks, owner, claim);
	while (!LIST_EMPTY(&owner->waits)) {
		claim = claim_first(claim_of_wait(LIST_FIRST(&owner->waits)));
		claims_withdraw(locks, claim);
		claims_free(locks, claim);
	}
	while (!LIST_EMPTY(&owner->held))
		grant_end(locks, LIST_FIRST(&owner->held), LOCK_END_CLOSE, now_ns);
	serve_suspects(locks, now_ns);
}

/* Walks. */

struct walk {
	lock_visit_fn visit;
	void *arg;
};

static void
visit_entry(struct table_entry *entry, void *arg)
{
	const struct walk *walk = arg;

	walk->visit((const struct lock *)entry, walk->arg);
}

bool
locks_walk(const struct locks *locks, uint64_t *cursor, lock_visit_fn visit, void *arg)
{
	return table_walk(&locks->table, cursor, visit_entry, &(struct walk){visit, arg});
}
