/* SPDX-License-Identifier: ISC */
/*
 * See drive.h: what the table has told is followed step by step, wherever the rules leave the order
 * open; each step has to be one that the reference allows at that point.
 */
#include "drive.h"

#include "report.h"

void
touch_name(struct drive *drive, unsigned name)
{
	drive->names_touched |= 1U << name;
}

void
touch_owner(struct drive *drive, int owner)
{
	if (owner != NOBODY)
		drive->owners_touched |= UINT64_C(1) << owner;
}

void
touch_wait(struct drive *drive, unsigned place)
{
	const struct ref_wait *wait = &drive->ref.waits[place];

	touch_owner(drive, wait->owner);
	for (unsigned i = 0; i < wait->terms.n_names; i++)
		touch_name(drive, wait->terms.names[i]);
}

const struct event *
drive_event(const struct drive *drive)
{
	return drive->at < drive->n_events ? &drive->events[drive->at] : NULL;
}

/* Whether the next N events, under one token, give the lowest slots. */
static bool
has_lowest_slots(const struct drive *drive, unsigned n)
{
	for (unsigned i = drive->at; i < drive->n_events && i < drive->at + n; i++)
		if (drive->events[i].slot != ref_free_slot(&drive->ref, drive->events[i].name))
			return false;
	return true;
}

bool
follow_grant(struct drive *drive)
{
	const struct event *event = drive_event(drive);
	struct ref *ref = &drive->ref;
	unsigned told = 0, wanted = 0;

	if (event == NULL || event->kind != EVENT_GRANTED || event->owner == NOBODY)
		return false;
	int place = ref_wait_for(ref, event->owner, event->name);
	if (place == -1 || !ref_may_grant(ref, (unsigned)place))
		return false;
	uint64_t token = event->token;
	const struct op *terms = &ref->waits[place].terms;
	if (terms->mode == LOCK_SLOTS && !has_lowest_slots(drive, terms->n_names))
		return false;
	expect(token > ref->last_token, "a token that is not higher than the last");
	for (unsigned i = 0; i < terms->n_names; i++, drive->at++) {
		event = drive_event(drive);
		expect(event != NULL && event->kind == EVENT_GRANTED && event->token == token,
		    "not all names of an acquire were granted together");
		told |= 1U << event->name;
		wanted |= 1U << terms->names[i];
	}
	expect(told == wanted, "other names were granted than those that were waited for");
	touch_wait(drive, (unsigned)place);
	note(HAPPENED_GRANTED_LATER);
	if (wanted != 1U << terms->names[0])
		note(HAPPENED_GRANTED_SEVERAL);
	if (drive->n_granted++ == 1)
		note(HAPPENED_GRANTED_A_ROW);
	ref_grant_wait(ref, (unsigned)place, token);
	return true;
}

/* What is next to be explained, for a message. */
static const char *
event_text(const struct event *event)
{
	static const char *const texts[] = {
	    "was told of an end", "was told of a grant", "was told of one queueing", "was beaten"};

	return event == NULL ? "was told nothing" : texts[event->kind];
}

void
follow_ended(struct drive *drive, const struct ending *ending)
{
	const struct event *event = drive_event(drive);
	struct ref_grant *grant = ref_grant_at(&drive->ref, ending->name, ending->token);

	expect(grant != NULL, "what ended was not held");
	expect(event->how == ending->how, "ended by %s instead of %s", end_text(event->how),
	    end_text(ending->how));
	expect(event->owner == grant->owner, "what ended is told to be of owner %d, not of %d",
	    event->owner, grant->owner);
	touch_owner(drive, grant->owner);
	if (ending->how == LOCK_END_LEASE)
		note(HAPPENED_LEASE_ENDED);
	if (ending->how == LOCK_END_RELEASE)
		note(ref_is_untold(&drive->ref, ending->token) ? HAPPENED_RELEASED_UNTOLD
							       : HAPPENED_RELEASED);
	if (grant->owner == NOBODY)
		note(HAPPENED_DETACHED_ENDED);
	if (drive->ref.now < grant->atleast && ending->how != LOCK_END_REVOKE)
		note(HAPPENED_GHOST);
	ref_end(&drive->ref, ending->name, grant, ending->how);
	drive->at++;
}

void
follow(struct drive *drive, struct ending *endings, unsigned n)
{
	while (n > 0 || drive_event(drive) != NULL) {
		const struct event *event = drive_event(drive);
		unsigned i = 0;

		if (follow_grant(drive))
			continue;
		expect(event == NULL || event->kind != EVENT_GRANTED,
		    "owner %d was granted %c, which he could not be", event->owner,
		    'a' + event->name);
		expect(event != NULL && event->kind == EVENT_ENDED,
		    "the observer %s, where an end was expected", event_text(event));
		while (
		    i < n && (endings[i].name != event->name || endings[i].token != event->token))
			i++;
		expect(i < n, "a grant of %c ended that should not", 'a' + event->name);
		follow_ended(drive, &endings[i]);
		endings[i] = endings[--n];
	}
	expect_nobody_grantable(drive);
}

void
expect_nobody_grantable(struct drive *drive)
{
	int place = ref_somebody_grantable(&drive->ref);

	if (place == -1 || drive->no_tokens)
		return;
	const struct ref_wait *wait = &drive->ref.waits[place];
	fail("owner %d could be granted %c, and was not", wait->owner, 'a' + wait->terms.names[0]);
}

/* What is due. */

static bool
is_beat_of(const struct event *event, const struct ref_wait *wait)
{
	return event->owner == wait->owner && event->tag == wait->terms.tag &&
	       ref_wants(&wait->terms, event->name);
}

/* Whether the event tells of this being done. */
static bool
tells_of(const struct drive *drive, const struct event *event, const struct ref_due *due)
{
	if (due->kind == DUE_BEAT)
		return event != NULL && event->kind == EVENT_BEAT &&
		       is_beat_of(event, &drive->ref.waits[due->place]);
	if (due->kind == DUE_LEASE)
		return event != NULL && event->kind == EVENT_ENDED && event->name == due->name &&
		       event->token == due->token;
	return false;
}

/* Whether it is done, of what nobody is told at once. */
static bool
is_done(const struct drive *drive, const struct ref_due *due)
{
	if (due->kind != DUE_GHOST)
		return due->kind == DUE_WAIT;
	struct lock_text name = op_name(due->name);
	const struct lock *lock = locks_find(drive->locks, name.at, name.len);
	const struct grant *grant = lock != NULL ? lock_first_holder(lock) : NULL;
	struct grant_view view = {0};
	while (grant != NULL) {
		grant_view(grant, &view);
		if (view.token == due->token)
			return false;
		grant = lock_next_holder(grant);
	}
	return true;
}

/*
 * How well it goes with the grants to come that this one has ended before them. The lowest slot
 * that is free goes first: who gets this one comes after it, who gets a higher one comes before it.
 * -1: not at all.
 */
static int
goes_with_grants(struct drive *drive, const struct ref_due *due)
{
	if (due->kind != DUE_GHOST)
		return 0;
	int slot = ref_grant_at(&drive->ref, due->name, due->token)->slot;
	for (unsigned i = drive->at; i < drive->n_events; i++) {
		const struct event *event = &drive->events[i];

		if (event->kind == EVENT_GRANTED && event->name == due->name && event->slot >= slot)
			return event->slot == slot ? 1 : -1;
	}
	return 0;
}

static const struct ref_due *
which_was_done(struct drive *drive, const struct ref_due *dues, unsigned n)
{
	const struct event *event = drive_event(drive);

	if (n > 1)
		note(HAPPENED_DUE_AT_ONE_TIME);
	for (unsigned i = 0; i < n; i++)
		if (tells_of(drive, event, &dues[i]))
			return &dues[i];
	for (int well = 1; well >= -1; well--)
		for (unsigned i = 0; i < n; i++)
			if (is_done(drive, &dues[i]) && goes_with_grants(drive, &dues[i]) == well)
				return &dues[i];
	fail("what was due has not been done: the observer %s", event_text(event));
}

static void
do_due(struct drive *drive, const struct ref_due *due)
{
	struct ending ending = {due->name, due->token, LOCK_END_LEASE};

	if (due->kind == DUE_LEASE) {
		follow_ended(drive, &ending);
		return;
	}
	if (due->kind == DUE_GHOST)
		touch_name(drive, due->name);
	else
		touch_wait(drive, due->place);
	drive->at += due->kind == DUE_BEAT;
	note(due->kind == DUE_GHOST  ? HAPPENED_GHOST_ENDED
	     : due->kind == DUE_BEAT ? HAPPENED_BEAT
				     : HAPPENED_TIMEOUT);
	if (due->kind == DUE_WAIT && drive_event(drive) != NULL &&
	    drive_event(drive)->kind == EVENT_GRANTED)
		note(HAPPENED_TIMEOUT_AND_GRANT);
	ref_do_due(&drive->ref, due);
}

/*
 * In the order of time; those of one time in any order, and only then has everybody been granted
 * who can be.
 */
void
drive_due(struct drive *drive, const struct op *op)
{
	struct ref *ref = &drive->ref;
	static struct ref_due dues[DUES_MAX];
	int64_t until = ref->now - op->ms * MS;
	bool all = locks_due(drive->locks, until, ref->now, op->max);
	int64_t last = 0;

	for (unsigned handled = 0; handled < op->max;) {
		int64_t due = ref_next_due(ref);

		if (follow_grant(drive))
			continue;
		if (due > until)
			break;
		if (due > last)
			expect_nobody_grantable(drive);
		last = due;
		do_due(drive, which_was_done(drive, dues, ref_dues(ref, dues)));
		handled++;
	}
	while (follow_grant(drive))
		continue;
	if (!all)
		note(HAPPENED_DUE_CUT);
	expect(all == (ref_next_due(ref) > until), "due: %s", all ? "there is more" : "no more");
}
