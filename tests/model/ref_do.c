/* SPDX-License-Identifier: ISC */
/* See ref.h: what an operation does, once it is known what it was answered. */
#include "ref.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int
ref_free_slot(const struct ref *ref, unsigned name)
{
	const struct ref_name *n = &ref->names[name];

	if (ref->broken == BREAK_SLOTS_ARE_NOT_REUSED)
		return (int)n->n_held;
	for (int slot = 0;; slot++) {
		bool taken = false;

		for (unsigned i = 0; i < n->n_held; i++)
			taken = taken ||
				(n->held[i].slot == slot &&
				    (!n->held[i].over || ref->broken != BREAK_GHOSTS_HAVE_NO_SLOT));
		if (!taken)
			return slot;
	}
}

/* All its names, under TOKEN; it has been waited for since SINCE. */
void
ref_grant(struct ref *ref, int owner, const struct op *terms, uint64_t token, int64_t since)
{
	for (unsigned i = 0; i < terms->n_names; i++) {
		struct ref_name *n = &ref->names[terms->names[i]];
		struct ref_grant grant = {.owner = owner,
		    .quota = ref->owners[owner].quota,
		    .mode = (enum lock_mode)terms->mode,
		    .slots = terms->slots,
		    .slot = NOBODY,
		    .token = token,
		    .since = ref->now,
		    .until = LOCK_FOREVER,
		    .lease_ms = terms->lease_ms,
		    .waited_ms = (uint32_t)((ref->now - since) / MS),
		    .key = terms->key,
		    .note = terms->note};

		if (terms->mode == LOCK_SLOTS)
			grant.slot = ref_free_slot(ref, terms->names[i]);
		if (terms->lease_ms != 0)
			grant.until = ref->now + terms->lease_ms * MS;
		if (terms->atleast_ms != 0)
			grant.atleast = ref->now + terms->atleast_ms * MS;
		if (ref->broken == BREAK_A_TOKEN_FOR_EACH_NAME)
			grant.token += i;
		assert(n->n_held < HOLDERS_MAX);
		n->held[n->n_held++] = grant;
	}
	ref->last_token = token;
}

void
ref_drop_wait(struct ref *ref, unsigned place)
{
	ref->n_waits--;
	memmove(&ref->waits[place], &ref->waits[place + 1],
	    (ref->n_waits - place) * sizeof(ref->waits[0]));
}

/* Its end is news for its owner. */
static void
tell(struct ref *ref, const struct ref_wait *wait, enum lock_outcome outcome, uint64_t token)
{
	struct ref_owner *owner = &ref->owners[wait->owner];

	assert(owner->n_news < NEWS_MAX);
	owner->news[owner->n_news++] =
	    (struct ref_news){.outcome = outcome, .terms = wait->terms, .token = token};
}

void
ref_settle(struct ref *ref, unsigned place, enum lock_outcome outcome, uint64_t token)
{
	tell(ref, &ref->waits[place], outcome, token);
	ref_drop_wait(ref, place);
}

void
ref_grant_wait(struct ref *ref, unsigned place, uint64_t token)
{
	struct ref_wait wait = ref->waits[place];

	ref_settle(ref, place, LOCK_OUTCOME_GRANTED, token);
	ref_grant(ref, wait.owner, &wait.terms, token, wait.since);
}

static struct ref_wait
new_wait(const struct ref *ref, int owner, const struct op *terms)
{
	struct ref_wait wait = {.terms = *terms,
	    .owner = owner,
	    .since = ref->now,
	    .deadline = LOCK_FOREVER,
	    .beat = LOCK_FOREVER};

	if (terms->ms != FOREVER && ref->broken != BREAK_WAITS_ARE_ENDLESS)
		wait.deadline = ref->now + terms->ms * MS + MS / 2;
	if (terms->beat_ms != 0 && ref->broken != BREAK_NO_BEATS)
		wait.beat = ref->now + terms->beat_ms * MS;
	return wait;
}

void
ref_queue(struct ref *ref, int owner, const struct op *terms)
{
	for (unsigned i = 0; i < terms->n_names; i++)
		if (ref_queue_len(ref, terms->names[i]) == 0)
			ref->names[terms->names[i]].contended = ++ref->contentions;
	assert(ref->n_waits < WAITS_MAX);
	ref->waits[ref->n_waits++] = new_wait(ref, owner, terms);
}

void
ref_take_over(struct ref *ref, unsigned place, int owner, const struct op *terms)
{
	if (ref->broken != BREAK_TAKEN_OVER_UNTOLD)
		tell(ref, &ref->waits[place], LOCK_OUTCOME_TAKEN_OVER, 0);
	ref->waits[place] = new_wait(ref, owner, terms);
	if (ref->broken == BREAK_TAKEN_OVER_TO_THE_BACK) {
		ref_drop_wait(ref, place);
		ref_queue(ref, owner, terms);
	}
}

static void
new_lease(struct ref *ref, struct ref_grant *grant, uint32_t lease_ms)
{
	int64_t from = ref->now;

	if (ref->broken == BREAK_RENEWED_FROM_ITS_END && grant->until != LOCK_FOREVER)
		from = grant->until;
	grant->lease_ms = lease_ms;
	grant->until = from + lease_ms * MS;
}

/* Who was not yet told that he has it is told that another, OWNER, has it. */
static void
tell_of_repeat(struct ref *ref, int owner, const struct op *terms, uint64_t token)
{
	for (int i = 0; i < (int)ref->owners_n; i++)
		for (unsigned j = 0; i != owner && j < ref->owners[i].n_news; j++) {
			struct ref_news *news = &ref->owners[i].news[j];

			if (news->outcome != LOCK_OUTCOME_GRANTED || news->token != token)
				continue;
			if (news->terms.n_names == terms->n_names)
				news->outcome = LOCK_OUTCOME_TAKEN_OVER;
			else
				news->or_taken_over = true;
		}
}

void
ref_repeat(struct ref *ref, int owner, const struct op *terms)
{
	for (unsigned i = 0; i < terms->n_names; i++) {
		struct ref_name *n = &ref->names[terms->names[i]];

		for (unsigned j = 0; j < n->n_held; j++) {
			struct ref_grant *grant = &n->held[j];

			if (grant->key != terms->key)
				continue;
			tell_of_repeat(ref, owner, terms, grant->token);
			if (terms->lease_ms != 0)
				new_lease(ref, grant, terms->lease_ms);
			if (ref->broken == BREAK_REPEATS_DO_NOT_MOVE)
				continue;
			grant->owner = owner;
			grant->quota = ref->owners[owner].quota;
		}
	}
}

/* With BREAK_NAMES_END_TOGETHER. */
static void
end_others(struct ref *ref, unsigned name, uint64_t token)
{
	for (unsigned i = 0; i < ref->names_n; i++) {
		struct ref_grant *other = ref_grant_at(ref, i, token);

		if (i != name && other != NULL)
			*other = ref->names[i].held[--ref->names[i].n_held];
	}
}

void
ref_end(struct ref *ref, unsigned name, struct ref_grant *grant, enum lock_end how)
{
	struct ref_name *n = &ref->names[name];
	uint64_t token = grant->token;

	if (how == LOCK_END_REVOKE && ref->broken == BREAK_REVOKING_CRASHES)
		abort();
	if (ref->now < grant->atleast && !grant->over && ref->broken != BREAK_NO_GHOSTS &&
	    (how != LOCK_END_REVOKE || ref->broken == BREAK_GHOSTS_OF_REVOKED)) {
		grant->over = true;
		grant->owner = NOBODY;
		if (ref->broken != BREAK_GHOSTS_KEEP_THEIR_KEY)
			grant->key = 0;
	} else {
		*grant = n->held[--n->n_held];
	}
	if (ref->broken == BREAK_NAMES_END_TOGETHER && how == LOCK_END_RELEASE)
		end_others(ref, name, token);
}

enum lock_result
ref_renew(struct ref *ref, struct ref_grant *grant, uint32_t lease_ms)
{
	while (lease_ms != 0 && ref->broken == BREAK_RENEWING_HANGS)
		continue;
	if (lease_ms == 0 && grant->lease_ms == 0)
		return LOCK_NO_LEASE;
	if (grant->lease_ms == 0 &&
	    ref_detached(ref, grant->quota) >= ref->max_detached[grant->quota] &&
	    ref->broken != BREAK_DETACHED_UNLIMITED)
		return LOCK_DETACHED_FULL;
	new_lease(ref, grant, lease_ms != 0 ? lease_ms : grant->lease_ms);
	return LOCK_OK;
}

void
ref_forget_news(struct ref *ref, int owner)
{
	struct ref_owner *o = &ref->owners[owner];

	o->n_news--;
	memmove(&o->news[0], &o->news[1], o->n_news * sizeof(o->news[0]));
}
