/* SPDX-License-Identifier: ISC */
/* Runs, each in a process of its own, since an assertion or a crash is a failure like any other;
 * and the shrinking of one that failed. */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "ref.h"
#include "report.h"

struct run {
	uint64_t seed;
	size_t steps;
	unsigned owners;      /* 0: chosen by the seed */
	unsigned names;	      /* that the run has had, and so its operations */
	size_t compare_every; /* all is compared every so many steps; in between what they touch */
	enum ref_break broken;
};

/* Whether it passed. Otherwise the operations are in the report, the last one being that which
 * failed. */
bool run_random(struct run *);
/* Fewer and simpler operations in the report that fail as well, with all compared after each. */
void run_shrink(const struct run *);
/* The operations and what was wrong. */
void run_print(void);

#endif
