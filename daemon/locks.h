/* SPDX-License-Identifier: ISC */
/*
 * The lock table: who holds which name. It has no descriptor, no clock and no output; it knows
 * nothing of how a request looks. A name is any bytes but none at all. Always true: a lock is in
 * the table and in its owner's list exactly while it is held.
 */
#ifndef LATCHD_LOCKS_H
#define LATCHD_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct lock;
struct locks;

/* A share of the table that several owners have in common. */
struct lock_quota {
	size_t held;
	size_t max; /* 0: no limit but the table's */
};

/* Who can hold locks: embedded by the caller; zeroed but for QUOTA it holds none. */
struct lock_owner {
	LIST_HEAD(, lock) held;
	size_t n_held;
	struct lock_quota *quota; /* not NULL */
};

enum lock_result {
	LOCK_OK,
	LOCK_TAKEN,
	LOCK_NOT_HELD,
	LOCK_TABLE_FULL,
	LOCK_QUOTA_FULL,
	LOCK_OWNER_FULL,
	LOCK_NO_MEMORY
};

/* The hash is keyed with random bytes, so nobody can choose names that collide. NULL: no memory. */
struct locks *locks_new(void);
/* Owners must hold nothing any more. */
void locks_free(struct locks *);
/* A limit below what is held already refuses new locks and takes none away. */
void locks_set_limits(struct locks *, size_t max, size_t max_per_owner);
size_t locks_count(const struct locks *);

/* Takes NAME for OWNER, exclusively, against the same owner too. OK, TAKEN, a limit, NO_MEMORY. */
enum lock_result locks_try(struct locks *, struct lock_owner *, const char *name, size_t len);
/* Gives it back. OK; NOT_HELD also where another owner has it. */
enum lock_result locks_release(struct locks *, struct lock_owner *, const char *name, size_t len);
/* Gives all back that OWNER holds. */
void locks_release_all(struct locks *, struct lock_owner *);

/* Of a lock that is held. */
const char *lock_name(const struct lock *, size_t *len);
const struct lock_owner *lock_holder(const struct lock *);
/* A number that finds it again while it is held: locks_at. */
uint64_t lock_place(const struct lock *);
const struct lock *locks_at(const struct locks *, uint64_t place);

/*
 * Walks the table with nothing held between the calls but *CURSOR (0 to begin with): each call
 * hands one bucket's locks to FN. A lock that is held all the while is seen exactly once, however
 * the table grows or shrinks meanwhile. False: that was the last bucket. FN must not change the
 * table.
 */
typedef void (*lock_visit_fn)(const struct lock *, void *arg);
bool locks_walk(const struct locks *, uint64_t *cursor, lock_visit_fn, void *arg);

#endif
