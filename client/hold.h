/* SPDX-License-Identifier: ISC */
/*
 * A lock that is taken and kept: it connects, asks, waits, renews, comes back after a lost
 * connection by its key, and knows until when it surely has what it has. What is done with the lock
 * is the owner's.
 */
#ifndef LATCH_HOLD_H
#define LATCH_HOLD_H

#include "conn.h"
#include "server.h"
#include "terms.h"

struct hold;

struct hold_ops {
	/* It has the lock: hold->token and hold->slot. */
	void (*granted)(struct hold *);
	/* It will not get it. */
	void (*refused)(struct hold *, const struct line *);
	/* The server cannot be asked; WHY is for people. */
	void (*unreachable)(struct hold *, const char *why);
	/* It has the lock no more, or cannot be sure any more for long: GRACE_MS from now another
	 * may have it (0: it may already). What is left of it is given back by hold_release. */
	void (*lost)(struct hold *, const char *why, int64_t grace_ms);
	/* It has given the lock back, or tried in vain: hold->is_given_back. */
	void (*released)(struct hold *);
	/* The connection is another one: its descriptor, lent. */
	void (*connected)(struct hold *, int fd);
	/* It is ours until hold->deadline_ns. */
	void (*renewed)(struct hold *);
	/* Something that people may want to know: a connection is lost, or not to be had. */
	void (*news)(struct hold *, const char *text);
	/* Others have it, and it waits: what the server says of them. */
	void (*waiting)(struct hold *, const struct line *);
};

enum hold_state {
	HOLD_IDLE,
	HOLD_ASKING,
	HOLD_CONFIRMING, /* how much of the lease is over already? */
	HOLD_HOLDING,
	HOLD_LOST, /* connected still, or again, so that the rest can be given back */
	HOLD_RELEASING,
};

struct hold {
	struct ds_loop *loop;
	struct conn conn;
	const struct terms *terms; /* with a key */
	const struct server *server;
	const struct hold_ops *ops;
	void *arg;
	enum hold_state state;
	bool patient;	  /* a server that cannot be reached is tried for as long as it may wait */
	bool tells;	  /* WAITING is wanted */
	bool is_stubborn; /* it renews after the end of the lease, too, as long as nobody objects */
	bool was_up;	  /* it has been answered once */
	bool has_asked;	  /* the server may think that we have the lock, or want it */
	bool has_told;	  /* WAITING, or that the server cannot be reached */
	bool is_greeted;  /* on this connection */
	bool is_refused;  /* one of the renewals that are under way was not granted */
	bool is_given_back;
	int64_t begun_ns;
	int64_t sent_ns;     /* when the renewals that are under way were sent */
	int64_t deadline_ns; /* until when it is surely ours; INT64_MAX: with the connection */
	unsigned to_come;    /* replies to what was sent, in their order: see hold_talk.c */
	unsigned renewals;   /* of those, the last ones */
	int retry_ms; /* the last pause before it connected; 0: it was well connected since */
	struct ds_timer retry; /* connects */
	struct ds_timer renew;
	struct ds_timer margin; /* the lease is about to end */
	struct ds_timer limit;	/* of waiting, of silence, of a release */
	char token[24], slot[8];
};

void hold_init(struct hold *, struct ds_loop *, const struct terms *, const struct server *,
    const struct hold_ops *, void *arg);
void hold_begin(struct hold *);
/* Instead: another process has it, or had, under the same key; to be given back. */
void hold_inherit(struct hold *);
/* Gives it back, or asks for it no more; RELEASED follows, at once or within seconds. */
void hold_release(struct hold *);
/* Ends without a word: what is held goes with its connection, or with its lease. */
void hold_fini(struct hold *);

/* How long before the end of a lease whoever relies on it has to be gone. */
int64_t hold_margin_ms(const struct terms *);

#endif
