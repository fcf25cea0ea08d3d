/* SPDX-License-Identifier: ISC */
/*
 * The reference: the rules of a lock, written down a second time from their description alone, with
 * arrays and linear scans. Nothing is remembered that can be counted. Where the rules leave the
 * order open it is asked whether something may happen now, and is then told that it did.
 */
#ifndef MODEL_REF_H
#define MODEL_REF_H

#include "op.h"

enum { HOLDERS_MAX = 160, WAITS_MAX = MODEL_OWNERS * (MODEL_TAGS + 1), NEWS_MAX = 24 };
enum { DUES_MAX = 2 * HOLDERS_MAX };

/* Rules that can be switched off, to see that each is really tested. */
#define REF_BREAKS(X)                                                                              \
	X(NOTHING)                                                                                 \
	X(SHARED_EXCLUDES_SHARED)                                                                  \
	X(MODES_MIX)                                                                               \
	X(TRIES_OVERTAKE)                                                                          \
	X(HEAD_OF_ONE_QUEUE_IS_ENOUGH)                                                             \
	X(SLOTS_OF_THE_FIRST_COUNT)                                                                \
	X(SLOTS_ARE_NOT_REUSED)                                                                    \
	X(A_TOKEN_FOR_EACH_NAME)                                                                   \
	X(NAMES_END_TOGETHER)                                                                      \
	X(NO_GHOSTS)                                                                               \
	X(GHOSTS_OF_REVOKED)                                                                       \
	X(GHOSTS_KEEP_THEIR_KEY)                                                                   \
	X(LEASES_END_WITH_OWNER)                                                                   \
	X(DEADLINES_ARE_LATE)                                                                      \
	X(WAITS_ARE_ENDLESS)                                                                       \
	X(NO_BEATS)                                                                                \
	X(RENEWED_FROM_ITS_END)                                                                    \
	X(KEYS_MEAN_NOTHING)                                                                       \
	X(REPEATS_DO_NOT_MOVE)                                                                     \
	X(TAKEN_OVER_TO_THE_BACK)                                                                  \
	X(TAKEN_OVER_UNTOLD)                                                                       \
	X(NO_DEADLOCKS)                                                                            \
	X(TAGS_DEADLOCK)                                                                           \
	X(SHARED_DEADLOCKS)                                                                        \
	X(QUEUES_DO_NOT_DEADLOCK)                                                                  \
	X(WAITS_ARE_NO_STAKES)                                                                     \
	X(DETACHED_UNLIMITED)                                                                      \
	X(LIMITS_BEFORE_TAKEN)                                                                     \
	X(KEYS_OF_ANY_MODE)                                                                        \
	X(PART_OF_A_WAIT_MATCHES)                                                                  \
	X(GHOSTS_HAVE_NO_SLOT)                                                                     \
	X(BEATS_CATCH_UP)                                                                          \
	X(SLOTS_DEADLOCK)                                                                          \
	X(BLOCKED_TAGS)                                                                            \
	X(UNTOLD_LEASES_STAY)                                                                      \
	X(TRIED_PLACES_ARE_TAKEN_OVER)                                                             \
	X(GONE_KEEP_WAITING)                                                                       \
	X(REVOKING_CRASHES)                                                                        \
	X(RENEWING_HANGS)

#define REF_BREAK_ENUM(name) BREAK_##name,
enum ref_break { REF_BREAKS(REF_BREAK_ENUM) BREAKS };
extern const char *const ref_break_names[BREAKS];

struct ref_grant {
	int owner; /* NOBODY: it has outlived him, or it is over */
	int quota;
	enum lock_mode mode;
	unsigned slots;
	int slot;
	uint64_t token;
	int64_t since, until, atleast;
	uint32_t lease_ms, waited_ms;
	unsigned key, note;
	bool over; /* only its atleast time keeps the lock */
};

struct ref_name {
	struct ref_grant held[HOLDERS_MAX];
	unsigned n_held;
	uint64_t contended; /* grows; when somebody last was the first to queue */
};

struct ref_wait {
	struct op terms;
	int owner;
	int64_t since, deadline, beat;
};

struct ref_news {
	enum lock_outcome outcome;
	struct op terms;
	uint64_t token;
	bool or_taken_over; /* some of its names were asked for again from elsewhere */
};

struct ref_owner {
	int quota;
	struct ref_news news[NEWS_MAX];
	unsigned n_news;
};

struct ref {
	enum ref_break broken;
	unsigned names_n, owners_n; /* that are used */
	struct ref_name names[MODEL_NAMES];
	struct ref_wait waits[WAITS_MAX]; /* in the order of all queues */
	unsigned n_waits;
	struct ref_owner owners[MODEL_OWNERS];
	size_t limits[LIMIT_QUOTA];
	size_t quota_max[MODEL_QUOTAS], max_detached[MODEL_QUOTAS];
	uint64_t last_token, contentions;
	int64_t now;
};

void ref_init(struct ref *, unsigned names, unsigned owners, enum ref_break broken);

/* Looking. */
bool ref_wants(const struct op *, unsigned name);
struct ref_grant *ref_grant_of(struct ref *, unsigned name, int owner); /* NULL: none */
struct ref_grant *ref_grant_at(struct ref *, unsigned name, uint64_t token);
int ref_wait_of(const struct ref *, int owner, unsigned tag); /* its place, or -1 */
int ref_wait_for(const struct ref *, int owner, unsigned name);
bool ref_is_blocked(const struct ref *, int owner);
size_t ref_held(const struct ref *, int owner); /* NOBODY: detached ones and ghosts */
size_t ref_waiting(const struct ref *, int owner);
size_t ref_queue_len(const struct ref *, unsigned name);
bool ref_exists(const struct ref *, unsigned name);  /* is held or waited for */
bool ref_is_news(const struct ref *, unsigned name); /* a wait for it has ended, untold */
bool ref_is_untold(const struct ref *, uint64_t token);
size_t ref_stakes(const struct ref *, int quota); /* NOBODY: of all */
size_t ref_detached(const struct ref *, int quota);
bool ref_fits(const struct ref *, const struct op *, unsigned name);
/* At the head of all its queues, and compatible everywhere. */
bool ref_may_grant(const struct ref *, unsigned place);
int ref_somebody_grantable(const struct ref *); /* its place, or -1 */

int ref_free_slot(const struct ref *, unsigned name); /* the lowest */

/* What an acquire may be answered: a set of bits 1 << LOCK_... */
uint32_t ref_judge(struct ref *, int owner, const struct op *);
uint32_t ref_judge_try(struct ref *, int owner, unsigned name);
/* What becomes of the key. */
enum ref_match { MATCH_NONE, MATCH_GRANT, MATCH_WAIT, MATCH_OTHER };
enum ref_match ref_match(struct ref *, const struct op *, unsigned *place);
/* The grant that is meant, by its key where one is given; NULL and why not, a set of bits: a token
 * is stale that is nobody's. TOKEN 0: any. */
struct ref_grant *ref_find(
    struct ref *, int owner, unsigned name, unsigned key, uint64_t token, uint32_t *why);
/* Whether the wait at that place closes a cycle; and an edge of it to an owner. */
bool ref_cycle(const struct ref *, unsigned place);
bool ref_edge(const struct ref *, unsigned place, unsigned name, int owner);
/* The wait that blocks OWNER as far as deadlocks are concerned, or -1. */
int ref_blocking_wait(const struct ref *, int owner);

/* Doing. */
void ref_grant(struct ref *, int owner, const struct op *, uint64_t token, int64_t since);
void ref_grant_wait(struct ref *, unsigned place, uint64_t token);
void ref_queue(struct ref *, int owner, const struct op *);
void ref_take_over(struct ref *, unsigned place, int owner, const struct op *);
void ref_repeat(struct ref *, int owner, const struct op *);
void ref_drop_wait(struct ref *, unsigned place);
void ref_settle(struct ref *, unsigned place, enum lock_outcome, uint64_t token);
void ref_end(struct ref *, unsigned name, struct ref_grant *, enum lock_end);
enum lock_result ref_renew(struct ref *, struct ref_grant *, uint32_t lease_ms);
void ref_forget_news(struct ref *, int owner); /* the first */

/* Time. */
enum ref_due_kind { DUE_LEASE, DUE_GHOST, DUE_WAIT, DUE_BEAT };
struct ref_due {
	enum ref_due_kind kind;
	unsigned name, place;
	uint64_t token;
};
int64_t ref_next_due(const struct ref *);
/* What is due first; they are due at the same time. */
unsigned ref_dues(const struct ref *, struct ref_due dues[DUES_MAX]);
void ref_do_due(struct ref *, const struct ref_due *);

#endif
