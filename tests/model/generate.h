/* SPDX-License-Identifier: ISC */
/* Random operations: how much of what differs from run to run, so that some runs get far into each
 * corner. */
#ifndef MODEL_GENERATE_H
#define MODEL_GENERATE_H

#include "ref.h"

struct generator {
	uint64_t state; /* of the random numbers */
	unsigned names, owners;
	unsigned weights[OP_KINDS];
	/* in percent */
	unsigned shared, slots, several, waits, forever, tagged, keyed, again, leased, kept, beaten;
	unsigned limited, lazy;
};

/* OWNERS 0: a random number. */
void generator_init(struct generator *, uint64_t seed, unsigned owners);
/* The Nth one, aimed at what there is. */
void generate(struct generator *, struct ref *, size_t n, struct op *);

uint64_t random_next(uint64_t *state);

#endif
