/* SPDX-License-Identifier: ISC */
/*
 * What is said about a lock: see hold.h. Replies come in the order of the requests, so it counts
 * them: `iam` first, then the acquire, or renewals, one a name. A deadline counts from when its
 * renewal was sent, which is before the server granted it.
 */
#include "hold_parts.h"

#include <stdio.h>
#include <string.h>

enum {
	SILENCE_MS = 16000, /* the server says every 5 s that we wait; else it is asked anew */
	ANSWER_MS = 5000,   /* to what it can answer at once */
	SLACK_MS = 500,	    /* it answers at the end of a wait, which its answer takes to arrive */
};

/* Requests. */

static void
send_request(struct hold *hold, struct request *request)
{
	request_end(request);
	conn_send(&hold->conn, request->text, request->len);
	hold->to_come++;
}

void
hold_greet(struct hold *hold)
{
	struct request request;

	hold->to_come = hold->renewals = 0;
	hold->is_greeted = false;
	terms_iam(hold->terms, &request);
	conn_send(&hold->conn, request.text, request.len);
	hold->to_come++;
}

/* For an answer to the acquire. */
static int64_t
patience_ms(int64_t wait_ms)
{
	if (wait_ms == 0)
		return ANSWER_MS;
	return wait_ms < SILENCE_MS ? wait_ms + SLACK_MS : SILENCE_MS;
}

void
hold_send_acquire(struct hold *hold)
{
	struct terms terms = *hold->terms;
	struct request request;

	terms.wait_ms = hold->tells && !hold->has_told ? 0 : hold_left_ms(hold);
	terms_acquire(&terms, &request);
	if (terms.wait_ms > 0)
		request_add(&request, "beat", "5s");
	hold->has_asked = true;
	send_request(hold, &request);
	ds_timer_add(&hold->limit, patience_ms(terms.wait_ms));
}

void
hold_send_renewals(struct hold *hold)
{
	char lease[32];

	snprintf(lease, sizeof(lease), "%lldms", (long long)hold->terms->lease_ms);
	hold->sent_ns = ds_loop_now(hold->loop);
	hold->renewals = (unsigned)hold->terms->n;
	hold->is_refused = false;
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

/* One by one: of several, some may be lost already. */
void
hold_send_release(struct hold *hold)
{
	struct request request;

	for (size_t i = 0; i < hold->terms->n; i++) {
		request_begin(&request, "release");
		request_add(&request, "lock", hold->terms->names[i]);
		request_add(&request, "key", hold->terms->key);
		send_request(hold, &request);
	}
}

void
hold_send_cancel(struct hold *hold)
{
	struct request request;

	request_begin(&request, "cancel");
	send_request(hold, &request);
}

/* Replies. */

static void
keep(char *to, size_t size, const struct line *line, const char *key)
{
	const char *value = pairs_get(&line->pairs, key);

	snprintf(to, size, "%s", value != NULL ? value : "");
}

static bool
is_error(const struct line *line, const char *code)
{
	return line->kind == LINE_ERR && strcmp(line->code, code) == 0;
}

static void
refused(struct hold *hold, const struct line *line)
{
	bool has_time = hold_left_ms(hold) > 0;

	if (is_error(line, "shutdown") && has_time)
		return; /* it closes the connection, and another one will come */
	if (is_error(line, "taken") && has_time && hold->tells && !hold->has_told) {
		hold->has_told = true;
		hold->ops->waiting(hold, line);
		hold_send_acquire(hold);
		return;
	}
	hold->has_asked = false;
	hold->state = HOLD_IDLE;
	ds_timer_cancel(&hold->limit);
	conn_close(&hold->conn);
	hold->ops->refused(hold, line);
}

static void
acquired(struct hold *hold, const struct line *line)
{
	if (line->kind != LINE_OK) {
		refused(hold, line);
		return;
	}
	keep(hold->token, sizeof(hold->token), line, "token");
	keep(hold->slot, sizeof(hold->slot), line, "slot");
	if (hold->terms->lease_ms == 0) {
		hold_granted(hold);
		return;
	}
	hold->state = HOLD_CONFIRMING;
	ds_timer_add(&hold->limit, ANSWER_MS);
	hold_send_renewals(hold);
}

static void
renewal_answered(struct hold *hold, const struct line *line)
{
	bool is_gone = is_error(line, "not_held") || is_error(line, "stale");

	hold->is_refused |= line->kind != LINE_OK;
	hold->renewals--;
	if (is_gone && hold->state == HOLD_CONFIRMING) { /* so it was over before we knew of it */
		hold->state = HOLD_ASKING;
		hold_reconnect(hold, "the lock was over before it was ours");
	} else if (is_gone) {
		hold_lost(hold, "the server knows of it no more", 0);
	} else if (hold->renewals == 0 && !hold->is_refused) {
		hold_renewed(hold);
	} /* what is refused otherwise may be granted the next time */
}

/* The answer to `iam`, or what the server says instead of it. */
static void
greeted(struct hold *hold, const struct line *line)
{
	hold->is_greeted = true;
	if (line->kind == LINE_OK) {
		hold->was_up = true;
		if (hold->state == HOLD_ASKING)
			hold->retry_ms = 0;
	} else if (line->kind == LINE_ERR && strncmp(line->code, "too_many_clients", 16) == 0) {
		hold_reconnect(hold, "it has as many clients as it may");
	} else if (is_error(line, "shutdown")) {
		hold_reconnect(hold, "it is about to end");
	} else {
		hold_unreachable(hold, "what answers there is no latchd, or an older one");
	}
}

static void
answered(struct hold *hold, const struct line *line)
{
	if (hold->to_come == 0)
		return;
	hold->to_come--;
	if (!hold->is_greeted)
		greeted(hold, line);
	else if (hold->renewals > 0 && hold->to_come < hold->renewals)
		renewal_answered(hold, line);
	else if (hold->to_come == 0 && hold->state == HOLD_ASKING)
		acquired(hold, line);
	else if (hold->to_come == 0 && hold->state == HOLD_RELEASING)
		hold_released(hold, true);
}

/* Somebody has taken it away, or it was too late. */
static void
happened(struct hold *hold, const struct line *line)
{
	const char *what = pairs_get(&line->pairs, "what");
	const char *token = pairs_get(&line->pairs, "token");

	if (hold->state == HOLD_ASKING)
		ds_timer_add(&hold->limit, patience_ms(hold_left_ms(hold)));
	if (what == NULL || token == NULL || strcmp(token, hold->token) != 0)
		return;
	if (hold->state != HOLD_HOLDING && hold->state != HOLD_CONFIRMING)
		return;
	if (strcmp(what, "revoked") == 0)
		hold_lost(hold, "an administrator has revoked it", 0);
	else if (strcmp(what, "expired") == 0)
		hold_lost(hold, "its lease is over", 0);
}

void
hold_hear(struct hold *hold, char *text)
{
	struct line line;

	line_parse(&line, text);
	if (line.kind == LINE_EVENT)
		happened(hold, &line);
	else
		answered(hold, &line);
}
