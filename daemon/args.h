/* SPDX-License-Identifier: ISC */
/*
 * The arguments of a native verb: `NAME key=value …`, separated by blanks or `&`, URL-encoded.
 * Strict where the classic verbs are lax: what is not known, given twice or malformed is refused,
 * by name.
 */
#ifndef LATCHD_ARGS_H
#define LATCHD_ARGS_H

#include "locks.h"
#include "protocol.h"

enum arg {
	ARG_LOCK,
	ARG_MODE,
	ARG_SLOTS,
	ARG_WAIT,
	ARG_LEASE,
	ARG_KEY,
	ARG_ATLEAST,
	ARG_NOTE,
	ARG_BEAT,
	ARG_ID,
	ARG_TOKEN,
	ARG_NAME,
	ARG_PREFIX,
	ARG_AFTER,
	ARG_LIMIT,
	ARG_AT,
	ARG_CLIENT,
	ARG_COUNT
};

#define ARG_BIT(arg) (UINT32_C(1) << (arg))

struct args {
	uint32_t present; /* bits of what was given */
	unsigned n_names;
	struct text names[LOCK_NAMES_MAX]; /* of ARG_LOCK, and the first word without `=` */
	struct text value[ARG_COUNT];	   /* of those present, but for ARG_LOCK */
};

/* What is wrong. */
struct args_error {
	enum refusal code;
	struct text culprit; /* a piece of the line, decoded or not; may be empty */
	const char *what;    /* words for people */
};

/*
 * Decodes TEXT in place. ALLOWED are the arguments that the verb knows, N_NAMES how many names it
 * takes. False: *ERROR, and ARG_ID where the line has one.
 */
bool args_parse(
    struct args *, struct text, uint32_t allowed, unsigned n_names, struct args_error *error);
/* `key`, for people and for the manual's test. */
const char *arg_name(enum arg);

static inline bool
args_has(const struct args *args, enum arg arg)
{
	return args->present & ARG_BIT(arg);
}

/* `2.5`, `500ms`, `30s`, `5m`, `1h`: nanoseconds, up to a hundred years. False: not a time. */
bool parse_duration(struct text, int64_t *ns);
/* Digits, up to MAX. */
bool parse_number(struct text, uint64_t max, uint64_t *number);
/* `2026-11-24T03:12:07Z`, seconds since 1970, or, before NOW_NS, `-5m`: nanoseconds since 1970, at
 * most half of what fits. */
bool parse_time(struct text, int64_t now_ns, int64_t *ns);

#endif
