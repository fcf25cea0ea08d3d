/* SPDX-License-Identifier: ISC */
/* Rows to standard output: a table for people, or an array of objects for programs. */
#ifndef LATCH_OUTPUT_H
#define LATCH_OUTPUT_H

#include "table.h"

struct output {
	struct table table;
	size_t rows;
	bool json;
};

void output_begin(struct output *, bool json, const struct column *, size_t n);
/* An object has all pairs, a table those of its columns. */
void output_row(struct output *, const struct pairs *);
/* STATUS is how it went so far: where it is not 0 there are no headings without a row, and an array
 * stays open. Returns it, or that standard output failed. */
int output_end(struct output *, int status);
/* For those who print by themselves: 0, or an exit status after the reason was said. */
int output_flush(void);

#endif
