/* SPDX-License-Identifier: ISC */
/*
 * A conversation with a server: one request at a time, each waited for. It turns the loop itself
 * while it waits, so whatever else is on that loop goes on.
 */
#ifndef LATCH_TALK_H
#define LATCH_TALK_H

#include "conn.h"
#include "pairs.h"
#include "server.h"

enum talk_result {
	TALK_OK,
	TALK_REFUSED, /* the reply is an ERR */
	TALK_LOST,    /* the connection has ended; `reason` says why, for people */
};

typedef void (*talk_pairs_fn)(const struct pairs *, void *arg);

struct talk {
	struct server server;
	struct ds_loop *loop;
	struct conn conn;
	struct ds_timer silence;
	struct line reply; /* the first line of the last one, until the next request */
	char *head;	   /* its text */
	size_t lines;	   /* of it that are still to come */
	talk_pairs_fn on_line, on_event;
	void *line_arg, *event_arg;
	enum talk_result result;
	bool is_waiting, was_up;
	char reason[256];
};

/* OPTION is that of -S, or NULL. 0, or an exit status after the reason was said. */
int talk_init(struct talk *, const char *option);
void talk_fini(struct talk *);
/* Connects, also again. TALK_OK or TALK_LOST. */
enum talk_result talk_connect(struct talk *);
/* The two of them, with talk_say_lost: 0, or an exit status. It has to be ended in both cases. */
int talk_open(struct talk *, const char *option);

/* Lends each EVENT line, from whichever call. */
void talk_set_event(struct talk *, talk_pairs_fn, void *arg);
/*
 * Ends the request, sends it and waits for all of the reply: FN, which may be NULL, gets each line
 * of a list. Server and network are given 20 s from one line to the next.
 */
enum talk_result talk_ask(struct talk *, struct request *, talk_pairs_fn, void *arg);
/* Waits for one more reply. */
enum talk_result talk_await(struct talk *);
/* Only events come, for MS milliseconds (-1: for ever) or until the connection ends: TALK_LOST. */
enum talk_result talk_listen(struct talk *, int64_t ms);
/* Lets MS milliseconds pass, connected or not. */
void talk_pause(struct talk *, int64_t ms);

/* Say what has happened, where, and what to do; return the exit status of it. */
int talk_say_lost(const struct talk *);
/* SUBJECT, or NULL, is what it was about: a lock's name. */
int talk_say_refused(const struct talk *, const char *subject);
/* Whichever of the two. */
int talk_say(const struct talk *, enum talk_result, const char *subject);
/* In words: who holds it, since when, what for, how long it may take. BUF. */
char *talk_refusal(const struct talk *, char *buf, size_t size);
char *talk_refusal_of(const struct line *, char *buf, size_t size);
/* Why a connection was not made, or was lost: the library and the system
 * give the name of an error, or a text of theirs. */
const char *talk_words(const char *reason);
/* What to do about it where there was no connection, with the sign before it. */
const char *talk_advice(const char *reason);
/* 69, or 71 where it was the lack of something here. */
int talk_exit_of_loss(const char *reason);
int talk_exit_of(const char *code);

#endif
