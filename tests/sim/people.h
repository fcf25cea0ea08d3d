/* SPDX-License-Identifier: ISC */
/*
 * The daemon among people who do things at set moments: what they say goes out as far as there is
 * room, and what comes is received at once, unless they are deaf.
 */
#ifndef SIM_PEOPLE_H
#define SIM_PEOPLE_H

#include "server.h"
#include "sim.h"

enum { PEOPLE = 5, PERSON_OUT = 8192, PERSON_IN = 32768 };

struct person {
	struct sim_peer *peer;
	bool deaf;
	bool ended; /* the daemon's end was received; ours follows at once */
	int64_t ended_ns;
	size_t out_len, in_len;
	char out[PERSON_OUT]; /* not sent as yet */
	char in[PERSON_IN];
};

struct people;

struct moment {
	int64_t ms; /* after the beginning */
	void (*act)(struct people *);
};

struct people {
	struct server *server;
	struct person person[PEOPLE];
	const struct moment *moments;
	size_t n, next;
	int64_t begun, stopped_ns, over_ns;
	int64_t slack;	 /* by which times may be off */
	int64_t wall_ns; /* the wall clock moves by that, once they have begun */
	bool told_to_stop;
};

void people_begin(struct people *, const struct moment *, size_t n);
/* From the daemon's start to its end by SIGTERM after the last moment; less where a call was told
 * to fail. */
void people_live(struct people *);
/*
 * A whole run of a scene, with or without faults of every kind, but that connections are accepted
 * at once: a client's time begins there. Buffers are smaller than what is said in some scenes.
 */
void people_run(
    struct people *, uint64_t seed, const struct moment *, size_t n, bool faults, int64_t wall_ns);
#define SCENE(moments) moments, sizeof(moments) / sizeof((moments)[0])
void person_says(struct people *, size_t who, const char *text);

#endif
