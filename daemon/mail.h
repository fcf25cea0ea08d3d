/* SPDX-License-Identifier: ISC */
/*
 * Events on their way to a connection: they may come in the middle of anything, so they are kept
 * until its replies are complete. A mailbox takes memory only while there is something in it.
 */
#ifndef LATCHD_MAIL_H
#define LATCHD_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct mailbox {
	char *text;
	uint32_t len, size;
	uint32_t lost;	  /* events that did not fit */
	bool is_posted;	  /* in the post */
	const char *doom; /* it is to be closed, and why; NULL: no */
	TAILQ_ENTRY(mailbox) link;
	uint64_t told; /* the number of the event that came last, see mail_is_new */
};

static inline bool
mail_is_waiting(const struct mailbox *box)
{
	return box->len > 0 || box->lost > 0 || box->doom != NULL;
}

/* The mailboxes that are to be looked after. */
struct post {
	TAILQ_HEAD(, mailbox) boxes;
	size_t max;	 /* bytes that may wait in one */
	uint64_t events; /* so far: the number of the last one */
};

void post_init(struct post *, size_t max);

/*
 * Adds an event, a whole line. Beyond the maximum it is dropped and counted, unless it is one that
 * must not be: where there is no memory for such a one the connection is doomed, which tells it
 * too.
 */
void mail_add(struct post *, struct mailbox *, const char *event, size_t len, bool must);
/* Whether the event of that number has not come to this box as yet, which from now on it has: one
 * event may concern a connection in several ways. Events come one after the other. */
bool mail_is_new(struct mailbox *, uint64_t event);
/* The connection is to be closed. WHY is lent for ever. */
void mail_doom(struct post *, struct mailbox *, const char *why);
/* It is not looked after any more, until something comes. */
void mail_take(struct post *, struct mailbox *);
/* All is delivered, or nothing will be. */
void mail_clear(struct post *, struct mailbox *);

#endif
