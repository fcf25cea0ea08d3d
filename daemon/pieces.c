/* SPDX-License-Identifier: ISC */
/* What the answers of native verbs have in common: refusals, names, and who has what, as pairs for
 * programs and in words for people. */
#include "request.h"

#include <time.h>

const char *const mode_names[] = {
    [LOCK_EXCLUSIVE] = "exclusive",
    [LOCK_SHARED] = "shared",
    [LOCK_SLOTS] = "slots",
};

/* Refusals. */

void
refuse(struct request *request, enum refusal refusal)
{
	struct answer answer = answer_to(request);

	answer_refuse(&answer, refusal);
}

void
session_refuse(struct service *service, struct session *session, enum refusal refusal)
{
	struct answer answer = {.reply = &service->reply};

	if (session->native)
		answer_refuse(&answer, refusal);
	else
		protocol_refuse(&service->reply, refusal);
}

void
refuse_args(struct request *request, const struct args_error *error)
{
	struct answer answer = answer_to(request);

	answer_error(&answer, error->code);
	answer_prose(&answer);
	if (error->culprit.len > 0) {
		reply_prose(answer.reply, error->culprit.at, error->culprit.len);
		REPLY_LITERAL(answer.reply, ": ");
	}
	reply_text(answer.reply, error->what);
	answer_end(&answer);
}

void
refuse_arg(struct request *request, enum arg arg, const char *what)
{
	struct answer answer = answer_to(request);

	answer_error(&answer, REFUSE_BAD_ARGS);
	answer_word(&answer, "arg", arg_name(arg));
	answer_prose(&answer);
	reply_text(answer.reply, arg_name(arg));
	REPLY_LITERAL(answer.reply, " ");
	reply_text(answer.reply, what);
	answer_end(&answer);
}

bool
number_arg(struct request *request, enum arg arg, uint64_t min, uint64_t max, uint64_t normal,
    uint64_t *number)
{
	*number = normal;
	if (!args_has(&request->args, arg))
		return true;
	if (parse_number(request->args.value[arg], max, number) && *number >= min)
		return true;
	struct answer answer = answer_to(request);
	answer_error(&answer, REFUSE_BAD_ARGS);
	answer_word(&answer, "arg", arg_name(arg));
	answer_prose(&answer);
	reply_text(answer.reply, arg_name(arg));
	REPLY_LITERAL(answer.reply, " is a number from ");
	reply_number(answer.reply, min);
	REPLY_LITERAL(answer.reply, " to ");
	reply_number(answer.reply, max);
	answer_end(&answer);
	return false;
}

/* Names. */

static bool
is_twice(const struct lock_text *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (names[i].len == names[n].len &&
		    memcmp(names[i].at, names[n].at, names[n].len) == 0)
			return true;
	return false;
}

bool
table_names(struct request *request, struct lock_text *names)
{
	enum refusal why;

	if (request->args.n_names == 0) {
		refuse(request, REFUSE_EMPTY_LOCK);
		return false;
	}
	for (unsigned n = 0; n < request->args.n_names; n++) {
		struct text name = request->args.names[n];

		if (!table_name(request->service, request->session->realm, n, &name, &why)) {
			refuse(request, why);
			return false;
		}
		names[n] = (struct lock_text){name.at, name.len};
		if (is_twice(names, n)) {
			refuse_arg(request, ARG_LOCK, "is given twice with the same name");
			return false;
		}
	}
	return true;
}

/* Who. */

static const char *
shown(struct service *service, const struct lock_owner *owner, const struct who *who, size_t *len)
{
	if (owner != NULL)
		who = session_who(service, session_of(owner));
	if (who != NULL)
		return who_shown(who, len);
	*len = strlen("unknown");
	return "unknown";
}

void
answer_who(struct service *service, struct answer *answer, const char *key,
    const struct lock_owner *owner, const struct who *who)
{
	size_t len;
	const char *text = shown(service, owner, who, &len);

	answer_text(answer, key, text, len);
}

void
prose_who(struct service *service, const struct lock_owner *owner, const struct who *who)
{
	size_t len;
	const char *text = shown(service, owner, who, &len);

	reply_prose(&service->reply, text, len);
}

/* Times. */

int64_t
wall_of(const struct service *service, int64_t now_ns)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * NS_PER_S + wall.tv_nsec + now_ns - service->now_ns;
}

/* From the mean of the last holds, less what the oldest holder has had; and not before the atleast
 * time of that one is over. */
bool
expect_ns(struct service *service, const struct lock *lock, size_t position, int64_t *ns)
{
	size_t len, width = lock_n_holders(lock);
	const char *name = lock_name(lock, &len);
	struct grant_view first;
	int64_t mean;

	if (width == 0 ||
	    !history_mean_hold_ns(service->history, lock_place(lock), name, len, &mean))
		return false;
	grant_view(lock_first_holder(lock), &first);
	int64_t left = mean - (service->now_ns - first.since_ns);
	if (left < first.atleast_ns - service->now_ns)
		left = first.atleast_ns - service->now_ns;
	if (lock_mode(lock) != LOCK_SLOTS)
		width = 1;
	*ns = (left > 0 ? left : 0) + (int64_t)((position - 1) / width) * mean;
	return true;
}

/* The holder that a refusal speaks of: the first, which is the oldest. */

static void
answer_kept(const struct service *service, struct answer *answer, const struct grant_view *view)
{
	answer_number(answer, "atleast", 1);
	answer_seconds(answer, "left", view->atleast_ns - service->now_ns);
}

void
answer_holder(struct request *request, struct answer *answer, const struct lock *lock,
    const struct grant *grant)
{
	struct service *service = request->service;
	struct grant_view view;
	int64_t expect;

	if (grant != NULL) {
		grant_view(grant, &view);
		answer_who(service, answer, "holder", view.owner, view.who);
		answer_time(answer, "since", wall_of(service, view.since_ns));
		answer_seconds(answer, "age", service->now_ns - view.since_ns);
		if (view.mode != LOCK_EXCLUSIVE)
			answer_word(answer, "mode", mode_names[view.mode]);
		if (view.over)
			answer_kept(service, answer, &view);
		if (view.owner == &request->session->owner)
			answer_number(answer, "you", 1);
	}
	answer_number(answer, "queue", lock_n_waiters(lock));
	if (expect_ns(service, lock, lock_n_waiters(lock) + 1, &expect))
		answer_seconds(answer, "expect", expect);
}

static void
prose_kept(struct service *service, struct reply *reply, const struct grant_view *view)
{
	REPLY_LITERAL(reply, "it is kept for another ");
	reply_duration(reply, view->atleast_ns - service->now_ns);
	REPLY_LITERAL(reply, " after ");
	prose_who(service, view->owner, view->who);
	REPLY_LITERAL(reply, " had it");
}

void
prose_holder(struct service *service, struct reply *reply, const struct lock *lock)
{
	const struct grant *grant = lock_first_holder(lock);
	size_t holders = lock_n_holders(lock);
	struct grant_view view;

	if (grant == NULL) {
		reply_printf(
		    reply, "it is free, but %zu wait for it already", lock_n_waiters(lock));
		return;
	}
	grant_view(grant, &view);
	if (view.over) {
		prose_kept(service, reply, &view);
	} else {
		REPLY_LITERAL(reply, "held ");
		reply_duration(reply, service->now_ns - view.since_ns);
		REPLY_LITERAL(reply, " by ");
		prose_who(service, view.owner, view.who);
		if (view.note.len > 0) {
			REPLY_LITERAL(reply, ": ");
			reply_prose(reply, view.note.at, view.note.len);
		}
	}
	if (holders > 1)
		reply_printf(reply, " (and %zu more)", holders - 1);
	if (lock_n_waiters(lock) > 0)
		reply_printf(reply, ", %zu wait", lock_n_waiters(lock));
}
