/* SPDX-License-Identifier: ISC */
/*
 * What the files of the load generator share: load.c (options, bursts of acquires and releases),
 * handover.c (a lock that goes from one to another), stay.c (what is held while memory is
 * measured).
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conn.h"
#include "dialect.h"

#define DEPTH_MAX 1024 /* the replies to so many fit the socket buffers */
#define BATCH_MAX 512

struct worker {
	struct conn conn;
	bool holding;	     /* its lock; then the next request is a release */
	char *requests;	     /* acquire, release, acquire …: DEPTH + 1 of them */
	const char *replies; /* to them */
	char *own_replies;   /* NULL: they are those of another worker */
};

struct load {
	const struct dialect *dialect;
	unsigned connections, depth, locks;
	double seconds, warmup;
	uint64_t limit; /* requests; 0: as many as fit into the time */
	pid_t server;	/* 0: not known, its CPU time is given as 0 */
	struct worker *workers;
	int ep;
};

typedef void (*mode_fn)(struct load *);

/* As calloc, and exits where there is no memory. */
void *allocate(size_t n, size_t size);
/* Seconds of the monotonic clock. */
double now(void);
/* A lock's name: DIALECT_NAME_LEN bytes and a NUL. */
void name_lock(char *name, unsigned worker, unsigned lock);
/* Makes l->ep, which tells of input for each of the workers. */
void watch_connections(struct load *);
/* The server's CPU time, once it has gone back to sleep after its last reply. */
uint64_t resting_cpu_ns(const struct load *);
void print_result(uint64_t requests, double wall, uint64_t cpu_ns);

void handover(struct load *);
void hold(struct load *);
void wait_behind(struct load *);
void idle(struct load *);

#endif
