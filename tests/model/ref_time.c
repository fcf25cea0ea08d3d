/* SPDX-License-Identifier: ISC */
/* See ref.h: what is due, and what then happens. */
#include "ref.h"

static int64_t
grant_due(const struct ref_grant *grant)
{
	return grant->over ? grant->atleast : grant->until;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
ref_next_due(const struct ref *ref)
{
	int64_t due = LOCK_FOREVER;

	for (unsigned name = 0; name < ref->names_n; name++)
		for (unsigned i = 0; i < ref->names[name].n_held; i++)
			due = least(due, grant_due(&ref->names[name].held[i]));
	for (unsigned i = 0; i < ref->n_waits; i++)
		due = least(due, least(ref->waits[i].deadline, ref->waits[i].beat));
	if (ref->broken == BREAK_DEADLINES_ARE_LATE && due != LOCK_FOREVER)
		due++;
	return due;
}

unsigned
ref_dues(const struct ref *ref, struct ref_due dues[DUES_MAX])
{
	int64_t due = ref_next_due(ref) - (ref->broken == BREAK_DEADLINES_ARE_LATE);
	unsigned n = 0;

	for (unsigned name = 0; name < ref->names_n; name++)
		for (unsigned i = 0; i < ref->names[name].n_held && n < DUES_MAX; i++) {
			const struct ref_grant *grant = &ref->names[name].held[i];

			if (grant_due(grant) == due)
				dues[n++] =
				    (struct ref_due){.kind = grant->over ? DUE_GHOST : DUE_LEASE,
					.name = name,
					.token = grant->token};
		}
	for (unsigned i = 0; i < ref->n_waits && n < DUES_MAX; i++) {
		if (ref->waits[i].deadline == due)
			dues[n++] = (struct ref_due){.kind = DUE_WAIT, .place = i};
		else if (ref->waits[i].beat == due)
			dues[n++] = (struct ref_due){.kind = DUE_BEAT, .place = i};
	}
	return n;
}

void
ref_do_due(struct ref *ref, const struct ref_due *due)
{
	switch (due->kind) {
	case DUE_LEASE:
		ref_end(ref, due->name, ref_grant_at(ref, due->name, due->token), LOCK_END_LEASE);
		break;
	case DUE_GHOST: {
		struct ref_grant *ghost = ref_grant_at(ref, due->name, due->token);

		*ghost = ref->names[due->name].held[--ref->names[due->name].n_held];
		break;
	}
	case DUE_WAIT:
		ref_settle(ref, due->place, LOCK_OUTCOME_TIMEOUT, 0);
		break;
	case DUE_BEAT:
		if (ref->broken != BREAK_BEATS_CATCH_UP)
			ref->waits[due->place].beat = ref->now;
		ref->waits[due->place].beat += ref->waits[due->place].terms.beat_ms * MS;
		break;
	}
}
