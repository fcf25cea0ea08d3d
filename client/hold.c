/* SPDX-License-Identifier: ISC */
/* See hold.h: the connection, the deadlines, and the life of it. */
#include "hold_parts.h"

#include <errno.h>
#include <string.h>

enum {
	RETRY_FIRST_MS = 20,
	RETRY_MAX_MS = 500,
	CONNECT_MS = 3000,
	RELEASE_MS = 2000,
	WITHDRAW_MS = 1000,
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
	hold->state = HOLD_IDLE;
	stop_timers(hold);
	conn_close(&hold->conn);
}

int64_t
hold_left_ms(const struct hold *hold)
{
	int64_t waited_ms = (now_ns(hold) - hold->begun_ns) / NS_PER_MS;

	if (hold->terms->wait_ms == TERMS_FOREVER)
		return TERMS_FOREVER;
	return hold->terms->wait_ms > waited_ms ? hold->terms->wait_ms - waited_ms : 0;
}

/* MS, unless the time to wait is over before. */
static int
within_wait(const struct hold *hold, int ms)
{
	int64_t left = hold_left_ms(hold);

	if (hold->state != HOLD_ASKING || hold->terms->wait_ms == 0 || left >= ms)
		return ms;
	return left > 0 ? (int)left : 1;
}

/* The connection. */

static void conn_lost(struct conn *, const char *why);

static void
connect_now(struct ds_timer *timer, void *arg)
{
	struct hold *hold = arg;

	if (hold->conn.is_open) /* the last one is not quite gone */
		ds_timer_add(timer, 1);
	else if (conn_open(&hold->conn, &hold->server->addr, within_wait(hold, CONNECT_MS)) == -1)
		conn_lost(&hold->conn, strerror(errno));
}

static void
opened(struct conn *conn)
{
	struct hold *hold = conn->arg;

	hold->ops->connected(hold, ds_fd(&conn->sock));
	hold_greet(hold);
	if (hold->state == HOLD_ASKING)
		hold_send_acquire(hold);
	else if (hold->state == HOLD_RELEASING)
		hold_send_release(hold);
	else if (hold->state == HOLD_HOLDING)
		hold_send_renewals(hold);
}

static void
retry(struct hold *hold)
{
	int next_ms = hold->retry_ms == 0 ? RETRY_FIRST_MS : 2 * hold->retry_ms;

	hold->retry_ms = next_ms < RETRY_MAX_MS ? next_ms : RETRY_MAX_MS;
	ds_timer_add(&hold->retry, within_wait(hold, hold->retry_ms));
}

void
hold_unreachable(struct hold *hold, const char *why)
{
	if (hold->state != HOLD_ASKING) { /* until the lease is over, another may answer there */
		hold_reconnect(hold, why);
		return;
	}
	over(hold);
	hold->ops->unreachable(hold, why);
}

/* Each time that it is lost, once. */
static void
tell_news(struct hold *hold, const char *why)
{
	if (hold->retry_ms == 0 && hold->state != HOLD_RELEASING)
		hold->ops->news(hold, why);
}

static void
conn_lost(struct conn *conn, const char *why)
{
	struct hold *hold = conn->arg;
	bool is_bound = hold->terms->lease_ms == 0; /* the lock, to its connection */

	if (hold->state == HOLD_CONFIRMING)
		hold->state = HOLD_ASKING; /* by its key it gets the same again */
	if (hold->state == HOLD_ASKING) {
		ds_timer_cancel(&hold->limit);
		if (hold_left_ms(hold) == 0 || (!hold->was_up && !hold->patient)) {
			hold_unreachable(hold, why);
			return;
		}
	} else if (hold->state == HOLD_HOLDING && is_bound) {
		hold_lost(hold, why, 0);
		return;
	} else if (hold->state == HOLD_RELEASING && is_bound) {
		hold_released(hold, true);
		return;
	} else if (hold->state == HOLD_IDLE || (hold->state == HOLD_LOST && is_bound)) {
		return;
	}
	tell_news(hold, why);
	retry(hold);
}

void
hold_reconnect(struct hold *hold, const char *why)
{
	conn_close(&hold->conn);
	conn_lost(&hold->conn, why);
}

/* Deadlines. */

static void
on_renew(struct ds_timer *timer, void *arg)
{
	struct hold *hold = arg;

	ds_timer_add(timer, hold->terms->lease_ms / 3);
	if (!hold->conn.is_up)
		return;
	if (hold->renewals == 0)
		hold_send_renewals(hold);
	else
		hold_reconnect(hold, "the server does not answer");
}

void
hold_lost(struct hold *hold, const char *why, int64_t grace_ms)
{
	ds_timer_cancel(&hold->renew);
	ds_timer_cancel(&hold->margin);
	ds_timer_cancel(&hold->limit);
	hold->renewals = 0;
	hold->state = HOLD_LOST;
	hold->ops->lost(hold, why, grace_ms);
}

static void
on_margin(struct ds_timer *timer, void *arg)
{
	static const char why[] = "its lease could not be renewed in time";
	struct hold *hold = arg;
	int64_t grace_ms = (hold->deadline_ns - now_ns(hold)) / NS_PER_MS;

	(void)timer;
	if (hold->is_stubborn)
		hold->ops->lost(hold, why, 0);
	else
		hold_lost(hold, why, grace_ms > 0 ? grace_ms : 0);
}

static void
on_limit(struct ds_timer *timer, void *arg)
{
	struct hold *hold = arg;

	(void)timer;
	if (hold->state == HOLD_RELEASING) {
		hold_released(hold, false);
		return;
	}
	if (hold->state == HOLD_ASKING && hold_left_ms(hold) == 0) { /* for when it comes round */
		hold_send_cancel(hold);
		hold_send_release(hold);
	}
	hold_reconnect(hold, "it does not answer");
}

static void
set_deadline(struct hold *hold, int64_t deadline_ns)
{
	hold->deadline_ns = deadline_ns;
	hold->retry_ms = 0;
	hold->ops->renewed(hold);
}

void
hold_granted(struct hold *hold)
{
	ds_timer_cancel(&hold->limit);
	hold->state = HOLD_HOLDING;
	set_deadline(hold, INT64_MAX);
	hold->ops->granted(hold);
}

void
hold_renewed(struct hold *hold)
{
	int64_t margin_ns = hold_margin_ms(hold->terms) * NS_PER_MS;

	set_deadline(hold, hold->sent_ns + hold->terms->lease_ms * NS_PER_MS);
	ds_timer_add_at(&hold->margin, hold->deadline_ns - margin_ns);
	if (hold->state != HOLD_CONFIRMING)
		return;
	ds_timer_cancel(&hold->limit);
	hold->state = HOLD_HOLDING;
	ds_timer_add(&hold->renew, hold->terms->lease_ms / 3);
	hold->ops->granted(hold);
}

static void
on_line(struct conn *conn, char *text)
{
	hold_hear(conn->arg, text);
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
	hold->retry_ms = 0;
	hold->has_asked = hold->has_told = hold->is_given_back = false;
	ds_timer_add(&hold->retry, 0);
}

void
hold_inherit(struct hold *hold)
{
	hold->state = HOLD_LOST;
	hold->has_asked = true;
	ds_timer_add(&hold->retry, 0);
}

void
hold_released(struct hold *hold, bool is_given_back)
{
	over(hold);
	hold->has_asked = false;
	hold->is_given_back = is_given_back;
	hold->ops->released(hold);
}

void
hold_release(struct hold *hold)
{
	bool is_waiting = hold->state == HOLD_ASKING;
	bool is_bound = hold->terms->lease_ms == 0;

	ds_timer_cancel(&hold->renew);
	ds_timer_cancel(&hold->margin);
	if (!hold->has_asked || (is_bound && !hold->conn.is_up)) {
		hold_released(hold, true);
		return;
	}
	hold->state = HOLD_RELEASING;
	hold->renewals = 0; /* what is said of them does not count any more */
	ds_timer_add(&hold->limit, is_waiting ? WITHDRAW_MS : RELEASE_MS);
	if (!hold->conn.is_up)
		return;
	if (is_waiting)
		hold_send_cancel(hold);
	hold_send_release(hold);
}

void
hold_fini(struct hold *hold)
{
	stop_timers(hold);
	conn_fini(&hold->conn);
}
