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
#define LINE(code, prose)                                                                          \
	{                                                                                          \
		"ERR " code " " prose "\r\n", sizeof("ERR " code " " prose "\r\n") - 1             \
	}

static const struct {
	const char *line;
	size_t len;
} refusals[REFUSALS] = {
    [REFUSE_UNKNOWN_COMMAND] = LINE("unknown_command", "Unknown+server+command"),
    [REFUSE_EMPTY_LOCK] = LINE("empty_lock", ""),
    [REFUSE_TAKEN] = LINE("taken", ""),
    [REFUSE_DIDNTHAVE] = LINE("didnthave", ""),
    [REFUSE_BAD_NAME] = LINE("bad_name", ""),
    [REFUSE_BAD_ARGS] = LINE("bad_args", ""),
    [REFUSE_NAME_TOO_LONG] = LINE("name_too_long", ""),
    [REFUSE_TOO_MANY_LOCKS] = LINE("too_many_locks", ""),
    [REFUSE_TOO_MANY_LOCKS_PER_LISTENER] = LINE("too_many_locks_per_listener", ""),
    [REFUSE_TOO_MANY_LOCKS_PER_CLIENT] = LINE("too_many_locks_per_client", ""),
    [REFUSE_NO_MEMORY] = LINE("no_memory", ""),
    [REFUSE_LINE_TOO_LONG] = LINE("line_too_long", ""),
    [REFUSE_LINE_TIMEOUT] = LINE("line_timeout", ""),
    [REFUSE_TOO_MANY_CLIENTS] = LINE("too_many_clients", ""),
    [REFUSE_TOO_MANY_CLIENTS_PER_LISTENER] = LINE("too_many_clients_per_listener", ""),
    [REFUSE_TOO_MANY_CLIENTS_PER_IP] = LINE("too_many_clients_per_ip", ""),
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

size_t
protocol_verb_len(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && (kinds[(unsigned char)line[n]] & WORD))
		n++;
	return n;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes a key or a value from *FROM to its end, which is left there. Nothing moves before an
 * escape. */
static struct text
decode(char **from, const char *end, int plain)
{
	char *in = *from, *out;
	struct text text = {.at = in};

	while (in < end && (kinds[(unsigned char)*in] & plain))
		in++;
	for (out = in; in < end && *in != '&' && (*in != '=' || plain == IN_VALUE); in++) {
		int high, low;

		if (*in == '%' && end - in > 2 && (high = hex_digit(in[1])) >= 0 &&
		    (low = hex_digit(in[2])) >= 0) {
			*out++ = (char)(high << 4 | low);
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
