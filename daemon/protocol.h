/* SPDX-License-Identifier: ISC */
/*
 * The syntax of requests and the texts of refusals: no state, no lock, no socket. What a request
 * means is in commands.c.
 */
#ifndef LATCHD_PROTOCOL_H
#define LATCHD_PROTOCOL_H

#include "reply.h"

/* Bytes that are someone else's. */
struct text {
	char *at;
	size_t len;
};

/* Every refusal has a row in protocol.c and in latchd-protocol(7). */
enum refusal {
	REFUSE_UNKNOWN_COMMAND,
	REFUSE_EMPTY_LOCK,
	REFUSE_TAKEN,
	REFUSE_DIDNTHAVE,
	REFUSE_BAD_NAME,
	REFUSE_BAD_ARGS,
	REFUSE_NAME_TOO_LONG,
	REFUSE_TOO_MANY_LOCKS,
	REFUSE_TOO_MANY_LOCKS_PER_LISTENER,
	REFUSE_TOO_MANY_LOCKS_PER_CLIENT,
	REFUSE_NO_MEMORY,
	REFUSE_LINE_TOO_LONG,
	REFUSE_LINE_TIMEOUT,
	REFUSE_TOO_MANY_CLIENTS,
	REFUSE_TOO_MANY_CLIENTS_PER_LISTENER,
	REFUSE_TOO_MANY_CLIENTS_PER_IP,
	REFUSALS
};

enum { REPLY_SHORT_MAX = 256 }; /* no reply is longer, but for one that holds a name */

void protocol_ok(struct reply *);
void protocol_refuse(struct reply *, enum refusal);
/* The whole line, CR LF included; *LEN is its length. */
const char *protocol_refusal(enum refusal, size_t *len);

/* The first word of the line (letters, digits, `_`, from its first byte), as long as it goes. May
 * be 0. */
size_t protocol_verb_len(const char *line, size_t len);

/*
 * Finds the value of KEY in `key=value&…` and decodes it in place, `+` to a space and %XX to a
 * byte; a malformed %XX stays as it is. Keys are decoded too. Returns how often KEY occurs; *VALUE
 * is that of its first (empty where it has no `=`). ARGS is overwritten.
 */
unsigned protocol_find(struct text args, const char *key, struct text *value);

#endif
