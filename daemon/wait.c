/* SPDX-License-Identifier: ISC */
/* What becomes of an acquire that waits: its end is told, or it is withdrawn. */
#include "request.h"

static struct answer
answer_to_wait(struct service *service, const struct claim *claim)
{
	struct claim_view view;

	claim_view(claim, &view);
	return (struct answer){.reply = &service->reply, .id = {(char *)view.tag.at, view.tag.len}};
}

static void
tell_outcome(struct service *service, struct session *session, const struct claim *claim)
{
	struct answer answer = answer_to_wait(service, claim);
	struct claim_view view;

	switch (claim_outcome(claim)) {
	case LOCK_OUTCOME_GRANTED:
		answer_grant(service, session, &answer, claim);
		break;
	case LOCK_OUTCOME_TIMEOUT:
		claim_view(claim, &view);
		answer_error(&answer, REFUSE_TIMEOUT);
		answer_seconds(&answer, "waited", service->now_ns - view.since_ns);
		answer_prose(&answer);
		prose_holder(service, answer.reply, view.lock);
		answer_end(&answer);
		break;
	case LOCK_OUTCOME_TAKEN_OVER:
		answer_error(&answer, REFUSE_CANCELLED);
		answer_prose(&answer);
		REPLY_LITERAL(
		    answer.reply, "its key was used again, and that request has its place now");
		answer_end(&answer);
		break;
	}
}

bool
session_tell_news(struct service *service, struct session *session)
{
	struct claim *claim;

	while ((claim = lock_owner_news(&session->owner)) != NULL) {
		if (reply_is_full(&service->reply))
			return false;
		stats_count_trylock(
		    &service->stats, service->now_ns, claim_outcome(claim) == LOCK_OUTCOME_GRANTED);
		tell_outcome(service, session, claim);
		locks_done(service->locks, &session->owner, claim);
	}
	return true;
}

void
session_drop_waits(struct service *service, struct session *session)
{
	struct grant *grant;
	struct claim *claim;

	while ((grant = LIST_FIRST(&session->owner.waits)) != NULL)
		locks_cancel(service->locks, (struct claim *)grant_claim(grant), service->now_ns);
	while ((claim = lock_owner_news(&session->owner)) != NULL)
		locks_done(service->locks, &session->owner, claim);
}

static void
end_wait(struct service *service, struct claim *claim, enum refusal why)
{
	struct answer answer = answer_to_wait(service, claim);

	answer_refuse(&answer, why);
	stats_count_trylock(&service->stats, service->now_ns, false);
	locks_cancel(service->locks, claim, service->now_ns);
}

bool
session_tell_shutdown(struct service *service, struct session *session)
{
	struct grant *grant;

	if (!session_tell_news(service, session))
		return false;
	while ((grant = LIST_FIRST(&session->owner.waits)) != NULL) {
		if (reply_is_full(&service->reply))
			return false;
		end_wait(service, (struct claim *)grant_claim(grant), REFUSE_SHUTDOWN);
	}
	return true;
}

void
cmd_cancel(struct request *request)
{
	struct lock_text tag = {request->id.at, request->id.len};
	struct claim *claim = locks_find_wait(&request->session->owner, tag);
	struct answer answer = answer_to(request);

	if (claim == NULL) {
		refuse(request, REFUSE_UNKNOWN_ID);
		return;
	}
	end_wait(request->service, claim, REFUSE_CANCELLED);
	answer_ok(&answer);
	answer_end(&answer);
}
