/* SPDX-License-Identifier: ISC */
/*
 * What a run leaves behind in memory that outlives its process: the operations that it made, and
 * what was wrong.
 */
#ifndef MODEL_REPORT_H
#define MODEL_REPORT_H

#include "op.h"

#include <stdbool.h>

enum { OPS_MAX = 500000 };

/* What has happened, and how often: a test that never gets somewhere tests nothing there. */
#define HAPPENED(X)                                                                                \
	X(OPERATIONS)                                                                              \
	X(TRY_OK)                                                                                  \
	X(TRY_TAKEN)                                                                               \
	X(TRY_NO_TOKEN)                                                                            \
	X(ACQUIRE_OK)                                                                              \
	X(ACQUIRE_AGAIN)                                                                           \
	X(ACQUIRE_MOVED)                                                                           \
	X(ACQUIRE_REFUSED)                                                                         \
	X(HELD)                                                                                    \
	X(ALREADY_WAITING)                                                                         \
	X(KEY_IN_USE)                                                                              \
	X(TABLE_FULL)                                                                              \
	X(QUOTA_FULL)                                                                              \
	X(OWNER_FULL)                                                                              \
	X(QUEUE_FULL)                                                                              \
	X(WAITS_FULL)                                                                              \
	X(DETACHED_FULL)                                                                           \
	X(NO_TOKEN)                                                                                \
	X(GRANTED_WITH_NEW_TOKENS)                                                                 \
	X(WAITING)                                                                                 \
	X(WAITING_SEVERAL)                                                                         \
	X(PLACE_TAKEN_OVER)                                                                        \
	X(DEADLOCK)                                                                                \
	X(DEADLOCK_OF_THREE)                                                                       \
	X(DEADLOCK_OF_A_PLACE)                                                                     \
	X(GRANTED_LATER)                                                                           \
	X(GRANTED_SEVERAL)                                                                         \
	X(GRANTED_A_ROW)                                                                           \
	X(TIMEOUT)                                                                                 \
	X(TIMEOUT_AND_GRANT)                                                                       \
	X(CANCELLED)                                                                               \
	X(GONE_WAITING)                                                                            \
	X(RELEASED)                                                                                \
	X(RELEASED_BY_KEY)                                                                         \
	X(RELEASED_UNTOLD)                                                                         \
	X(STALE)                                                                                   \
	X(LEASE_ENDED)                                                                             \
	X(DETACHED)                                                                                \
	X(DETACHED_ENDED)                                                                          \
	X(GHOST)                                                                                   \
	X(GHOST_ENDED)                                                                             \
	X(GHOST_REVOKED)                                                                           \
	X(REVOKED)                                                                                 \
	X(RENEWED)                                                                                 \
	X(RENEWED_PLAIN)                                                                           \
	X(RENEWED_DETACHED)                                                                        \
	X(RENEWED_DETACHED_FULL)                                                                   \
	X(NO_LEASE)                                                                                \
	X(BEAT)                                                                                    \
	X(DUE_AT_ONE_TIME)                                                                         \
	X(DUE_CUT)                                                                                 \
	X(NEWS)                                                                                    \
	X(NEWS_OF_WHAT_HAS_ENDED)                                                                  \
	X(NEWS_OF_ANOTHERS)

#define HAPPENED_ENUM(name) HAPPENED_##name,
enum happened { HAPPENED(HAPPENED_ENUM) HAPPENINGS };
extern const char *const happened_names[HAPPENINGS];

struct report {
	bool failed;
	char text[1000];
	uint64_t happened[HAPPENINGS];
	size_t n_ops; /* the last one is the one that failed */
	struct op ops[OPS_MAX];
};

extern struct report *report;

/* One more. */
void note(enum happened);

/* Ends the process. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define expect(condition, ...)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail(__VA_ARGS__);                                                         \
	} while (0)

#endif
