/* SPDX-License-Identifier: ISC */
/*
 * The real daemon among simulated clients, and a reference model of its locks. The model is told of
 * each request and of each end of a connection in the order in which the daemon handles them (the
 * linker redirects commands_run and session_fini), and says what each client has to receive.
 */
#ifndef SIM_LATCHD_H
#define SIM_LATCHD_H

#include "server.h"
#include "talk.h"

enum { LATCHD_PORT = 7002, LATCHD_CLIENTS = 6, LATCHD_REQUESTS = 24, LATCHD_NAMES = 6 };

enum verb {
	TRYLOCK,
	RELEASELOCK,
	NOOP,
	LOCKS,
	UNKNOWN,
	NO_NAME,
	TWO_NAMES,
	/* native */
	ACQUIRE,
	RELEASE,
	PING
};

struct sim_request {
	enum verb verb;
	unsigned name;
	size_t at;     /* where it begins in what the client sends */
	char line[64]; /* as the daemon has to see it */
};

struct sim_client {
	struct talk talk;
	struct sim_request requests[LATCHD_REQUESTS];
	size_t n;
	size_t handled; /* by the daemon */
	char expected[TALK_IN];
	size_t expected_len;
	/* What the client itself can tell. */
	size_t replies, parsed; /* received, and up to where in talk.in */
	bool granted[LATCHD_REQUESTS];
};

struct latchd {
	struct server *server;
	struct sim_client clients[LATCHD_CLIENTS];
	size_t n;	 /* clients */
	size_t scripted; /* of them; those behind are there to see whether it still works */
	int holder[LATCHD_NAMES]; /* which client has it; -1: none */
	uint64_t last_token;	  /* that a client was told */
	bool may_stall;		  /* the daemon does not run for some time, now and then */
	bool told_to_stop;
};

/* A client that sends N requests of any kind. */
void latchd_script(struct latchd *, size_t n, enum talk_end);
/*
 * The daemon from its start to its end by SIGTERM, which comes when all clients are over and one
 * more was served. Fails the test unless each client received what the model says. What fails at
 * the start, because it was told to, ends it early.
 */
void latchd_live(struct latchd *, struct config *);

/* The model: what the daemon is about to answer to the next request of CLIENT. */
void model_init(struct latchd *);
size_t model_locks(const struct latchd *);
size_t model_answer(struct latchd *, size_t client, char *buf, size_t size);
/* How a native verb is answered, the model knows up to what varies: REPLY has to begin with ANSWER
 * and to be one line, with a token above all others if it is a grant. */
void model_check_native(struct latchd *, const char *answer, const char *reply, size_t len);
bool is_native(enum verb);
void model_end(struct latchd *, size_t client); /* all that CLIENT holds is free */

/* Fails the test where two clients have each reason to think that they hold the same lock. */
void client_check_exclusion(struct latchd *);

/* Makes a request at random, appends it to the client's script. */
void client_add_request(struct sim_client *);

#endif
