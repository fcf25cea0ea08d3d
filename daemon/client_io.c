/* SPDX-License-Identifier: ISC */
/*
 * Input and output of a connection. Input goes through one buffer that the server owns; a
 * connection keeps bytes of its own only for an unfinished line, or for lines that came while its
 * output was not taken or while it waits for a lock. Always true after a callback: reading is
 * watched exactly while the client is open and nothing of its output waits.
 */
#include "client_internal.h"

#include "listing.h"

#include <errno.h>
#include <string.h>

enum {
	LINGER_MS = 1000,	 /* for the last reply to arrive before a reset could overtake it */
	PIPELINE_MAX = 64 << 10, /* bytes that may come while an acquire waits */
};

/* Output. */

void
client_send_reply(struct client *client)
{
	struct reply *reply = &server_of(client)->service.reply;

	if (reply->len > 0)
		ds_write(&client->sock, reply->buf, reply->len);
	reply->len = 0;
}

bool
client_must_wait(const struct client *client)
{
	return client->session.listing != NULL || ds_has_queue(&client->sock) ||
	       client->state != CLIENT_OPEN || ds_is_closed(&client->sock);
}

/* Whether the next line may be handled. */
static bool
may_go_on(const struct client *client)
{
	return client->session.owner.blocked == NULL && !client->session.quits &&
	       !client_must_wait(client);
}

/* The end. */

/* All is written: says so to the peer, and gives it a moment to read it. */
static void
linger(struct client *client)
{
	client->state = CLIENT_LINGERING;
	shutdown(client->sock.fd, SHUT_WR);
	ds_watch_read(&client->sock, true);
	client_set_timer(client, now_of(client) + LINGER_MS * NS_PER_MS);
}

/* It has its last reply. */
static void
end(struct client *client)
{
	struct server *server = server_of(client);

	client->state = CLIENT_ENDING;
	session_drop_waits(&server->service, &client->session);
	client_send_reply(client);
	if (ds_is_closed(&client->sock))
		return;
	if (!ds_has_queue(&client->sock)) {
		linger(client);
		return;
	}
	ds_watch_read(&client->sock, false);
	client_set_timer(
	    client, now_of(client) + (int64_t)server->config->server.line_timeout_ms * NS_PER_MS);
}

void
client_end_with(struct client *client, enum refusal why)
{
	struct server *server = server_of(client);
	char peer[DS_ADDR_STRLEN];

	log_limited(&server->refused, now_of(client), "client %s at %s ended: %s",
	    ds_peer_string(&client->sock, peer, sizeof(peer)), client->listener->address,
	    protocol_code(why));
	session_refuse(&server->service, &client->session, why);
	end(client);
}

/* Input. */

static bool
run_line(void *arg, char *line, size_t len)
{
	struct client *client = arg;
	struct service *service = &server_of(client)->service;

	client->line_ns = 0;
	commands_run(service, &client->session, line, len);
	if (reply_is_full(&service->reply))
		client_send_reply(client);
	return may_go_on(client);
}

/* While it waits for a lock, a `cancel` among what has come acts at once. False: it is to wait on.
 */
static bool
run_urgent_line(void *arg, char *line, size_t len)
{
	struct client *client = arg;
	struct server *server = server_of(client);

	if (!commands_is_urgent(line, len) || len > server->config->server.max_line)
		return false; /* what is too long ends the connection in its turn */
	commands_run(&server->service, &client->session, line, len);
	if (reply_is_full(&server->service.reply))
		client_send_reply(client);
	return true;
}

static bool
is_blocked(void *arg)
{
	const struct client *client = arg;

	return client->session.owner.blocked != NULL && !client_must_wait(client);
}

static void
after_lines(struct client *client, enum lines_result result)
{
	struct server *server = server_of(client);

	while (
	    result == LINES_OK && client->session.owner.blocked != NULL && client->lines.len > 0) {
		lines_urgent(&client->lines, run_urgent_line, is_blocked, client);
		if (client->session.owner.blocked != NULL || !may_go_on(client))
			break;
		result =
		    lines_resume(&client->lines, server->config->server.max_line, run_line, client);
	}
	if (result == LINES_TOO_LONG)
		client_end_with(client, REFUSE_LINE_TOO_LONG);
	else if (result == LINES_NO_MEMORY)
		ds_close(&client->sock, "ENOMEM");
	else if (client->session.owner.blocked != NULL && client->lines.len > PIPELINE_MAX)
		client_end_with(client, REFUSE_PIPELINE_FULL);
	else if (client->session.quits && !client_is_over(client))
		end(client);
}

void
client_resume(struct client *client)
{
	struct server *server = server_of(client);

	if (may_go_on(client))
		after_lines(client, lines_resume(&client->lines, server->config->server.max_line,
					run_line, client));
}

void
client_settle(struct client *client)
{
	client_send_reply(client);
	if (client_is_over(client))
		return;
	bool waits = client_must_wait(client);
	bool unfinished = client->lines.len > 0 && !waits && client->session.owner.blocked == NULL;

	if (!waits && server_of(client)->stopping && !client_has_input(client)) {
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
		client_rearm(client);
	}
}

/* Events. */

static void
take_input(struct client *client, size_t n)
{
	struct server *server = server_of(client);

	if (client->session.owner.blocked != NULL)
		after_lines(client, lines_hold(&client->lines, server->input, n));
	else
		after_lines(client, lines_feed(&client->lines, server->input, n,
					server->config->server.max_line, run_line, client));
	client_settle(client);
}

void
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
		server->more_input |= n == sizeof(server->input);
		client->active_ns = server->service.now_ns = now_of(client);
		take_input(client, (size_t)n);
	}
}

void
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
	client_resume(client);
	client_settle(client);
	if (!client_is_over(client) && mail_is_waiting(&client->session.mailbox))
		client_deliver_mail(client);
}
