/* SPDX-License-Identifier: ISC */
/* See generate.h. */
#include "generate.h"

#include <string.h>

/* splitmix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014) */
uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned
below(struct generator *gen, unsigned n)
{
	return (unsigned)((random_next(&gen->state) >> 32) * n >> 32);
}

static bool
percent(struct generator *gen, unsigned n)
{
	return below(gen, 100) < n;
}

static unsigned
one_of(struct generator *gen, const unsigned *values, unsigned n)
{
	return values[below(gen, n)];
}
#define ONE_OF(gen, ...)                                                                           \
	one_of((gen), (const unsigned[]){__VA_ARGS__},                                             \
	    sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

void
generator_init(struct generator *gen, uint64_t seed, unsigned owners)
{
	static const unsigned weights[OP_KINDS] = {10, 25, 60, 5, 12, 8, 4, 4, 20, 15, 20, 1, 2};

	memset(gen, 0, sizeof(*gen));
	gen->state = seed;
	memcpy(gen->weights, weights, sizeof(weights));
	gen->owners = ONE_OF(gen, 2, 3, 4, 4, 5, 6, 8, 12, 20, 50);
	gen->owners = owners != 0 ? owners : gen->owners;
	gen->names = ONE_OF(gen, 1, 2, 3, 3, 4, 5, 8);
	gen->shared = ONE_OF(gen, 0, 10, 30, 60);
	gen->slots = ONE_OF(gen, 0, 10, 30, 60);
	gen->several = ONE_OF(gen, 0, 20, 50);
	gen->waits = ONE_OF(gen, 50, 80, 95);
	gen->forever = ONE_OF(gen, 0, 20, 80);
	gen->tagged = ONE_OF(gen, 0, 20, 50, 90);
	gen->keyed = ONE_OF(gen, 0, 20, 60);
	gen->again = ONE_OF(gen, 10, 40);
	gen->leased = ONE_OF(gen, 0, 20, 60);
	gen->kept = ONE_OF(gen, 0, 10, 40);
	gen->beaten = ONE_OF(gen, 0, 10, 50);
	gen->limited = ONE_OF(gen, 0, 0, 50);
	gen->lazy = ONE_OF(gen, 0, 50, 90);
	gen->weights[OP_GONE] = ONE_OF(gen, 1, 4, 12);
	gen->weights[OP_RELEASE] = ONE_OF(gen, 10, 25, 50);
	gen->weights[OP_TIME] = ONE_OF(gen, 3, 15, 40);
}

/* A holder, where there is one; mostly one that is held. */
static const struct ref_grant *
some_grant(struct generator *gen, struct ref *ref, struct op *op)
{
	op->names[0] = (uint8_t)below(gen, gen->names);
	for (unsigned i = 0; i < 3 && ref->names[op->names[0]].n_held == 0; i++)
		op->names[0] = (uint8_t)below(gen, gen->names);
	op->n_names = 1;
	const struct ref_name *name = &ref->names[op->names[0]];
	return name->n_held > 0 ? &name->held[below(gen, name->n_held)] : NULL;
}

static void
aim_at_grant(struct generator *gen, struct ref *ref, struct op *op)
{
	const struct ref_grant *grant = some_grant(gen, ref, op);

	op->which = (uint8_t)ONE_OF(
	    gen, TOKEN_NONE, TOKEN_NONE, TOKEN_RIGHT, TOKEN_RIGHT, TOKEN_OLD, TOKEN_FUTURE);
	if (grant == NULL || percent(gen, 10))
		return;
	if (grant->owner != NOBODY)
		op->owner = (uint8_t)grant->owner;
	if (percent(gen, 40)) {
		op->key = (uint8_t)grant->key;
		op->owner = (uint8_t)below(gen, gen->owners);
	}
	if (percent(gen, 5))
		op->key = (uint8_t)below(gen, MODEL_KEYS + 1);
}

static void
some_names(struct generator *gen, struct op *op)
{
	unsigned n = 1;

	while (n < OP_NAMES && n < gen->names && percent(gen, gen->several))
		n++;
	while (op->n_names < n) {
		uint8_t name = (uint8_t)below(gen, gen->names);

		if (!ref_wants(op, name))
			op->names[op->n_names++] = name;
	}
}

/* The names and the mode of an acquire with a key that is there, or nearly so. */
static void
ask_again(struct generator *gen, struct ref *ref, struct op *op)
{
	const struct ref_grant *grant = NULL;
	const struct ref_wait *wait = NULL;

	if (ref->n_waits > 0 && percent(gen, 50))
		wait = &ref->waits[below(gen, ref->n_waits)];
	else
		grant = some_grant(gen, ref, op);
	if (wait != NULL) {
		op->n_names = wait->terms.n_names;
		memcpy(op->names, wait->terms.names, sizeof(op->names));
		op->mode = wait->terms.mode;
		op->slots = wait->terms.slots;
		op->key = wait->terms.key;
	} else if (grant != NULL) {
		op->mode = (uint8_t)grant->mode;
		op->slots = (uint16_t)grant->slots;
		op->key = (uint8_t)grant->key;
		for (unsigned i = 0; i < gen->names && op->n_names < OP_NAMES; i++)
			if (ref_grant_at(ref, i, grant->token) != NULL && !ref_wants(op, i) &&
			    percent(gen, 90))
				op->names[op->n_names++] = (uint8_t)i;
	}
	if (op->n_names > 1 && percent(gen, 20)) {
		uint8_t first = op->names[0];

		op->names[0] = op->names[op->n_names - 1];
		op->names[op->n_names - 1] = first;
	}
}

static void
some_terms(struct generator *gen, struct op *op)
{
	op->mode = LOCK_EXCLUSIVE;
	if (percent(gen, gen->shared))
		op->mode = LOCK_SHARED;
	else if (percent(gen, gen->slots))
		op->mode = LOCK_SLOTS;
	if (op->mode == LOCK_SLOTS)
		op->slots = (uint16_t)(1 + below(gen, 4));
	if (percent(gen, gen->keyed))
		op->key = (uint8_t)(1 + below(gen, MODEL_KEYS));
}

static void
some_acquire(struct generator *gen, struct ref *ref, struct op *op)
{
	if (percent(gen, gen->again) && gen->keyed > 0)
		ask_again(gen, ref, op);
	if (op->n_names == 0)
		some_names(gen, op);
	if (op->key == 0)
		some_terms(gen, op);
	else if (percent(gen, 3))
		op->mode = op->mode == LOCK_SHARED ? LOCK_EXCLUSIVE : LOCK_SHARED;
	if (percent(gen, gen->waits))
		op->ms = percent(gen, gen->forever) ? FOREVER : (int32_t)below(gen, 60);
	if (percent(gen, gen->tagged))
		op->tag = (uint8_t)(1 + below(gen, MODEL_TAGS));
	if (percent(gen, gen->leased))
		op->lease_ms = 1 + below(gen, 50);
	if (percent(gen, gen->kept))
		op->atleast_ms = 1 + below(gen, 50);
	if (percent(gen, gen->beaten))
		op->beat_ms = 1 + below(gen, 20);
	op->note = (uint8_t)below(gen, MODEL_NOTES + 1);
}

static void
some_limits(struct generator *gen, struct op *op)
{
	static const uint16_t most[OP_LIMITS_N] = {20, 6, 4, 5, 12, 4};

	op->which = (uint8_t)below(gen, MODEL_QUOTAS);
	for (unsigned i = 0; i < OP_LIMITS_N; i++)
		if (percent(gen, gen->limited))
			op->limits[i] = (uint16_t)(1 + below(gen, most[i]));
}

static void
some_details(struct generator *gen, struct ref *ref, struct op *op)
{
	switch (op->kind) {
	case OP_ACQUIRE:
		some_acquire(gen, ref, op);
		break;
	case OP_RELEASE:
	case OP_END:
	case OP_RENEW:
		aim_at_grant(gen, ref, op);
		op->lease_ms = percent(gen, 70) ? below(gen, 50) : 0;
		break;
	case OP_TRY:
	case OP_REVOKE:
		op->names[op->n_names++] = (uint8_t)below(gen, gen->names);
		op->which = (uint8_t)below(gen, 8);
		break;
	case OP_CANCEL:
		op->tag = (uint8_t)below(gen, MODEL_TAGS + 1);
		op->which = (uint8_t)below(gen, OP_NAMES);
		if (ref->n_waits > 0 && percent(gen, 70)) {
			const struct ref_wait *wait = &ref->waits[below(gen, ref->n_waits)];

			op->owner = (uint8_t)wait->owner;
			op->tag = wait->terms.tag;
		}
		break;
	case OP_GONE:
		op->which = (uint8_t)below(gen, MODEL_QUOTAS);
		break;
	case OP_NEWS:
		op->max = (uint16_t)(1 + below(gen, percent(gen, gen->lazy) ? 2 : 1000));
		op->which = percent(gen, 20);
		break;
	case OP_TIME:
		op->which = (uint8_t)below(gen, UNTILS);
		op->ms = (int32_t)below(gen, 40);
		break;
	case OP_DUE:
		op->max = (uint16_t)ONE_OF(gen, 1, 1, 2, 3, 1000, 1000);
		op->ms = percent(gen, 10) ? (int32_t)below(gen, 30) : 0;
		break;
	case OP_LIMITS:
		some_limits(gen, op);
		break;
	case OP_TOKENS:
		op->max = (uint16_t)below(gen, 1000);
		op->which = percent(gen, 20) ? TOKENS_END : TOKENS_JUMP;
		if (percent(gen, 30))
			op->names[op->n_names++] = (uint8_t)below(gen, gen->names);
		break;
	}
}

void
generate(struct generator *gen, struct ref *ref, size_t n, struct op *op)
{
	unsigned total = 0, at;

	memset(op, 0, sizeof(*op));
	op->fraction_ns = (uint32_t)(n % (MS / 2));
	for (unsigned i = 0; i < 4 && (i == 0 || ref_is_blocked(ref, op->owner)); i++)
		op->owner = (uint8_t)below(gen, gen->owners);
	for (unsigned i = 0; i < OP_KINDS; i++)
		total += gen->weights[i];
	at = below(gen, total);
	while (at >= gen->weights[op->kind])
		at -= gen->weights[op->kind++];
	some_details(gen, ref, op);
}
