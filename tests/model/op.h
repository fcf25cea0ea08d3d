/* SPDX-License-Identifier: ISC */
/*
 * The model test: random operations on the lock table and, beside it, on a naive reference; after
 * each both must say the same. An operation here is plain data with indices in place of names and
 * owners, so that it means something whatever stood before it: that is what makes a failing run
 * replayable with parts of it left out.
 */
#ifndef MODEL_OP_H
#define MODEL_OP_H

#include "locks.h"

#include <stdint.h>
#include <stdio.h>

enum { OP_NAMES = 4, MODEL_NAMES = 8, MODEL_OWNERS = 50, MODEL_KEYS = 4, MODEL_TAGS = 3 };
enum { MODEL_NOTES = 3, MODEL_QUOTAS = 2, NOBODY = -1, FOREVER = -1 };

#define MS INT64_C(1000000)

enum op_kind {
	OP_TRY,
	OP_RELEASE,
	OP_ACQUIRE,
	OP_CANCEL,
	OP_END,	   /* a grant found by name, token and key */
	OP_RENEW,  /* likewise */
	OP_REVOKE, /* one holder of a name */
	OP_GONE,   /* and another owner comes in its place */
	OP_NEWS,   /* is told */
	OP_TIME,   /* passes */
	OP_DUE,
	OP_LIMITS,
	OP_TOKENS, /* the next ones are higher; or there are none, perhaps for one try only */
	OP_KINDS
};

/* Which token OP_END and OP_RENEW give. */
enum op_token { TOKEN_NONE, TOKEN_RIGHT, TOKEN_OLD, TOKEN_FUTURE, TOKENS };
/* How far OP_TIME goes. */
enum op_until { UNTIL_LATER, UNTIL_DUE, UNTIL_JUST_BEFORE, UNTILS };
/* Without a name: what OP_TOKENS does. */
enum op_tokens { TOKENS_JUMP, TOKENS_END };
/* The numbers of OP_LIMITS; 0: none. */
enum op_limit {
	LIMIT_TABLE,
	LIMIT_OWNER,
	LIMIT_OWNER_WAITS,
	LIMIT_WAITERS,
	LIMIT_QUOTA,
	LIMIT_DETACHED,
	OP_LIMITS_N
};

struct op {
	uint8_t kind, owner;
	uint8_t n_names, names[OP_NAMES];
	uint8_t mode, key, tag, note; /* the last three: 0 for none */
	uint8_t which; /* an op_token, an op_until, or the holder, claim or quota that is meant */
	uint16_t slots, max;
	uint16_t limits[OP_LIMITS_N];
	int32_t ms;	      /* the wait, or how long OP_TIME takes */
	uint32_t fraction_ns; /* the operation's share in a millisecond: no two deadlines are one */
	uint32_t lease_ms, atleast_ms, beat_ms;
};

struct lock_text op_name(unsigned name), op_key(unsigned key), op_tag(unsigned tag),
    op_note(unsigned note);
bool op_same_text(struct lock_text, struct lock_text);
/* The name with these bytes, or -1. */
int op_name_index(const char *at, size_t len);

/* As people read it, without a line end. */
void op_print(FILE *, const struct op *);

const char *result_text(enum lock_result);
const char *end_text(enum lock_end);
const char *outcome_text(enum lock_outcome);

#endif
