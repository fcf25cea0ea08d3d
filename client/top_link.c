/* SPDX-License-Identifier: ISC */
/* See top_link.h. */
#include "top_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 5000, DELAY_MS = 500, DELAY_MAX_MS = 15000 };

int64_t
link_now_ms(const struct link *link)
{
	return ds_loop_now(link->conn.loop) / 1000000;
}

static void
retry_later(struct link *link, const char *reason)
{
	int64_t now = link_now_ms(link);

	if (!link->is_lost) {
		link->is_lost = true;
		link->lost_ms = now;
	}
	if (*link->spoke != '\0')
		snprintf(link->reason, LINK_REASON, "%s", link->spoke);
	else
		snprintf(link->reason, LINK_REASON, "%s", reason);
	link->spoke[0] = '\0';
	link->asked = link->in_lines = false;
	link->retry_ms = now + link->delay_ms;
	ds_timer_add(&link->retry, link->delay_ms);
	link->delay_ms *= 2;
	if (link->delay_ms > DELAY_MAX_MS)
		link->delay_ms = DELAY_MAX_MS;
	link->ops->lost(link->arg);
}

static void
connect_now(struct ds_timer *timer, void *arg)
{
	struct link *link = arg;

	(void)timer;
	if (conn_open(&link->conn, link->addr, CONNECT_MS) == -1)
		retry_later(link, strerror(errno));
}

static void
opened(struct conn *conn)
{
	struct link *link = conn->arg;

	link->spoke[0] = '\0';
	link->ops->ready(link->arg);
}

static void
answered(struct link *link)
{
	int64_t now = link_now_ms(link);

	if (link->is_lost && link->was_there) {
		link->back_ms = now;
		link->away_ms = now - link->lost_ms;
	}
	link->is_lost = false;
	link->was_there = true;
	link->delay_ms = DELAY_MS;
}

static void
take_head(struct link *link, char *text)
{
	struct line line;

	line_parse(&line, text);
	if (line.kind == LINE_EVENT)
		return;
	if (line.kind == LINE_ERR)
		snprintf(link->spoke, LINK_REASON, "the server says %s%s%s", line.code,
		    *line.prose != '\0' ? ": " : "", line.prose);
	if (!link->asked)
		return;
	if (line.kind == LINE_OTHER) {
		ds_close(&link->conn.sock, "what answers there is no lock server");
		return;
	}
	const char *lines = pairs_get(&line.pairs, "lines");
	if (line.kind == LINE_OK) {
		answered(link);
		link->spoke[0] = '\0';
	}
	link->lines = lines != NULL ? strtoull(lines, NULL, 10) : 0;
	link->in_lines = line.kind == LINE_OK && link->lines > 0;
	link->asked = link->in_lines;
	link->ops->head(link->arg, &line);
	if (line.kind == LINE_OK && !link->in_lines)
		link->ops->end(link->arg);
}

static void
take_line(struct conn *conn, char *text)
{
	struct link *link = conn->arg;
	struct pairs pairs;

	if (!link->in_lines) {
		take_head(link, text);
		return;
	}
	pairs_parse(&pairs, text);
	link->lines--;
	link->ops->line(link->arg, &pairs);
	if (link->lines > 0)
		return;
	link->asked = link->in_lines = false;
	link->ops->end(link->arg);
}

static void
lost(struct conn *conn, const char *reason)
{
	retry_later(conn->arg, reason);
}

static const struct conn_ops conn_ops = {.opened = opened, .line = take_line, .lost = lost};

void
link_init(struct link *link, struct ds_loop *loop, const struct ds_addr *addr,
    const struct link_ops *ops, void *arg)
{
	*link = (struct link){
	    .addr = addr, .ops = ops, .arg = arg, .delay_ms = DELAY_MS, .is_lost = true};
	conn_init(&link->conn, loop, &conn_ops, link);
	ds_timer_init(&link->retry, loop, connect_now, link);
	link->lost_ms = link_now_ms(link);
}

void
link_start(struct link *link)
{
	ds_timer_add(&link->retry, 0);
}

bool
link_is_free(const struct link *link)
{
	return link->conn.is_up && !link->asked;
}

void
link_ask(struct link *link, const struct request *request)
{
	link->asked = true;
	link->asked_ms = link_now_ms(link);
	conn_send(&link->conn, request->text, request->len);
}

void
link_fini(struct link *link)
{
	ds_timer_cancel(&link->retry);
	conn_fini(&link->conn);
}
