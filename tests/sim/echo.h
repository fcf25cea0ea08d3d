/* SPDX-License-Identifier: ISC */
/*
 * A server of the library's own for the simulated kernel: it listens and sends every line back with
 * its number before it. It uses what the library has: a listener, pushed-back bytes, a queue of
 * copied and lent bytes with callbacks and watermarks, a read budget, idle timeouts and a timer.
 */
#ifndef SIM_ECHO_H
#define SIM_ECHO_H

#include "dsock.h"
#include "talk.h"

enum { ECHO_PORT = 7000, ECHO_TALKS = 6, ECHO_EXPECT = 16384 };

struct echo_server {
	struct ds_loop *loop;
	struct ds_listener listener;
	struct ds_timer tick;
	size_t connections; /* now */
	unsigned ticks, accepted, pauses;
	bool open;	/* the listener */
	bool push_back; /* some of what is read, once in a while */
};

/* 0, or -1: a call has failed, and there is nothing left of it. */
int echo_open(struct echo_server *);
void echo_close(struct echo_server *);

/* A world of talks, and what each should receive. */
struct echo_world {
	struct echo_server server;
	struct talk talks[ECHO_TALKS];
	char expected[ECHO_TALKS][ECHO_EXPECT];
	size_t n;
};

/* Scripts for a talk: lines of any length, by the run's seed. */
void echo_script(struct echo_world *, size_t index, unsigned lines);
/* Plays the talks; leaves the loop when all are over. */
int64_t echo_play(void *world);

/* One run: any faults, several talks, each has to receive what is expected. */
void echo_run(uint64_t seed);

#endif
