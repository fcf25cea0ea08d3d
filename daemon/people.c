/* SPDX-License-Identifier: ISC */
/* The native verbs about connections: watch and unwatch, clients, stats, and what an administrator
 * may do: revoke and kick. */
#include "events.h"
#include "request.h"

#include <stdio.h>

/* watch and unwatch. */

struct topic_arg {
	struct text text; /* as it is in the table: with the realm's prefix */
	struct text own;  /* as the client said it */
	bool is_prefix;
};

static bool
topic_arg(struct request *request, struct topic_arg *topic)
{
	struct service *service = request->service;
	const struct realm *realm = request->session->realm;
	struct args *args = &request->args;
	enum refusal why;

	topic->is_prefix = args_has(args, ARG_PREFIX);
	if (topic->is_prefix == (args->n_names > 0)) {
		refuse_arg(request, ARG_PREFIX, "or one name says what to watch");
		return false;
	}
	topic->own = topic->text = topic->is_prefix ? args->value[ARG_PREFIX] : args->names[0];
	if (topic->is_prefix && topic->own.len == 0) {
		topic->text = (struct text){(char *)realm->prefix, realm->prefix_len};
	} else if (!table_name(service, realm, 0, &topic->text, &why)) {
		refuse(request, why);
		return false;
	}
	if (!topic->is_prefix || topic->text.len <= WATCH_PREFIX_MAX)
		return true;
	refuse_arg(request, ARG_PREFIX, "is too long to be watched");
	return false;
}

void
cmd_watch(struct request *request)
{
	struct service *service = request->service;
	struct session *session = request->session;
	struct topic_arg topic;
	struct answer_list list;

	if (!topic_arg(request, &topic))
		return;
	if (session->n_watches >= WATCHES_MAX) {
		refuse(request, REFUSE_TOO_MANY_WATCHES);
		return;
	}
	switch (watch_add(&service->watches, session, &session->watches, topic.text.at,
	    topic.text.len, topic.is_prefix)) {
	case WATCH_OK:
		session->n_watches++;
		events_watched(service);
		break;
	case WATCH_EXISTS: /* it is told how things are once more */
		break;
	case WATCH_NO_MEMORY:
		refuse(request, REFUSE_NO_MEMORY);
		return;
	}
	if (topic.is_prefix) {
		list_names(request, topic.own, 0, UINT64_MAX);
		return;
	}
	answer_list_begin(&list, &service->reply, request->id);
	list_lock(request, &list, locks_find(service->locks, topic.text.at, topic.text.len));
}

void
cmd_unwatch(struct request *request)
{
	struct service *service = request->service;
	struct session *session = request->session;
	struct answer answer = answer_to(request);
	struct topic_arg topic;

	if (!args_has(&request->args, ARG_PREFIX) && request->args.n_names == 0) {
		watch_remove_all(&service->watches, &session->watches);
		session->n_watches = 0;
	} else {
		if (!topic_arg(request, &topic))
			return;
		session->n_watches -= watch_remove(&service->watches, &session->watches,
		    topic.text.at, topic.text.len, topic.is_prefix);
	}
	events_watched(service);
	answer_ok(&answer);
	answer_end(&answer);
}

/* clients and stats. */

static uint64_t
add_client(struct request *request, struct answer_list *list, struct session *session)
{
	struct service *service = request->service;
	struct answer line = answer_list_line(list);
	struct session_info info;

	service->host->info(session, &info);
	answer_number(&line, "client", info.client);
	answer_who(service, &line, "who", &session->owner, NULL);
	answer_text(&line, "peer", info.peer, strlen(info.peer));
	if (info.pid > 0) {
		answer_number(&line, "pid", (uint64_t)info.pid);
		answer_number(&line, "uid", info.uid);
	}
	answer_text(&line, "listener", info.listener, strlen(info.listener));
	answer_seconds(&line, "age", service->now_ns - info.since_ns);
	answer_seconds(&line, "idle", service->now_ns - info.active_ns);
	answer_number(&line, "held", session->owner.n_held);
	answer_number(&line, "waiting", session->owner.n_waits);
	answer_number(&line, "watches", session->n_watches);
	answer_number(&line, "queued", info.queued);
	answer_end(&line);
	return info.client;
}

static void
clients_head(struct answer *answer, void *arg)
{
	const uint64_t *after = arg;

	if (*after != 0)
		answer_number(answer, "after", *after);
}

void
cmd_clients(struct request *request)
{
	enum { PAGE = 100, PAGE_MAX = 1000 };
	struct service *service = request->service;
	struct answer_list list;
	struct session *session;
	uint64_t after, limit;

	if (!number_arg(request, ARG_AFTER, 1, UINT64_MAX, 0, &after) ||
	    !number_arg(request, ARG_LIMIT, 1, PAGE_MAX, PAGE, &limit))
		return;
	answer_list_begin(&list, &service->reply, request->id);
	for (session = service->host->above(service, after);
	     session != NULL && list.lines < limit && answer_list_has_room(&list);
	     session = service->host->next(session))
		after = add_client(request, &list, session);
	if (session == NULL)
		after = 0;
	answer_list_end(&list, clients_head, &after);
}

static void
add_count(struct answer_list *list, const char *name, uint64_t count)
{
	struct answer line = answer_list_line(list);

	answer_number(&line, name, count);
	answer_end(&line);
}

void
cmd_stats(struct request *request)
{
	struct service *service = request->service;
	const struct stats *stats = &service->stats;
	struct service_counts counts = {0};
	struct answer_list list;

	service->host->counts(service, &counts);
	answer_list_begin(&list, &service->reply, request->id);
	add_count(&list, "uptime", (uint64_t)stats_runtime_s(stats, service->now_ns));
	add_count(&list, "successes", stats->successes);
	add_count(&list, "failures", stats->failures);
	add_count(&list, "load", stats_load(stats, service->now_ns));
	add_count(&list, "locks", locks_count(service->locks));
	add_count(&list, "waiters", locks_count_waits(service->locks));
	add_count(&list, "detached", request->session->realm->quota.detached);
	add_count(&list, "last_token", locks_last_token(service->locks));
	add_count(&list, "watches", service->watches.count);
	add_count(&list, "history", history_count(service->history));
	add_count(&list, "clients", counts.clients);
	add_count(&list, "refused", counts.refused);
	add_count(&list, "connections", counts.connections);
	answer_list_end(&list, NULL, NULL);
}

/* The administrator's. */

static bool
is_admin(struct request *request)
{
	if (request->session->realm->admin)
		return true;
	refuse(request, REFUSE_ADMIN_ONLY);
	return false;
}

/* For the log: WHAT was done to NAME, and by whom. */
static void
audit(struct request *request, const char *what, const struct text *name, const char *more)
{
	struct service *service = request->service;
	struct reply words = {.buf = service->event.buf, .size = service->event.size - 1};

	reply_text(&words, what);
	REPLY_LITERAL(&words, " ");
	reply_prose(&words, name->at, name->len);
	reply_text(&words, more);
	words.buf[words.len] = '\0';
	service->host->audit(service, request->session, words.buf);
}

/* How many holders it took the lock from. */
static uint64_t
revoke(struct request *request, const struct lock *lock, uint64_t token)
{
	struct service *service = request->service;
	size_t left = lock_n_holders(lock);
	const struct grant *grant = lock_first_holder(lock), *next;
	struct grant_view view;
	uint64_t taken = 0;

	for (; left > 0; left--, grant = next) { /* the lock may go with the last one */
		next = left > 1 ? lock_next_holder(grant) : NULL;
		grant_view(grant, &view);
		if (token != 0 && view.token != token)
			continue;
		locks_end(service->locks, (struct grant *)grant, LOCK_END_REVOKE, service->now_ns);
		taken++;
		if (token != 0)
			break;
	}
	return taken;
}

void
cmd_revoke(struct request *request)
{
	struct service *service = request->service;
	struct lock_text name[LOCK_NAMES_MAX];
	struct answer answer = answer_to(request);
	char more[64] = "";
	uint64_t token;

	if (!is_admin(request) || !table_names(request, name) ||
	    !number_arg(request, ARG_TOKEN, 1, UINT64_MAX, 0, &token))
		return;
	const struct lock *lock = locks_find(service->locks, name[0].at, name[0].len);
	uint64_t revoked = lock != NULL ? revoke(request, lock, token) : 0;
	if (revoked == 0) {
		answer_error(&answer, token != 0 ? REFUSE_STALE : REFUSE_NOT_HELD);
		answer_prose(&answer);
		reply_text(
		    answer.reply, token != 0 ? protocol_prose(REFUSE_STALE) : "nobody holds it");
		answer_end(&answer);
		return;
	}
	snprintf(more, sizeof(more), " from %llu holder%s", (unsigned long long)revoked,
	    revoked == 1 ? "" : "s");
	audit(request, "revoked", &request->args.names[0], more);
	answer_ok(&answer);
	answer_number(&answer, "revoked", revoked);
	answer_end(&answer);
}

void
cmd_kick(struct request *request)
{
	struct service *service = request->service;
	struct answer answer = answer_to(request);
	struct session_info info = {0};
	uint64_t client;

	if (!is_admin(request) || !number_arg(request, ARG_CLIENT, 1, UINT64_MAX, 0, &client))
		return;
	if (client == 0) {
		refuse_arg(request, ARG_CLIENT, "is missing: the number that clients shows");
		return;
	}
	struct session *session = service->host->above(service, client - 1);
	if (session != NULL)
		service->host->info(session, &info);
	if (session == NULL || info.client != client) {
		refuse(request, REFUSE_UNKNOWN_CLIENT);
		return;
	}
	mail_doom(&service->post, &session->mailbox, "kicked");
	audit(request, "kicked client", &request->args.value[ARG_CLIENT], "");
	answer_ok(&answer);
	answer_end(&answer);
}
