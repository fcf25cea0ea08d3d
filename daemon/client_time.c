/* SPDX-License-Identifier: ISC */
/*
 * The timeouts of a connection: of an unfinished line, and of silence. The timer is not moved with
 * every request: it finds out, when it runs, what it should have been.
 */
#include "client_internal.h"

#include <errno.h>
#include <poll.h>

static bool
is_idle(const struct client *client, int64_t idle_ns)
{
	return idle_ns != 0 && !session_is_busy(&client->session) &&
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

void
client_set_timer(struct client *client, int64_t when_ns)
{
	if (ds_timer_add_at(&client->timer, when_ns) == -1)
		ds_close(&client->sock, "ENOMEM");
}

void
client_rearm(struct client *client)
{
	int64_t when = INT64_MAX, idle_ns = idle_timeout_ns(client);

	if (client_is_over(client))
		return;
	if (client->line_ns != 0)
		when = client->line_ns + line_timeout_ns(client);
	if (idle_ns != 0) {
		bool busy = session_is_busy(&client->session);
		int64_t idle = (busy ? now_of(client) : client->active_ns) + idle_ns;
		when = idle < when ? idle : when;
	}
	if (when == INT64_MAX)
		ds_timer_cancel(&client->timer);
	else
		client_set_timer(client, when);
}

bool
client_has_input(const struct client *client)
{
	struct pollfd now = {.fd = ds_fd(&client->sock), .events = POLLIN};
	int n;

	do
		n = poll(&now, 1, 0);
	while (n == -1 && errno == EINTR);
	return n == 1 && (now.revents & POLLIN);
}

void
client_timeout(struct ds_timer *timer, void *arg)
{
	struct client *client = arg;
	bool line_is_late =
	    client->line_ns != 0 && now_of(client) >= client->line_ns + line_timeout_ns(client);

	(void)timer;
	if (client->state != CLIENT_OPEN)
		ds_close(&client->sock, "told and gone");
	else if (!line_is_late && !is_idle(client, idle_timeout_ns(client)))
		client_rearm(client);
	else if (!client_must_wait(client) && client_has_input(client))
		client_set_timer(
		    client, now_of(client)); /* after a stall what has come in time is read first */
	else if (line_is_late)
		client_end_with(client, REFUSE_LINE_TIMEOUT);
	else
		ds_close(&client->sock, "idle");
}
