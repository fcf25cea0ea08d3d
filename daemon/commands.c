/* SPDX-License-Identifier: ISC */
/*
 * The verbs. A new one is a function and a row of the table; the most frequent stand first, since
 * the table is searched from its top.
 */
#include "commands.h"

#include "listing.h"
#include "protocol.h"

#include <inttypes.h>

struct request {
	struct service *service;
	struct session *session;
	struct text args;
};

void
session_init(struct session *session, struct realm *realm)
{
	*session = (struct session){.realm = realm, .owner.quota = &realm->quota};
	LIST_INIT(&session->owner.held);
}

void
session_fini(struct session *session, struct service *service)
{
	listing_end(service, session);
	locks_release_all(service->locks, &session->owner);
}

/* The name in the table for the `lock=` of a request. True, or false and why not. */
static bool
lock_argument(const struct request *request, struct text *name, enum refusal *why)
{
	struct service *service = request->service;
	const struct realm *realm = request->session->realm;
	unsigned times = protocol_find(request->args, "lock", name);

	if (times > 1)
		*why = REFUSE_BAD_ARGS;
	else if (name->len == 0)
		*why = REFUSE_EMPTY_LOCK;
	else if (name->len > service->max_name)
		*why = REFUSE_NAME_TOO_LONG;
	else if (memchr(name->at, '\0', name->len) != NULL)
		*why = REFUSE_BAD_NAME;
	else if (realm->prefix_len == 0)
		return true;
	else {
		memcpy(service->name, realm->prefix, realm->prefix_len);
		memcpy(service->name + realm->prefix_len, name->at, name->len);
		*name = (struct text){service->name, realm->prefix_len + name->len};
		return true;
	}
	return false;
}

static enum refusal
refusal_of(enum lock_result result)
{
	static const enum refusal refusals[] = {
	    [LOCK_TAKEN] = REFUSE_TAKEN,
	    [LOCK_NOT_HELD] = REFUSE_DIDNTHAVE,
	    [LOCK_TABLE_FULL] = REFUSE_TOO_MANY_LOCKS,
	    [LOCK_QUOTA_FULL] = REFUSE_TOO_MANY_LOCKS_PER_LISTENER,
	    [LOCK_OWNER_FULL] = REFUSE_TOO_MANY_LOCKS_PER_CLIENT,
	    [LOCK_NO_MEMORY] = REFUSE_NO_MEMORY,
	};

	return refusals[result];
}

static void
answer(struct request *request, enum lock_result result)
{
	if (result == LOCK_OK)
		protocol_ok(&request->service->reply);
	else
		protocol_refuse(&request->service->reply, refusal_of(result));
}

static void
cmd_trylock(struct request *request)
{
	struct service *service = request->service;
	struct text name;
	enum refusal why;
	enum lock_result result = LOCK_TAKEN;

	if (lock_argument(request, &name, &why)) {
		result = locks_try(service->locks, &request->session->owner, name.at, name.len);
		answer(request, result);
	} else {
		protocol_refuse(&service->reply, why);
	}
	stats_count_trylock(&service->stats, service->now_ns, result == LOCK_OK);
}

static void
cmd_releaselock(struct request *request)
{
	struct service *service = request->service;
	struct text name;
	enum refusal why;

	if (lock_argument(request, &name, &why))
		answer(request,
		    locks_release(service->locks, &request->session->owner, name.at, name.len));
	else
		protocol_refuse(&service->reply, why);
}

static void
cmd_noop(struct request *request)
{
	protocol_ok(&request->service->reply);
}

static void
cmd_locks(struct request *request)
{
	listing_begin(request->service, request->session);
}

static void
cmd_status(struct request *request)
{
	struct service *service = request->service;
	const struct stats *stats = &service->stats;

	reply_printf(&service->reply,
	    "STATUS: OK\nSUCCESSES: %" PRIu64 "\nFAILURES: %" PRIu64 "\nRUNTIME: %" PRId64
	    "\nLOAD: %" PRIu64 "\n\n",
	    stats->successes, stats->failures, stats_runtime_s(stats, service->now_ns),
	    stats_load(stats, service->now_ns));
}

static void
cmd_load(struct request *request)
{
	struct service *service = request->service;

	reply_printf(
	    &service->reply, "LOAD: %" PRIu64 "\n\n", stats_load(&service->stats, service->now_ns));
}

#define VERB(name)                                                                                 \
	{                                                                                          \
#name, sizeof(#name) - 1, cmd_##name                                               \
	}

static const struct verb {
	const char *name; /* lower case letters */
	size_t len;
	void (*run)(struct request *);
} verbs[] = {
    VERB(trylock),
    VERB(releaselock),
    VERB(noop),
    VERB(locks),
    VERB(status),
    VERB(load),
};

/* A word is letters, digits and `_`: setting this bit lowers a letter and makes no letter of the
 * others. */
static bool
same_word(const char *word, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((word[i] | 0x20) != lower[i])
			return false;
	return true;
}

static const struct verb *
find_verb(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].len == len && same_word(word, verbs[i].name, len))
			return &verbs[i];
	return NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r'); /* as Perl's \s */
}

void
commands_run(struct service *service, struct session *session, char *line, size_t len)
{
	size_t at = protocol_verb_len(line, len);
	const struct verb *verb = find_verb(line, at);

	if (verb == NULL) {
		protocol_refuse(&service->reply, REFUSE_UNKNOWN_COMMAND);
		return;
	}
	while (at < len && is_blank(line[at]))
		at++;
	verb->run(&(struct request){service, session, {line + at, len - at}});
}
