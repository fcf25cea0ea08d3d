/* SPDX-License-Identifier: ISC */
/* See locks.h. */
#include "locks.h"

#include "table.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct lock {
	struct table_entry entry; /* first: an entry of the table is a lock */
	struct lock_owner *owner;
	LIST_ENTRY(lock) owned;
	uint32_t len;
	char name[];
};

struct locks {
	struct table table;
	size_t max, max_per_owner;
	unsigned char key[crypto_shorthash_KEYBYTES];
};

struct locks *
locks_new(void)
{
	struct locks *locks = calloc(1, sizeof(*locks));

	if (locks == NULL)
		return NULL;
	if (table_init(&locks->table) == -1) {
		free(locks);
		return NULL;
	}
	arc4random_buf(locks->key, sizeof(locks->key));
	locks->max = locks->max_per_owner = SIZE_MAX;
	return locks;
}

void
locks_free(struct locks *locks)
{
	if (locks == NULL)
		return;
	table_fini(&locks->table);
	free(locks);
}

void
locks_set_limits(struct locks *locks, size_t max, size_t max_per_owner)
{
	locks->max = max;
	locks->max_per_owner = max_per_owner;
}

size_t
locks_count(const struct locks *locks)
{
	return locks->table.count;
}

/* SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, 2012). */
static uint64_t
hash_name(const struct locks *locks, const char *name, size_t len)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "the hash fills the number");
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)name, len, locks->key);
	return hash;
}

static struct lock *
find(const struct locks *locks, uint64_t hash, const char *name, size_t len)
{
	struct table_entry *entry = table_chain(&locks->table, hash);

	for (; entry != NULL; entry = entry->next) {
		struct lock *lock = (struct lock *)entry;

		if (entry->hash == hash && lock->len == len && memcmp(lock->name, name, len) == 0)
			return lock;
	}
	return NULL;
}

static enum lock_result
check_limits(const struct locks *locks, const struct lock_owner *owner)
{
	const struct lock_quota *quota = owner->quota;

	if (owner->n_held >= locks->max_per_owner)
		return LOCK_OWNER_FULL;
	if (quota->max != 0 && quota->held >= quota->max)
		return LOCK_QUOTA_FULL;
	return locks->table.count >= locks->max ? LOCK_TABLE_FULL : LOCK_OK;
}

enum lock_result
locks_try(struct locks *locks, struct lock_owner *owner, const char *name, size_t len)
{
	uint64_t hash = hash_name(locks, name, len);

	if (find(locks, hash, name, len) != NULL)
		return LOCK_TAKEN;
	enum lock_result limit = check_limits(locks, owner);
	if (limit != LOCK_OK)
		return limit;
	struct lock *lock = malloc(sizeof(*lock) + len);
	if (lock == NULL)
		return LOCK_NO_MEMORY;
	lock->entry.hash = hash;
	lock->owner = owner;
	lock->len = (uint32_t)len;
	memcpy(lock->name, name, len);
	table_insert(&locks->table, &lock->entry);
	LIST_INSERT_HEAD(&owner->held, lock, owned);
	owner->n_held++;
	owner->quota->held++;
	return LOCK_OK;
}

static void
drop(struct locks *locks, struct lock *lock)
{
	struct lock_owner *owner = lock->owner;

	table_remove(&locks->table, &lock->entry);
	LIST_REMOVE(lock, owned);
	owner->n_held--;
	owner->quota->held--;
	free(lock);
}

enum lock_result
locks_release(struct locks *locks, struct lock_owner *owner, const char *name, size_t len)
{
	struct lock *lock = find(locks, hash_name(locks, name, len), name, len);

	if (lock == NULL || lock->owner != owner)
		return LOCK_NOT_HELD;
	drop(locks, lock);
	return LOCK_OK;
}

void
locks_release_all(struct locks *locks, struct lock_owner *owner)
{
	/* clang's analyzer does not see that what is freed has left the list. */
	while (!LIST_EMPTY(&owner->held))
		drop(locks, LIST_FIRST(&owner->held)); /* NOLINT */
}

const char *
lock_name(const struct lock *lock, size_t *len)
{
	*len = lock->len;
	return lock->name;
}

const struct lock_owner *
lock_holder(const struct lock *lock)
{
	return lock->owner;
}

uint64_t
lock_place(const struct lock *lock)
{
	return lock->entry.hash;
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
