/* SPDX-License-Identifier: ISC */
/* See ref.h: what there is, and whether it fits. */
#include "ref.h"

#include <string.h>

#define REF_BREAK_NAME(name) #name,
const char *const ref_break_names[BREAKS] = {REF_BREAKS(REF_BREAK_NAME)};

void
ref_init(struct ref *ref, unsigned names, unsigned owners, enum ref_break broken)
{
	memset(ref, 0, sizeof(*ref));
	ref->broken = broken;
	ref->names_n = names;
	ref->owners_n = owners;
	for (unsigned i = 0; i < LIMIT_QUOTA; i++)
		ref->limits[i] = SIZE_MAX;
	for (unsigned i = 0; i < MODEL_QUOTAS; i++)
		ref->max_detached[i] = SIZE_MAX;
}

bool
ref_wants(const struct op *terms, unsigned name)
{
	for (unsigned i = 0; i < terms->n_names; i++)
		if (terms->names[i] == name)
			return true;
	return false;
}

struct ref_grant *
ref_grant_of(struct ref *ref, unsigned name, int owner)
{
	struct ref_name *n = &ref->names[name];

	for (unsigned i = 0; i < n->n_held; i++)
		if (n->held[i].owner == owner && owner != NOBODY)
			return &n->held[i];
	return NULL;
}

struct ref_grant *
ref_grant_at(struct ref *ref, unsigned name, uint64_t token)
{
	struct ref_name *n = &ref->names[name];

	for (unsigned i = 0; i < n->n_held; i++)
		if (n->held[i].token == token)
			return &n->held[i];
	return NULL;
}

int
ref_wait_of(const struct ref *ref, int owner, unsigned tag)
{
	for (unsigned i = 0; i < ref->n_waits; i++)
		if (ref->waits[i].owner == owner && ref->waits[i].terms.tag == tag)
			return (int)i;
	return -1;
}

int
ref_wait_for(const struct ref *ref, int owner, unsigned name)
{
	for (unsigned i = 0; i < ref->n_waits; i++)
		if (ref->waits[i].owner == owner && ref_wants(&ref->waits[i].terms, name))
			return (int)i;
	return -1;
}

bool
ref_is_blocked(const struct ref *ref, int owner)
{
	return ref_wait_of(ref, owner, 0) != -1;
}

/* Counting. */

size_t
ref_held(const struct ref *ref, int owner)
{
	size_t n = 0;

	for (unsigned name = 0; name < ref->names_n; name++)
		for (unsigned i = 0; i < ref->names[name].n_held; i++)
			n += ref->names[name].held[i].owner == owner;
	return n;
}

size_t
ref_waiting(const struct ref *ref, int owner)
{
	size_t n = 0;

	for (unsigned i = 0; i < ref->n_waits; i++)
		if (ref->waits[i].owner == owner)
			n += ref->waits[i].terms.n_names;
	return n;
}

size_t
ref_queue_len(const struct ref *ref, unsigned name)
{
	size_t n = 0;

	for (unsigned i = 0; i < ref->n_waits; i++)
		n += ref_wants(&ref->waits[i].terms, name);
	return n;
}

bool
ref_exists(const struct ref *ref, unsigned name)
{
	return ref->names[name].n_held > 0 || ref_queue_len(ref, name) > 0;
}

bool
ref_is_news(const struct ref *ref, unsigned name)
{
	for (unsigned owner = 0; owner < ref->owners_n; owner++)
		for (unsigned i = 0; i < ref->owners[owner].n_news; i++)
			if (ref_wants(&ref->owners[owner].news[i].terms, name))
				return true;
	return false;
}

bool
ref_is_untold(const struct ref *ref, uint64_t token)
{
	for (unsigned owner = 0; owner < ref->owners_n; owner++)
		for (unsigned i = 0; i < ref->owners[owner].n_news; i++)
			if (ref->owners[owner].news[i].token == token)
				return true;
	return false;
}

size_t
ref_stakes(const struct ref *ref, int quota)
{
	size_t n = 0;

	for (unsigned name = 0; name < ref->names_n; name++)
		for (unsigned i = 0; i < ref->names[name].n_held; i++)
			n += quota == NOBODY || ref->names[name].held[i].quota == quota;
	if (ref->broken == BREAK_WAITS_ARE_NO_STAKES)
		return n;
	for (unsigned i = 0; i < ref->n_waits; i++)
		if (quota == NOBODY || ref->owners[ref->waits[i].owner].quota == quota)
			n += ref->waits[i].terms.n_names;
	return n;
}

size_t
ref_detached(const struct ref *ref, int quota)
{
	size_t n = 0;

	for (unsigned name = 0; name < ref->names_n; name++)
		for (unsigned i = 0; i < ref->names[name].n_held; i++) {
			const struct ref_grant *grant = &ref->names[name].held[i];

			n += grant->owner == NOBODY && grant->quota == quota;
		}
	return n;
}

/* What may be granted. */

bool
ref_fits(const struct ref *ref, const struct op *terms, unsigned name)
{
	const struct ref_name *n = &ref->names[name];

	if (n->n_held == 0)
		return true;
	if (n->held[0].mode != terms->mode)
		return ref->broken == BREAK_MODES_MIX && n->held[0].mode != LOCK_EXCLUSIVE &&
		       terms->mode != LOCK_EXCLUSIVE;
	switch (terms->mode) {
	case LOCK_EXCLUSIVE:
		return false;
	case LOCK_SHARED:
		return ref->broken != BREAK_SHARED_EXCLUDES_SHARED;
	}
	if (ref->broken == BREAK_SLOTS_OF_THE_FIRST_COUNT)
		return n->n_held < n->held[0].slots;
	return n->n_held < terms->slots;
}

static bool
is_first(const struct ref *ref, unsigned place, unsigned name)
{
	for (unsigned i = 0; i < place; i++)
		if (ref_wants(&ref->waits[i].terms, name))
			return false;
	return true;
}

bool
ref_may_grant(const struct ref *ref, unsigned place)
{
	const struct op *terms = &ref->waits[place].terms;

	for (unsigned i = 0; i < terms->n_names; i++) {
		if (!ref_fits(ref, terms, terms->names[i]))
			return false;
		if (i > 0 && ref->broken == BREAK_HEAD_OF_ONE_QUEUE_IS_ENOUGH)
			continue;
		if (!is_first(ref, place, terms->names[i]))
			return false;
	}
	return true;
}

int
ref_somebody_grantable(const struct ref *ref)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < ref->n_waits; i++) {
		const struct op *terms = &ref->waits[i].terms;
		unsigned wanted = 0;

		for (unsigned n = 0; n < terms->n_names; n++)
			wanted |= 1U << terms->names[n];
		bool may_be = (wanted & seen) == 0;
		if (ref->broken == BREAK_HEAD_OF_ONE_QUEUE_IS_ENOUGH)
			may_be = (seen & 1U << terms->names[0]) == 0;
		if (may_be && ref_may_grant(ref, i))
			return (int)i;
		seen |= wanted;
	}
	return -1;
}
