/* SPDX-License-Identifier: ISC */
/*
 * Drives the lock table and the reference with the same operations, and compares. The first
 * difference ends the process: see report.h.
 */
#ifndef MODEL_DRIVE_H
#define MODEL_DRIVE_H

#include "ref.h"
#include "who.h"

enum { EVENTS_MAX = 4 * HOLDERS_MAX * MODEL_NAMES };

enum event_kind { EVENT_ENDED, EVENT_GRANTED, EVENT_QUEUED, EVENT_BEAT };

/* What the table has told its observer. */
struct event {
	enum event_kind kind;
	unsigned name;
	int owner;
	uint64_t token;	   /* of a grant */
	int slot;	   /* likewise */
	unsigned tag;	   /* of a wait */
	enum lock_end how; /* of EVENT_ENDED */
};

/* A grant that has to end. */
struct ending {
	unsigned name;
	uint64_t token;
	enum lock_end how;
};

struct drive {
	struct ref ref;
	struct locks *locks;
	struct lock_observer observer;
	struct lock_quota quotas[MODEL_QUOTAS];
	struct lock_owner owners[MODEL_OWNERS];
	struct who *who[MODEL_OWNERS];
	struct event events[EVENTS_MAX];
	unsigned n_granted;    /* waits, in this step */
	unsigned n_events, at; /* those before AT are explained */
	bool no_tokens;	       /* are to be had */
	unsigned names_touched;
	uint64_t owners_touched;
};

void drive_init(struct drive *, unsigned names, unsigned owners, enum ref_break);
void drive_fini(struct drive *);
/* One operation, and a comparison of what it has touched, or of everything. */
void drive_step(struct drive *, const struct op *, bool everything);

/* What the parts share. */
typedef void drive_fn(struct drive *, const struct op *);
drive_fn drive_try, drive_release, drive_acquire, drive_cancel, drive_end, drive_renew,
    drive_revoke, drive_gone, drive_news, drive_time, drive_due, drive_limits, drive_tokens;
void drive_set_limits(struct drive *);
void touch_name(struct drive *, unsigned name);
void touch_owner(struct drive *, int owner);
void touch_wait(struct drive *, unsigned place);
int owner_index(const struct drive *, const struct lock_owner *); /* NOBODY of NULL */
unsigned lock_index(const struct lock *);
/* The next event that nothing explains yet, or NULL. */
const struct event *drive_event(const struct drive *);
/* Explains the next events as the grant of a wait that may be granted now. False: they are none. */
bool follow_grant(struct drive *);
/* These have ended, in any order, and who could be granted then was. */
void follow(struct drive *, struct ending *, unsigned n);
void follow_ended(struct drive *, const struct ending *);
uint32_t without_token(uint32_t results);
void expect_nobody_grantable(struct drive *);

void compare_touched(const struct drive *);
void compare_all(const struct drive *);

#endif
