/* SPDX-License-Identifier: ISC */
/* See drive.h: the operations, but for acquire, news and what is due. */
#include "drive.h"

#include "report.h"

#include <string.h>

/* There is none more, whoever asks for one. */
static void
end_of_tokens(struct drive *drive)
{
	uint64_t last = drive->ref.last_token;

	locks_set_tokens(drive->locks, last, last);
	drive->no_tokens = true;
}

/* What is answered where there is no token, instead of what else might be. */
uint32_t
without_token(uint32_t results)
{
	if ((results & 1U << LOCK_OK) == 0)
		return results;
	return (results & ~(1U << LOCK_OK)) | 1U << LOCK_NO_TOKEN;
}

void
drive_try(struct drive *drive, const struct op *op)
{
	struct lock_text name = op_name(op->names[0]);
	struct op terms = {.n_names = 1, .names = {op->names[0]}, .mode = LOCK_EXCLUSIVE};
	uint32_t expected = ref_judge_try(&drive->ref, op->owner, op->names[0]);
	bool no_token = op->kind == OP_TOKENS && !drive->no_tokens;
	uint64_t last = drive->ref.last_token;

	if (no_token)
		end_of_tokens(drive);
	if (drive->no_tokens)
		expected = without_token(expected);
	enum lock_result result =
	    locks_try(drive->locks, &drive->owners[op->owner], name.at, name.len, drive->ref.now);
	if (no_token) {
		locks_set_tokens(drive->locks, last, UINT64_MAX);
		drive->no_tokens = false;
	}
	expect(expected >> result & 1, "try: %s instead of %s", result_text(result),
	    result_text((enum lock_result)__builtin_ctz(expected)));
	note(result == LOCK_OK	       ? HAPPENED_TRY_OK
	     : result == LOCK_TAKEN    ? HAPPENED_TRY_TAKEN
	     : result == LOCK_NO_TOKEN ? HAPPENED_TRY_NO_TOKEN
				       : HAPPENED_ACQUIRE_REFUSED);
	if (result != LOCK_OK)
		return;
	uint64_t token = locks_last_token(drive->locks);
	const struct event *event = drive_event(drive);
	expect(token > last, "a token that is not higher than the last");
	expect(event != NULL && event->kind == EVENT_GRANTED && event->token == token,
	    "the observer was not told of a grant");
	drive->at++;
	ref_grant(&drive->ref, op->owner, &terms, token, drive->ref.now);
}

void
drive_release(struct drive *drive, const struct op *op)
{
	struct lock_text name = op_name(op->names[0]);
	const struct ref_grant *grant = ref_grant_of(&drive->ref, op->names[0], op->owner);
	struct ending ending = {op->names[0], grant ? grant->token : 0, LOCK_END_RELEASE};
	enum lock_result expected = grant ? LOCK_OK : LOCK_NOT_HELD;
	enum lock_result result = locks_release(
	    drive->locks, &drive->owners[op->owner], name.at, name.len, drive->ref.now);

	expect(result == expected, "release: %s instead of %s", result_text(result),
	    result_text(expected));
	follow(drive, &ending, grant != NULL);
}

void
drive_cancel(struct drive *drive, const struct op *op)
{
	struct claim *leader = locks_find_wait(&drive->owners[op->owner], op_tag(op->tag));
	const struct claim *claim = leader;
	int place = ref_wait_of(&drive->ref, op->owner, op->tag);

	expect(
	    (leader != NULL) == (place != -1), "cancel: the wait is%s found", leader ? "" : " not");
	if (leader == NULL)
		return;
	for (unsigned i = 0; i < op->which && claim_next(leader, claim) != NULL; i++)
		claim = claim_next(leader, claim);
	note(HAPPENED_CANCELLED);
	locks_cancel(drive->locks, (struct claim *)claim, drive->ref.now);
	touch_wait(drive, (unsigned)place);
	ref_drop_wait(&drive->ref, (unsigned)place);
	follow(drive, NULL, 0);
}

/* The grant that OP_END and OP_RENEW are about; NULL where there is none in either. */
static struct grant *
find(struct drive *drive, const struct op *op, struct ref_grant **grant)
{
	enum lock_result result = LOCK_OK;
	uint32_t expected;
	uint64_t token = 0;

	*grant = ref_find(&drive->ref, op->owner, op->names[0], op->key, 0, &expected);
	if (op->which == TOKEN_FUTURE)
		token = drive->ref.last_token + 1;
	else if (op->which != TOKEN_NONE)
		token =
		    (*grant ? (*grant)->token : drive->ref.last_token) - (op->which == TOKEN_OLD);
	*grant = ref_find(&drive->ref, op->owner, op->names[0], op->key, token, &expected);
	struct lock_text name = op_name(op->names[0]);
	struct lock_ref ref = {&drive->owners[op->owner], &name, op_key(op->key), token};
	struct grant *found = locks_find_grant(drive->locks, &ref, &result);
	expect((found != NULL) == (*grant != NULL), "the grant is%s found", found ? "" : " not");
	if (result == LOCK_STALE)
		note(HAPPENED_STALE);
	if (found == NULL)
		expect(expected >> result & 1, "find: %s instead of %s", result_text(result),
		    result_text((enum lock_result)__builtin_ctz(expected)));
	return found;
}

void
drive_end(struct drive *drive, const struct op *op)
{
	struct ref_grant *grant;
	struct grant *found = find(drive, op, &grant);

	if (found == NULL)
		return;
	struct ending ending = {op->names[0], grant->token, LOCK_END_RELEASE};
	if (grant->owner != op->owner)
		note(HAPPENED_RELEASED_BY_KEY);
	touch_owner(drive, grant->owner);
	locks_end(drive->locks, found, LOCK_END_RELEASE, drive->ref.now);
	follow(drive, &ending, 1);
}

void
drive_renew(struct drive *drive, const struct op *op)
{
	struct ref_grant *grant;
	struct grant *found = find(drive, op, &grant);
	struct grant_view view;

	if (found == NULL)
		return;
	enum lock_result result = locks_renew(drive->locks, &found, op->lease_ms, drive->ref.now);
	if (grant->owner == NOBODY)
		note(HAPPENED_RENEWED_DETACHED);
	if (grant->lease_ms == 0)
		note(HAPPENED_RENEWED_PLAIN);
	enum lock_result expected = ref_renew(&drive->ref, grant, op->lease_ms);
	note(expected == LOCK_OK	 ? HAPPENED_RENEWED
	     : expected == LOCK_NO_LEASE ? HAPPENED_NO_LEASE
					 : HAPPENED_RENEWED_DETACHED_FULL);
	expect(result == expected, "renew: %s instead of %s", result_text(result),
	    result_text(expected));
	grant_view(found, &view);
	expect(view.token == grant->token, "renew: the grant has moved and is another now");
	touch_owner(drive, grant->owner);
}

void
drive_revoke(struct drive *drive, const struct op *op)
{
	struct lock_text name = op_name(op->names[0]);
	const struct lock *lock = locks_find(drive->locks, name.at, name.len);
	struct ref_name *n = &drive->ref.names[op->names[0]];
	struct grant_view view;

	if (n->n_held == 0)
		return;
	struct ref_grant *victim = &n->held[op->which % n->n_held];
	struct ending ending = {op->names[0], victim->token, LOCK_END_REVOKE};
	const struct grant *grant = lock_first_holder(lock);
	for (; grant != NULL; grant = lock_next_holder(grant)) {
		grant_view(grant, &view);
		if (view.token == victim->token)
			break;
	}
	expect(grant != NULL, "revoke: the holder is not listed");
	bool told = !victim->over;
	note(told ? HAPPENED_REVOKED : HAPPENED_GHOST_REVOKED);
	touch_owner(drive, victim->owner);
	if (!told)
		ref_end(&drive->ref, op->names[0], victim, LOCK_END_REVOKE);
	locks_end(drive->locks, (struct grant *)grant, LOCK_END_REVOKE, drive->ref.now);
	follow(drive, &ending, told);
}

static void
make_detached(struct ref_grant *grant)
{
	note(HAPPENED_DETACHED);
	grant->owner = NOBODY;
}

/* A grant that he was not told of is nobody's when he goes, but for one that a key finds. */
static void
disown_untold(struct ref *ref, int owner)
{
	const struct ref_owner *o = &ref->owners[owner];

	for (unsigned i = 0; i < o->n_news && ref->broken != BREAK_UNTOLD_LEASES_STAY; i++) {
		const struct ref_news *news = &o->news[i];

		for (unsigned n = 0; n < news->terms.n_names && news->terms.key == 0; n++) {
			struct ref_grant *grant =
			    news->outcome != LOCK_OUTCOME_GRANTED
				? NULL
				: ref_grant_at(ref, news->terms.names[n], news->token);

			if (grant != NULL && grant->owner == owner)
				grant->lease_ms = grant->atleast = 0;
		}
	}
}

/* What becomes of OWNER's grants when he goes: those that end are written to ENDINGS. */
static unsigned
detach(struct ref *ref, int owner, struct ending endings[MODEL_NAMES])
{
	unsigned n = 0;

	for (unsigned name = 0; name < ref->names_n; name++) {
		struct ref_grant *grant = ref_grant_of(ref, name, owner);

		if (grant == NULL)
			continue;
		if (grant->lease_ms == 0 || ref->broken == BREAK_LEASES_END_WITH_OWNER)
			endings[n++] = (struct ending){name, grant->token, LOCK_END_CLOSE};
		else
			make_detached(grant);
	}
	return n;
}

void
drive_gone(struct drive *drive, const struct op *op)
{
	struct ref *ref = &drive->ref;
	struct ending endings[MODEL_NAMES];

	for (unsigned i = 0; i < ref->names_n; i++)
		if (ref_grant_of(ref, i, op->owner) != NULL)
			touch_name(drive, i);
	locks_owner_gone(drive->locks, &drive->owners[op->owner], ref->now);
	for (unsigned i = ref->n_waits; i > 0 && ref->broken != BREAK_GONE_KEEP_WAITING; i--)
		if (ref->waits[i - 1].owner == op->owner) {
			note(HAPPENED_GONE_WAITING);
			touch_wait(drive, i - 1);
			ref_drop_wait(ref, i - 1);
		}
	disown_untold(ref, op->owner);
	ref->owners[op->owner].n_news = 0;
	follow(drive, endings, detach(ref, op->owner, endings));
	ref->owners[op->owner].quota = op->which % MODEL_QUOTAS;
	memset(&drive->owners[op->owner], 0xa5, sizeof(drive->owners[0]));
	lock_owner_init(&drive->owners[op->owner], &drive->quotas[op->which % MODEL_QUOTAS]);
}

void
drive_limits(struct drive *drive, const struct op *op)
{
	unsigned quota = op->which % MODEL_QUOTAS;

	for (unsigned i = 0; i < LIMIT_QUOTA; i++)
		drive->ref.limits[i] = op->limits[i] != 0 ? op->limits[i] : SIZE_MAX;
	drive->ref.quota_max[quota] = op->limits[LIMIT_QUOTA];
	drive->ref.max_detached[quota] =
	    op->limits[LIMIT_DETACHED] != 0 ? op->limits[LIMIT_DETACHED] : SIZE_MAX;
	drive_set_limits(drive);
}

void
drive_tokens(struct drive *drive, const struct op *op)
{
	if (op->n_names > 0) {
		drive_try(drive, op);
		return;
	}
	if (op->which == TOKENS_END) {
		end_of_tokens(drive);
		return;
	}
	drive->no_tokens = false;
	drive->ref.last_token += op->max;
	locks_set_tokens(
	    drive->locks, drive->ref.last_token, drive->ref.last_token + 1 + op->max % 3);
	/* Who could not be granted without one is granted when something is next looked for. */
	if (ref_somebody_grantable(&drive->ref) != -1) {
		note(HAPPENED_GRANTED_WITH_NEW_TOKENS);
		expect(locks_next_due(drive->locks) <= drive->ref.now, "new tokens are not used");
	}
	locks_due(drive->locks, 0, drive->ref.now, 1);
	follow(drive, NULL, 0);
}

void
drive_time(struct drive *drive, const struct op *op)
{
	int64_t due = locks_next_due(drive->locks);

	if (op->which == UNTIL_LATER)
		drive->ref.now += op->ms * MS;
	else if (due != LOCK_FOREVER && due > drive->ref.now)
		drive->ref.now = due - (op->which == UNTIL_JUST_BEFORE);
}
