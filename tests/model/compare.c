/* SPDX-License-Identifier: ISC */
/* See drive.h: whether the table and the reference are the same. */
#include "drive.h"

#include "report.h"

#define SAME(what, is, should_be)                                                                  \
	expect((int64_t)(is) == (int64_t)(should_be), what ": %lld instead of %lld",               \
	    (long long)(is), (long long)(should_be))

static void
compare_grant(const struct drive *drive, unsigned name, const struct grant *grant)
{
	struct grant_view view;

	grant_view(grant, &view);
	const struct ref_grant *ref = ref_grant_at((struct ref *)&drive->ref, name, view.token);
	expect(ref != NULL, "%c is held with token %llu, which it should not be", 'a' + name,
	    (unsigned long long)view.token);
	SAME("name of a holder", lock_index(view.lock), name);
	SAME("owner of a holder", owner_index(drive, view.owner), ref->owner);
	SAME("mode of a holder", view.mode, ref->mode);
	SAME("slot of a holder", view.slot, ref->slot);
	SAME("since of a holder", view.since_ns, ref->since);
	SAME("atleast of a holder", view.atleast_ns, ref->atleast);
	SAME("over of a holder", view.over, ref->over);
	SAME("time waited of a holder", view.waited_ms, ref->waited_ms);
	if (ref->mode == LOCK_SLOTS)
		SAME("slots of a holder", view.slots, ref->slots);
	expect(op_same_text(view.note, op_note(ref->note)), "note of a holder");
	if (ref->over)
		return;
	SAME("until of a holder", view.until_ns, ref->until);
	SAME("lease of a holder", view.lease_ms, ref->lease_ms);
	if (view.owner == NULL && ref->owner == NOBODY)
		expect(view.who != NULL, "nobody knows who held it");
}

static void
compare_wait(const struct drive *drive, const struct claim *claim, const struct ref_wait *ref)
{
	struct claim_view view;

	claim_view(claim, &view);
	SAME("owner of a waiter", owner_index(drive, view.owner), ref->owner);
	SAME("mode of a waiter", view.mode, ref->terms.mode);
	SAME("since of a waiter", view.since_ns, ref->since);
	SAME("deadline of a waiter", view.deadline_ns, ref->deadline);
	SAME("lease of a waiter", view.lease_ms, ref->terms.lease_ms);
	SAME("beat of a waiter", view.beat_ms, ref->terms.beat_ms);
	if (ref->terms.mode == LOCK_SLOTS)
		SAME("slots of a waiter", view.slots, ref->terms.slots);
	expect(op_same_text(view.tag, op_tag(ref->terms.tag)), "tag of a waiter");
	expect(op_same_text(view.note, op_note(ref->terms.note)), "note of a waiter");
	expect(claim_leader(claim) ==
		   locks_find_wait(&drive->owners[ref->owner], op_tag(ref->terms.tag)),
	    "leader of a waiter");
}

static void
compare_queue(const struct drive *drive, unsigned name, const struct lock *lock, bool everything)
{
	const struct claim *claim = lock_first_waiter(lock);
	size_t position = 0;

	for (unsigned i = 0; i < drive->ref.n_waits; i++) {
		if (!ref_wants(&drive->ref.waits[i].terms, name))
			continue;
		expect(claim != NULL, "%c has fewer waiters than it should have", 'a' + name);
		position++;
		if (everything)
			SAME("position of a waiter", claim_position(claim), position);
		compare_wait(drive, claim, &drive->ref.waits[i]);
		claim = lock_next_waiter(claim);
	}
	expect(claim == NULL, "%c has more waiters than it should have", 'a' + name);
	SAME("number of waiters", lock_n_waiters(lock), position);
}

static void
compare_name(const struct drive *drive, unsigned name, bool everything)
{
	const struct ref_name *ref = &drive->ref.names[name];
	struct lock_text text = op_name(name);
	const struct lock *lock = locks_find(drive->locks, text.at, text.len);
	unsigned held = 0;

	if (lock == NULL) {
		expect(!ref_exists(&drive->ref, name), "%c is held or waited for, and is not there",
		    'a' + name);
		return;
	}
	/* Until all are told what became of their waits, its name is kept. */
	expect(ref_exists(&drive->ref, name) || ref_is_news(&drive->ref, name),
	    "%c is there, though nobody wants it", 'a' + name);
	const struct grant *grant = lock_first_holder(lock);
	for (; grant != NULL; grant = lock_next_holder(grant), held++)
		compare_grant(drive, name, grant);
	SAME("holders that are listed", held, ref->n_held);
	SAME("number of holders", lock_n_holders(lock), ref->n_held);
	if (ref->n_held > 0)
		SAME("mode of a lock", lock_mode(lock), ref->held[0].mode);
	compare_queue(drive, name, lock, everything);
	if (!everything)
		return;
	expect(locks_at(drive->locks, lock_place(lock)) == lock, "a lock is not at its place");
	expect(locks_place(drive->locks, text.at, text.len) == lock_place(lock),
	    "a lock has another place than its name");
}

static void
compare_owner(const struct drive *drive, unsigned i)
{
	const struct lock_owner *owner = &drive->owners[i];
	const struct ref_owner *ref = &drive->ref.owners[i];
	struct ref *all = (struct ref *)&drive->ref;

	SAME("grants of an owner", owner->n_held, ref_held(all, (int)i));
	SAME("places of an owner", owner->n_waits, ref_waiting(all, (int)i));
	SAME("an owner holds nothing", LIST_EMPTY(&owner->held), ref_held(all, (int)i) == 0);
	SAME(
	    "an owner waits for nothing", LIST_EMPTY(&owner->waits), ref_waiting(all, (int)i) == 0);
	SAME("an owner is blocked", owner->blocked != NULL, ref_is_blocked(all, (int)i));
	SAME("an owner has news", lock_owner_news(owner) != NULL, ref->n_news > 0);
}

static void
compare_counts(const struct drive *drive)
{
	const struct ref *ref = &drive->ref;
	size_t waits = 0, news = 0, stakes = ref_stakes(ref, NOBODY);

	for (unsigned i = 0; i < ref->n_waits; i++)
		waits += ref->waits[i].terms.n_names;
	for (unsigned i = 0; i < ref->owners_n; i++)
		news += ref->owners[i].n_news;
	if (ref->broken == BREAK_WAITS_ARE_NO_STAKES)
		stakes += waits;
	SAME("grants of the table", locks_count(drive->locks), stakes - waits);
	SAME("places of the table", locks_count_waits(drive->locks), waits);
	SAME("last token", locks_last_token(drive->locks), ref->last_token);
	SAME("next due", locks_next_due(drive->locks), ref_next_due(ref));
	SAME("the table has news", locks_news(drive->locks) != NULL, news > 0);
}

void
compare_touched(const struct drive *drive)
{
	for (unsigned i = 0; i < drive->ref.names_n; i++)
		if (drive->names_touched >> i & 1)
			compare_name(drive, i, false);
	for (unsigned i = 0; i < drive->ref.owners_n; i++)
		if (drive->owners_touched >> i & 1)
			compare_owner(drive, i);
	compare_counts(drive);
}

/* Everything. */

static void
compare_quotas(const struct drive *drive)
{
	for (unsigned i = 0; i < MODEL_QUOTAS; i++) {
		size_t detached = ref_detached(&drive->ref, (int)i);

		if (drive->ref.broken != BREAK_WAITS_ARE_NO_STAKES)
			SAME("stakes of a quota", drive->quotas[i].stakes,
			    ref_stakes(&drive->ref, (int)i));
		SAME("detached of a quota", drive->quotas[i].detached, detached);
	}
}

static void
visit(const struct lock *lock, void *arg)
{
	unsigned *seen = arg, index = lock_index(lock);

	expect((*seen >> index & 1) == 0, "the walk sees %c twice", 'a' + index);
	*seen |= 1U << index;
}

static void
compare_walk(const struct drive *drive)
{
	unsigned seen = 0;
	uint64_t cursor = 0;

	while (locks_walk(drive->locks, &cursor, visit, &seen))
		continue;
	SAME("names of the table", locks_count_names(drive->locks), __builtin_popcount(seen));
	for (unsigned i = 0; i < drive->ref.names_n; i++)
		SAME("the walk sees a lock", seen >> i & 1,
		    locks_find(drive->locks, op_name(i).at, op_name(i).len) != NULL);
}

static void
compare_contended(const struct drive *drive)
{
	const struct lock *lock = NULL;
	uint64_t last = 0;
	size_t n = 0;

	while ((lock = locks_next_contended(drive->locks, lock)) != NULL) {
		unsigned name = lock_index(lock);

		expect(
		    ref_queue_len(&drive->ref, name) > 0, "%c is contended and is not", 'a' + name);
		expect(drive->ref.names[name].contended > last, "contended in another order");
		last = drive->ref.names[name].contended;
		n++;
	}
	for (unsigned i = 0; i < drive->ref.names_n; i++)
		n -= ref_queue_len(&drive->ref, i) > 0;
	SAME("contended locks missing", n, 0);
}

void
compare_all(const struct drive *drive)
{
	for (unsigned i = 0; i < drive->ref.names_n; i++)
		compare_name(drive, i, true);
	for (unsigned i = 0; i < drive->ref.owners_n; i++)
		compare_owner(drive, i);
	compare_counts(drive);
	compare_quotas(drive);
	compare_walk(drive);
	compare_contended(drive);
}
