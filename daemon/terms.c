/* SPDX-License-Identifier: ISC */
/* On what terms a lock is wanted: the arguments of acquire, some of which release and renew have
 * too. */
#include "request.h"

enum { KEY_MIN = 8, KEY_MAX = 64, BEAT_MIN_MS = 100 };

static bool
mode_arg(struct request *request, struct lock_request *wanted)
{
	const struct args *args = &request->args;
	const struct text *mode = &args->value[ARG_MODE];
	uint64_t slots;

	if (args_has(args, ARG_MODE)) {
		if (mode->len == 6 && memcmp(mode->at, "shared", 6) == 0) {
			wanted->mode = LOCK_SHARED;
		} else if (mode->len != 9 || memcmp(mode->at, "exclusive", 9) != 0) {
			refuse_arg(request, ARG_MODE, "is exclusive or shared");
			return false;
		}
	}
	if (!args_has(args, ARG_SLOTS))
		return true;
	if (args_has(args, ARG_MODE)) {
		refuse_arg(request, ARG_SLOTS, "is a mode of its own: leave mode= out");
		return false;
	}
	if (!number_arg(request, ARG_SLOTS, 1, LOCK_SLOTS_MAX, 0, &slots))
		return false;
	wanted->mode = LOCK_SLOTS;
	wanted->slots = (unsigned)slots;
	return true;
}

static bool
wait_arg(struct request *request, struct lock_request *wanted)
{
	struct text *value = &request->args.value[ARG_WAIT];

	if (!args_has(&request->args, ARG_WAIT))
		return true;
	if (value->len == 7 && memcmp(value->at, "forever", 7) == 0) {
		wanted->wait_ns = LOCK_FOREVER;
		return true;
	}
	if (parse_duration(*value, &wanted->wait_ns))
		return true;
	refuse_arg(request, ARG_WAIT, "is a time (2.5, 500ms, 30s, 5m, 1h) or forever");
	return false;
}

/* What somebody may have meant who thinks in milliseconds. */
static void
refuse_length(struct request *request, enum arg arg, int64_t ns)
{
	struct service *service = request->service;
	struct answer answer = answer_to(request);
	const struct text *value = &request->args.value[arg];
	const char *last = value->at + value->len - 1;

	answer_error(&answer, REFUSE_LEASE_TOO_LONG);
	answer_word(&answer, "arg", arg_name(arg));
	answer_seconds(&answer, "max", service->max_lease_ms * NS_PER_MS);
	answer_prose(&answer);
	reply_printf(answer.reply, "%s is at most ", arg_name(arg));
	reply_duration(answer.reply, service->max_lease_ms * NS_PER_MS);
	REPLY_LITERAL(answer.reply, " here, and times are in seconds");
	if (*last >= '0' && *last <= '9' && ns / 1000 <= service->max_lease_ms * NS_PER_MS) {
		REPLY_LITERAL(answer.reply, ": were milliseconds meant, as in ");
		reply_prose(answer.reply, value->at, value->len);
		REPLY_LITERAL(answer.reply, "ms?");
	}
	answer_end(&answer);
}

/* A time from 1 ms up to max_lease. */
bool
length_arg(struct request *request, enum arg arg, uint32_t *ms)
{
	int64_t ns;

	if (!args_has(&request->args, arg))
		return true;
	if (!parse_duration(request->args.value[arg], &ns) || ns < NS_PER_MS) {
		refuse_arg(request, arg, "is a time of 1ms or more: 2.5, 500ms, 30s, 5m, 1h");
		return false;
	}
	if (ns > request->service->max_lease_ms * NS_PER_MS) {
		refuse_length(request, arg, ns);
		return false;
	}
	*ms = (uint32_t)((ns + NS_PER_MS - 1) / NS_PER_MS);
	return true;
}

static bool
beat_arg(struct request *request, struct lock_request *wanted)
{
	int64_t ns;

	if (!args_has(&request->args, ARG_BEAT))
		return true;
	if (!parse_duration(request->args.value[ARG_BEAT], &ns) || ns < BEAT_MIN_MS * NS_PER_MS ||
	    ns > 86400 * NS_PER_S) {
		refuse_arg(request, ARG_BEAT, "is a time from 100ms to 24h");
		return false;
	}
	wanted->beat_ms = (uint32_t)(ns / NS_PER_MS);
	return true;
}

static struct lock_text
lent(const struct request *request, enum arg arg)
{
	const struct text *value = &request->args.value[arg];

	return args_has(&request->args, arg) ? (struct lock_text){value->at, value->len}
					     : (struct lock_text){"", 0};
}

bool
key_arg(struct request *request, struct lock_text *key)
{
	*key = lent(request, ARG_KEY);
	if (!args_has(&request->args, ARG_KEY) || (key->len >= KEY_MIN && key->len <= KEY_MAX))
		return true;
	refuse_arg(request, ARG_KEY, "has 8 to 64 bytes");
	return false;
}

static bool
note_arg(struct request *request, struct lock_text *note)
{
	*note = lent(request, ARG_NOTE);
	if (note->len <= request->service->max_note)
		return true;
	refuse(request, REFUSE_NOTE_TOO_LONG);
	return false;
}

bool
acquire_args(struct request *request, struct lock_request *wanted, struct lock_text *names)
{
	*wanted = (struct lock_request){.names = names, .mode = LOCK_EXCLUSIVE};
	if (request->id.len > 0)
		wanted->tag = (struct lock_text){request->id.at, request->id.len};
	if (!table_names(request, names))
		return false;
	wanted->n_names = request->args.n_names;
	if (wanted->tag.len > 0 && locks_find_wait(&request->session->owner, wanted->tag) != NULL) {
		refuse(request, REFUSE_ID_IN_USE);
		return false;
	}
	if (request->args.present == ARG_BIT(ARG_LOCK))
		return true;
	if (!mode_arg(request, wanted) || !wait_arg(request, wanted) ||
	    !length_arg(request, ARG_LEASE, &wanted->lease_ms) ||
	    !length_arg(request, ARG_ATLEAST, &wanted->atleast_ms) || !beat_arg(request, wanted) ||
	    !key_arg(request, &wanted->key) || !note_arg(request, &wanted->note))
		return false;
	if (wanted->wait_ns != 0 && request->service->stopping) {
		refuse(request, REFUSE_SHUTDOWN);
		return false;
	}
	return true;
}
