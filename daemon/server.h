/* SPDX-License-Identifier: ISC */
/*
 * The server: all state of a running latchd, passed to whoever needs it. It owns the loop, the
 * configuration, the lock table, the listeners and the buffers that all connections share.
 */
#ifndef LATCHD_SERVER_H
#define LATCHD_SERVER_H

#include "commands.h"
#include "config.h"
#include "dsock.h"
#include "ipcount.h"
#include "log.h"
#include "options.h"

#include <limits.h>
#include <sys/queue.h>

struct client;
struct listener;

TAILQ_HEAD(client_list, client);
TAILQ_HEAD(listener_list, listener);

enum {
	INPUT_SIZE = 32 << 10
}; /* of one read; also bounds what a client that waits has sent in advance */

struct server {
	struct ds_loop *loop;
	struct config *config;
	const struct options *options; /* the command line, for reloads */
	struct service service;
	char input[INPUT_SIZE]; /* where every connection's read goes */

	struct listener_list listeners;
	struct client_list clients;
	struct ipcounts ips;
	size_t n_clients; /* served; not those that are being told that they are too many */
	size_t n_refused; /* those */
	size_t max_clients;
	size_t line_room; /* bytes of the longest line of an answer; names that were taken under
			     larger limits are still there after a reload, so it only grows */
	uint64_t last_id;

	struct ds_signal sigterm, sigint, sighup;
	struct ds_timer due; /* deadlines of locks, and what a turn has left to be delivered */
	int64_t due_ns;	     /* when it runs; INT64_MAX: it does not */
	int64_t judge_ns;    /* what was due then is to be judged; 0: nothing */
	unsigned passes;     /* of the loop since */
	bool more_input;     /* somebody has sent more than one read takes, in this turn */
	struct ds_timer stop_deadline;
	/* The tokens: wakes the loop when more have been reserved, and tries again where not. */
	struct ds_waker fence_waker;
	struct ds_timer fence_retry;
	char state_dir[PATH_MAX]; /* where; "": nowhere */
	struct ds_timer tick;	  /* the watchdog and the status line, under systemd */
	int64_t tick_ms;
	char *status;
	bool stopping; /* who is done is closed */

	/* What peers can cause at will is logged through these. */
	struct log_limit refused, accept_paused, limits;
};

static inline struct server *
server_of_service(const struct service *service)
{
	return (struct server *)(void *)((char *)service - offsetof(struct server, service));
}

/* Takes CONFIG over in any case; OPTIONS are lent. NULL: no memory or no loop, errno tells. */
struct server *server_new(struct config *, const struct options *);
void server_free(struct server *);
/* Listens, serves until it is told to stop. An exit status of sysexits(3); errors have been logged.
 */
int server_run(struct server *);

#endif
