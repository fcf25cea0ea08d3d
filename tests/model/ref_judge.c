/* SPDX-License-Identifier: ISC */
/* See ref.h: what an acquire is to be answered, and deadlocks. */
#include "ref.h"

static uint32_t
bit(enum lock_result result)
{
	return UINT32_C(1) << result;
}

/* Keys. */

static struct ref_grant *
grant_with_key(struct ref *ref, unsigned name, unsigned key)
{
	struct ref_name *n = &ref->names[name];

	for (unsigned i = 0; i < n->n_held; i++)
		if (n->held[i].key == key)
			return &n->held[i];
	return NULL;
}

static int
wait_with_key(const struct ref *ref, unsigned name, unsigned key)
{
	for (unsigned i = 0; i < ref->n_waits; i++)
		if (ref->waits[i].terms.key == key && ref_wants(&ref->waits[i].terms, name))
			return (int)i;
	return -1;
}

static bool
same_kind(const struct ref *ref, enum lock_mode mode, unsigned slots, const struct op *terms)
{
	if (ref->broken == BREAK_KEYS_OF_ANY_MODE)
		return true;
	return mode == terms->mode && (mode != LOCK_SLOTS || slots == terms->slots);
}

/* All the names are held, by one grant. */
static bool
matches_grant(struct ref *ref, const struct op *terms)
{
	const struct ref_grant *first = grant_with_key(ref, terms->names[0], terms->key);

	for (unsigned i = 0; i < terms->n_names; i++) {
		const struct ref_grant *grant = grant_with_key(ref, terms->names[i], terms->key);

		if (grant == NULL || grant->token != first->token ||
		    !same_kind(ref, grant->mode, grant->slots, terms))
			return false;
	}
	return true;
}

static bool
matches_wait(const struct ref *ref, const struct op *terms, unsigned place)
{
	const struct op *wait = &ref->waits[place].terms;

	for (unsigned i = 0; i < terms->n_names; i++)
		if (!ref_wants(wait, terms->names[i]))
			return false;
	return (wait->n_names == terms->n_names || ref->broken == BREAK_PART_OF_A_WAIT_MATCHES) &&
	       same_kind(ref, (enum lock_mode)wait->mode, wait->slots, terms);
}

enum ref_match
ref_match(struct ref *ref, const struct op *terms, unsigned *place)
{
	bool found = false;
	int wait = wait_with_key(ref, terms->names[0], terms->key);

	if (terms->key == 0 || ref->broken == BREAK_KEYS_MEAN_NOTHING)
		return MATCH_NONE;
	for (unsigned i = 0; i < terms->n_names; i++)
		if (grant_with_key(ref, terms->names[i], terms->key) != NULL ||
		    wait_with_key(ref, terms->names[i], terms->key) != -1)
			found = true;
	if (!found)
		return MATCH_NONE;
	if (matches_grant(ref, terms))
		return MATCH_GRANT;
	if (wait == -1 || !matches_wait(ref, terms, (unsigned)wait))
		return MATCH_OTHER;
	*place = (unsigned)wait;
	return MATCH_WAIT;
}

/* Deadlocks. */

bool
ref_edge(const struct ref *ref, unsigned place, unsigned name, int owner)
{
	const struct ref_name *n = &ref->names[name];
	enum lock_mode mine = (enum lock_mode)ref->waits[place].terms.mode;
	bool both_shared = n->n_held > 0 && n->held[0].mode == LOCK_SHARED && mine == LOCK_SHARED &&
			   ref->broken != BREAK_SHARED_DEADLOCKS;

	if (n->n_held > 0 && n->held[0].mode != LOCK_SLOTS && !both_shared)
		for (unsigned i = 0; i < n->n_held; i++)
			if (n->held[i].owner == owner)
				return true;
	if (ref->broken == BREAK_QUEUES_DO_NOT_DEADLOCK)
		return false;
	int blocking = ref_blocking_wait(ref, owner);
	for (unsigned i = 0; i < place && blocking != -1; i++) {
		const struct ref_wait *before = &ref->waits[i];
		bool in_the_way = (int)i == blocking;

		/* It cannot be withdrawn either, and so is like a grant. */
		if (before->terms.tag != 0 && ref->broken != BREAK_BLOCKED_TAGS)
			in_the_way |= mine != LOCK_SHARED || before->terms.mode != LOCK_SHARED;
		if (before->owner == owner && before->terms.mode != LOCK_SLOTS && in_the_way &&
		    ref_wants(&before->terms, name))
			return true;
	}
	return false;
}

int
ref_blocking_wait(const struct ref *ref, int owner)
{
	for (unsigned i = 0; i < ref->n_waits; i++) {
		const struct ref_wait *wait = &ref->waits[i];

		if (wait->owner == owner &&
		    (wait->terms.mode != LOCK_SLOTS || ref->broken == BREAK_SLOTS_DEADLOCK) &&
		    (wait->terms.tag == 0 || ref->broken == BREAK_TAGS_DEADLOCK))
			return (int)i;
	}
	return -1;
}

/* Marks whom the wait leads to, and whom they lead to. */
static void
mark(const struct ref *ref, unsigned place, bool marked[MODEL_OWNERS])
{
	const struct op *terms = &ref->waits[place].terms;

	for (int owner = 0; owner < (int)ref->owners_n; owner++) {
		bool leads = false;

		for (unsigned i = 0; i < terms->n_names && !marked[owner]; i++)
			leads = leads || ref_edge(ref, place, terms->names[i], owner);
		if (!leads)
			continue;
		marked[owner] = true;
		int blocked = ref_blocking_wait(ref, owner);
		if (blocked != -1)
			mark(ref, (unsigned)blocked, marked);
	}
}

bool
ref_cycle(const struct ref *ref, unsigned place)
{
	bool marked[MODEL_OWNERS] = {false};
	const struct ref_wait *wait = &ref->waits[place];

	if (wait->terms.mode == LOCK_SLOTS && ref->broken != BREAK_SLOTS_DEADLOCK)
		return false;
	if (ref->broken == BREAK_NO_DEADLOCKS)
		return false;
	if (wait->terms.tag != 0 && ref->broken != BREAK_TAGS_DEADLOCK)
		return false;
	mark(ref, place, marked);
	return marked[wait->owner];
}

/* What comes before all else: the one who asks has a stake in one of the names already. */
static uint32_t
judge_own(struct ref *ref, int owner, const struct op *terms, enum ref_match match, unsigned place)
{
	uint32_t results = match == MATCH_OTHER ? bit(LOCK_KEY_IN_USE) : 0;

	for (unsigned i = 0; i < terms->n_names; i++) {
		const struct ref_grant *own = ref_grant_of(ref, terms->names[i], owner);
		int wait = ref_wait_for(ref, owner, terms->names[i]);

		if (own != NULL && (match != MATCH_GRANT || own->key != terms->key))
			results |= bit(LOCK_HELD);
		if (wait != -1 && (match != MATCH_WAIT || wait != (int)place))
			results |= bit(LOCK_ALREADY_WAITING);
	}
	return results;
}

static uint32_t
judge_stakes(struct ref *ref, int owner, const struct op *terms)
{
	int quota = ref->owners[owner].quota;
	size_t own = ref_held(ref, owner), n = terms->n_names;

	if (ref->broken != BREAK_WAITS_ARE_NO_STAKES)
		own += ref_waiting(ref, owner);
	if (own + n > ref->limits[LIMIT_OWNER])
		return bit(LOCK_OWNER_FULL);
	if (ref->quota_max[quota] != 0 && ref_stakes(ref, quota) + n > ref->quota_max[quota])
		return bit(LOCK_QUOTA_FULL);
	if (ref_stakes(ref, NOBODY) + n > ref->limits[LIMIT_TABLE])
		return bit(LOCK_TABLE_FULL);
	if ((terms->lease_ms != 0 || terms->atleast_ms != 0) &&
	    ref_detached(ref, quota) >= ref->max_detached[quota] &&
	    ref->broken != BREAK_DETACHED_UNLIMITED)
		return bit(LOCK_DETACHED_FULL);
	return 0;
}

static uint32_t
judge_places(struct ref *ref, int owner, const struct op *terms)
{
	if (ref_waiting(ref, owner) + terms->n_names > ref->limits[LIMIT_OWNER_WAITS])
		return bit(LOCK_WAITS_FULL);
	for (unsigned i = 0; i < terms->n_names; i++)
		if (ref_queue_len(ref, terms->names[i]) + 1 > ref->limits[LIMIT_WAITERS])
			return bit(LOCK_QUEUE_FULL);
	return 0;
}

/* The place of another's wait, as if this had stood there from the beginning. */
static uint32_t
judge_take_over(struct ref *ref, int owner, const struct op *terms, unsigned place)
{
	struct ref_wait old = ref->waits[place];
	uint32_t results;

	if (terms->ms == 0 && ref->broken != BREAK_TRIED_PLACES_ARE_TAKEN_OVER)
		return bit(LOCK_TAKEN);
	ref->waits[place] = (struct ref_wait){.terms = *terms, .owner = owner};
	results = ref_cycle(ref, place) ? bit(LOCK_DEADLOCK) : bit(LOCK_WAITING);
	ref->waits[place] = old;
	return results;
}

static bool
at_once(const struct ref *ref, const struct op *terms)
{
	for (unsigned i = 0; i < terms->n_names; i++) {
		if (!ref_fits(ref, terms, terms->names[i]))
			return false;
		if (ref->broken == BREAK_TRIES_OVERTAKE && terms->ms == 0)
			continue;
		if (ref_queue_len(ref, terms->names[i]) != 0)
			return false;
	}
	return true;
}

/* Asked for by its key again, and it may have a lease only now. */
static uint32_t
judge_again(struct ref *ref, const struct op *terms)
{
	for (unsigned i = 0; i < terms->n_names && terms->lease_ms != 0; i++) {
		const struct ref_grant *grant = grant_with_key(ref, terms->names[i], terms->key);

		if (grant->lease_ms == 0 &&
		    ref_detached(ref, grant->quota) >= ref->max_detached[grant->quota] &&
		    ref->broken != BREAK_DETACHED_UNLIMITED)
			return bit(LOCK_DETACHED_FULL);
	}
	return bit(LOCK_OK);
}

uint32_t
ref_judge(struct ref *ref, int owner, const struct op *terms)
{
	unsigned place = 0;
	enum ref_match match = ref_match(ref, terms, &place);
	uint32_t results = judge_own(ref, owner, terms, match, place);
	bool granted = at_once(ref, terms);

	if (results != 0)
		return results;
	if (match == MATCH_GRANT)
		return judge_again(ref, terms);
	if (match == MATCH_WAIT)
		return judge_take_over(ref, owner, terms, place);
	results = judge_stakes(ref, owner, terms);
	if (!granted && terms->ms == 0 &&
	    (results == 0 || ref->broken != BREAK_LIMITS_BEFORE_TAKEN))
		return bit(LOCK_TAKEN);
	if (results == 0 && granted)
		return bit(LOCK_OK);
	if (results == 0)
		results = judge_places(ref, owner, terms);
	if (results != 0)
		return results;
	ref->waits[ref->n_waits++] = (struct ref_wait){.terms = *terms, .owner = owner};
	results = ref_cycle(ref, ref->n_waits - 1) ? bit(LOCK_DEADLOCK) : bit(LOCK_WAITING);
	ref->n_waits--;
	return results;
}

uint32_t
ref_judge_try(struct ref *ref, int owner, unsigned name)
{
	struct op terms = {.n_names = 1, .names = {(uint8_t)name}, .mode = LOCK_EXCLUSIVE};

	if (!at_once(ref, &terms))
		return bit(LOCK_TAKEN);
	uint32_t results = judge_stakes(ref, owner, &terms);
	return results != 0 ? results : bit(LOCK_OK);
}

struct ref_grant *
ref_find(struct ref *ref, int owner, unsigned name, unsigned key, uint64_t token, uint32_t *why)
{
	struct ref_grant *grant =
	    key != 0 ? grant_with_key(ref, name, key) : ref_grant_of(ref, name, owner);
	const struct ref_grant *others = ref_grant_at(ref, name, token);

	*why = 0;
	if (grant != NULL && (token == 0 || token == grant->token))
		return grant;
	if (token == 0 || others != NULL)
		*why |= bit(LOCK_NOT_HELD);
	if (token != 0 && (others == NULL || others->over || grant != NULL))
		*why |= bit(LOCK_STALE);
	return NULL;
}
