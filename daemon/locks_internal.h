/* SPDX-License-Identifier: ISC */
/*
 * What the files of the lock table share: locks.c (names, the plain path, walks), acquire.c,
 * claims.c (the life of a claim), queue.c (who is next), due.c (deadlines), grants.c (what becomes
 * of a grant), deadlock.c, lock_view.c (looking at it). Nobody else includes this.
 *
 * A plain grant, exclusive and without terms, lies in its lock, since nearly all are: 76 bytes and
 * the name. All else costs a crowd for the name and a claim for each who holds or waits.
 */
#ifndef LATCHD_LOCKS_INTERNAL_H
#define LATCHD_LOCKS_INTERNAL_H

#include "locks.h"

#include "siphash.h"
#include "table.h"

#include <sodium.h>
#include <string.h>
#include <sys/tree.h>

#define NS_PER_MS INT64_C(1000000)

struct grant {
	struct lock *lock;
	struct lock_owner *owner; /* NULL: it has none any more */
	union {
		LIST_ENTRY(grant) owned; /* in the owner's list */
		struct {
			struct who *who; /* may be NULL */
			struct lock_quota *quota;
		} gone; /* without owner */
	} of;
	uint64_t token;	  /* 0: not granted */
	int64_t since_ns; /* of the grant, before that of the wait */
};

struct lock {
	struct table_entry entry; /* first: an entry of the table is a lock */
	struct grant plain;	  /* token 0: there is no plain holder */
	struct crowd *crowd;	  /* NULL: the plain holder is all there is */
	uint32_t len;
	char name[];
};

TAILQ_HEAD(claim_list, claim);

struct crowd {
	struct lock *lock;
	struct claim_list holders, queue;
	uint32_t n_holders; /* in HOLDERS */
	uint32_t n_waiters;
	uint32_t pins;	     /* by claims that have ended and were not told of */
	uint32_t first_free; /* no word of SLOTS before this one has a free bit */
	uint64_t gone;	     /* waiters that have left from the front; see claim_position */
	uint64_t reached;    /* of a deadlock check */
	TAILQ_ENTRY(crowd) contended; /* while there is a queue */
	STAILQ_ENTRY(crowd) suspect;  /* its head may be next: to be served */
	uint64_t *slots;	      /* a bit for each slot that is taken */
	uint32_t slot_words;
	uint8_t mode; /* of HOLDERS, while there are any */
	bool is_suspect;
	bool holes; /* somebody has left the queue from its middle: the places are to be counted
		       anew */
};

/* When something has to happen with a claim. */
struct due {
	RB_ENTRY(due) link;
	int64_t when_ns; /* LOCK_FOREVER: not in the tree */
};

RB_HEAD(due_tree, due);

enum claim_state { CLAIM_WAITING, CLAIM_HOLDING, CLAIM_OVER };

struct claim {
	struct grant grant; /* first: a grant that is not plain is a claim */
	struct due due;
	TAILQ_ENTRY(claim) link;     /* in the queue or among the holders */
	STAILQ_ENTRY(claim) settled; /* of the leader, in its owner's list */
	struct claim *ring;	     /* the next claim of this acquire, round and round */
	int64_t deadline_ns;	     /* of the wait */
	uint32_t lease_ms, atleast_ms, beat_ms, waited_ms;
	uint32_t place; /* in the queue: see claim_position */
	uint16_t slots, slot;
	uint16_t key_len, tag_len, note_len;
	uint8_t mode, state, outcome;
	bool leads : 1;	 /* the first name's */
	bool ghost : 1;	 /* released; its atleast time goes on */
	bool pinned : 1; /* its acquire has ended and was not told of: it stays */
	bool tagged : 1;
	bool keyed : 1; /* its key finds it */
	char text[];	/* key, tag, note */
};

/* A claim that its key finds. */
struct keyed {
	struct table_entry entry; /* first */
	struct claim *claim;
};

struct locks {
	struct table table;
	struct table keys;
	struct due_tree due;
	struct due *first_due;
	TAILQ_HEAD(, lock_owner) news;
	TAILQ_HEAD(, crowd) contended;
	STAILQ_HEAD(, crowd) suspects;
	const struct lock_observer *observer;
	struct lock_limits limits;
	uint64_t last_token, end_token;
	size_t n_stakes, n_waits;
	bool frozen;  /* nobody who waits is granted anything */
	bool starved; /* somebody was not granted because there was no token */
	uint64_t steps;
	uint64_t reached; /* the number of the last deadlock check */
	unsigned char key[SIPHASH_KEY_BYTES];
};

static inline struct claim *
claim_of(const struct grant *grant)
{
	return grant == &grant->lock->plain ? NULL : (struct claim *)grant;
}

/* What waits is never plain. */
static inline struct claim *
claim_of_wait(const struct grant *grant)
{
	return (struct claim *)grant;
}

static inline struct lock_text
claim_key(const struct claim *claim)
{
	return (struct lock_text){claim->text, claim->key_len};
}

static inline struct lock_text
claim_tag(const struct claim *claim)
{
	return (struct lock_text){claim->text + claim->key_len, claim->tag_len};
}

static inline struct lock_text
claim_note(const struct claim *claim)
{
	return (struct lock_text){claim->text + claim->key_len + claim->tag_len, claim->note_len};
}

static inline struct claim *
claim_of_due(struct due *due)
{
	return (struct claim *)(void *)((char *)due - offsetof(struct claim, due));
}

/* Names: locks.c */
uint64_t lock_hash(const struct locks *, const void *data, size_t len);
struct lock *lock_lookup(const struct locks *, uint64_t hash, const char *name, size_t len);
/* A lock that nobody holds as yet. NULL: no memory. */
struct lock *lock_create(struct locks *, uint64_t hash, const char *name, size_t len);
struct crowd *lock_crowd(struct lock *); /* made on demand; NULL: no memory */
/* Frees it, or its crowd, where nothing is left of it. */
void lock_tidy(struct locks *, struct lock *);
void plain_grant(
    struct locks *, struct lock *, struct lock_owner *, uint64_t token, int64_t now_ns);
/* Takes the name, of which LOCK is what lock_lookup finds, for a plain grant. OK, TAKEN, a limit,
 * NO_TOKEN, NO_MEMORY. */
enum lock_result plain_take(struct locks *, struct lock_owner *, struct lock *, uint64_t hash,
    struct lock_text name, int64_t now_ns, uint64_t *token);
/* The plain grant ends, and the lock with it where that is all there was. */
void plain_end(struct locks *, struct lock *);
/* The plain grant is no more; the lock stays. */
void plain_remove(struct locks *, struct lock *);
/* What OWNER has in LOCK, as its holder; NULL: nothing. */
struct grant *lock_grant_of(struct locks *, struct lock *, const struct lock_owner *);
uint64_t next_token(struct locks *); /* 0: there is none */
enum lock_result check_stakes(const struct locks *, const struct lock_owner *, size_t n);

/* Claims: claims.c */
/* Takes the claim out of its ring and frees it. It is in no list any more. */
void claim_free(struct claim *);
/* All of the ring. */
void claims_free(struct locks *, struct claim *);
struct claim *claim_first(const struct claim *); /* the leader of its ring */
unsigned claim_ring_size(const struct claim *);
/* In the ring of its own. NULL: no memory. */
struct claim *claim_new(
    struct lock *, struct lock_owner *, const struct lock_request *, int64_t now_ns);
struct claim *claim_by_key(const struct locks *, const struct lock *, const char *key, size_t len);
int claim_remember_key(struct locks *, struct claim *); /* -1: no memory */
void claim_forget_key(struct locks *, struct claim *);
/* A plain grant becomes a claim, so that it can have a lease; NULL: no memory. */
struct claim *claim_from_plain(struct locks *, struct lock *);

/* Queues: queue.c */
/* Whether its holders would let one more in, whoever waits. */
bool lock_admits(const struct lock *, enum lock_mode, unsigned slots);
/* All claims of the ring queue up, each before that of BEFORE or, where that is NULL, at the end.
 */
void claims_enqueue(struct locks *, struct claim *leader, struct claim *const *before);
/* Those of a ring that waits leave all their queues and their owner. */
void claims_withdraw(struct locks *, struct claim *leader);
/* All claims of a ring become grants under one token; they are in no queue. */
void claims_grant(struct locks *, struct claim *leader, uint64_t token, int64_t now_ns);
/* It becomes a holder of its lock, and its owner's. */
void holder_add(struct locks *, struct claim *);
/* Its owner's list and the counts, according to its state. It may leave none: a grant without
 * owner. */
void claim_join_owner(struct locks *, struct claim *);
void claim_leave_owner(struct locks *, struct claim *);
/* The head of this lock's queue may be next: serve_suspects finds out. */
void lock_suspect(struct locks *, struct lock *);
void serve_suspects(struct locks *, int64_t now_ns);
/* The acquire has ended, which its owner is to be told. */
void claims_settle(struct locks *, struct claim *leader, enum lock_outcome);
/* Ends a grant; who waits is not served as yet. */
void grant_end(struct locks *, struct grant *, enum lock_end, int64_t now_ns);

/* Deadlines: due.c */
/* When something is to happen with a claim: LOCK_FOREVER, never. */
void due_set(struct locks *, struct claim *, int64_t when_ns);
/* Of a leader that waits: its deadline, or its next beat. */
void due_set_wait(struct locks *, struct claim *leader, int64_t now_ns);

/* Deadlocks: deadlock.c */
/* Whether LEADER, which waits, closes a cycle of blocked owners; which goes to ANSWER. */
bool closes_cycle(struct locks *, const struct claim *leader, struct lock_answer *);

#endif
