/* SPDX-License-Identifier: ISC */
/* See op.h: what operations are about, and how they read. */
#include "op.h"

#include <string.h>

#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

static const struct lock_text names[MODEL_NAMES] = {TEXT("a"), TEXT("b"), TEXT("c"), TEXT("d"),
    TEXT("e"), TEXT("f"), TEXT("a\0"), TEXT("A rather long one, of some thirty bytes")};
static const struct lock_text keys[MODEL_KEYS + 1] = {
    {NULL, 0}, TEXT("key of 1"), TEXT("key of 2"), TEXT("key of 2!"), TEXT("key\0four")};
static const struct lock_text tags[MODEL_TAGS + 1] = {
    {NULL, 0}, TEXT("one"), TEXT("two"), TEXT("twotwo")};
static const struct lock_text notes[MODEL_NOTES + 1] = {
    {NULL, 0}, TEXT("a note"), TEXT("another"), TEXT("the third of them")};

struct lock_text
op_name(unsigned name)
{
	return names[name];
}

struct lock_text
op_key(unsigned key)
{
	return keys[key];
}

struct lock_text
op_tag(unsigned tag)
{
	return tags[tag];
}

struct lock_text
op_note(unsigned note)
{
	return notes[note];
}

int
op_name_index(const char *at, size_t len)
{
	for (int i = 0; i < MODEL_NAMES; i++)
		if (op_same_text(names[i], (struct lock_text){at, len}))
			return i;
	return -1;
}

bool
op_same_text(struct lock_text a, struct lock_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

const char *
result_text(enum lock_result result)
{
	static const char *const texts[LOCK_RESULTS] = {[LOCK_OK] = "OK",
	    [LOCK_WAITING] = "WAITING",
	    [LOCK_TAKEN] = "TAKEN",
	    [LOCK_HELD] = "HELD",
	    [LOCK_ALREADY_WAITING] = "ALREADY_WAITING",
	    [LOCK_NOT_HELD] = "NOT_HELD",
	    [LOCK_STALE] = "STALE",
	    [LOCK_NO_LEASE] = "NO_LEASE",
	    [LOCK_KEY_IN_USE] = "KEY_IN_USE",
	    [LOCK_DEADLOCK] = "DEADLOCK",
	    [LOCK_TABLE_FULL] = "TABLE_FULL",
	    [LOCK_QUOTA_FULL] = "QUOTA_FULL",
	    [LOCK_OWNER_FULL] = "OWNER_FULL",
	    [LOCK_QUEUE_FULL] = "QUEUE_FULL",
	    [LOCK_WAITS_FULL] = "WAITS_FULL",
	    [LOCK_DETACHED_FULL] = "DETACHED_FULL",
	    [LOCK_NO_TOKEN] = "NO_TOKEN",
	    [LOCK_NO_MEMORY] = "NO_MEMORY"};

	return result < LOCK_RESULTS && texts[result] != NULL ? texts[result] : "no result";
}

const char *
end_text(enum lock_end how)
{
	static const char *const texts[] = {"release", "lease", "close", "revoke"};

	return texts[how];
}

const char *
outcome_text(enum lock_outcome outcome)
{
	static const char *const texts[] = {"granted", "timeout", "taken over"};

	return texts[outcome];
}

/* Printing. A name is its letter: g and h are the odd ones. */

static void
print_names(FILE *file, const struct op *op)
{
	for (unsigned i = 0; i < op->n_names; i++)
		fprintf(file, "%s%c", i == 0 ? " " : ",", 'a' + op->names[i]);
}

static void
print_terms(FILE *file, const struct op *op)
{
	static const char *const modes[] = {"exclusive", "shared"};

	if (op->mode == LOCK_SLOTS)
		fprintf(file, " slots=%u", op->slots);
	else
		fprintf(file, " %s", modes[op->mode]);
	if (op->ms == FOREVER)
		fprintf(file, " wait=forever");
	else if (op->ms != 0)
		fprintf(file, " wait=%d.5ms", op->ms);
	if (op->lease_ms != 0)
		fprintf(file, " lease=%ums", op->lease_ms);
	if (op->atleast_ms != 0)
		fprintf(file, " atleast=%ums", op->atleast_ms);
	if (op->beat_ms != 0)
		fprintf(file, " beat=%ums", op->beat_ms);
	if (op->key != 0)
		fprintf(file, " key=%u", op->key);
	if (op->tag != 0)
		fprintf(file, " tag=%u", op->tag);
	if (op->note != 0)
		fprintf(file, " note=%u", op->note);
}

static void
print_ref(FILE *file, const struct op *op)
{
	static const char *const tokens[] = {
	    "", " token=its", " token=an-older-one", " token=a-future-one"};

	fprintf(file, "%s", tokens[op->which]);
	if (op->key != 0)
		fprintf(file, " key=%u", op->key);
	if (op->kind == OP_RENEW && op->lease_ms != 0)
		fprintf(file, " lease=%ums", op->lease_ms);
}

static void
print_time(FILE *file, const struct op *op)
{
	static const char *const texts[] = {[UNTIL_DUE] = "until something is due",
	    [UNTIL_JUST_BEFORE] = "until a ns before something is due"};

	if (op->which == UNTIL_LATER)
		fprintf(file, " %dms", op->ms);
	else
		fprintf(file, " %s", texts[op->which]);
}

static void
print_limits(FILE *file, const struct op *op)
{
	static const char *const limits[] = {
	    "max", "max_per_owner", "max_waits_per_owner", "max_waiters", "quota", "detached"};

	for (unsigned i = 0; i < OP_LIMITS_N; i++)
		if (op->limits[i] != 0)
			fprintf(file, " %s=%u", limits[i], op->limits[i]);
	fprintf(file, " of quota %u", op->which);
}

void
op_print(FILE *file, const struct op *op)
{
	static const char *const kinds[OP_KINDS] = {"try", "release", "acquire", "cancel", "end",
	    "renew", "revoke", "gone", "news", "time", "due", "limits", "tokens"};

	if (op->kind < OP_REVOKE || op->kind == OP_GONE || (op->kind == OP_NEWS && op->which) ||
	    (op->kind == OP_TOKENS && op->n_names > 0))
		fprintf(file, "owner %u ", op->owner);
	fprintf(file, "%s", kinds[op->kind]);
	print_names(file, op);
	if (op->kind == OP_ACQUIRE)
		print_terms(file, op);
	else if (op->kind == OP_CANCEL)
		fprintf(file, " tag=%u by its claim %u", op->tag, op->which);
	else if (op->kind == OP_END || op->kind == OP_RENEW)
		print_ref(file, op);
	else if (op->kind == OP_REVOKE)
		fprintf(file, " holder %u", op->which);
	else if (op->kind == OP_GONE)
		fprintf(file, ", a new one of quota %u", op->which);
	else if (op->kind == OP_TIME)
		print_time(file, op);
	else if (op->kind == OP_DUE && op->ms != 0)
		fprintf(file, " max=%u until %dms ago", op->max, op->ms);
	else if (op->kind == OP_DUE || op->kind == OP_NEWS)
		fprintf(file, " max=%u", op->max);
	else if (op->kind == OP_LIMITS)
		print_limits(file, op);
	else if (op->kind == OP_TOKENS && op->n_names == 0 && op->which == TOKENS_END)
		fprintf(file, " end");
	else if (op->kind == OP_TOKENS)
		fprintf(file, op->n_names ? ": none for it" : " from %u higher", op->max);
}
