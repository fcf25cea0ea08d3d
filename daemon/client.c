/* SPDX-License-Identifier: ISC */
/*
 * See client.h. Input goes through one buffer that the server owns; a connection keeps bytes of its
 * own only for an unfinished line, or for lines that came while its output was not taken. Always
 * true after a callback: reading is watched exactly while the client is open and nothing of its
 * output waits.
 */
#include "client.h"

#include "lines.h"
#include "listing.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

enum {
	LINGER_MS = 1000, /* for the last reply to arrive before a reset could overtake it */
	REFUSED_AT_A_TIME =
	    128, /* clients too many that are told so in peace; others are told and closed */
};

enum client_state {
	CLIENT_OPEN,
	CLIENT_ENDING,	 /* it got its last reply, which is to be written and to arrive */
	CLIENT_LINGERING /* shut down for writing; input is thrown away */
};

struct client {
	struct ds_sock sock; /* first */
	struct session session;
	struct listener *listener;
	struct ipcount *ip; /* NULL: no internet address */
	TAILQ_ENTRY(client) link;
	uint64_t id;
	int64_t active_ns; /* when bytes last came or went */
	int64_t line_ns;   /* when the unfinished line began; 0: there is none */
	struct ds_timer timer;
	struct lines lines;
	enum client_state state;
	bool served; /* counted in n_clients, else in n_refused */
};

static struct client *
client_of(struct ds_sock *sock)
{
	return (struct client *)sock;
}

static struct server *
server_of(const struct client *client)
{
	return client->listener->server;
}

static int64_t
now_of(const struct client *client)
{
	return ds_loop_now(client->sock.loop);
}

/* Output. */

/* Sends what the commands have produced. */
static void
send_reply(struct client *client)
{
	struct reply *reply = &server_of(client)->service.reply;

	if (reply->len > 0)
		ds_write(&client->sock, reply->buf, reply->len);
	reply->len = 0;
}

static bool
must_wait(const struct client *client)
{
	return client->session.listing != NULL || ds_has_queue(&client->sock) ||
	       client->state != CLIENT_OPEN || ds_is_closed(&client->sock);
}

/* The end. */

static void
set_timer(struct client *client, int64_t when_ns)
{
	if (ds_timer_add_at(&client->timer, when_ns) == -1)
		ds_close(&client->sock, "ENOMEM");
}

/* All is written: says so to the peer, and gives it a moment to read it. */
static void
linger(struct client *client)
{
	client->state = CLIENT_LINGERING;
	shutdown(client->sock.fd, SHUT_WR);
	ds_watch_read(&client->sock, true);
	set_timer(client, now_of(client) + LINGER_MS * NS_PER_MS);
}

/* Refuses to go on with this client: WHY is its last reply. */
static void
end_with(struct client *client, enum refusal why)
{
	struct server *server = server_of(client);
	char peer[DS_ADDR_STRLEN];
	size_t len;
	const char *line = protocol_refusal(why, &len);

	log_limited(&server->refused, now_of(client), "client %s at %s ended: %.*s",
	    ds_peer_string(&client->sock, peer, sizeof(peer)), client->listener->address,
	    (int)(len - strlen("ERR  \r\n")), line + strlen("ERR "));
	client->state = CLIENT_ENDING;
	protocol_refuse(&server->service.reply, why);
	send_reply(client);
	if (ds_is_closed(&client->sock))
		return;
	if (!ds_has_queue(&client->sock)) {
		linger(client);
		return;
	}
	ds_watch_read(&client->sock, false);
	set_timer(
	    client, now_of(client) + (int64_t)server->config->server.line_timeout_ms * NS_PER_MS);
}

/* Input. */

static bool
is_over(const struct client *client)
{
	return ds_is_closed(&client->sock) || client->state != CLIENT_OPEN;
}

static bool
run_line(void *arg, char *line, size_t len)
{
	struct client *client = arg;
	struct service *service = &server_of(client)->service;

	client->line_ns = 0;
	commands_run(service, &client->session, line, len);
	if (reply_is_full(&service->reply))
		send_reply(client);
	return !must_wait(client);
}

static void
after_lines(struct client *client, enum lines_result result)
{
	if (result == LINES_TOO_LONG)
		end_with(client, REFUSE_LINE_TOO_LONG);
	else if (result == LINES_NO_MEMORY)
		ds_close(&client->sock, "ENOMEM");
}

/* Timeouts. */

static bool
is_idle(const struct client *client, int64_t idle_ns)
{
	return idle_ns != 0 && client->session.owner.n_held == 0 &&
	       now_of(client) >= client->active_ns + idle_ns;
}

static int64_t
idle_timeout_ns(const struct client *client)
{
	return (int64_t)server_of(client)->config->server.idle_timeout_ms * NS_PER_MS;
}

static int64_t
line_timeout_ns(const struct client *client)
{
	return (int64_t)server_of(client)->config->server.line_timeout_ms * NS_PER_MS;
}

/* The timer is not moved with every request: it finds out, when it runs, what it should have been.
 */
static void
rearm(struct client *client)
{
	int64_t when = INT64_MAX, idle_ns = idle_timeout_ns(client);

	if (is_over(client))
		return;
	if (client->line_ns != 0)
		when = client->line_ns + line_timeout_ns(client);
	if (idle_ns != 0) {
		bool holds = client->session.owner.n_held > 0;
		int64_t idle = (holds ? now_of(client) : client->active_ns) + idle_ns;
		when = idle < when ? idle : when;
	}
	if (when == INT64_MAX)
		ds_timer_cancel(&client->timer);
	else
		set_timer(client, when);
}

/* To close a socket with unread input is to reset it, and a reset overtakes replies. */
static bool
has_input(const struct client *client)
{
	struct pollfd now = {.fd = ds_fd(&client->sock), .events = POLLIN};
	int n;

	do
		n = poll(&now, 1, 0);
	while (n == -1 && errno == EINTR);
	return n == 1 && (now.revents & POLLIN);
}

/* What follows from the state that handling input or writing output has left. */
static void
settle(struct client *client)
{
	send_reply(client);
	if (is_over(client))
		return;
	bool waits = must_wait(client), unfinished = client->lines.len > 0 && !waits;

	if (!waits && server_of(client)->stopping && !has_input(client)) {
		ds_close(&client->sock, "shutdown");
		return;
	}
	ds_watch_read(&client->sock, !waits);
	/* A listing goes on in the next turn; while there is a queue the library watches for
	 * writing. */
	ds_watch_write(
	    &client->sock, client->session.listing != NULL && !ds_has_queue(&client->sock));
	if (!unfinished) {
		client->line_ns = 0;
	} else if (client->line_ns == 0) {
		client->line_ns = now_of(client);
		rearm(client);
	}
}

/* Events. */

static void
client_read(struct ds_sock *sock)
{
	struct client *client = client_of(sock);
	struct server *server = server_of(client);
	ssize_t n = ds_read(sock, server->input, sizeof(server->input));

	if (n == 0) {
		ds_close(sock, "end of file");
	} else if (n == -1) {
		if (errno != EAGAIN)
			ds_close(sock, strerror(errno));
	} else if (client->state == CLIENT_OPEN) {
		client->active_ns = server->service.now_ns = now_of(client);
		after_lines(client, lines_feed(&client->lines, server->input, (size_t)n,
					server->config->server.max_line, run_line, client));
		settle(client);
	}
}

static void
client_write(struct ds_sock *sock)
{
	struct client *client = client_of(sock);
	struct server *server = server_of(client);
	bool written = ds_flush(sock);

	client->active_ns = server->service.now_ns = now_of(client);
	if (ds_is_closed(sock) || !written)
		return;
	if (client->state != CLIENT_OPEN) {
		linger(client);
		return;
	}
	if (client->session.listing != NULL)
		listing_continue(&server->service, &client->session);
	if (!must_wait(client))
		after_lines(client, lines_resume(&client->lines, server->config->server.max_line,
					run_line, client));
	settle(client);
}

static void
client_timeout(struct ds_timer *timer, void *arg)
{
	struct client *client = arg;
	bool line_is_late =
	    client->line_ns != 0 && now_of(client) >= client->line_ns + line_timeout_ns(client);

	(void)timer;
	if (client->state != CLIENT_OPEN)
		ds_close(&client->sock, "told and gone");
	else if (!line_is_late && !is_idle(client, idle_timeout_ns(client)))
		rearm(client);
	else if (!must_wait(client) && has_input(client))
		set_timer(
		    client, now_of(client)); /* after a stall what has come in time is read first */
	else if (line_is_late)
		end_with(client, REFUSE_LINE_TIMEOUT);
	else
		ds_close(&client->sock, "idle");
}

/* Life. */

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
		log_debug("client %" PRIu64 " (%s) closed: %s; it held %zu locks", client->id,
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
	client->active_ns = ds_loop_now(server->loop);
	client->served = why == REFUSALS;
	TAILQ_INSERT_TAIL(&server->clients, client, link);
	count(client, 1);
	if (log_enabled(LOG_DEBUG))
		log_debug("client %" PRIu64 " (%s) connected to %s", client->id,
		    ds_peer_format(peer, text, sizeof(text)), listener->address);
	if (client->served) {
		rearm(client);
		return client;
	}
	if (ip != NULL) { /* the limit is on those who are served */
		ipcount_leave(&server->ips, ip);
		client->ip = NULL;
	}
	end_with(client, why);
	if (server->n_refused > REFUSED_AT_A_TIME)
		ds_close(&client->sock, "refused");
	return client;
}

static void
stop(struct client *client)
{
	if (!must_wait(client))
		client_read(&client->sock); /* what has come already is answered */
	settle(client);
}

/* FN may close its client. */
static void
for_each(struct server *server, void (*fn)(struct client *))
{
	struct client *client, *next;

	TAILQ_FOREACH_SAFE (client, &server->clients, link, next)
		fn(client);
}

void
clients_stop(struct server *server)
{
	for_each(server, stop);
}

void
clients_rearm(struct server *server)
{
	for_each(server, rearm);
}

void
clients_kill(struct server *server, const char *reason)
{
	struct client *client, *next;

	TAILQ_FOREACH_SAFE (client, &server->clients, link, next)
		ds_close(&client->sock, reason);
}

void
client_describe(const struct lock_owner *owner, char *buf, size_t size)
{
	const char *session = (const char *)owner - offsetof(struct session, owner);
	const struct client *client =
	    (const struct client *)(session - offsetof(struct client, session));
	char peer[DS_ADDR_STRLEN];

	snprintf(buf, size, "DDLockd::Client::Internal(R): open to %s",
	    ds_peer_format(&client->sock.peer, peer, sizeof(peer)));
}
