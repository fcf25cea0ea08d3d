/* SPDX-License-Identifier: ISC */
/*
 * The lock table: who holds which name, and who waits for it. It has no descriptor, no clock and no
 * output; time is passed in, and it knows nothing of how a request looks. A name is any bytes but
 * none at all. Always true: a grant is at its lock and in its owner's list exactly while it is
 * held; nobody at the head of a queue could be granted; what a call settles for others waits in
 * their owners' lists of news until it is taken.
 */
#ifndef LATCHD_LOCKS_H
#define LATCHD_LOCKS_H

#include "who.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* A name that is held, waited for, or not to be granted again before its time; for a moment also
 * one of which only news are left. */
struct lock;
struct grant; /* a holder's share in a lock */
struct claim; /* one acquire's stake in one name: a place in its queue, later perhaps the grant */
struct locks;

enum lock_mode {
	LOCK_EXCLUSIVE, /* alone */
	LOCK_SHARED,	/* with other shared ones */
	LOCK_SLOTS	/* a counting semaphore */
};

enum {
	LOCK_NAMES_MAX = 16,	/* in one acquire */
	LOCK_SLOTS_MAX = 10000, /* of a semaphore */
	LOCK_CYCLE_MAX = 32	/* links of a deadlock that are told; longer ones are cut */
};

#define LOCK_FOREVER INT64_MAX

/* A share of the table that several owners have in common. A stake is a grant or a place in a
 * queue. */
struct lock_quota {
	size_t stakes;
	size_t max;	 /* 0: no limit but the table's */
	size_t detached; /* grants that outlive their connection */
	size_t max_detached;
};

/* Who can hold locks: embedded by the caller. */
struct lock_owner {
	LIST_HEAD(, grant) held;
	struct lock_quota *quota;
	uint32_t n_held, n_waits;
	struct claim *blocked;	      /* its wait without a tag, or NULL */
	STAILQ_HEAD(, claim) settled; /* waits that have ended and were not yet told of */
	TAILQ_ENTRY(lock_owner) news; /* in the table's list while SETTLED is not empty */
	LIST_HEAD(, grant) waits;
	/* of a deadlock check */
	struct lock_owner *reached_from, *next;
	const struct lock *reached_by;
	uint64_t reached;
};

enum lock_result {
	LOCK_OK,
	LOCK_WAITING,
	LOCK_TAKEN,
	LOCK_HELD,	      /* by the one who asks */
	LOCK_ALREADY_WAITING, /* the one who asks does so */
	LOCK_NOT_HELD,
	LOCK_STALE, /* not the current grant */
	LOCK_NO_LEASE,
	LOCK_KEY_IN_USE, /* for another set of names, or another mode */
	LOCK_DEADLOCK,
	LOCK_TABLE_FULL,
	LOCK_QUOTA_FULL,
	LOCK_OWNER_FULL,
	LOCK_QUEUE_FULL,
	LOCK_WAITS_FULL,
	LOCK_DETACHED_FULL,
	LOCK_NO_TOKEN,
	LOCK_NO_MEMORY,
	LOCK_RESULTS
};

/* How a grant ended. */
enum lock_end { LOCK_END_RELEASE, LOCK_END_LEASE, LOCK_END_CLOSE, LOCK_END_REVOKE };

/* How a wait ended. */
enum lock_outcome {
	LOCK_OUTCOME_GRANTED,
	LOCK_OUTCOME_TIMEOUT,
	LOCK_OUTCOME_TAKEN_OVER /* the same key asked again from elsewhere and has the place now */
};

struct lock_text {
	const char *at;
	size_t len;
};

/* One acquire. All is lent for the call. */
struct lock_request {
	const struct lock_text *names; /* distinct */
	unsigned n_names;
	enum lock_mode mode;
	unsigned slots;	     /* of LOCK_SLOTS: at most so many holders, 1 to LOCK_SLOTS_MAX */
	int64_t wait_ns;     /* 0: now or not at all; LOCK_FOREVER */
	uint32_t lease_ms;   /* 0: as long as its owner */
	uint32_t atleast_ms; /* nobody is granted sooner after this grant began */
	uint32_t beat_ms;    /* how often the one who waits is told so; 0: never */
	struct lock_text key, note, tag; /* each below 64 KiB; .len 0: none */
};

struct lock_link {
	const struct lock *lock;	 /* what is waited for */
	const struct lock_owner *holder; /* by whom it is held, or who stands before */
};

struct lock_answer {
	uint64_t token; /* of LOCK_OK */
	struct claim
	    *claim; /* of LOCK_OK and LOCK_WAITING: the first name's; NULL for a plain grant */
	const struct lock *lock; /* of a refusal: the name that is in the way, or NULL */
	bool repeated;		 /* of LOCK_OK: by its key, it is the grant that there was */
	unsigned n_cycle;	 /* of LOCK_DEADLOCK */
	struct lock_link cycle[LOCK_CYCLE_MAX]; /* from what was asked for to the one who asks */
};

/* What others want to know at once. None may call back into the table. */
struct lock_observer {
	void *arg;
	/* Who that is, lent: for grants that outlive their connection. NULL: nobody knows. */
	struct who *(*who)(void *arg, struct lock_owner *);
	/* A grant ends: still whole, its owner too. NULL: none. */
	void (*ended)(void *arg, const struct grant *, enum lock_end, int64_t now_ns);
	/* One begins. NULL: none. */
	void (*granted)(void *arg, const struct grant *, int64_t now_ns);
	/* Somebody queues up. NULL: none. */
	void (*queued)(void *arg, const struct claim *, int64_t now_ns);
	/* The tokens have come to an end: more may be set, and one is returned, or 0. NULL: no
	 * more. */
	uint64_t (*tokens)(void *arg);
	/* It is time to tell one who waits that it still does. */
	void (*beat)(void *arg, const struct claim *, int64_t now_ns);
};

struct lock_limits {
	size_t max;	      /* stakes */
	size_t max_per_owner; /* stakes */
	size_t max_waits_per_owner;
	size_t max_waiters; /* of a name */
};

/* The hash is keyed with random bytes, so nobody can choose names that collide. NULL: no memory. */
struct locks *locks_new(void);
/* Owners must be gone; what has outlived them goes. */
void locks_free(struct locks *);
/* Limits below what there is already refuse what is new and take nothing away. */
void locks_set_limits(struct locks *, const struct lock_limits *);
/* Lent; it may change at any time between calls. */
void locks_set_observer(struct locks *, const struct lock_observer *);
/* The next grants get the tokens after LAST, up to END. */
void locks_set_tokens(struct locks *, uint64_t last, uint64_t end);
uint64_t locks_last_token(const struct locks *);
/* Grants at a time; and, as far as it is about memory, places in queues too. */
size_t locks_count(const struct locks *);
size_t locks_count_waits(const struct locks *);
size_t locks_count_names(const struct locks *);
/* What the table has done so far, in steps from one struct to another: for tests of its cost. */
uint64_t locks_steps(const struct locks *);

/* Nobody who waits is granted anything any more. */
void locks_freeze(struct locks *);

void lock_owner_init(struct lock_owner *, struct lock_quota *);
/*
 * The owner is gone: its waits are dropped, its grants released but for those with a lease, which
 * go on without it where it was told of them or they have a key.
 */
void locks_owner_gone(struct locks *, struct lock_owner *, int64_t now_ns);

/* Takes NAME for OWNER, exclusively, against the same owner too. OK, TAKEN, a limit, NO_MEMORY. */
enum lock_result locks_try(
    struct locks *, struct lock_owner *, const char *name, size_t len, int64_t now_ns);
/* Gives it back. OK; NOT_HELD also where another owner has it. */
enum lock_result locks_release(
    struct locks *, struct lock_owner *, const char *name, size_t len, int64_t now_ns);

/* All its names or none. OK, WAITING, or why not. */
enum lock_result locks_acquire(struct locks *, struct lock_owner *, const struct lock_request *,
    int64_t now_ns, struct lock_answer *);
/* Withdraws a wait, any claim of it, and frees it: nothing more will come of it. */
void locks_cancel(struct locks *, struct claim *, int64_t now_ns);
/* OWNER's wait with that tag, or, of length 0, the one without; NULL: there is none. */
struct claim *locks_find_wait(const struct lock_owner *, struct lock_text tag);

/* An owner for whom a wait has ended, or NULL. */
struct lock_owner *locks_news(const struct locks *);
/* The first such wait, to be told and then given to locks_done; NULL: none. */
struct claim *lock_owner_news(const struct lock_owner *);
enum lock_outcome claim_outcome(const struct claim *);
/* OWNER was told of its first news, CLAIM, which may be gone now. */
void locks_done(struct locks *, struct lock_owner *, struct claim *);

/* The grant that is meant, for locks_end and locks_renew. */
struct lock_ref {
	const struct lock_owner *owner; /* whose it is; any, where KEY is its key */
	const struct lock_text *name;
	struct lock_text key;
	uint64_t token; /* 0: not said */
};
/* NULL, and NOT_HELD or STALE in *WHY. */
struct grant *locks_find_grant(struct locks *, const struct lock_ref *, enum lock_result *why);
/* A grant that was revoked does not keep its atleast time, others do. */
void locks_end(struct locks *, struct grant *, enum lock_end, int64_t now_ns);
/* Whether it may have a lease of LEASE_MS, 0 being its last length: OK, or NO_LEASE, DETACHED_FULL
 * where it had none. */
enum lock_result locks_may_renew(const struct grant *, uint32_t lease_ms);
/* A new lease from now: as above, or NO_MEMORY. The grant may have moved in memory: *GRANT. */
enum lock_result locks_renew(struct locks *, struct grant **, uint32_t lease_ms, int64_t now_ns);

/* When locks_due has something to do; INT64_MAX: never. */
int64_t locks_next_due(const struct locks *);
/* Handles at most MAX deadlines up to UNTIL_NS, which is not after NOW_NS: leases, waits, beats.
 * False: there are more. */
bool locks_due(struct locks *, int64_t until_ns, int64_t now_ns, unsigned max);

/* Looking at a lock. */
const struct lock *locks_find(const struct locks *, const char *name, size_t len);
const char *lock_name(const struct lock *, size_t *len);
enum lock_mode lock_mode(const struct lock *); /* of its holders */
/* Of one that has none, by a grant that keeps its atleast time, see grant_view. */
size_t lock_n_holders(const struct lock *);
size_t lock_n_waiters(const struct lock *);
const struct grant *lock_first_holder(const struct lock *);
const struct grant *lock_next_holder(const struct grant *);
const struct claim *lock_first_waiter(const struct lock *);
const struct claim *lock_next_waiter(const struct claim *);
/* A number that finds it again while it exists: locks_at. Also the keyed hash of its name. */
uint64_t lock_place(const struct lock *);
uint64_t locks_place(const struct locks *, const char *name, size_t len);
const struct lock *locks_at(const struct locks *, uint64_t place);
/* The locks that are waited for, the newest contention last; NULL begins and ends. */
const struct lock *locks_next_contended(const struct locks *, const struct lock *);

struct grant_view {
	const struct lock *lock;
	const struct lock_owner *owner; /* NULL: it has outlived its connection */
	const struct who *who;		/* of one without owner */
	enum lock_mode mode;
	unsigned slots; /* that it asked for */
	int slot;	/* -1: none */
	uint64_t token;
	int64_t since_ns;
	int64_t until_ns; /* its lease; LOCK_FOREVER: none */
	uint32_t lease_ms;
	int64_t atleast_ns; /* 0, or nobody is granted sooner */
	bool over;	    /* it was released, only its atleast time keeps the lock */
	uint32_t waited_ms;
	struct lock_text note;
};
void grant_view(const struct grant *, struct grant_view *);

struct claim_view {
	const struct lock *lock;
	struct lock_owner *owner;
	enum lock_mode mode;
	unsigned slots;
	int64_t since_ns;
	int64_t deadline_ns; /* LOCK_FOREVER: none */
	uint32_t lease_ms;
	uint32_t beat_ms;
	struct lock_text note, tag;
};
void claim_view(const struct claim *, struct claim_view *);
/* Its place in the queue, from 1. */
size_t claim_position(const struct claim *);
/* The claims of one acquire, in the order of its names: from the one that the table gave. NULL
 * ends. */
const struct claim *claim_next(const struct claim *first, const struct claim *);
/* The claim as the grant that it has become. */
const struct grant *claim_grant(const struct claim *);
/* The first name's claim of the acquire that this one is of. */
const struct claim *claim_leader(const struct claim *);
const struct claim *grant_claim(const struct grant *); /* NULL: a plain one */

/*
 * Walks the table with nothing held between the calls but *CURSOR (0 to begin with): each call
 * hands one bucket's locks to FN. A lock that is held all the while is seen exactly once, however
 * the table grows or shrinks meanwhile. False: that was the last bucket. FN must not change the
 * table.
 */
typedef void (*lock_visit_fn)(const struct lock *, void *arg);
bool locks_walk(const struct locks *, uint64_t *cursor, lock_visit_fn, void *arg);

#endif
