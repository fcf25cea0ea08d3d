/* SPDX-License-Identifier: ISC */
/* The native verbs that change who holds what: acquire, release, renew; and iam. */
#include "request.h"

/* acquire: its answers. */

static void
answer_plain_grant(struct request *request, uint64_t token)
{
	struct answer answer = answer_to(request);
	const struct text *name = &request->args.names[0];

	REPLY_LITERAL(answer.reply, "OK lock=");
	reply_encoded(answer.reply, name->at, name->len);
	REPLY_LITERAL(answer.reply, "&token=");
	reply_count(answer.reply, &request->service->token, token);
	answer.pairs = true;
	answer_end(&answer);
}

static void
answer_name(const struct session *session, struct answer *answer, const struct lock *lock)
{
	const char *name;
	size_t len;

	if (realm_name(session->realm, lock, &name, &len))
		answer_text(answer, "lock", name, len);
}

/* The next claim of those that are the session's: some of its acquire may have been asked for
 * again, by their key, from elsewhere. */
static const struct claim *
next_own(const struct session *session, const struct claim *first, const struct claim *claim)
{
	struct grant_view view;

	while ((claim = claim_next(first, claim)) != NULL) {
		grant_view(claim_grant(claim), &view);
		if (view.owner == &session->owner)
			break;
	}
	return claim;
}

/* All names, then what the first has, then all slots. */
void
answer_grant(struct service *service, const struct session *session, struct answer *answer,
    const struct claim *first)
{
	struct grant_view view;
	const struct claim *claim;

	answer_ok(answer);
	for (claim = first; claim != NULL; claim = next_own(session, first, claim)) {
		grant_view(claim_grant(claim), &view);
		answer_name(session, answer, view.lock);
	}
	grant_view(claim_grant(first), &view);
	answer_number(answer, "token", view.token);
	if (view.until_ns != LOCK_FOREVER)
		answer_seconds(answer, "lease", view.until_ns - service->now_ns);
	for (claim = first; claim != NULL && view.slot >= 0;
	     claim = next_own(session, first, claim)) {
		grant_view(claim_grant(claim), &view);
		answer_number(answer, "slot", (uint64_t)view.slot);
	}
	answer_end(answer);
}

/* What the one who asks has in LOCK. */
static const struct grant *
own_grant(const struct request *request, const struct lock *lock)
{
	struct lock_text name;
	struct lock_ref ref = {.owner = &request->session->owner, .name = &name};
	enum lock_result why;

	name.at = lock_name(lock, &name.len);
	return locks_find_grant(request->service->locks, &ref, &why);
}

static void
answer_taken(struct request *request, enum refusal code, const struct lock *lock)
{
	struct answer answer = answer_to(request);
	const struct grant *grant = code == REFUSE_HELD ? own_grant(request, lock) : NULL;

	answer_error(&answer, code);
	if (request->args.n_names > 1)
		answer_name(request->session, &answer, lock);
	answer_holder(request, &answer, lock, grant != NULL ? grant : lock_first_holder(lock));
	answer_prose(&answer);
	if (code == REFUSE_HELD)
		reply_text(answer.reply, protocol_prose(code));
	else
		prose_holder(request->service, answer.reply, lock);
	answer_end(&answer);
}

static void
add_cycle(struct request *request, struct answer *answer, const struct lock_answer *found)
{
	const struct realm *realm = request->session->realm;

	answer_pair(answer, "cycle");
	for (unsigned i = 0; i < found->n_cycle; i++) {
		const char *name;
		size_t len;

		if (i > 0)
			REPLY_LITERAL(answer->reply, ",");
		if (!realm_name(realm, found->cycle[i].lock, &name, &len))
			REPLY_LITERAL(answer->reply, "-");
		else if (4 * len + 1024 < reply_room(answer->reply))
			reply_encoded(answer->reply, name, len);
	}
}

/* `you wait for db held by bob, who waits for web held by you`. */
static void
answer_deadlock(struct request *request, const struct lock_answer *found)
{
	struct service *service = request->service;
	struct answer answer = answer_to(request);

	answer_error(&answer, REFUSE_DEADLOCK);
	add_cycle(request, &answer, found);
	answer_prose(&answer);
	REPLY_LITERAL(answer.reply, "this would wait for ever: you");
	for (unsigned i = 0; i < found->n_cycle; i++) {
		const struct lock_link *link = &found->cycle[i];
		const char *name = "another listener's lock";
		size_t len = strlen(name);

		realm_name(request->session->realm, link->lock, &name, &len);
		if (reply_room(answer.reply) < 4 * len + 2048)
			break;
		reply_text(answer.reply, i > 0 ? ", who waits for " : " would wait for ");
		reply_prose(answer.reply, name, len);
		REPLY_LITERAL(answer.reply, " behind ");
		if (link->holder == &request->session->owner)
			REPLY_LITERAL(answer.reply, "you");
		else
			prose_who(service, link->holder, NULL);
	}
	answer_end(&answer);
}

static void
refuse_acquire(struct request *request, enum lock_result result, const struct lock_answer *found)
{
	if (result == LOCK_DEADLOCK)
		answer_deadlock(request, found);
	else if (found->lock != NULL && (result == LOCK_TAKEN || result == LOCK_HELD))
		answer_taken(request, refusal_of(result), found->lock);
	else
		refuse(request, refusal_of(result));
}

static inline bool
is_bare(const struct args *args)
{
	return args->present == ARG_BIT(ARG_LOCK) && args->n_names == 1;
}

/* One name and nothing else, which is free: as nearly all are. What goes wrong here does so again
 * on the long way, which says why. */
static bool
take_bare(struct request *request)
{
	struct service *service = request->service;
	struct session *session = request->session;
	struct text name = request->args.names[0];
	enum refusal why;

	if (!table_name(service, session->realm, 0, &name, &why) ||
	    locks_try(service->locks, &session->owner, name.at, name.len, service->now_ns) !=
		LOCK_OK)
		return false;
	stats_count_trylock(&service->stats, service->now_ns, true);
	answer_plain_grant(request, locks_last_token(service->locks));
	return true;
}

void
cmd_acquire(struct request *request)
{
	struct service *service = request->service;
	struct session *session = request->session;
	struct lock_text names[LOCK_NAMES_MAX];
	struct lock_request wanted;
	struct lock_answer found;

	if (request->id.len == 0 && is_bare(&request->args) && take_bare(request))
		return;
	if (!acquire_args(request, &wanted, names)) {
		stats_count_trylock(&service->stats, service->now_ns, false);
		return;
	}
	enum lock_result result =
	    locks_acquire(service->locks, &session->owner, &wanted, service->now_ns, &found);
	if (result == LOCK_WAITING)
		return; /* it is counted when that has come to an end */
	stats_count_trylock(&service->stats, service->now_ns, result == LOCK_OK);
	if (result != LOCK_OK) {
		refuse_acquire(request, result, &found);
	} else if (found.claim == NULL) {
		answer_plain_grant(request, found.token);
	} else {
		struct answer answer = answer_to(request);

		answer_grant(service, session, &answer, found.claim);
	}
}

/* release and renew. */

static bool
token_arg(struct request *request, uint64_t *token)
{
	return !args_has(&request->args, ARG_TOKEN) ||
	       number_arg(request, ARG_TOKEN, 1, UINT64_MAX, 0, token);
}

/* The grants that NAMES, token= and key= mean. False: refused. */
static bool
find_grants(struct request *request, struct grant **grants)
{
	struct lock_text names[LOCK_NAMES_MAX];
	struct lock_ref ref = {.owner = &request->session->owner};

	if (!table_names(request, names) || !token_arg(request, &ref.token) ||
	    !key_arg(request, &ref.key))
		return false;
	for (unsigned n = 0; n < request->args.n_names; n++) {
		enum lock_result why;

		ref.name = &names[n];
		grants[n] = locks_find_grant(request->service->locks, &ref, &why);
		if (grants[n] != NULL)
			continue;
		struct answer answer = answer_to(request);
		answer_error(&answer, refusal_of(why));
		if (request->args.n_names > 1)
			answer_text(
			    &answer, "lock", request->args.names[n].at, request->args.names[n].len);
		answer_prose(&answer);
		reply_text(answer.reply, protocol_prose(refusal_of(why)));
		answer_end(&answer);
		return false;
	}
	return true;
}

/* One name and nothing else, as nearly all are. */
static bool
release_own(struct request *request)
{
	struct service *service = request->service;
	struct session *session = request->session;
	struct text name = request->args.names[0];
	enum refusal why;

	if (!table_name(service, session->realm, 0, &name, &why)) {
		refuse(request, why);
		return false;
	}
	enum lock_result result =
	    locks_release(service->locks, &session->owner, name.at, name.len, service->now_ns);
	if (result != LOCK_OK)
		refuse(request, refusal_of(result));
	return result == LOCK_OK;
}

static bool
release_all(struct request *request)
{
	struct service *service = request->service;
	struct grant *grants[LOCK_NAMES_MAX];

	if (!find_grants(request, grants))
		return false;
	for (unsigned n = 0; n < request->args.n_names; n++)
		locks_end(service->locks, grants[n], LOCK_END_RELEASE, service->now_ns);
	return true;
}

void
cmd_release(struct request *request)
{
	struct answer answer = answer_to(request);

	if (is_bare(&request->args) ? !release_own(request) : !release_all(request))
		return;
	answer_ok(&answer);
	answer_end(&answer);
}

/* Every name has a new lease, or none; where there is no memory for one, those before it. */
static enum lock_result
renew_all(struct request *request, struct grant **grants, uint32_t lease_ms)
{
	struct service *service = request->service;
	enum lock_result result = LOCK_OK;

	for (unsigned n = 0; n < request->args.n_names && result == LOCK_OK; n++)
		result = locks_may_renew(grants[n], lease_ms);
	for (unsigned n = 0; n < request->args.n_names && result == LOCK_OK; n++)
		result = locks_renew(service->locks, &grants[n], lease_ms, service->now_ns);
	return result;
}

void
cmd_renew(struct request *request)
{
	struct service *service = request->service;
	struct grant *grants[LOCK_NAMES_MAX];
	struct answer answer = answer_to(request);
	struct grant_view view;
	uint32_t lease_ms = 0;
	uint64_t token = 0;

	if (!length_arg(request, ARG_LEASE, &lease_ms) || !find_grants(request, grants))
		return;
	enum lock_result result = renew_all(request, grants, lease_ms);
	if (result != LOCK_OK) {
		refuse(request, refusal_of(result));
		return;
	}
	answer_ok(&answer);
	for (unsigned n = 0; n < request->args.n_names; n++)
		answer_text(&answer, "lock", request->args.names[n].at, request->args.names[n].len);
	int64_t until_ns = LOCK_FOREVER;
	for (unsigned n = 0; n < request->args.n_names; n++) {
		grant_view(grants[n], &view);
		if (view.token != token) /* one for all, where they were taken together */
			answer_number(&answer, "token", token = view.token);
		until_ns = view.until_ns < until_ns ? view.until_ns : until_ns;
	}
	answer_seconds(&answer, "lease", until_ns - service->now_ns);
	answer_end(&answer);
}

void
cmd_iam(struct request *request)
{
	struct session *session = request->session;
	const struct args *args = &request->args;
	const struct text *name =
	    args_has(args, ARG_NAME) ? &args->value[ARG_NAME] : &args->names[0];
	struct session_info info;
	struct answer answer = answer_to(request);

	if ((args_has(args, ARG_NAME) ? 1 : 0) + args->n_names != 1 || name->len == 0 ||
	    name->len > WHO_NAME_MAX || memchr(name->at, '\0', name->len) != NULL) {
		refuse_arg(
		    request, ARG_NAME, "is who you are, up to 256 bytes: iam name=alice@build7");
		return;
	}
	request->service->host->info(session, &info);
	struct who *who = who_new(info.client, name->at, name->len, info.peer, info.pid, info.uid);
	if (who == NULL) {
		refuse(request, REFUSE_NO_MEMORY);
		return;
	}
	who_unref(session->who);
	session->who = who;
	answer_ok(&answer);
	answer_end(&answer);
}
