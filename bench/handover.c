/* SPDX-License-Identifier: ISC */
/*
 * Connections in pairs, one lock a pair. One of the two holds it and the other waits; the first
 * releases, both get their replies, and the first queues up behind the second. A request of each
 * kind and a reply to each is what that takes, as many as one connection that is answered twice.
 */
#include "load.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RELEASED "OK \r\n"

struct pair {
	char acquire[64], release[64], granted[64];
	struct worker *holds, *waits;
	unsigned replies; /* that have come of the two */
};

struct phase {
	struct load *load;
	struct pair *pairs;
	unsigned n;
};

static void
send_text(struct worker *w, const char *text)
{
	conn_send(&w->conn, text, strlen(text));
}

static void
prepare_pair(struct pair *pair, struct load *l, unsigned n)
{
	char name[DIALECT_NAME_LEN + 1];

	name_lock(name, n, 0);
	snprintf(pair->acquire, sizeof(pair->acquire), "acquire %s wait=forever\r\n", name);
	snprintf(pair->release, sizeof(pair->release), "release %s\r\n", name);
	snprintf(pair->granted, sizeof(pair->granted), "OK lock=%s&token=#\r\n", name);
	pair->holds = &l->workers[2 * n];
	pair->waits = &l->workers[2 * n + 1];
	conn_exchange(&pair->holds->conn, pair->acquire, pair->granted);
	send_text(pair->waits, pair->acquire);
}

/* Something has come for one of the two. True: the lock has gone from one to the other. */
static bool
receive(struct pair *pair, struct worker *w)
{
	const char *expected = w == pair->holds ? RELEASED : pair->granted;
	struct worker *behind = pair->holds;

	if (!conn_receive(&w->conn, expected, strlen(expected)) || ++pair->replies < 2)
		return false;
	pair->replies = 0;
	pair->holds = pair->waits;
	pair->waits = behind;
	return true;
}

static uint64_t
hand_over(struct phase *phase, double seconds)
{
	struct load *l = phase->load;
	struct epoll_event events[BATCH_MAX];
	double end = now() + seconds;
	unsigned i, busy = phase->n;
	uint64_t done = 0;

	for (i = 0; i < phase->n; i++)
		send_text(phase->pairs[i].holds, phase->pairs[i].release);
	while (busy > 0) {
		int k, n = epoll_wait(l->ep, events, BATCH_MAX, CONN_STALL_SECONDS * 1000);
		bool over = now() >= end;

		if (n <= 0)
			errx(1, "no reply for %d s", CONN_STALL_SECONDS);
		for (k = 0; k < n; k++) {
			struct worker *w = events[k].data.ptr;
			struct pair *pair = &phase->pairs[(w - l->workers) / 2];

			if (!receive(pair, w))
				continue;
			done += 2;
			send_text(pair->waits, pair->acquire);
			if (over)
				busy--;
			else
				send_text(pair->holds, pair->release);
		}
	}
	return done;
}

void
handover(struct load *l)
{
	struct phase phase = {.load = l, .n = l->connections / 2};
	uint64_t requests, cpu;
	double begin;
	unsigned i;

	phase.pairs = allocate(phase.n, sizeof(*phase.pairs));
	for (i = 0; i < phase.n; i++)
		prepare_pair(&phase.pairs[i], l, i);
	watch_connections(l);
	hand_over(&phase, l->warmup);
	cpu = resting_cpu_ns(l);
	begin = now();
	requests = hand_over(&phase, l->seconds);
	print_result(requests, now() - begin, resting_cpu_ns(l) - cpu);
	close(l->ep);
	free(phase.pairs);
}
