/* SPDX-License-Identifier: ISC */
/* See protocol.h. */
#include "protocol.h"

#include <stdbool.h>

/* Indexed by byte, for the scans that every request pays for. */
enum {
	WORD = 1,
	IN_VALUE = 2, /* stands for itself in a value, and does not end it */
	IN_KEY = 4,   /* likewise in a key */
	PLAIN = IN_VALUE | IN_KEY
};

#define RANGE(from, to, bits) [from... to] = (bits)

static const unsigned char kinds[256] = {
    RANGE(0, '$', PLAIN),
    /* % starts an escape, & ends a pair */
    RANGE('\'', '*', PLAIN),
    /* + is a space */
    RANGE(',', '/', PLAIN),
    RANGE('0', '9', PLAIN | WORD),
    RANGE(':', '<', PLAIN),
    RANGE('=', '=', IN_VALUE),
    RANGE('>', '@', PLAIN),
    RANGE('A', 'Z', PLAIN | WORD),
    RANGE('[', '^', PLAIN),
    RANGE('_', '_', PLAIN | WORD),
    RANGE('`', '`', PLAIN),
    RANGE('a', 'z', PLAIN | WORD),
    RANGE('{', 255, PLAIN),
};

/* ddlockd puts a blank after the code also where no text follows, so all of ours do. */
#define REFUSAL(code, text, prose)                                                                 \
	{                                                                                          \
		"ERR " code " " text "\r\n", sizeof("ERR " code " " text "\r\n") - 1, code, prose  \
	}

static const struct {
	const char *line; /* of a classic verb */
	size_t len;
	const char *code, *prose; /* of a native one */
} refusals[REFUSALS] = {
    [REFUSE_UNKNOWN_COMMAND] =
	REFUSAL("unknown_command", "Unknown+server+command", "there is no such verb; try help"),
    [REFUSE_EMPTY_LOCK] = REFUSAL("empty_lock", "", "the name is missing or empty"),
    [REFUSE_TAKEN] = REFUSAL("taken", "", "somebody holds it"),
    [REFUSE_DIDNTHAVE] = REFUSAL("didnthave", "", "this connection does not hold it"),
    [REFUSE_BAD_NAME] = REFUSAL("bad_name", "", "a name must not have a NUL byte"),
    [REFUSE_BAD_ARGS] = REFUSAL("bad_args", "", "the arguments are wrong"),
    [REFUSE_NAME_TOO_LONG] = REFUSAL("name_too_long", "", "the name has more than max_name bytes"),
    [REFUSE_TOO_MANY_LOCKS] =
	REFUSAL("too_many_locks", "", "the server has max_locks locks and places in queues"),
    [REFUSE_TOO_MANY_LOCKS_PER_LISTENER] = REFUSAL("too_many_locks_per_listener", "",
	"the clients of this listener have its max_locks locks and places in queues"),
    [REFUSE_TOO_MANY_LOCKS_PER_CLIENT] = REFUSAL("too_many_locks_per_client", "",
	"this connection has max_locks_per_client locks and places in queues"),
    [REFUSE_NO_MEMORY] = REFUSAL("no_memory", "", "the server has no memory for this"),
    [REFUSE_LINE_TOO_LONG] = REFUSAL("line_too_long", "", "the line has more than max_line bytes"),
    [REFUSE_LINE_TIMEOUT] =
	REFUSAL("line_timeout", "", "the line was not ended within line_timeout"),
    [REFUSE_TOO_MANY_CLIENTS] =
	REFUSAL("too_many_clients", "", "the server has max_clients connections"),
    [REFUSE_TOO_MANY_CLIENTS_PER_LISTENER] = REFUSAL(
	"too_many_clients_per_listener", "", "this listener has its max_clients connections"),
    [REFUSE_TOO_MANY_CLIENTS_PER_IP] =
	REFUSAL("too_many_clients_per_ip", "", "this address has max_clients_per_ip connections"),
    [REFUSE_HELD] = REFUSAL("held", "", "this connection holds it already"),
    [REFUSE_ALREADY_WAITING] =
	REFUSAL("already_waiting", "", "this connection waits for it already"),
    [REFUSE_NOT_HELD] =
	REFUSAL("not_held", "", "this connection does not hold it, nor is it held by that key"),
    [REFUSE_STALE] = REFUSAL("stale", "", "that token is not the current grant any more"),
    [REFUSE_NO_LEASE] =
	REFUSAL("no_lease", "", "it was taken without a lease; give lease= to let it have one"),
    [REFUSE_KEY_IN_USE] =
	REFUSAL("key_in_use", "", "this key is in use there for an acquire of another kind"),
    [REFUSE_DEADLOCK] = REFUSAL("deadlock", "", "to wait would never end"),
    [REFUSE_TIMEOUT] = REFUSAL("timeout", "", "the time to wait is over"),
    [REFUSE_CANCELLED] = REFUSAL("cancelled", "", "it was withdrawn"),
    [REFUSE_UNKNOWN_ID] = REFUSAL("unknown_id", "", "no such acquire is waiting"),
    [REFUSE_ID_IN_USE] = REFUSAL("id_in_use", "", "an acquire with this id is waiting already"),
    [REFUSE_UNKNOWN_CLIENT] = REFUSAL("unknown_client", "", "there is no such client"),
    [REFUSE_LEASE_TOO_LONG] = REFUSAL("lease_too_long", "", "it is longer than max_lease"),
    [REFUSE_NOTE_TOO_LONG] = REFUSAL("note_too_long", "", "the note has more than max_note bytes"),
    [REFUSE_TOO_MANY_WAITERS] = REFUSAL("too_many_waiters", "", "max_waiters wait for it already"),
    [REFUSE_TOO_MANY_WAITS] = REFUSAL(
	"too_many_waits", "", "this connection waits for max_waits_per_client names already"),
    [REFUSE_TOO_MANY_DETACHED] = REFUSAL(
	"too_many_detached", "", "this listener has max_detached locks without a connection"),
    [REFUSE_TOO_MANY_WATCHES] =
	REFUSAL("too_many_watches", "", "this connection watches as much as it may"),
    [REFUSE_PIPELINE_FULL] =
	REFUSAL("pipeline_full", "", "more than 64 KiB were sent while an acquire waits"),
    [REFUSE_NO_TOKEN] =
	REFUSAL("no_token", "", "no fencing token can be had: state_dir cannot be written"),
    [REFUSE_ADMIN_ONLY] = REFUSAL("admin_only", "", "this takes a listener with admin = yes"),
    [REFUSE_SHUTDOWN] = REFUSAL("shutdown", "", "the server stops"),
};

void
protocol_ok(struct reply *reply)
{
	REPLY_LITERAL(reply, "OK \r\n");
}

void
protocol_refuse(struct reply *reply, enum refusal refusal)
{
	reply_add(reply, refusals[refusal].line, refusals[refusal].len);
}

const char *
protocol_refusal(enum refusal refusal, size_t *len)
{
	*len = refusals[refusal].len;
	return refusals[refusal].line;
}

const char *
protocol_code(enum refusal refusal)
{
	return refusals[refusal].code;
}

const char *
protocol_prose(enum refusal refusal)
{
	return refusals[refusal].prose;
}

bool
protocol_in_word(char c)
{
	return kinds[(unsigned char)c] & WORD;
}

size_t
protocol_verb_len(const char *line, size_t len)
{
	const char *at = line, *end = line + len;

	while (at < end && protocol_in_word(*at))
		at++;
	return (size_t)(at - line);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
protocol_escape(const char *at, const char *end)
{
	if (end - at < 3)
		return -1;
	int high = hex_digit(at[1]), low = hex_digit(at[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decodes a key or a value from *FROM to its end, which is left there. Nothing moves before an
 * escape. */
static struct text
decode(char **from, const char *end, int plain)
{
	char *in = *from, *out;
	struct text text = {.at = in};

	if (plain == IN_VALUE)
		while (end - in >= 8 && protocol_eight_plain(in))
			in += 8;
	while (in < end && (kinds[(unsigned char)*in] & plain))
		in++;
	for (out = in; in < end && *in != '&' && (*in != '=' || plain == IN_VALUE); in++) {
		int byte;

		if (*in == '%' && (byte = protocol_escape(in, end)) != -1) {
			*out++ = (char)byte;
			in += 2;
		} else {
			*out++ = *in == '+' ? ' ' : *in;
		}
	}
	text.len = (size_t)(out - text.at);
	*from = in;
	return text;
}

unsigned
protocol_find(struct text args, const char *key, struct text *value)
{
	char *at = args.at;
	const char *end = args.at + args.len;
	const size_t key_len = strlen(key);
	unsigned found = 0;

	*value = (struct text){.at = args.at};
	while (at < end) {
		struct text name = {at, key_len}, rest;

		/* Nearly every client writes the key as it is. */
		if ((size_t)(end - at) > key_len && at[key_len] == '=' &&
		    memcmp(at, key, key_len) == 0)
			at += key_len;
		else
			name = decode(&at, end, IN_KEY);
		rest = (struct text){.at = at};
		if (at < end && *at == '=') {
			at++;
			rest = decode(&at, end, IN_VALUE);
		}
		if (at < end)
			at++; /* the & */
		if (name.len == key_len && memcmp(name.at, key, key_len) == 0 && found++ == 0)
			*value = rest;
	}
	return found;
}
