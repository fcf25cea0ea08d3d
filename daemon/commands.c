/* SPDX-License-Identifier: ISC */
/*
 * The table of verbs, and how a line gets to its one. A new one is a function and a row; the most
 * frequent stand first, since the table is searched from its top.
 */
#include "commands.h"

#include "events.h"
#include "listing.h"
#include "request.h"

#include <stdlib.h>

int
service_init(struct service *service, const struct host *host)
{
	service->host = host;
	post_init(&service->post, 0);
	service->locks = locks_new();
	service->history = history_new(0);
	if (watches_init(&service->watches) == -1 || service->locks == NULL ||
	    service->history == NULL)
		return -1;
	events_init(service);
	return 0;
}

void
service_fini(struct service *service)
{
	locks_free(service->locks);
	history_free(service->history);
	watches_fini(&service->watches);
	reply_fini(&service->reply);
	reply_fini(&service->event);
	free(service->name);
}

void
session_init(struct session *session, struct realm *realm)
{
	*session = (struct session){.realm = realm};
	lock_owner_init(&session->owner, &realm->quota);
	LIST_INIT(&session->watches);
}

void
session_fini(struct session *session, struct service *service)
{
	listing_end(service, session);
	if (!LIST_EMPTY(&session->watches)) {
		watch_remove_all(&service->watches, &session->watches);
		events_watched(service);
	}
	locks_owner_gone(service->locks, &session->owner, service->now_ns);
	mail_clear(&service->post, &session->mailbox);
	who_unref(session->who);
	session->who = NULL;
}

static __attribute__((noinline)) struct who *
make_who(struct service *service, const struct session *session)
{
	struct session_info info;

	service->host->info(session, &info);
	return who_new(info.client, "", 0, info.peer, info.pid, info.uid);
}

struct who *
session_who(struct service *service, struct session *session)
{
	return session->who != NULL ? session->who : (session->who = make_who(service, session));
}

/* Names. */

bool
table_name(struct service *service, const struct realm *realm, unsigned n, struct text *name,
    enum refusal *why)
{
	if (name->len == 0)
		*why = REFUSE_EMPTY_LOCK;
	else if (name->len > service->max_name)
		*why = REFUSE_NAME_TOO_LONG;
	else if (memchr(name->at, '\0', name->len) != NULL)
		*why = REFUSE_BAD_NAME;
	else if (realm->prefix_len == 0)
		return true;
	else {
		char *whole = service->name + n * (realm->prefix_len + service->max_name);

		memcpy(whole, realm->prefix, realm->prefix_len);
		memcpy(whole + realm->prefix_len, name->at, name->len);
		*name = (struct text){whole, realm->prefix_len + name->len};
		return true;
	}
	return false;
}

bool
realm_name(const struct realm *realm, const struct lock *lock, const char **name, size_t *len)
{
	size_t whole;
	const char *at = lock_name(lock, &whole);

	if (whole < realm->prefix_len || memcmp(at, realm->prefix, realm->prefix_len) != 0)
		return false;
	*name = at + realm->prefix_len;
	*len = whole - realm->prefix_len;
	return true;
}

enum refusal
refusal_of(enum lock_result result)
{
	static const enum refusal refusals[LOCK_RESULTS] = {
	    [LOCK_TAKEN] = REFUSE_TAKEN,
	    [LOCK_HELD] = REFUSE_HELD,
	    [LOCK_ALREADY_WAITING] = REFUSE_ALREADY_WAITING,
	    [LOCK_NOT_HELD] = REFUSE_NOT_HELD,
	    [LOCK_STALE] = REFUSE_STALE,
	    [LOCK_NO_LEASE] = REFUSE_NO_LEASE,
	    [LOCK_KEY_IN_USE] = REFUSE_KEY_IN_USE,
	    [LOCK_DEADLOCK] = REFUSE_DEADLOCK,
	    [LOCK_TABLE_FULL] = REFUSE_TOO_MANY_LOCKS,
	    [LOCK_QUOTA_FULL] = REFUSE_TOO_MANY_LOCKS_PER_LISTENER,
	    [LOCK_OWNER_FULL] = REFUSE_TOO_MANY_LOCKS_PER_CLIENT,
	    [LOCK_QUEUE_FULL] = REFUSE_TOO_MANY_WAITERS,
	    [LOCK_WAITS_FULL] = REFUSE_TOO_MANY_WAITS,
	    [LOCK_DETACHED_FULL] = REFUSE_TOO_MANY_DETACHED,
	    [LOCK_NO_TOKEN] = REFUSE_NO_TOKEN,
	    [LOCK_NO_MEMORY] = REFUSE_NO_MEMORY,
	};

	return refusals[result];
}

/* The native verbs that need nothing but an answer. */

static void
cmd_ping(struct request *request)
{
	struct answer answer = answer_to(request);

	answer_ok(&answer);
	answer_end(&answer);
}

static void
cmd_version(struct request *request)
{
	struct answer answer = answer_to(request);

	answer_ok(&answer);
	answer_word(&answer, "version", VERSION);
	answer_word(&answer, "protocol", "1");
	answer_end(&answer);
}

static void
cmd_quit(struct request *request)
{
	cmd_ping(request);
	request->session->quits = true;
}

/* The table. */

#define CLASSIC(verb)                                                                              \
	{                                                                                          \
		.letter = (#verb)[0], .name = #verb, .len = sizeof(#verb) - 1, .run = cmd_##verb   \
	}
#define ALIAS(word, verb, names, ...)                                                              \
	{                                                                                          \
		.letter = (#word)[0], .name = #word, .len = sizeof(#word) - 1, .run = cmd_##verb,  \
		.native = true, .n_names = (names), .args = (__VA_ARGS__)                          \
	}
#define NATIVE(verb, names, ...) ALIAS(verb, verb, names, __VA_ARGS__)

#define LOCK ARG_BIT(ARG_LOCK)
#define ACQUIRE                                                                                    \
	LOCK | ARG_BIT(ARG_MODE) | ARG_BIT(ARG_SLOTS) | ARG_BIT(ARG_WAIT) | ARG_BIT(ARG_LEASE) |   \
	    ARG_BIT(ARG_KEY) | ARG_BIT(ARG_ATLEAST) | ARG_BIT(ARG_NOTE) | ARG_BIT(ARG_BEAT)
#define RELEASE LOCK | ARG_BIT(ARG_TOKEN) | ARG_BIT(ARG_KEY)

static const struct verb verbs[] = {
    CLASSIC(trylock),
    NATIVE(acquire, LOCK_NAMES_MAX, ACQUIRE),
    CLASSIC(releaselock),
    NATIVE(release, LOCK_NAMES_MAX, RELEASE),
    CLASSIC(noop),
    NATIVE(renew, LOCK_NAMES_MAX, RELEASE | ARG_BIT(ARG_LEASE)),
    NATIVE(cancel, 0, 0),
    CLASSIC(locks),
    CLASSIC(status),
    CLASSIC(load),
    NATIVE(ping, 0, 0),
    NATIVE(iam, 1, LOCK | ARG_BIT(ARG_NAME)),
    NATIVE(inspect, 1, LOCK | ARG_BIT(ARG_AFTER) | ARG_BIT(ARG_LIMIT)),
    NATIVE(list, 0, ARG_BIT(ARG_PREFIX) | ARG_BIT(ARG_AFTER) | ARG_BIT(ARG_LIMIT)),
    NATIVE(why, 1, LOCK),
    NATIVE(history, 1, LOCK | ARG_BIT(ARG_AT) | ARG_BIT(ARG_LIMIT)),
    NATIVE(watch, 1, LOCK | ARG_BIT(ARG_PREFIX)),
    NATIVE(unwatch, 1, LOCK | ARG_BIT(ARG_PREFIX)),
    NATIVE(clients, 0, ARG_BIT(ARG_AFTER) | ARG_BIT(ARG_LIMIT)),
    NATIVE(stats, 0, 0),
    NATIVE(revoke, 1, LOCK | ARG_BIT(ARG_TOKEN)),
    NATIVE(kick, 0, ARG_BIT(ARG_CLIENT)),
    NATIVE(version, 0, 0),
    NATIVE(help, 1, LOCK),
    NATIVE(quit, 0, 0),
    ALIAS(lock, acquire, LOCK_NAMES_MAX, ACQUIRE),
    ALIAS(unlock, release, LOCK_NAMES_MAX, RELEASE),
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

const struct verb *
verbs_all(size_t *n)
{
	*n = VERBS;
	return verbs;
}

/* A word is letters, digits and `_`: setting this bit lowers a letter and makes no letter of the
 * others. */
#define LOWER UINT64_C(0x2020202020202020)

static inline bool
same_four(const char *word, const char *lower)
{
	uint32_t a, b;

	memcpy(&a, word, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | (uint32_t)LOWER) == b;
}

static inline bool
same_eight(const char *word, const char *lower)
{
	uint64_t a, b;

	memcpy(&a, word, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | LOWER) == b;
}

/* Of two words of LEN letters, up to 16: the first ones and the last ones, which may overlap. */
static inline bool
same_word(const char *word, const char *lower, size_t len)
{
	if (len >= 8)
		return same_eight(word, lower) && same_eight(word + len - 8, lower + len - 8);
	if (len >= 4)
		return same_four(word, lower) && same_four(word + len - 4, lower + len - 4);
	for (size_t i = 0; i < len; i++)
		if ((word[i] | 0x20) != lower[i])
			return false;
	return true;
}

const struct verb *
verb_find(const char *line, size_t len)
{
	const char letter = line[0] | ' ';

	for (const struct verb *verb = verbs; verb < verbs + VERBS; verb++)
		if (verb->letter == letter && verb->len <= len &&
		    same_word(line, verb->name, verb->len) &&
		    (verb->len == len || !protocol_in_word(line[verb->len])))
			return verb;
	return NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r'); /* as Perl's \s */
}

static bool
is_id(const struct text *id)
{
	enum { ID_MAX = 64 };

	for (size_t i = 0; i < id->len; i++)
		if (id->at[i] <= ' ' || id->at[i] > '~')
			return false;
	return id->len > 0 && id->len <= ID_MAX;
}

/* The arguments of a native verb; false: they were refused. */
static bool
native_args(struct request *request, const struct verb *verb)
{
	struct args *args = &request->args;
	struct args_error error;
	bool good =
	    args_parse(args, request->raw, verb->args | ARG_BIT(ARG_ID), verb->n_names, &error);

	if (args_has(args, ARG_ID)) {
		args->present &= ~ARG_BIT(ARG_ID);
		if (is_id(&args->value[ARG_ID])) {
			request->id = args->value[ARG_ID];
		} else if (good) {
			refuse_arg(request, ARG_ID, "has 1 to 64 printable bytes");
			return false;
		}
	}
	if (!good)
		refuse_args(request, &error);
	return good;
}

void
commands_run(struct service *service, struct session *session, char *line, size_t len)
{
	const struct verb *verb = line[0] == '?' ? verb_find("help", 4) : verb_find(line, len);

	if (verb == NULL) {
		protocol_refuse(&service->reply, REFUSE_UNKNOWN_COMMAND);
		return;
	}
	size_t at = line[0] == '?' ? 1 : verb->len;
	while (at < len && is_blank(line[at]))
		at++;
	if (lock_owner_news(&session->owner) != NULL) /* what it waited for came first */
		session_tell_news(service, session);
	struct request request; /* its arguments are not cleared first: they are large */
	request.service = service;
	request.session = session;
	request.raw = (struct text){line + at, len - at};
	if (verb->native) {
		request.id = (struct text){line, 0};
		session->native = true;
		if (!native_args(&request, verb))
			return;
	}
	verb->run(&request);
}

bool
commands_is_urgent(const char *line, size_t len)
{
	return protocol_verb_len(line, len) == 6 && same_word(line, "cancel", 6);
}
