/* SPDX-License-Identifier: ISC */
/* See drive.h: acquire and its answers, and the news of those who waited. */
#include "drive.h"

#include "report.h"

#include <stdlib.h>
#include <string.h>

/* A request's bytes are lent for the call: these are gone after it. */
struct lent {
	struct lock_text names[OP_NAMES];
	char *bytes;
	size_t len;
};

static struct lock_text
lend(struct lent *lent, struct lock_text text)
{
	char *at = lent->bytes + lent->len;

	if (text.len == 0)
		return (struct lock_text){NULL, 0};
	memcpy(at, text.at, text.len);
	lent->len += text.len;
	return (struct lock_text){at, text.len};
}

static enum lock_result
ask(struct drive *drive, const struct op *op, struct lock_answer *answer)
{
	struct lent lent = {.bytes = malloc(1000)};

	for (unsigned i = 0; i < op->n_names; i++)
		lent.names[i] = lend(&lent, op_name(op->names[i]));
	struct lock_request request = {.names = lent.names,
	    .n_names = op->n_names,
	    .mode = (enum lock_mode)op->mode,
	    .slots = op->slots,
	    .wait_ns = op->ms == 0 ? 0 : op->ms * MS + MS / 2,
	    .lease_ms = op->lease_ms,
	    .atleast_ms = op->atleast_ms,
	    .beat_ms = op->beat_ms,
	    .key = lend(&lent, op_key(op->key)),
	    .note = lend(&lent, op_note(op->note)),
	    .tag = lend(&lent, op_tag(op->tag))};
	if (op->ms == FOREVER)
		request.wait_ns = LOCK_FOREVER;
	memset(answer, 0xa5, sizeof(*answer));
	enum lock_result result = locks_acquire(
	    drive->locks, &drive->owners[op->owner], &request, drive->ref.now, answer);
	free(lent.bytes);
	return result;
}

/* The claims are those of the names, in their order. */
static void
check_claims(const struct drive *drive, const struct op *op, const struct claim *first)
{
	const struct claim *claim = first;

	for (unsigned i = 0; i < op->n_names; i++, claim = claim_next(first, claim)) {
		struct claim_view view;

		expect(claim != NULL, "an acquire has fewer claims than names");
		claim_view(claim, &view);
		expect(lock_index(view.lock) == op->names[i], "claims in another order than names");
		expect(owner_index(drive, view.owner) == op->owner, "a claim of another owner");
		expect(claim_leader(claim) == first, "the first claim is not the leader");
	}
	expect(claim == NULL, "an acquire has more claims than names");
}

static void
check_granted(struct drive *drive, const struct op *op, const struct lock_answer *answer)
{
	struct grant_view view;

	for (unsigned i = 0; i < op->n_names; i++, drive->at++) {
		const struct event *event = drive_event(drive);

		expect(event != NULL && event->kind == EVENT_GRANTED && event->owner == op->owner &&
			   event->token == answer->token && ref_wants(op, event->name),
		    "the observer was not told of a grant");
	}
	expect(!answer->repeated, "a new grant is told to be an old one");
	expect(answer->token > drive->ref.last_token, "a token that is not higher than the last");
	if (answer->claim == NULL)
		return;
	check_claims(drive, op, answer->claim);
	grant_view(claim_grant(answer->claim), &view);
	expect(view.token == answer->token, "the claim has another token");
}

static void
check_queued(struct drive *drive, const struct op *op, const struct lock_answer *answer)
{
	unsigned told = 0, wanted = 0;

	for (unsigned i = 0; i < op->n_names; i++, drive->at++) {
		const struct event *event = drive_event(drive);

		expect(event != NULL && event->kind == EVENT_QUEUED && event->owner == op->owner &&
			   event->tag == op->tag,
		    "the observer was not told of one queueing");
		told |= 1U << event->name;
		wanted |= 1U << op->names[i];
	}
	expect(told == wanted, "the observer was told of other names");
	expect(answer->claim != NULL &&
		   answer->claim == locks_find_wait(&drive->owners[op->owner], op_tag(op->tag)),
	    "the wait is not found by its tag");
	check_claims(drive, op, answer->claim);
}

/* Each link is one that the reference knows, from the wait at PLACE back to its owner. */
static void
check_cycle(const struct drive *drive, unsigned place, const struct lock_answer *answer)
{
	const struct ref *ref = &drive->ref;
	int asking = ref->waits[place].owner, at = (int)place, owner = NOBODY;

	expect(answer->n_cycle > 0 && answer->n_cycle <= LOCK_CYCLE_MAX, "a cycle of %u links",
	    answer->n_cycle);
	for (unsigned i = 0; i < answer->n_cycle; i++) {
		unsigned name = lock_index(answer->cycle[i].lock);

		owner = owner_index(drive, answer->cycle[i].holder);
		expect(at != -1 && ref_wants(&ref->waits[at].terms, name),
		    "link %u of the cycle is not waited for", i);
		expect(owner != NOBODY && ref_edge(ref, (unsigned)at, name, owner),
		    "link %u of the cycle leads nowhere", i);
		at = ref_blocking_wait(ref, owner);
	}
	expect(owner == asking || answer->n_cycle == LOCK_CYCLE_MAX, "the cycle is not closed");
}

static void
follow_deadlock(struct drive *drive, const struct op *op, int place, struct lock_answer *answer)
{
	struct ref *ref = &drive->ref;

	note(place != -1	   ? HAPPENED_DEADLOCK_OF_A_PLACE
	     : answer->n_cycle > 2 ? HAPPENED_DEADLOCK_OF_THREE
				   : HAPPENED_DEADLOCK);
	if (place != -1) {
		touch_wait(drive, (unsigned)place);
		ref_take_over(ref, (unsigned)place, op->owner, op);
	} else {
		place = (int)ref->n_waits;
		ref->waits[ref->n_waits++] = (struct ref_wait){.terms = *op, .owner = op->owner};
	}
	check_cycle(drive, (unsigned)place, answer);
	ref_drop_wait(ref, (unsigned)place);
	follow(drive, NULL, 0);
}

/* The name that is said to be in the way is one that is. */
static void
check_refusal(struct drive *drive, const struct op *op, enum lock_result result,
    const struct lock_answer *answer)
{
	static const enum happened refusals[LOCK_RESULTS] = {
	    [LOCK_TAKEN] = HAPPENED_ACQUIRE_REFUSED,
	    [LOCK_HELD] = HAPPENED_HELD,
	    [LOCK_ALREADY_WAITING] = HAPPENED_ALREADY_WAITING,
	    [LOCK_KEY_IN_USE] = HAPPENED_KEY_IN_USE,
	    [LOCK_TABLE_FULL] = HAPPENED_TABLE_FULL,
	    [LOCK_QUOTA_FULL] = HAPPENED_QUOTA_FULL,
	    [LOCK_OWNER_FULL] = HAPPENED_OWNER_FULL,
	    [LOCK_QUEUE_FULL] = HAPPENED_QUEUE_FULL,
	    [LOCK_WAITS_FULL] = HAPPENED_WAITS_FULL,
	    [LOCK_DETACHED_FULL] = HAPPENED_DETACHED_FULL,
	    [LOCK_NO_TOKEN] = HAPPENED_NO_TOKEN};

	note(refusals[result]);
	if (answer->lock == NULL) {
		expect(result != LOCK_TAKEN && result != LOCK_HELD, "%s without a name",
		    result_text(result));
		return;
	}
	unsigned name = lock_index(answer->lock);
	expect(ref_wants(op, name), "a name is in the way that was not asked for");
	if (result == LOCK_HELD)
		expect(ref_grant_of(&drive->ref, name, op->owner) != NULL, "held, but it is not");
	if (result == LOCK_ALREADY_WAITING)
		expect(ref_wait_for(&drive->ref, op->owner, name) != -1, "waiting, but it is not");
	if (result == LOCK_TAKEN)
		expect(drive->ref.names[name].n_held > 0 || ref_queue_len(&drive->ref, name) > 0,
		    "taken, but it is free");
}

static void
follow_repeat(struct drive *drive, const struct op *op, const struct lock_answer *answer)
{
	const struct ref_name *n = &drive->ref.names[op->names[0]];

	expect(answer->repeated, "an old grant is told to be a new one");
	for (unsigned i = 0; i < n->n_held; i++)
		if (n->held[i].key == op->key) {
			touch_owner(drive, n->held[i].owner);
			note(n->held[i].owner == op->owner ? HAPPENED_ACQUIRE_AGAIN
							   : HAPPENED_ACQUIRE_MOVED);
			expect(answer->token == n->held[i].token, "repeated with another token");
		}
	ref_repeat(&drive->ref, op->owner, op);
}

void
drive_acquire(struct drive *drive, const struct op *op)
{
	struct ref *ref = &drive->ref;
	uint32_t expected = ref_judge(ref, op->owner, op);
	unsigned place = 0;
	enum ref_match match = ref_match(ref, op, &place);
	struct lock_answer answer;

	if (drive->no_tokens && match != MATCH_GRANT)
		expected = without_token(expected);
	enum lock_result result = ask(drive, op, &answer);

	expect(expected >> result & 1, "acquire: %s instead of %s", result_text(result),
	    result_text((enum lock_result)__builtin_ctz(expected)));
	if (result == LOCK_OK && match == MATCH_GRANT) {
		follow_repeat(drive, op, &answer);
	} else if (result == LOCK_OK) {
		note(HAPPENED_ACQUIRE_OK);
		check_granted(drive, op, &answer);
		ref_grant(ref, op->owner, op, answer.token, ref->now);
	} else if (result == LOCK_WAITING && match == MATCH_WAIT) {
		check_queued(drive, op, &answer);
		note(HAPPENED_PLACE_TAKEN_OVER);
		touch_wait(drive, place);
		ref_take_over(ref, place, op->owner, op);
	} else if (result == LOCK_WAITING) {
		note(op->n_names > 1 ? HAPPENED_WAITING_SEVERAL : HAPPENED_WAITING);
		check_queued(drive, op, &answer);
		ref_queue(ref, op->owner, op);
	} else if (result == LOCK_DEADLOCK) {
		follow_deadlock(drive, op, match == MATCH_WAIT ? (int)place : -1, &answer);
	} else {
		check_refusal(drive, op, result, &answer);
	}
}

/* News. */

/* As far as what was granted is still held. */
static void
check_news_grant(
    struct drive *drive, int owner, const struct ref_news *news, const struct claim *first)
{
	const struct claim *claim = first;
	struct grant_view view;

	for (unsigned i = 0; i < news->terms.n_names; i++) {
		const struct ref_grant *grant =
		    ref_grant_at(&drive->ref, news->terms.names[i], news->token);

		if (grant == NULL || grant->owner != owner) {
			note(HAPPENED_NEWS_OF_WHAT_HAS_ENDED);
			return;
		}
	}
	for (; claim != NULL; claim = claim_next(first, claim)) {
		grant_view(claim_grant(claim), &view);
		expect(view.token == news->token, "news of another token");
		expect(ref_wants(&news->terms, lock_index(view.lock)), "news of another name");
	}
}

static void
check_news(struct drive *drive, int owner, const struct claim *claim)
{
	const struct ref_news *news = &drive->ref.owners[owner].news[0];
	enum lock_outcome outcome = claim_outcome(claim);
	struct claim_view view;

	expect(
	    outcome == news->outcome || (news->or_taken_over && outcome == LOCK_OUTCOME_TAKEN_OVER),
	    "news of owner %d: %s instead of %s", owner, outcome_text(outcome),
	    outcome_text(news->outcome));
	claim_view(claim, &view);
	expect(op_same_text(view.tag, op_tag(news->terms.tag)), "news of owner %d of another wait",
	    owner);
	if (outcome == LOCK_OUTCOME_GRANTED)
		check_news_grant(drive, owner, news, claim);
}

void
drive_news(struct drive *drive, const struct op *op)
{
	for (unsigned i = 0; i < op->max; i++) {
		struct lock_owner *owner = &drive->owners[op->owner];

		if (op->which == 0)
			owner = locks_news(drive->locks);
		if (owner == NULL || lock_owner_news(owner) == NULL)
			return; /* whether rightly so is compared below */
		int index = owner_index(drive, owner);
		struct claim *claim = lock_owner_news(owner);
		expect(
		    drive->ref.owners[index].n_news > 0, "news of owner %d, who has none", index);
		note(HAPPENED_NEWS);
		if (claim_outcome(claim) == LOCK_OUTCOME_TAKEN_OVER)
			note(HAPPENED_NEWS_OF_ANOTHERS);
		check_news(drive, index, claim);
		touch_owner(drive, index);
		locks_done(drive->locks, owner, claim);
		ref_forget_news(&drive->ref, index);
	}
}
