/* SPDX-License-Identifier: ISC */
/*
 * How the native verbs answer: `OK key=value&…`, `ERR code key=value&… words`, `EVENT key=value&…`,
 * and lists of lines under `OK lines=N`. One is begun, gets its pairs, and is ended, in a reply.
 */
#ifndef LATCHD_ANSWER_H
#define LATCHD_ANSWER_H

#include "locks.h"
#include "protocol.h"

struct answer {
	struct reply *reply;
	struct text id; /* comes back as the last pair of the line; empty: none */
	bool pairs;	/* there are some already */
};

static inline void
answer_ok(struct answer *answer)
{
	REPLY_LITERAL(answer->reply, "OK ");
	answer->pairs = false;
}

void answer_error(struct answer *, enum refusal);
void answer_event(struct answer *, const char *what);

/* `KEY=`, after which the value is appended to the reply. */
void answer_pair(struct answer *, const char *key);
void answer_text(struct answer *, const char *key, const char *text, size_t len);
void answer_word(struct answer *, const char *key, const char *word);
void answer_number(struct answer *, const char *key, uint64_t);
void answer_seconds(struct answer *, const char *key, int64_t ns);
void answer_time(struct answer *, const char *key, int64_t wall_ns);

/* An error's pairs are complete; its words may follow in the reply. */
void answer_prose(struct answer *);
void answer_id(struct answer *); /* as a pair; answer_prose and answer_end see to that */

static inline void
answer_end(struct answer *answer)
{
	if (answer->id.len > 0)
		answer_id(answer);
	REPLY_LITERAL(answer->reply, "\r\n");
}

/* A whole error without pairs of its own, in the words of its code. */
void answer_refuse(struct answer *, enum refusal);

/*
 * A list: its lines are written first, and its head is put before them when their number is known.
 */
struct answer_list {
	struct answer head;
	size_t begin; /* in the reply */
	size_t lines;
};

void answer_list_begin(struct answer_list *, struct reply *, struct text id);
/* Whether there is room for one more line. There is for the first one, always. */
bool answer_list_has_room(const struct answer_list *);
/* The next line: end it with answer_end. */
struct answer answer_list_line(struct answer_list *);
/* `OK lines=N`, which is to get its other pairs from HEAD, written by WRITE, or NULL. */
void answer_list_end(struct answer_list *, void (*write)(struct answer *, void *arg), void *arg);

#endif
