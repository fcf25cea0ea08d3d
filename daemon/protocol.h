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
	/* of native verbs only */
	REFUSE_HELD,
	REFUSE_ALREADY_WAITING,
	REFUSE_NOT_HELD,
	REFUSE_STALE,
	REFUSE_NO_LEASE,
	REFUSE_KEY_IN_USE,
	REFUSE_DEADLOCK,
	REFUSE_TIMEOUT,
	REFUSE_CANCELLED,
	REFUSE_UNKNOWN_ID,
	REFUSE_ID_IN_USE,
	REFUSE_UNKNOWN_CLIENT,
	REFUSE_LEASE_TOO_LONG,
	REFUSE_NOTE_TOO_LONG,
	REFUSE_TOO_MANY_WAITERS,
	REFUSE_TOO_MANY_WAITS,
	REFUSE_TOO_MANY_DETACHED,
	REFUSE_TOO_MANY_WATCHES,
	REFUSE_PIPELINE_FULL,
	REFUSE_NO_TOKEN,
	REFUSE_ADMIN_ONLY,
	REFUSE_SHUTDOWN,
	REFUSALS
};

enum { REPLY_SHORT_MAX = 256 }; /* no reply is longer, but for one that holds a name */

void protocol_ok(struct reply *);
void protocol_refuse(struct reply *, enum refusal);
/* The whole line, CR LF included; *LEN is its length. */
const char *protocol_refusal(enum refusal, size_t *len);
/* The code alone, and what it means in words: the parts of a native verb's refusal. */
const char *protocol_code(enum refusal);
const char *protocol_prose(enum refusal);

/* Whether C can be in a word: a letter, a digit or `_`. */
bool protocol_in_word(char c);
/* The first word of the line (letters, digits, `_`, from its first byte), as long as it goes. May
 * be 0. */
size_t protocol_verb_len(const char *line, size_t len);

/* A quick look ahead, for scans that otherwise go byte by byte: whether all of the eight bytes at
 * AT are none of blank, `%`, `&` and `+`, nor anything else below a comma. */
static inline bool
protocol_eight_plain(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t eight;

	memcpy(&eight, at, sizeof(eight));
	return ((eight - ones * ',') & ~eight & ones * 0x80) == 0;
}

/* The byte that the `%XX` at AT stands for; -1 where it is none. */
int protocol_escape(const char *at, const char *end);

/*
 * Finds the value of KEY in `key=value&…` and decodes it in place, `+` to a space and %XX to a
 * byte; a malformed %XX stays as it is. Keys are decoded too. Returns how often KEY occurs; *VALUE
 * is that of its first (empty where it has no `=`). ARGS is overwritten.
 */
unsigned protocol_find(struct text args, const char *key, struct text *value);

#endif
