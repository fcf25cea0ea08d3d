/* SPDX-License-Identifier: ISC */
/*
 * What the unit tests of the library share. Every test runs between unit_setup and unit_teardown:
 * it gets a loop in *state whose turns do not wait, has an alarm against hanging, and fails when it
 * leaves a descriptor open. A recorder is a socket class that notes what it goes through.
 */
#ifndef UNIT_SUPPORT_H
#define UNIT_SUPPORT_H

#include "dsock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A row of a test table. */
#define UNIT(test) cmocka_unit_test_setup_teardown(test, unit_setup, unit_teardown)

/* Inside a forked child, where cmocka's assertions would return to the parent's tests. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

int unit_setup(void **state);
int unit_teardown(void **state);

/* Runs FN in a child with a loop of its own; fails the test unless it returns. */
void in_child(void (*fn)(struct ds_loop *));

void step(struct ds_loop *, int turns); /* that do not wait */
int64_t clock_ms(void);			/* monotonic */
bool is_open(int fd);

/* Pairs of connected descriptors that do not block. */
void unix_pair(int fds[2]);
void tcp_pair(int fds[2]);
void pipe_pair(int fds[2]); /* fds[0] reads */

/* Until the kernel has it: what goes through TCP may be on its way for a moment. */
void await(int fd, short poll_events);
void put(int fd, const char *text);	     /* all of it, or the test fails */
size_t drain(int fd, void *buf, size_t len); /* what is there now, up to LEN bytes */
void fill(int fd);			     /* until it takes no more */

/* What a recorder went through. The recorder is freed in destroy, this at the test's end. */
struct seen {
	struct seen *next;
	int reads, writes, errs, hups, closes, destroys;
	char order[32]; /* a letter an event, in order: r w e h c(lose) d(estroy); cut when full */
	char reason[32];
	char in[256];  /* the first bytes that were read */
	size_t in_len; /* of all that were read */
};

struct rec;
typedef void (*rec_fn)(struct rec *);

/* NULL hooks: read once (closing with reason "eof" at the end), flush, nothing, nothing. */
struct rec {
	struct ds_sock sock;
	struct seen *seen;
	rec_fn on_read, on_write, on_err, on_hup, on_close, on_destroy;
	size_t read_size; /* of one event; 1,024 unless set */
	struct rec *other;
	void *arg;
};

/* Takes FD. The class has the library's default event_write, event_err and event_hup. */
struct rec *rec_new(struct ds_loop *, int fd, unsigned watch);
/* The same, but every event comes to the recorder. */
struct rec *rec_new_full(struct ds_loop *, int fd, unsigned watch);
/* A recorder of the first kind on one end of a unix socket pair, whose other end is *PEER. */
struct rec *rec_on_pair(struct ds_loop *, int *peer, unsigned watch);
ssize_t rec_read(struct rec *); /* what the default on_read does */

#endif
