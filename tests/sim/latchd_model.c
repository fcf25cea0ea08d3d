/* SPDX-License-Identifier: ISC */
/*
 * See latchd.h: requests, what they have to be answered, and what a client concludes from the
 * answers. A name is an index; the table has them in the order of their bytes.
 */
#include "latchd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *spellings[3]; /* in a request */
	const char *shown;	  /* by locks */
} names[LATCHD_NAMES] = {
    {{"a", "%61", "a"}, "a"},
    {{"b+c", "b%20c", "b%20%63"}, "b c"},
    {{"n%0al", "n%0Al", "n%0al"}, "n%0Al"},
    {{"pct%25", "pct%", "pct%25"}, "pct%25"},
    {{"x=y", "x%3dy", "x=y"}, "x=y"},
    {{"\xc3\xbc", "%c3%bc", "%C3%BC"}, "\xc3\xbc"},
};

/* Requests. */

static void
write_line(struct sim_request *request)
{
	static const char *const trylocks[] = {"trylock", "TRYLOCK", "tryLock"};
	static const char *const releases[] = {"releaselock", "RELEASELOCK", "Releaselock"};
	static const char *const others[] = {
	    [NOOP] = "noop", [LOCKS] = "locks", [UNKNOWN] = "what is this", [PING] = "Ping"};
	static const char *const more[] = {"", " wait=0", "&note=n+n id=1", "\tid=2&&"};
	const char *name = names[request->name].spellings[sim_random(3)];
	const char *verb =
	    request->verb == RELEASELOCK ? releases[sim_random(3)] : trylocks[sim_random(3)];
	size_t size = sizeof(request->line);

	if (is_native(request->verb))
		name = names[request->name].spellings[2 * sim_random(2)];
	switch (request->verb) {
	case TRYLOCK:
	case RELEASELOCK:
		snprintf(request->line, size, "%s%slock=%s%s", verb, sim_random(2) ? " " : "  q=1&",
		    name, sim_random(4) ? "" : "&r");
		break;
	case ACQUIRE:
		snprintf(request->line, size, "%s lock=%s%s", sim_random(2) ? "acquire" : "LOCK",
		    name, more[sim_random(4)]);
		break;
	case RELEASE:
		snprintf(request->line, size, "%s lock=%s%s", sim_random(2) ? "release" : "unlock",
		    name, sim_random(2) ? "" : " id=3");
		break;
	case NO_NAME:
		snprintf(request->line, size, "%s%s", verb, sim_random(2) ? "" : " lock=");
		break;
	case TWO_NAMES:
		snprintf(request->line, size, "%s lock=%s&lock=%s", verb, name, name);
		break;
	default:
		snprintf(request->line, size, "%s", others[request->verb]);
	}
}

void
client_add_request(struct sim_client *client)
{
	static const enum verb odds[] = {TRYLOCK, TRYLOCK, TRYLOCK, TRYLOCK, TRYLOCK, RELEASELOCK,
	    RELEASELOCK, RELEASELOCK, RELEASELOCK, NOOP, LOCKS, UNKNOWN, NO_NAME, TWO_NAMES,
	    ACQUIRE, ACQUIRE, ACQUIRE, ACQUIRE, RELEASE, RELEASE, RELEASE, PING};
	struct sim_request *request = &client->requests[client->n++];

	request->verb = odds[sim_random(sizeof(odds) / sizeof(odds[0]))];
	request->name = sim_random(LATCHD_NAMES);
	if (sim_random(8) == 0)
		talk_add(&client->talk, "%s", sim_random(2) ? "\n" : "\r\n"); /* a blank line */
	request->at = client->talk.out_len;
	write_line(request);
	talk_add(&client->talk, "%s%s", request->line, sim_random(2) ? "\r\n" : "\n");
}

/* The model. */

bool
is_native(enum verb verb)
{
	return verb >= ACQUIRE;
}

void
model_init(struct latchd *latchd)
{
	latchd->last_token = 0;
	for (int i = 0; i < LATCHD_NAMES; i++)
		latchd->holder[i] = -1;
}

size_t
model_locks(const struct latchd *latchd)
{
	size_t n = 0;

	for (int i = 0; i < LATCHD_NAMES; i++)
		n += latchd->holder[i] != -1;
	return n;
}

static size_t
list_locks(const struct latchd *latchd, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "LOCKS:\n");

	for (int i = 0; i < LATCHD_NAMES; i++)
		if (latchd->holder[i] != -1)
			len += (size_t)snprintf(buf + len, size - len,
			    "  %s = DDLockd::Client::Internal(R): open to 127.0.0.1:%u\n",
			    names[i].shown,
			    sim_peer_port(latchd->clients[latchd->holder[i]].talk.peer));
	return len + (size_t)snprintf(buf + len, size - len, "\n");
}

/* True where it is free, and then it is CLIENT's. */
static bool
model_trylock(struct latchd *latchd, int client, unsigned name)
{
	if (latchd->holder[name] != -1)
		return false;
	latchd->holder[name] = client;
	return true;
}

static bool
model_release(struct latchd *latchd, int client, unsigned name)
{
	if (latchd->holder[name] != client)
		return false;
	latchd->holder[name] = -1;
	return true;
}

size_t
model_answer(struct latchd *latchd, size_t client, char *buf, size_t size)
{
	const struct sim_request *request =
	    &latchd->clients[client].requests[latchd->clients[client].handled];
	const char *line = "OK \r\n";

	switch (request->verb) {
	case TRYLOCK:
		if (!model_trylock(latchd, (int)client, request->name))
			line = "ERR taken \r\n";
		break;
	case RELEASELOCK:
		if (!model_release(latchd, (int)client, request->name))
			line = "ERR didnthave \r\n";
		break;
	case ACQUIRE:
		if (latchd->holder[request->name] == (int)client)
			line = "ERR held ";
		else
			line = model_trylock(latchd, (int)client, request->name) ? "OK lock="
										 : "ERR taken ";
		break;
	case RELEASE:
		line = model_release(latchd, (int)client, request->name) ? "OK " : "ERR not_held ";
		break;
	case LOCKS:
		return list_locks(latchd, buf, size);
	case UNKNOWN:
		line = "ERR unknown_command Unknown+server+command\r\n";
		break;
	case NO_NAME:
		line = "ERR empty_lock \r\n";
		break;
	case TWO_NAMES:
		line = "ERR bad_args \r\n";
		break;
	default:
		break;
	}
	return (size_t)snprintf(buf, size, "%s", line);
}

void
model_check_native(struct latchd *latchd, const char *answer, const char *reply, size_t len)
{
	static const char grant[] = "OK lock=", token[] = "&token=";

	assert_true(len >= strlen(answer) && memcmp(reply, answer, strlen(answer)) == 0);
	assert_true(len >= 2 && memchr(reply, '\n', len) == reply + len - 1);
	assert_int_equal(reply[len - 2], '\r');
	if (strcmp(answer, grant) != 0)
		return;
	const char *at = memmem(reply, len, token, strlen(token));
	assert_non_null(at);
	uint64_t number = strtoull(at + strlen(token), NULL, 10);
	assert_true(number > latchd->last_token);
	latchd->last_token = number;
}

void
model_end(struct latchd *latchd, size_t client)
{
	for (int i = 0; i < LATCHD_NAMES; i++)
		if (latchd->holder[i] == (int)client)
			latchd->holder[i] = -1;
}

/* What a client knows. */

static void
parse_replies(struct sim_client *client)
{
	const char *end;

	while (client->replies < client->n) {
		const struct sim_request *request = &client->requests[client->replies];
		const char *reply = client->talk.in + client->parsed;
		const char *last = request->verb == LOCKS ? "\n\n" : "\r\n";

		end = strstr(reply, last);
		if (end == NULL)
			return;
		client->granted[client->replies] = strncmp(reply, "OK", 2) == 0;
		client->replies++;
		client->parsed = (size_t)(end - client->talk.in) + strlen(last);
	}
}

/* It was told so, and has not begun to give it back. */
static bool
thinks_it_holds(const struct sim_client *client, unsigned name)
{
	bool holds = false;

	if (client->talk.state != TALK_OPEN)
		return false;
	for (size_t i = 0; i < client->n && client->requests[i].at < client->talk.sent; i++) {
		if (client->requests[i].name != name)
			continue;
		if (client->requests[i].verb == TRYLOCK || client->requests[i].verb == ACQUIRE)
			holds |= i < client->replies && client->granted[i];
		else if (client->requests[i].verb == RELEASELOCK ||
			 client->requests[i].verb == RELEASE)
			holds = false;
	}
	return holds;
}

void
client_check_exclusion(struct latchd *latchd)
{
	if (sim_failed())
		return; /* one that was dropped does not know it yet */
	for (size_t i = 0; i < latchd->n; i++)
		parse_replies(&latchd->clients[i]);
	for (unsigned name = 0; name < LATCHD_NAMES; name++) {
		int holders = 0;

		for (size_t i = 0; i < latchd->n; i++)
			holders += thinks_it_holds(&latchd->clients[i], name);
		assert_true(holders <= 1);
	}
}
