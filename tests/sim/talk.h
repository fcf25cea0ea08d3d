/* SPDX-License-Identifier: ISC */
/*
 * The other end of a connection as a script: it sends a text in pieces of any size, now and then
 * receives a piece, and ends in one of several ways. What it received stays, to be compared.
 */
#ifndef SIM_TALK_H
#define SIM_TALK_H

#include "sim.h"

enum { TALK_OUT = 8192, TALK_IN = 32768 };

enum talk_end {
	TALK_HALF_CLOSE, /* sends no more, receives up to the end of file */
	TALK_CLOSE,	 /* closes as soon as all is sent */
	TALK_RESET	 /* the same with a reset */
};

enum talk_state { TALK_NEW, TALK_OPEN, TALK_ENDING, TALK_OVER };

struct talk {
	struct sim_peer *peer; /* NULL: not connected as yet */
	enum talk_state state;
	enum talk_end end;
	uint16_t port;	 /* to connect to */
	int64_t next_ns; /* it rests until then */
	int error;	 /* of its end: 0 for an end of file */
	size_t out_len, sent;
	size_t in_len;
	char out[TALK_OUT + 1];
	char in[TALK_IN + 1]; /* ends with a NUL */
};

void talk_init(struct talk *, uint16_t port, enum talk_end);
void talk_add(struct talk *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Does a thing or two, or nothing; says when it wants to be called again. */
int64_t talk_step(struct talk *);
/* Steps all of N in any order. */
int64_t talk_step_all(struct talk *, size_t n);
bool talk_all_over(const struct talk *, size_t n);

#endif
