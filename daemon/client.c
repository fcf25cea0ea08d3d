/* SPDX-License-Identifier: ISC */
/* See client.h: the life of a connection, and what others want to know of it. */
#include "client_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REFUSED_AT_A_TIME =
	    128, /* clients too many that are told so in peace; others are told and closed */
};

static void
count(struct client *client, size_t by)
{
	struct server *server = server_of(client);

	if (client->served) {
		server->n_clients += by;
		client->listener->n_clients += by;
	} else {
		server->n_refused += by;
	}
}

static void
client_on_close(struct ds_sock *sock, const char *reason)
{
	struct client *client = client_of(sock);
	struct server *server = server_of(client);
	char peer[DS_ADDR_STRLEN];

	if (log_enabled(LOG_DEBUG))
		log_debug("client %" PRIu64 " (%s) closed: %s; it held %u locks", client->id,
		    ds_peer_string(sock, peer, sizeof(peer)), reason, client->session.owner.n_held);
	session_fini(&client->session, &server->service);
	ds_timer_cancel(&client->timer);
	TAILQ_REMOVE(&server->clients, client, link);
	if (client->ip != NULL)
		ipcount_leave(&server->ips, client->ip);
	count(client, (size_t)-1);
	if (server->stopping && TAILQ_EMPTY(&server->clients))
		ds_loop_stop(server->loop);
}

static void
client_destroy(struct ds_sock *sock)
{
	lines_fini(&client_of(sock)->lines);
	free(client_of(sock));
}

static const struct ds_ops client_ops = {
    .name = "client",
    .event_read = client_read,
    .event_write = client_write,
    .on_close = client_on_close,
    .destroy = client_destroy,
};

struct client *
client_new(struct listener *listener, int fd, const struct ds_peer *peer, struct ipcount *ip,
    enum refusal why)
{
	struct server *server = listener->server;
	struct client *client = calloc(1, sizeof(*client));
	char text[DS_ADDR_STRLEN];

	if (client == NULL)
		return NULL;
	if (ds_sock_init(&client->sock, server->loop, &client_ops, fd, DS_READ) == -1) {
		free(client);
		return NULL;
	}
	ds_sock_set_peer(&client->sock, peer);
	session_init(&client->session, &listener->realm);
	ds_timer_init(&client->timer, server->loop, client_timeout, client);
	client->listener = listener;
	client->ip = ip;
	client->id = ++server->last_id;
	client->since_ns = client->active_ns = ds_loop_now(server->loop);
	client->served = why == REFUSALS;
	server->more_input = true; /* what it says may lie there already */
	TAILQ_INSERT_TAIL(&server->clients, client, link);
	count(client, 1);
	if (log_enabled(LOG_DEBUG))
		log_debug("client %" PRIu64 " (%s) connected to %s", client->id,
		    ds_peer_format(peer, text, sizeof(text)), listener->address);
	if (client->served) {
		client_rearm(client);
		return client;
	}
	if (ip != NULL) { /* the limit is on those who are served */
		ipcount_leave(&server->ips, ip);
		client->ip = NULL;
	}
	client_end_with(client, why);
	if (server->n_refused > REFUSED_AT_A_TIME)
		ds_close(&client->sock, "refused");
	return client;
}

static void
end_waits(struct client *client)
{
	if (!client_is_over(client))
		client_tell(client, session_tell_shutdown);
}

/* What has come already, first what was held up. */
static void
answer(struct client *client)
{
	client_resume(client);
	client_send_reply(client);
	if (!client_must_wait(client))
		client_read(&client->sock);
}

/* FN may close its client. */
static void
for_each(struct server *server, void (*fn)(struct client *))
{
	struct client *client, *next;

	TAILQ_FOREACH_SAFE (client, &server->clients, link, next)
		fn(client);
}

/* Those who wait are told, and what has come is answered, before anybody is closed: what that
 * releases is nobody's. */
void
clients_stop(struct server *server)
{
	locks_freeze(server->service.locks);
	for_each(server, end_waits);
	for_each(server, answer);
	server->stopping = true;
	for_each(server, client_settle);
	if (TAILQ_EMPTY(&server->clients))
		ds_loop_stop(server->loop);
}

void
clients_rearm(struct server *server)
{
	for_each(server, client_rearm);
}

void
clients_kill(struct server *server, const char *reason)
{
	struct client *client, *next;

	TAILQ_FOREACH_SAFE (client, &server->clients, link, next)
		ds_close(&client->sock, reason);
}

/* What the commands ask. */

static void
info(const struct session *session, struct session_info *info)
{
	struct client *client = client_of_session(session);
	const struct ds_peer *peer = &client->sock.peer;

	*info = (struct session_info){
	    .client = client->id,
	    .since_ns = client->since_ns,
	    .active_ns = client->active_ns,
	    .queued = ds_queued(&client->sock),
	    .listener = client->listener->config->name,
	};
	ds_peer_format(peer, info->peer, sizeof(info->peer));
	if (peer->family == AF_UNIX && peer->pid > 0) {
		info->pid = peer->pid;
		info->uid = peer->u.uid;
	}
}

/* The list is in the order of the numbers. */
static struct session *
first_served(struct client *client, uint64_t above)
{
	while (client != NULL && (client->id <= above || !client->served))
		client = TAILQ_NEXT(client, link);
	return client != NULL ? &client->session : NULL;
}

static struct session *
above(struct service *service, uint64_t number)
{
	return first_served(TAILQ_FIRST(&server_of_service(service)->clients), number);
}

static struct session *
next(struct session *session)
{
	return first_served(TAILQ_NEXT(client_of_session(session), link), 0);
}

static void
counts(struct service *service, struct service_counts *counts)
{
	const struct server *server = server_of_service(service);

	*counts = (struct service_counts){
	    .clients = server->n_clients,
	    .refused = server->n_refused,
	    .max_clients = server->max_clients,
	    .connections = server->last_id,
	};
}

static void
audit(struct service *service, const struct session *session, const char *words)
{
	const struct client *client = client_of_session(session);
	const struct ds_peer *peer = &client->sock.peer;

	(void)service;
	log_info("uid %u (process %d, client %" PRIu64 ") %s",
	    peer->family == AF_UNIX ? peer->u.uid : (uint32_t)-1, peer->pid, client->id, words);
}

const struct host client_host = {
    .info = info,
    .above = above,
    .next = next,
    .counts = counts,
    .audit = audit,
};
