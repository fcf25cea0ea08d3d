/* SPDX-License-Identifier: ISC */
/* See listener.h. */
#include "listener.h"

#include "client.h"
#include "protocol.h"
#include "systemd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static enum refusal
admit(const struct listener *listener, const struct ipcount *ip)
{
	const struct server *server = listener->server;
	uint64_t per_ip = server->config->server.max_clients_per_ip;

	if (server->n_clients >= server->max_clients)
		return REFUSE_TOO_MANY_CLIENTS;
	if (listener->config->max_clients != 0 &&
	    listener->n_clients >= listener->config->max_clients)
		return REFUSE_TOO_MANY_CLIENTS_PER_LISTENER;
	if (per_ip != 0 && ip != NULL && ip->clients > per_ip)
		return REFUSE_TOO_MANY_CLIENTS_PER_IP;
	return REFUSALS;
}

static void
on_accept(struct ds_listener *base, int fd, const struct ds_peer *peer, void *arg)
{
	struct listener *listener = arg;
	struct server *server = listener->server;
	bool internet = peer->family == AF_INET || peer->family == AF_INET6;
	struct ipcount *ip = NULL;

	(void)base;
	if (internet)
		ip = ipcount_enter(&server->ips, peer->u.ip, peer->family == AF_INET ? 4 : 16);
	if ((internet && ip == NULL) ||
	    client_new(listener, fd, peer, ip, admit(listener, ip)) == NULL) {
		log_limited(&server->limits, ds_loop_now(server->loop),
		    "a connection to %s was dropped: %s", listener->address, strerror(errno));
		if (ip != NULL)
			ipcount_leave(&server->ips, ip);
		close(fd);
	}
}

static void
on_pause(struct ds_listener *base, int error, void *arg)
{
	struct listener *listener = arg;
	int64_t now = ds_loop_now(listener->server->loop);

	(void)base;
	if (error == 0)
		log_limited(&listener->server->accept_paused, now, "accepting on %s again",
		    listener->address);
	else
		log_limited(&listener->server->accept_paused, now,
		    "cannot accept on %s: %s; new connections wait, those that exist are served%s",
		    listener->address, strerror(error),
		    error == EMFILE ? " (LimitNOFILE= or ulimit -n is the limit)" : "");
}

/* Accepted sockets inherit these, which saves six calls a connection. */
static void
set_options(struct listener *listener)
{
	int idle_s = (int)((listener->server->config->server.keepalive_ms + 999) / 1000);

	if (ds_tcp_nodelay(&listener->base.sock, true) == -1 ||
	    ds_tcp_keepalive(&listener->base.sock, idle_s, (idle_s + 1) / 2, 3) == -1)
		log_warning(
		    "cannot set the socket options of %s: %s", listener->address, strerror(errno));
}

/* Over anything else nobody could say who has revoked a lock. */
static bool
is_unix(const struct listener *listener)
{
	struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(addr);

	return getsockname(ds_fd(&listener->base.sock), (struct sockaddr *)&addr, &len) == 0 &&
	       addr.ss_family == AF_UNIX;
}

static void
apply_config(struct listener *listener)
{
	listener->realm.prefix = listener->config->prefix;
	listener->realm.prefix_len = strlen(listener->config->prefix);
	listener->realm.quota.max = listener->config->max_locks;
	listener->realm.quota.max_detached = listener->server->config->locks.max_detached;
	listener->realm.admin = listener->config->admin && is_unix(listener);
	if (listener->own_path != NULL &&
	    chmod(listener->own_path, (mode_t)config_listen_mode(listener->config)) == -1)
		log_warning(
		    "cannot change the mode of %s: %s", listener->own_path, strerror(errno));
	set_options(listener);
}

static struct listener *
listener_new(struct server *server, const struct listen_config *config, int fd)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (listener == NULL)
		return NULL;
	listener->server = server;
	listener->config = config;
	if (ds_listener_init(
		&listener->base, server->loop, fd, on_accept, on_pause, NULL, listener) == -1) {
		free(listener);
		return NULL;
	}
	ds_local_string(&listener->base.sock, listener->address, sizeof(listener->address));
	apply_config(listener);
	TAILQ_INSERT_TAIL(&server->listeners, listener, link);
	if (config->admin && !listener->realm.admin)
		log_warning("%s (%s) is no unix socket: served without admin, since the kernel "
			    "attests nobody there",
		    listener->address, config->name);
	log_info("listening on %s (%s)", listener->address, config->name);
	return listener;
}

static const char *
bind_advice(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "; is another server running there?";
	case EACCES:
		return "; ports below 1024 and other users' folders need more rights";
	case EADDRNOTAVAIL:
		return "; this host has no such address";
	case EAFNOSUPPORT:
	case EPERM:
		return "; the unit forbids it: addresses belong into latchd.socket there";
	default:
		return "";
	}
}

static int
open_one(struct server *server, const struct listen_config *config)
{
	struct ds_addr addr;
	const char *reason = ds_addr_parse(&addr, config->address);

	if (reason != NULL) { /* its form was checked: a name that may be known later */
		log_error("cannot listen on %s: %s", config->address, reason);
		return EX_UNAVAILABLE;
	}
	int fd = ds_listen(&addr, (int)server->config->server.backlog, config_listen_mode(config));
	if (fd == -1) {
		log_error("cannot listen on %s: %s%s", config->address, strerror(errno),
		    bind_advice(errno));
		return EX_UNAVAILABLE;
	}
	struct listener *listener = listener_new(server, config, fd);
	if (listener == NULL) {
		log_error("cannot listen on %s: %s", config->address, strerror(errno));
		close(fd);
		return EX_OSERR;
	}
	if (addr.u.sa.sa_family == AF_UNIX)
		listener->own_path = strdup(addr.u.un.sun_path);
	return 0;
}

/* A configuration that says nothing of listeners: its one default address, which nobody asked for.
 */
static bool
is_default(const struct config *config)
{
	return config->n_listen == 1 && config->listen[0].line == 0 &&
	       strcmp(config->listen[0].name, "default") == 0;
}

static bool
is_open(const struct server *server, const char *name)
{
	const struct listener *listener;

	TAILQ_FOREACH (listener, &server->listeners, link)
		if (strcmp(listener->config->name, name) == 0)
			return true;
	return false;
}

/* What an inherited socket gets whose name the configuration does not know. */
static const struct listen_config plain = {.name = "inherited"};

/* Sockets that the service manager holds: by name, never by position. */
static int
adopt_inherited(struct server *server, size_t *adopted)
{
	struct inherited_sock *socks;
	int n = systemd_inherited(&socks), status = 0;

	*adopted = 0;
	for (int i = 0; i < n && status == 0; i++) {
		const struct listen_config *config =
		    config_find_listener(server->config, socks[i].name);

		if (config == NULL)
			config = &plain;
		if (!socks[i].listening) {
			log_warning("inherited descriptor %d (%s) is no listening stream socket; "
				    "left alone",
			    socks[i].fd, socks[i].name);
		} else if (listener_new(server, config, socks[i].fd) == NULL) {
			log_error("cannot serve inherited descriptor %d (%s): %s", socks[i].fd,
			    socks[i].name, strerror(errno));
			status = EX_OSERR;
		} else {
			++*adopted;
		}
	}
	systemd_inherited_free(socks, n);
	return status;
}

int
listeners_open(struct server *server)
{
	const struct config *config = server->config;
	size_t adopted;
	int status = adopt_inherited(server, &adopted);

	for (size_t i = 0; i < config->n_listen && status == 0; i++)
		if (!is_open(server, config->listen[i].name) &&
		    !(adopted > 0 && is_default(config)))
			status = open_one(server, &config->listen[i]);
	return status;
}

void
listeners_reload(struct server *server)
{
	struct listener *listener;

	TAILQ_FOREACH (listener, &server->listeners, link)
		apply_config(listener);
}

void
listeners_close(struct server *server)
{
	struct listener *listener;

	TAILQ_FOREACH (listener, &server->listeners, link) {
		ds_close(&listener->base.sock, "shutdown");
		if (listener->own_path != NULL)
			unlink(listener->own_path);
	}
}

void
listeners_free(struct server *server)
{
	struct listener *listener;

	while ((listener = TAILQ_FIRST(&server->listeners)) != NULL) {
		TAILQ_REMOVE(&server->listeners, listener, link);
		free(listener->own_path);
		free(listener);
	}
}
