/* SPDX-License-Identifier: ISC */
/* See drive.h: the life of a drive, what the table tells, and the simple operations. */
#include "drive.h"

#include "report.h"

#include <string.h>

/* Observing. */

int
owner_index(const struct drive *drive, const struct lock_owner *owner)
{
	if (owner == NULL)
		return NOBODY;
	expect(owner >= drive->owners && owner < drive->owners + MODEL_OWNERS,
	    "an owner that there never was");
	return (int)(owner - drive->owners);
}

unsigned
lock_index(const struct lock *lock)
{
	size_t len;
	const char *at = lock_name(lock, &len);
	int index = op_name_index(at, len);

	expect(index != -1, "a name that there never was");
	return (unsigned)index;
}

static struct event *
new_event(struct drive *drive, enum event_kind kind, const struct lock *lock, int owner)
{
	struct event *event = &drive->events[drive->n_events++];

	expect(drive->n_events < EVENTS_MAX, "events without end");
	*event = (struct event){.kind = kind, .name = lock_index(lock), .owner = owner};
	touch_name(drive, event->name);
	touch_owner(drive, owner);
	return event;
}

static void
note_grant(struct drive *drive, enum event_kind kind, const struct grant *grant, enum lock_end how)
{
	struct grant_view view;

	grant_view(grant, &view);
	struct event *event = new_event(drive, kind, view.lock, owner_index(drive, view.owner));
	event->token = view.token;
	event->slot = view.slot;
	event->how = how;
}

static void
on_ended(void *arg, const struct grant *grant, enum lock_end how, int64_t now_ns)
{
	struct drive *drive = arg;

	expect(now_ns == drive->ref.now, "an end at another time than now");
	note_grant(drive, EVENT_ENDED, grant, how);
}

static void
on_granted(void *arg, const struct grant *grant, int64_t now_ns)
{
	struct drive *drive = arg;

	expect(now_ns == drive->ref.now, "a grant at another time than now");
	note_grant(drive, EVENT_GRANTED, grant, LOCK_END_RELEASE);
}

static void
note_claim(struct drive *drive, enum event_kind kind, const struct claim *claim)
{
	struct claim_view view;

	claim_view(claim, &view);
	struct event *event = new_event(drive, kind, view.lock, owner_index(drive, view.owner));
	while (event->tag < MODEL_TAGS && !op_same_text(op_tag(event->tag), view.tag))
		event->tag++;
}

static void
on_queued(void *arg, const struct claim *claim, int64_t now_ns)
{
	struct drive *drive = arg;

	expect(now_ns == drive->ref.now, "queued at another time than now");
	note_claim(drive, EVENT_QUEUED, claim);
}

static void
on_beat(void *arg, const struct claim *claim, int64_t now_ns)
{
	struct drive *drive = arg;

	expect(now_ns == drive->ref.now, "a beat at another time than now");
	note_claim(drive, EVENT_BEAT, claim);
}

static struct who *
on_who(void *arg, struct lock_owner *owner)
{
	struct drive *drive = arg;

	return drive->who[owner_index(drive, owner)];
}

static uint64_t
on_tokens(void *arg)
{
	struct drive *drive = arg;
	uint64_t token = locks_last_token(drive->locks) + 10;

	if (drive->no_tokens)
		return 0;
	locks_set_tokens(drive->locks, token, token + 2);
	return token;
}

/* Life. */

void
drive_set_limits(struct drive *drive)
{
	const size_t *limits = drive->ref.limits;
	struct lock_limits table = {limits[LIMIT_TABLE], limits[LIMIT_OWNER],
	    limits[LIMIT_OWNER_WAITS], limits[LIMIT_WAITERS]};

	locks_set_limits(drive->locks, &table);
	for (unsigned i = 0; i < MODEL_QUOTAS; i++) {
		drive->quotas[i].max = drive->ref.quota_max[i];
		drive->quotas[i].max_detached = drive->ref.max_detached[i];
	}
}

void
drive_init(struct drive *drive, unsigned names, unsigned owners, enum ref_break broken)
{
	memset(drive, 0, sizeof(*drive));
	ref_init(&drive->ref, names, owners, broken);
	drive->ref.now = 1000 * MS;
	drive->ref.last_token = 1000;
	drive->locks = locks_new();
	expect(drive->locks != NULL, "no table");
	drive->observer = (struct lock_observer){.arg = drive,
	    .who = on_who,
	    .ended = on_ended,
	    .granted = on_granted,
	    .queued = on_queued,
	    .beat = on_beat,
	    .tokens = on_tokens};
	locks_set_observer(drive->locks, &drive->observer);
	locks_set_tokens(drive->locks, drive->ref.last_token, UINT64_MAX);
	drive_set_limits(drive);
	for (unsigned i = 0; i < owners; i++) {
		drive->who[i] = who_new(i, "somebody", 8, "unix:1", 1, 1);
		drive->ref.owners[i].quota = (int)i % MODEL_QUOTAS;
		lock_owner_init(&drive->owners[i], &drive->quotas[i % MODEL_QUOTAS]);
	}
}

void
drive_fini(struct drive *drive)
{
	struct op gone = {.kind = OP_GONE};

	for (unsigned i = 0; i < drive->ref.owners_n; i++) {
		gone.owner = (uint8_t)i;
		drive_step(drive, &gone, true);
	}
	locks_free(drive->locks);
	for (unsigned i = 0; i < drive->ref.owners_n; i++)
		who_unref(drive->who[i]);
}

/* Whether a caller could do that: who is blocked can only cancel and go. */
static bool
makes_sense(struct drive *drive, const struct op *op)
{
	struct ref *ref = &drive->ref;
	unsigned ahead = ref->owners[op->owner].n_news;

	if (op->kind == OP_TIME || op->kind == OP_DUE || op->kind == OP_NEWS ||
	    op->kind == OP_LIMITS || op->kind == OP_REVOKE)
		return true;
	if (op->kind != OP_CANCEL && op->kind != OP_GONE && ref_is_blocked(ref, op->owner))
		return false;
	for (unsigned i = 0; i < op->n_names; i++)
		if (ref->names[op->names[i]].n_held + ref_queue_len(ref, op->names[i]) >=
		    HOLDERS_MAX - 1)
			return false;
	if (op->kind != OP_ACQUIRE)
		return true;
	for (unsigned i = 0; i < ref->n_waits; i++)
		ahead += ref->waits[i].owner == op->owner;
	return ahead < NEWS_MAX && ref_wait_of(ref, op->owner, op->tag) == -1;
}

void
drive_step(struct drive *drive, const struct op *op, bool everything)
{
	static drive_fn *const steps[OP_KINDS] = {drive_try, drive_release, drive_acquire,
	    drive_cancel, drive_end, drive_renew, drive_revoke, drive_gone, drive_news, drive_time,
	    drive_due, drive_limits, drive_tokens};
	struct ref *ref = &drive->ref;

	drive->n_events = drive->at = drive->n_granted = 0;
	drive->names_touched = 0;
	drive->owners_touched = 0;
	if (op->kind != OP_TIME && op->kind != OP_DUE)
		ref->now += (op->fraction_ns + MS - ref->now % MS) % MS;
	if (!makes_sense(drive, op))
		return;
	note(HAPPENED_OPERATIONS);
	for (unsigned i = 0; i < op->n_names; i++)
		touch_name(drive, op->names[i]);
	touch_owner(drive, op->owner);
	steps[op->kind](drive, op);
	expect(drive_event(drive) == NULL, "the observer was told what has not happened");
	expect_nobody_grantable(drive);
	if (everything)
		compare_all(drive);
	else
		compare_touched(drive);
}
