/* SPDX-License-Identifier: ISC */
/* See talk.h. */
#include "talk.h"

#include "exits.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 10000, SILENCE_MS = 20000 };

static void
settle(struct talk *talk, enum talk_result result)
{
	talk->result = result;
	talk->is_waiting = false;
	ds_timer_cancel(&talk->silence);
}

static void
on_opened(struct conn *conn)
{
	struct talk *talk = conn->arg;

	talk->was_up = true;
	settle(talk, TALK_OK);
}

static void
on_lost(struct conn *conn, const char *reason)
{
	struct talk *talk = conn->arg;

	if (talk->reason[0] == '\0')
		strlcpy(talk->reason, reason, sizeof(talk->reason));
	settle(talk, TALK_LOST);
}

static void
on_silence(struct ds_timer *timer, void *arg)
{
	struct talk *talk = arg;

	(void)timer;
	strlcpy(talk->reason, "it does not answer", sizeof(talk->reason));
	conn_close(&talk->conn);
	settle(talk, TALK_LOST);
}

/* One line of a list. */
static void
take_line(struct talk *talk, char *text)
{
	struct pairs pairs;

	talk->lines--;
	if (talk->on_line != NULL) {
		pairs_parse(&pairs, text);
		talk->on_line(&pairs, talk->line_arg);
	}
	if (talk->lines == 0)
		settle(talk, TALK_OK);
}

static void
take_event(struct talk *talk, char *text)
{
	struct line line;

	line_parse(&line, text);
	if (talk->on_event != NULL)
		talk->on_event(&line.pairs, talk->event_arg);
}

/* It does not take another client: as good as not there. */
static bool
is_full(const struct line *line)
{
	return line->kind == LINE_ERR && strncmp(line->code, "too_many_clients", 16) == 0;
}

static void
take_reply(struct talk *talk, const char *text)
{
	free(talk->head);
	talk->head = strdup(text);
	if (talk->head == NULL) {
		strlcpy(talk->reason, "no memory", sizeof(talk->reason));
		conn_close(&talk->conn);
		settle(talk, TALK_LOST);
		return;
	}
	line_parse(&talk->reply, talk->head);
	if (is_full(&talk->reply)) {
		strlcpy(talk->reason, "it has as many clients as it may", sizeof(talk->reason));
		conn_close(&talk->conn);
		settle(talk, TALK_LOST);
		return;
	}
	if (!talk->is_waiting)
		return;
	if (talk->reply.kind == LINE_ERR) {
		settle(talk, TALK_REFUSED);
		return;
	}
	const char *lines = pairs_get(&talk->reply.pairs, "lines");
	talk->lines = lines != NULL ? strtoul(lines, NULL, 10) : 0;
	if (talk->lines == 0)
		settle(talk, TALK_OK);
}

static void
on_text(struct conn *conn, char *text)
{
	struct talk *talk = conn->arg;

	if (ds_timer_pending(&talk->silence))
		ds_timer_add(&talk->silence, SILENCE_MS);
	if (strncmp(text, "EVENT ", 6) == 0)
		take_event(talk, text);
	else if (talk->lines > 0)
		take_line(talk, text);
	else
		take_reply(talk, text);
}

static const struct conn_ops conn_ops = {
    .opened = on_opened,
    .line = on_text,
    .lost = on_lost,
};

int
talk_init(struct talk *talk, const char *option)
{
	*talk = (struct talk){0};
	int status = server_find(&talk->server, option);
	if (status != 0)
		return status;
	talk->loop = ds_loop_new();
	if (talk->loop == NULL) {
		say("no event loop: %s", strerror(errno));
		return LATCH_TROUBLE;
	}
	ds_timer_init(&talk->silence, talk->loop, on_silence, talk);
	conn_init(&talk->conn, talk->loop, &conn_ops, talk);
	return 0;
}

void
talk_fini(struct talk *talk)
{
	if (talk->loop == NULL)
		return;
	conn_fini(&talk->conn);
	ds_timer_cancel(&talk->silence);
	ds_loop_free(talk->loop);
	free(talk->head);
	talk->loop = NULL;
}

static enum talk_result
wait_for_it(struct talk *talk)
{
	while (talk->is_waiting) {
		if (ds_loop_turn(talk->loop) != -1)
			continue;
		strlcpy(talk->reason, strerror(errno), sizeof(talk->reason));
		return TALK_LOST;
	}
	return talk->result;
}

enum talk_result
talk_connect(struct talk *talk)
{
	while (talk->conn.is_open && ds_loop_turn(talk->loop) != -1)
		;
	talk->reason[0] = '\0';
	talk->lines = 0;
	talk->was_up = false;
	talk->is_waiting = true;
	if (conn_open(&talk->conn, &talk->server.addr, CONNECT_MS) == -1) {
		strlcpy(talk->reason, strerror(errno), sizeof(talk->reason));
		talk->is_waiting = false;
		return TALK_LOST;
	}
	return wait_for_it(talk);
}

int
talk_open(struct talk *talk, const char *option)
{
	int status = talk_init(talk, option);

	if (status != 0)
		return status;
	return talk_connect(talk) == TALK_OK ? 0 : talk_say_lost(talk);
}

void
talk_set_event(struct talk *talk, talk_pairs_fn fn, void *arg)
{
	talk->on_event = fn;
	talk->event_arg = arg;
}

enum talk_result
talk_await(struct talk *talk)
{
	if (!talk->conn.is_up)
		return TALK_LOST;
	talk->is_waiting = true;
	ds_timer_add(&talk->silence, SILENCE_MS);
	return wait_for_it(talk);
}

enum talk_result
talk_ask(struct talk *talk, struct request *request, talk_pairs_fn fn, void *arg)
{
	if (request->cut) {
		free(talk->head);
		talk->head = NULL;
		talk->reply = (struct line){
		    .kind = LINE_ERR, .code = "line_too_long", .prose = "that is too long to ask"};
		return TALK_REFUSED;
	}
	talk->on_line = fn;
	talk->line_arg = arg;
	request_end(request);
	conn_send(&talk->conn, request->text, request->len);
	return talk_await(talk);
}

struct pause {
	struct ds_timer timer;
	bool is_over;
};

static void
on_time(struct ds_timer *timer, void *arg)
{
	struct pause *pause = arg;

	(void)timer;
	pause->is_over = true;
}

/* Until the time is over or, where it ends the pause, the connection is lost. */
static void
pass_time(struct talk *talk, int64_t ms, bool until_lost)
{
	struct pause pause = {.is_over = false};

	ds_timer_init(&pause.timer, talk->loop, on_time, &pause);
	if (ms >= 0)
		ds_timer_add(&pause.timer, ms);
	while (!pause.is_over && !(until_lost && !talk->conn.is_up))
		if (ds_loop_turn(talk->loop) == -1)
			break;
	ds_timer_cancel(&pause.timer);
}

enum talk_result
talk_listen(struct talk *talk, int64_t ms)
{
	pass_time(talk, ms, true);
	return talk->conn.is_up ? TALK_OK : TALK_LOST;
}

void
talk_pause(struct talk *talk, int64_t ms)
{
	pass_time(talk, ms, false);
}
