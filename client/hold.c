/* SPDX-License-Identifier: ISC */
/*
 * See hold.h. Replies come in the order of the requests, so it counts them: `iam` first, then the
 * acquire, or renewals, one a name. A deadline counts from when its renewal was sent, which is
 * before the server granted it.
 */
#include "hold.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

enum {
	RETRY_FIRST_MS = 50,
	RETRY_MAX_MS = 1000,
	CONNECT_MS = 3000,
	BEAT_MS = 5000,	    /* the server says so often that we wait */
	SILENCE_MS = 16000, /* and when it has not for so long, it is asked anew */
	ANSWER_MS = 2000,   /* to a release */
	MARGIN_MAX_MS = 10000,
};

int64_t
hold_margin_ms(const struct terms *terms)
{
	int64_t third = terms->lease_ms / 3;

	return third < MARGIN_MAX_MS ? third : MARGIN_MAX_MS;
}

static int64_t
now_ns(const struct hold *hold)
{
	return ds_loop_now(hold->loop);
}

static void
stop_timers(struct hold *hold)
{
	ds_timer_cancel(&hold->retry);
	ds_timer_cancel(&hold->renew);
	ds_timer_cancel(&hold->margin);
	ds_timer_cancel(&hold->limit);
}

static void
over(struct hold *hold)
{
	hold->state = HOLD_OVER;
	stop_timers(hold);
	conn_close(&hold->conn);
}

/* What is left of the time to wait; TERMS_FOREVER. */
static int64_t
left_ms(const struct hold *hold)
{
	int64_t waited_ms = (now_ns(hold) - hold->begun_ns) / NS_PER_MS;

	if (hold->terms->wait_ms == TERMS_FOREVER)
		return TERMS_FOREVER;
	return hold->terms->wait_ms > waited_ms ? hold->terms->wait_ms - waited_ms : 0;
}

/* Requests. */

static void
send_request(struct hold *hold, struct request *request)
{
	request_end(request);
	conn_send(&hold->conn, request->text, request->len);
	hold->to_come++;
}

static void
send_acquire(struct hold *hold)
{
	struct terms terms = *hold->terms;
	struct request request;

	terms.wait_ms = left_ms(hold);
	terms_acquire(&terms, &request);
	if (terms.wait_ms > 0)
		request_add(&request, "beat", "5s");
	send_request(hold, &request);
	ds_timer_add(&hold->limit, SILENCE_MS);
}

static void
send_renewals(struct hold *hold)
{
	char lease[32];

	snprintf(lease, sizeof(lease), "%lldms", (long long)hold->terms->lease_ms);
	hold->sent_ns = now_ns(hold);
	hold->renewals = (unsigned)hold->terms->n;
	for (size_t i = 0; i < hold->terms->n; i++) {
		struct request request;

		request_begin(&request, "renew");
		request_add(&request, "lock", hold->terms->names[i]);
		request_add(&request, "key", hold->terms->key);
		request_add(&request, "token", hold->token);
		request_add(&request, "lease", lease);
		send_request(hold, &request);
	}
}

static void
send_release(struct hold *hold)
{
	struct request request;

	request_begin(&request, "release");
	for (size_t i = 0; i < hold->terms->n; i++)
		request_add(&request, "lock", hold->terms->names[i]);
	request_add(&request, "key", hold->terms->key);
	send_request(hold, &request);
}

/* The connection. */

static void
connect_now(struct ds_timer *timer, void *arg)
{
	struct hold *hold = arg;

	if (hold->conn.is_open || conn_open(&hold->conn, &hold->server->addr, CONNECT_MS) == -1)
		ds_timer_add(timer, hold->retry_ms);
}

static void
opened(struct conn *conn)
{
	struct hold *hold = conn->arg;
	struct request request;

	hold->was_up = true;
	hold->to_come = hold->renewals = 0;
	hold->retry_ms = RETRY_FIRST_MS;
	hold->ops->connected(hold, ds_fd(&conn->sock));
	terms_iam(hold->terms, &request);
	conn_send(conn, request.text, request.len);
	hold->to_come++;
	if (hold->state == HOLD_ASKING)
		send_acquire(hold);
	else if (hold->state == HOLD_RELEASING)
		send_release(hold);
	else
		send_renewals(hold);
}

static void
reconnect(struct hold *hold)
{
	ds_timer_add(&hold->retry, hold->retry_ms);
	hold->retry_ms = 2 * hold->retry_ms < RETRY_MAX_MS ? 2 * hold->retry_ms : RETRY_MAX_MS;
}

static void
unreachable(struct hold *hold, const char *why)
{
	over(hold);
	hold->ops->unreachable(hold, why);
}

/* It was ours with its connection, which is no more. */
static void
lost(struct hold *hold, const char *why, int64_t grace_ms)
{
	over(hold);
	hold->ops->lost(hold, why, grace_ms);
}

static void
conn_lost(struct conn *conn, const char *why)
{
	struct hold *hold = conn->arg;
	bool asking = hold->state == HOLD_ASKING;

	if (hold->state == HOLD_OVER)
		return;
	if (hold->terms->lease_ms == 0 && hold->state == HOLD_HOLDING) {
		lost(hold, why, 0);
		return;
	}
	if (hold->state == HOLD_CONFIRMING)
		hold->state = HOLD_ASKING; /* by its key it gets the same again */
	if (asking && !hold->was_up && !hold->patient) {
		unreachable(hold, why);
		return;
	}
	if (asking && left_ms(hold) == 0) {
		unreachable(hold, why);
		return;
	}
	if (asking)
		ds_timer_cancel(&hold->limit);
	if (hold->was_up && hold->ops->news != NULL && hold->retry_ms == RETRY_FIRST_MS)
		hold->ops->news(hold, why);
	reconnect(hold);
}

/* Deadlines. */

static void
on_renew(struct ds_timer *timer, void *arg)
{
	struct hold *hold = arg;

	ds_timer_add(timer, hold->terms->lease_ms / 3);
	if (hold->renewals == 0 && hold->conn.is_up) {
		send_renewals(hold);
	} else if (hold->conn.is_up) { /* the last ones were not answered */
		conn_close(&hold->conn);
		reconnect(hold);
	}
}

static void
on_margin(struct ds_timer *timer, void *arg)
{
	struct hold *hold = arg;

	(void)timer;
	lost(hold, "its lease could not be renewed in time", hold_margin_ms(hold->terms));
}

static void
on_limit(struct ds_timer *timer, void *arg)
{
	struct hold *hold = arg;

	(void)timer;
	if (hold->state == HOLD_RELEASING) {
		over(hold);
		hold->ops->released(hold);
	} else if (left_ms(hold) == 0) {
		unreachable(hold, "it does not answer");
	} else {
		conn_close(&hold->conn);
		reconnect(hold);
	}
}

static void
renewed(struct hold *hold)
{
	hold->deadline_ns = hold->sent_ns + hold->terms->lease_ms * NS_PER_MS;
	ds_timer_add_at(&hold->margin, hold->deadline_ns - hold_margin_ms(hold->terms) * NS_PER_MS);
	if (hold->state != HOLD_CONFIRMING)
		return;
	hold->state = HOLD_HOLDING;
	ds_timer_add(&hold->renew, hold->terms->lease_ms / 3);
	hold->ops->granted(hold);
}

/* Replies. */

static void
keep(char *to, size_t size, const struct line *line, const char *key)
{
	const char *value = pairs_get(&line->pairs, key);

	snprintf(to, size, "%s", value != NULL ? value : "");
}

static void
acquired(struct hold *hold, const struct line *line)
{
	ds_timer_cancel(&hold->limit);
	if (line->kind != LINE_OK) {
		over(hold);
		hold->ops->refused(hold, line);
		return;
	}
	keep(hold->token, sizeof(hold->token), line, "token");
	keep(hold->slot, sizeof(hold->slot), line, "slot");
	if (hold->terms->lease_ms > 0) { /* how much of the lease is over already? */
		hold->state = HOLD_CONFIRMING;
		send_renewals(hold);
		return;
	}
	hold->state = HOLD_HOLDING;
	hold->deadline_ns = INT64_MAX;
	hold->ops->granted(hold);
}

static void
renewal_answered(struct hold *hold, const struct line *line)
{
	if (line->kind != LINE_OK)
		lost(hold, line->prose, 0);
	else if (--hold->renewals == 0)
		renewed(hold);
}

static void
answered(struct hold *hold, const struct line *line)
{
	if (hold->to_come == 0)
		return;
	hold->to_come--;
	if (hold->renewals > 0 && hold->to_come < hold->renewals)
		renewal_answered(hold, line);
	else if (hold->to_come == 0 && hold->state == HOLD_ASKING)
		acquired(hold, line);
	else if (hold->to_come == 0 && hold->state == HOLD_RELEASING)
		on_limit(&hold->limit, hold);
}

/* Somebody has taken it away, or it was too late. */
static void
happened(struct hold *hold, const struct line *line)
{
	const char *what = pairs_get(&line->pairs, "what");
	const char *token = pairs_get(&line->pairs, "token");

	if (hold->state == HOLD_ASKING)
		ds_timer_add(&hold->limit, SILENCE_MS); /* it lives, and we wait */
	if (what == NULL || token == NULL || strcmp(token, hold->token) != 0)
		return;
	if (hold->state != HOLD_HOLDING && hold->state != HOLD_CONFIRMING)
		return;
	if (strcmp(what, "revoked") == 0)
		lost(hold, "an administrator has revoked it", 0);
	else if (strcmp(what, "expired") == 0)
		lost(hold, "its lease is over", 0);
}

static void
on_line(struct conn *conn, char *text)
{
	struct hold *hold = conn->arg;
	struct line line;

	line_parse(&line, text);
	if (line.kind == LINE_EVENT)
		happened(hold, &line);
	else
		answered(hold, &line);
}

static const struct conn_ops conn_ops = {opened, on_line, conn_lost};

/* Life. */

void
hold_init(struct hold *hold, struct ds_loop *loop, const struct terms *terms,
    const struct server *server, const struct hold_ops *ops, void *arg)
{
	*hold =
	    (struct hold){.loop = loop, .terms = terms, .server = server, .ops = ops, .arg = arg};
	conn_init(&hold->conn, loop, &conn_ops, hold);
	ds_timer_init(&hold->retry, loop, connect_now, hold);
	ds_timer_init(&hold->renew, loop, on_renew, hold);
	ds_timer_init(&hold->margin, loop, on_margin, hold);
	ds_timer_init(&hold->limit, loop, on_limit, hold);
	hold->patient = terms->wait_ms != TERMS_FOREVER && terms->wait_ms > 0;
}

void
hold_begin(struct hold *hold)
{
	hold->state = HOLD_ASKING;
	hold->begun_ns = now_ns(hold);
	hold->retry_ms = RETRY_FIRST_MS;
	ds_timer_add(&hold->retry, 0);
}

void
hold_release(struct hold *hold)
{
	ds_timer_cancel(&hold->renew);
	ds_timer_cancel(&hold->margin);
	if (hold->state == HOLD_OVER) { /* there is nothing to be given back */
		hold->ops->released(hold);
		return;
	}
	hold->state = HOLD_RELEASING;
	hold->renewals = 0; /* what is said of them does not count any more */
	ds_timer_add(&hold->limit, ANSWER_MS);
	if (hold->conn.is_up)
		send_release(hold);
}

void
hold_fini(struct hold *hold)
{
	stop_timers(hold);
	conn_fini(&hold->conn);
}
