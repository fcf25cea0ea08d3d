/* SPDX-License-Identifier: ISC */
/* See server.h: the life of the server, its signals and what it tells the service manager. */
#include "server.h"

#include "client.h"
#include "deliver.h"
#include "events.h"
#include "listener.h"
#include "reload.h"
#include "systemd.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>

enum {
	STOP_MS = 800,	   /* for output that is queued when the end comes */
	STATUS_MS = 5000,  /* how often the status line is renewed */
	STATUS_SIZE = 128, /* bytes of it */
	RETRY_MS = 30000,  /* after tokens could not be reserved, before half of them are used up */
	SPARE_FDS = 32,	   /* descriptors that are no clients */
	LINE_ROOM = 4096   /* numbers and words in the longest answer */
};

static void
free_parts(struct server *server)
{
	ds_loop_free(server->loop);	/* closes the clients, which release their locks */
	service_fini(&server->service); /* what is left of locks counts in the listeners' quotas */
	listeners_free(server);
	free(server->status);
	config_free(server->config);
	free(server);
}

void
server_free(struct server *server)
{
	if (server != NULL)
		free_parts(server);
}

struct server *
server_new(struct config *config, const struct options *options)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server == NULL) {
		config_free(config);
		return NULL;
	}
	server->config = config;
	server->options = options;
	TAILQ_INIT(&server->listeners);
	TAILQ_INIT(&server->clients);
	RB_INIT(&server->ips);
	server->status = calloc(1, STATUS_SIZE);
	server->loop = ds_loop_new();
	if (service_init(&server->service, &client_host) == -1 || server->status == NULL ||
	    server->loop == NULL || server_apply_config(server) == -1) {
		int error = errno;
		free_parts(server);
		errno = error;
		return NULL;
	}
	stats_init(&server->service.stats, ds_loop_now(server->loop));
	deliver_init(server);
	return server;
}

/* As many as are configured, as far as there are descriptors for them. */
static size_t
clients_possible(size_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >= wanted + SPARE_FDS)
		return wanted;
	size_t possible =
	    limit.rlim_cur > 2 * SPARE_FDS ? limit.rlim_cur - SPARE_FDS : limit.rlim_cur / 2;
	log_warning(
	    "max_clients is %zu, but %zu descriptors allow %zu only (LimitNOFILE=, ulimit -n)",
	    wanted, (size_t)limit.rlim_cur, possible);
	return possible;
}

int
server_apply_config(struct server *server)
{
	const struct config *config = server->config;
	struct service *service = &server->service;
	size_t max_name = config->locks.max_name;
	/* The longest answer holds what came in a line, a name, a note and two identities, each
	 * byte of which may take three. */
	size_t line = 3 * (config->server.max_line + CONFIG_PREFIX_MAX + max_name +
			      config->locks.max_note + 2 * WHO_NAME_MAX) +
		      LINE_ROOM;
	char *name = realloc(service->name, LOCK_NAMES_MAX * (CONFIG_PREFIX_MAX + max_name));

	if (name == NULL)
		return -1;
	service->name = name;
	if (line > server->line_room)
		server->line_room = line;
	if (reply_init(&service->reply, config->server.max_output, server->line_room) == -1 ||
	    reply_init(&service->event, 0, server->line_room) == -1 ||
	    history_resize(service->history, config->locks.history) == -1)
		return -1;
	service->max_name = max_name;
	service->max_note = config->locks.max_note;
	service->max_lease_ms = (uint32_t)config->locks.max_lease_ms;
	service->post.max = config->server.max_output;
	locks_set_limits(
	    service->locks, &(struct lock_limits){
				.max = config->locks.max_locks,
				.max_per_owner = config->locks.max_locks_per_client,
				.max_waits_per_owner = config->locks.max_waits_per_client,
				.max_waiters = config->locks.max_waiters,
			    });
	server->max_clients = clients_possible(config->server.max_clients);
	return 0;
}

/* The end. */

static void
stop_now(struct ds_timer *timer, void *arg)
{
	struct server *server = arg;

	(void)timer;
	log_warning("%zu clients were not done in time", server->n_clients);
	clients_kill(server, "shutdown");
}

static void
on_stop(struct ds_signal *signal, int signo, void *arg)
{
	struct server *server = arg;

	(void)signal;
	if (server->service.stopping) {
		log_info("%s again: stopping at once", strsignal(signo));
		ds_loop_stop(server->loop);
		return;
	}
	log_info("%s: stopping with %zu clients and %zu locks", strsignal(signo), server->n_clients,
	    locks_count(server->service.locks));
	systemd_notify("STOPPING=1");
	server->service.stopping = true;
	listeners_close(server);
	if (TAILQ_EMPTY(&server->clients) || ds_timer_add(&server->stop_deadline, STOP_MS) == -1)
		ds_loop_stop(server->loop);
	clients_stop(server);
}

static void
on_reload(struct ds_signal *signal, int signo, void *arg)
{
	(void)signal;
	(void)signo;
	server_reload(arg);
}

/* The service manager. */

static void
on_tick(struct ds_timer *timer, void *arg)
{
	struct server *server = arg;
	char status[STATUS_SIZE];

	snprintf(status, sizeof(status), "%zu clients, %zu locks", server->n_clients,
	    locks_count(server->service.locks));
	if (strcmp(status, server->status) != 0) {
		memcpy(server->status, status, sizeof(status));
		systemd_notify("STATUS=%s", status);
	}
	systemd_notify("WATCHDOG=1");
	ds_timer_add(timer, server->tick_ms);
}

static void
announce(struct server *server)
{
	int64_t watchdog_ms = systemd_watchdog_ms();

	if (!systemd_listens())
		return;
	systemd_notify("READY=1");
	server->tick_ms = watchdog_ms > 0 && watchdog_ms < STATUS_MS ? watchdog_ms : STATUS_MS;
	ds_timer_init(&server->tick, server->loop, on_tick, server);
	on_tick(&server->tick, server);
}

static int
watch_signals(struct server *server)
{
	struct ds_loop *loop = server->loop;

	ds_timer_init(&server->stop_deadline, loop, stop_now, server);
	if (ds_signal_add(&server->sigterm, loop, SIGTERM, on_stop, server) == 0 &&
	    ds_signal_add(&server->sigint, loop, SIGINT, on_stop, server) == 0 &&
	    ds_signal_add(&server->sighup, loop, SIGHUP, on_reload, server) == 0)
		return 0;
	log_error("cannot watch for signals: %s", strerror(errno));
	return EX_OSERR;
}

/* Fencing tokens. */

static void
fence_is_done(void *arg)
{
	struct server *server = arg;

	ds_wake(&server->fence_waker);
}

static void
on_fence_done(struct ds_waker *waker, void *arg)
{
	struct server *server = arg;
	struct fence *fence = &server->service.fence;

	(void)waker;
	fence->last = locks_last_token(server->service.locks);
	if (fence_settle(fence) == 0) {
		events_tokens(&server->service);
		return;
	}
	log_error("%s; %" PRIu64 " fencing tokens are left, trying again in %d s", fence->reason,
	    fence->end - fence->last, RETRY_MS / 1000);
	ds_timer_add(&server->fence_retry, RETRY_MS);
}

static void
on_fence_retry(struct ds_timer *timer, void *arg)
{
	struct server *server = arg;

	(void)timer;
	fence_retry(&server->service.fence);
}

/* The file's word comes first; the unit need not say it twice. */
static const char *
choose_state_dir(struct server *server)
{
	const char *told = server->config->server.state_dir;

	if (*told == '\0')
		return systemd_state_dir(server->state_dir, sizeof(server->state_dir));
	strlcpy(server->state_dir, told, sizeof(server->state_dir));
	return server->state_dir;
}

static int
open_fence(struct server *server)
{
	struct fence *fence = &server->service.fence;
	const char *dir = choose_state_dir(server);
	struct timespec now;

	ds_timer_init(&server->fence_retry, server->loop, on_fence_retry, server);
	if (dir != NULL &&
	    ds_waker_init(&server->fence_waker, server->loop, on_fence_done, server) == -1) {
		log_error("cannot make a pipe: %s", strerror(errno));
		return EX_OSERR;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	int status = fence_open(fence, dir, &now, fence_is_done, server);
	events_tokens(&server->service);
	if (status != 0)
		log_error("%s", fence->reason);
	else if (dir == NULL)
		log_warning(
		    "no state_dir is set: fencing tokens begin with the wall clock, and may "
		    "fall where that is set back before a restart; see latchd.ini(5)");
	else
		log_info("fencing tokens begin after %" PRIu64 " (%s/%s%s)", fence->last, dir,
		    FENCE_FILE, fence->is_new ? ", which is new" : "");
	return status;
}

/* Freeing the loop unblocks them, and one that has come meanwhile must not spoil the exit status.
 */
static void
ignore_signals(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

int
server_run(struct server *server)
{
	int status = watch_signals(server);

	if (status == 0)
		status = open_fence(server);
	if (status == 0)
		status = listeners_open(server);
	if (status != 0) {
		listeners_close(server);
		fence_close(&server->service.fence);
		return status;
	}
	announce(server);
	if (ds_loop_run(server->loop) == -1) {
		log_error("waiting for events failed: %s", strerror(errno));
		status = EX_OSERR;
	}
	ignore_signals();
	clients_kill(server, "shutdown");
	fence_close(&server->service.fence);
	log_info("stopped");
	return status;
}
