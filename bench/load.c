/* SPDX-License-Identifier: ISC */
/*
 * The load generator of `make bench`: one thread with an epoll of its own, deliberately not on the
 * library, so that it can favour nobody. What it does unless told otherwise: every connection takes
 * and gives back a lock of its own in bursts: DEPTH requests in one write, the next burst once
 * every reply to the last one is there. The server's CPU time is read while no request is under
 * way, so that nothing of the warm-up is in it and nothing of the measured phase is missing.
 */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"
#include "load.h"

void *
allocate(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		err(1, "calloc");
	return p;
}

double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
name_lock(char *name, unsigned worker, unsigned lock)
{
	snprintf(name, DIALECT_NAME_LEN + 1, "%08x%08x", worker, lock);
}

/* Every worker has requests of its own, and expects replies of its own where they have its name. */
static void
prepare_bursts(struct load *l)
{
	const struct request *turn[2] = {&l->dialect->acquire, &l->dialect->release};
	size_t reply_max = reply_len(turn[0]) + reply_len(turn[1]);
	size_t request_max = request_len(turn[0]) + request_len(turn[1]);
	bool shared = !reply_has_name(turn[0]) && !reply_has_name(turn[1]);
	char name[DIALECT_NAME_LEN + 1], *to;
	unsigned i, k;

	for (i = 0; i < l->connections; i++) {
		struct worker *w = &l->workers[i];

		name_lock(name, i, 0);
		to = w->requests = allocate(l->depth / 2 + 2, request_max);
		for (k = 0; k <= l->depth; k++)
			to = request_append(to, turn[k % 2], name);
		if (shared && i > 0) {
			w->replies = l->workers[0].replies;
			continue;
		}
		w->replies = to = w->own_replies = allocate(l->depth / 2 + 2, reply_max);
		for (k = 0; k <= l->depth; k++)
			to = reply_append(to, turn[k % 2], name);
	}
}

void
watch_connections(struct load *l)
{
	struct epoll_event ev = {.events = EPOLLIN};
	unsigned i;

	l->ep = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < l->connections; i++) {
		ev.data.ptr = &l->workers[i];
		if (epoll_ctl(l->ep, EPOLL_CTL_ADD, l->workers[i].conn.fd, &ev) < 0)
			err(1, "epoll_ctl");
	}
}

/* The length of `depth` things that alternate, the first of them one of length `first`. */
static size_t
alternating(unsigned depth, size_t first, size_t second)
{
	return (depth + 1) / 2 * first + depth / 2 * second;
}

static void
send_burst(const struct load *l, struct worker *w)
{
	size_t acquire = request_len(&l->dialect->acquire);
	size_t release = request_len(&l->dialect->release);

	if (w->holding)
		conn_send(&w->conn, w->requests + acquire, alternating(l->depth, release, acquire));
	else
		conn_send(&w->conn, w->requests, alternating(l->depth, acquire, release));
}

static bool
receive_burst(const struct load *l, struct worker *w)
{
	size_t acquired = reply_len(&l->dialect->acquire);
	size_t released = reply_len(&l->dialect->release);

	if (w->holding)
		return conn_receive(
		    &w->conn, w->replies + acquired, alternating(l->depth, released, acquired));
	return conn_receive(&w->conn, w->replies, alternating(l->depth, acquired, released));
}

/*
 * Loads every connection until the time is up or the limit reached. A connection then rests as soon
 * as it holds nothing, so that both ends of a phase find an idle server. Returns the requests done.
 */
static uint64_t
run_phase(struct load *l, double seconds, uint64_t limit)
{
	struct epoll_event events[BATCH_MAX];
	unsigned i, busy = l->connections;
	double end = now() + seconds;
	uint64_t done = 0;

	for (i = 0; i < l->connections; i++)
		send_burst(l, &l->workers[i]);
	while (busy > 0) {
		int k, n = epoll_wait(l->ep, events, BATCH_MAX, CONN_STALL_SECONDS * 1000);
		bool over = limit ? done >= limit : now() >= end;

		if (n <= 0)
			errx(1, "no reply for %d s", CONN_STALL_SECONDS);
		for (k = 0; k < n; k++) {
			struct worker *w = events[k].data.ptr;

			if (!receive_burst(l, w))
				continue;
			done += l->depth;
			w->holding ^= l->depth % 2;
			if (over && !w->holding)
				busy--;
			else
				send_burst(l, w);
		}
	}
	return done;
}

uint64_t
resting_cpu_ns(const struct load *l)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	return l->server ? cpu_ns(l->server) : 0;
}

void
print_result(uint64_t requests, double wall, uint64_t cpu_ns)
{
	printf("requests=%" PRIu64 " wall_seconds=%.6f cpu_ns_per_request=%.1f\n", requests, wall,
	    (double)cpu_ns / (double)requests);
}

static void
run(struct load *l)
{
	uint64_t requests, cpu;
	double begin, wall;

	prepare_bursts(l);
	watch_connections(l);
	run_phase(l, l->warmup, 0);
	cpu = resting_cpu_ns(l);
	begin = now();
	requests = run_phase(l, l->seconds, l->limit);
	wall = now() - begin;
	cpu = resting_cpu_ns(l) - cpu;
	print_result(requests, wall, cpu);
	close(l->ep);
}

static void
open_connections(struct load *l, const char *address)
{
	struct addrinfo *ai = conn_resolve(address);
	unsigned i;

	l->workers = allocate(l->connections, sizeof(*l->workers));
	for (i = 0; i < l->connections; i++)
		conn_open(&l->workers[i].conn, ai);
	freeaddrinfo(ai);
}

static void
close_connections(struct load *l)
{
	unsigned i;

	for (i = 0; i < l->connections; i++) {
		conn_close(&l->workers[i].conn);
		free(l->workers[i].requests);
		free(l->workers[i].own_replies);
	}
	free(l->workers);
}

static void
usage(void)
{
	fputs("usage: load [-m run|handover|hold|wait|idle] [-c connections] [-d requests in "
	      "flight]\n"
	      "            [-p ddlock|native|lease|floor|redis|memcached] [-l locks a connection "
	      "has]\n"
	      "            [-w warm-up seconds] [-t seconds | -n requests] [-P pid of the server]\n"
	      "            HOST:PORT\n"
	      "run and handover print requests=, wall_seconds= and the server's "
	      "cpu_ns_per_request=.\n"
	      "The others print READY and stay until stdin ends: hold takes the locks, wait waits "
	      "for\n"
	      "them, idle takes none.\n",
	    stderr);
	exit(2);
}

static unsigned
number(const char *text, unsigned max)
{
	const char *error;
	long long n = strtonum(text, 1, max, &error);

	if (error)
		errx(2, "%s: %s", text, error);
	return (unsigned)n;
}

static double
duration(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds <= 3600))
		errx(2, "%s: not a number of seconds from 0 to 3600", text);
	return seconds;
}

static mode_fn
mode_find(const char *name)
{
	static const struct {
		const char *name;
		mode_fn fn;
	} modes[] = {{"run", run}, {"handover", handover}, {"hold", hold}, {"wait", wait_behind},
	    {"idle", idle}};
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return modes[i].fn;
	return NULL;
}

static mode_fn
parse_options(struct load *l, int argc, char **argv)
{
	mode_fn mode = run;
	int c;

	while ((c = getopt(argc, argv, "c:d:l:m:n:P:p:t:w:")) != -1) {
		switch (c) {
		case 'c':
			l->connections = number(optarg, 1000000);
			break;
		case 'd':
			l->depth = number(optarg, DEPTH_MAX);
			break;
		case 'l':
			l->locks = number(optarg, 100000000);
			break;
		case 'm':
			mode = mode_find(optarg);
			break;
		case 'n':
			l->limit = number(optarg, UINT32_MAX);
			break;
		case 'P':
			l->server = (pid_t)number(optarg, INT32_MAX);
			break;
		case 'p':
			l->dialect = dialect_find(optarg);
			break;
		case 't':
			l->seconds = duration(optarg);
			break;
		case 'w':
			l->warmup = duration(optarg);
			break;
		default:
			usage();
		}
	}
	if (!mode || !l->dialect || optind + 1 != argc)
		usage();
	return mode;
}

int
main(int argc, char **argv)
{
	struct load l = {
	    .dialect = dialect_find("ddlock"),
	    .connections = 1,
	    .depth = 1,
	    .locks = 1,
	    .seconds = 1,
	    .warmup = 0.1,
	};
	mode_fn mode = parse_options(&l, argc, argv);

	open_connections(&l, argv[optind]);
	mode(&l);
	close_connections(&l);
	return 0;
}
