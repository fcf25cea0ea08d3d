/* SPDX-License-Identifier: ISC */
/* See latchd.h: the daemon's life, its clients', and the calls that tell the model. */
#include "latchd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __real_commands_run(struct service *, struct session *, char *line, size_t len);
void __wrap_commands_run(struct service *, struct session *, char *line, size_t len);
void __real_session_fini(struct session *, struct service *);
void __wrap_session_fini(struct session *, struct service *);

/* The one that runs; NULL: nobody asks what commands do. */
static struct latchd *running;

/* Which client a session belongs to, by the port that `locks` would print. */
static struct sim_client *
client_of(const struct session *session, const struct service *service)
{
	struct session_info info;

	service->host->info(session, &info);
	unsigned long port = strtoul(strrchr(info.peer, ':') + 1, NULL, 10);
	for (size_t i = 0; i < running->n; i++) {
		struct sim_client *client = &running->clients[i];

		if (client->talk.peer != NULL && sim_peer_port(client->talk.peer) == port)
			return client;
	}
	fail_msg("a session of nobody: %s", info.peer);
	return NULL;
}

/* Where memory fails a list may come in any order. */
static bool
same_lines(const char *reply, size_t len, const char *expected)
{
	char text[1024], *at;

	assert_true(len < sizeof(text));
	memcpy(text, reply, len);
	text[len] = '\0';
	if (strlen(expected) != len)
		return false;
	for (at = strtok(text, "\n"); at != NULL; at = strtok(NULL, "\n"))
		if (strstr(expected, at) == NULL)
			return false;
	return true;
}

static void
expect(struct sim_client *client, const char *text, size_t len)
{
	assert_true(client->expected_len + len <= sizeof(client->expected));
	memcpy(client->expected + client->expected_len, text, len);
	client->expected_len += len;
}

void
__wrap_commands_run(struct service *service, struct session *session, char *line, size_t len)
{
	const char no_memory[] = "ERR no_memory ";
	char answer[1024];
	bool failed_before = sim_failed();
	int holders[LATCHD_NAMES];

	if (running == NULL) {
		__real_commands_run(service, session, line, len);
		return;
	}
	struct sim_client *client = client_of(session, service);
	assert_true(client->handled < client->n);
	assert_int_equal(len, strlen(client->requests[client->handled].line));
	assert_memory_equal(line, client->requests[client->handled].line, len);

	size_t before = service->reply.len;
	__real_commands_run(service, session, line, len);
	const char *reply = service->reply.buf + before;
	size_t reply_len = service->reply.len - before;

	memcpy(holders, running->holder, sizeof(holders));
	model_answer(running, (size_t)(client - running->clients), answer, sizeof(answer));
	bool native = is_native(client->requests[client->handled].verb);
	if (sim_failed() && !failed_before) {
		if (strncmp(reply, no_memory, strlen(no_memory)) == 0)
			memcpy(running->holder, holders, sizeof(holders));
		else if (!native)
			assert_true(same_lines(reply, reply_len, answer));
		else
			model_check_native(running, answer, reply, reply_len);
	} else if (native) {
		model_check_native(running, answer, reply, reply_len);
	} else {
		assert_int_equal(reply_len, strlen(answer));
		assert_memory_equal(reply, answer, reply_len);
	}
	assert_true(reply_len < sizeof(answer));
	memcpy(answer, reply, reply_len);
	answer[reply_len] = '\0';
	expect(client, answer, strlen(answer));
	client->handled++;
}

void
__wrap_session_fini(struct session *session, struct service *service)
{
	if (running != NULL)
		model_end(running, (size_t)(client_of(session, service) - running->clients));
	__real_session_fini(session, service);
}

/* The clients. */

static struct sim_client *
new_client(struct latchd *latchd, enum talk_end end)
{
	assert_true(latchd->n < LATCHD_CLIENTS);
	struct sim_client *client = &latchd->clients[latchd->n++];

	talk_init(&client->talk, LATCHD_PORT, end);
	client->n = client->handled = client->expected_len = 0;
	client->replies = client->parsed = 0;
	return client;
}

void
latchd_script(struct latchd *latchd, size_t n, enum talk_end end)
{
	struct sim_client *client = new_client(latchd, end);

	while (client->n < n)
		client_add_request(client);
	latchd->scripted = latchd->n;
}

static bool
was_served(const struct sim_client *client)
{
	return client->handled == client->n && client->talk.in_len == client->expected_len &&
	       client->talk.error == 0;
}

static void
check_client(const struct sim_client *client)
{
	assert_true(client->talk.in_len <= client->expected_len);
	assert_memory_equal(client->talk.in, client->expected, client->talk.in_len);
}

/* Every client got its replies; one that hears to the end gets all, but for one that a failure hit.
 */
static void
check_clients(const struct latchd *latchd)
{
	size_t dropped = 0;

	for (size_t i = 0; i < latchd->n; i++) {
		check_client(&latchd->clients[i]);
		dropped += latchd->clients[i].talk.end == TALK_HALF_CLOSE &&
			   !was_served(&latchd->clients[i]);
	}
	assert_true(dropped <= (sim_failed() ? 1 : 0));
}

/* When the scripts are over: new clients until one was served. True when nobody is left. */
static bool
try_again(struct latchd *latchd)
{
	if (latchd->n > latchd->scripted && was_served(&latchd->clients[latchd->n - 1]))
		return TAILQ_EMPTY(&latchd->server->clients);
	struct sim_client *client = new_client(latchd, TALK_HALF_CLOSE);
	while (client->n < 3)
		client_add_request(client);
	return false;
}

static int64_t
play(void *arg)
{
	struct latchd *latchd = arg;
	size_t n = latchd->n;
	int64_t next = SIM_NEVER;

	assert_int_equal(locks_count(latchd->server->service.locks), model_locks(latchd));
	for (size_t i = 0, first = sim_random((uint32_t)n); i < n; i++) {
		int64_t then = talk_step(&latchd->clients[(first + i) % n].talk);

		next = then < next ? then : next;
	}
	client_check_exclusion(latchd);
	if (latchd->may_stall && sim_random(60) == 0)
		sim_advance(sim_random(500) * SIM_MS);
	for (size_t i = 0; i < n; i++)
		if (latchd->clients[i].talk.state != TALK_OVER)
			return next;
	if (!latchd->told_to_stop && try_again(latchd)) {
		assert_int_equal(locks_count(latchd->server->service.locks), 0);
		sim_raise(SIGTERM);
		latchd->told_to_stop = true;
	}
	return latchd->n > n ? sim_now() : next;
}

void
latchd_live(struct latchd *latchd, struct config *config)
{
	static const struct options options;

	latchd->told_to_stop = false;
	running = NULL;
	log_set_level(LOG_ERROR);
	if (config != NULL) {
		config->server.line_timeout_ms = 3600 * 1000; /* stalls add up */
		latchd->server = server_new(config, &options);
	}
	if (config == NULL || latchd->server == NULL) {
		assert_true(sim_failed());
		return;
	}
	model_init(latchd);
	running = latchd;
	sim_set_world(play, latchd);
	int status = server_run(latchd->server);
	if (latchd->told_to_stop) {
		assert_int_equal(status, 0);
		check_clients(latchd);
	} else {
		assert_int_not_equal(status, 0);
		assert_true(sim_failed());
		/* Only what fails before it serves may end it. */
		assert_int_equal(sim_calls(SIM_EPOLL_WAIT) + sim_calls(SIM_POLL), 0);
	}
	sim_set_world(NULL, NULL);
	server_free(latchd->server);
	running = NULL;
}
