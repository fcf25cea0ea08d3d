/* SPDX-License-Identifier: ISC */
/*
 * What a request means: from a line to the lock table to a reply. Knows no descriptor; a connection
 * is a session here.
 */
#ifndef LATCHD_COMMANDS_H
#define LATCHD_COMMANDS_H

#include "fence.h"
#include "history.h"
#include "locks.h"
#include "mail.h"
#include "protocol.h"
#include "reply.h"
#include "stats.h"
#include "watch.h"

struct listing;

/* The names that one listener's clients share: all that they say gets the prefix. */
struct realm {
	const char *prefix; /* lent by the configuration; "" for none */
	size_t prefix_len;
	struct lock_quota quota;
	bool admin; /* its clients may use revoke and kick */
};

/* A connection as far as locks are concerned. */
struct session {
	struct realm *realm;
	struct listing *listing; /* a reply that is produced piece by piece, or NULL */
	struct who *who;	 /* NULL: nobody has asked as yet */
	uint32_t n_watches;
	bool native; /* it has used a native verb: it understands events */
	bool quits;  /* it wants no more */
	struct lock_owner owner;
	struct mailbox mailbox; /* events for it */
	struct watch_list watches;
};

/* What is known of a session's connection. */
struct session_info {
	uint64_t client; /* its number */
	char peer[128];	 /* its address as text */
	int32_t pid;	 /* 0: not attested */
	uint32_t uid;
	int64_t since_ns, active_ns;
	size_t queued; /* bytes of replies that it did not take as yet */
	const char *listener;
};

/* Numbers of the connections' side, for `stats`. */
struct service_counts {
	size_t clients, refused, max_clients;
	uint64_t connections; /* so far */
};

struct service;

/* What the commands want from those who know the connections. */
struct host {
	void (*info)(const struct session *, struct session_info *);
	/* The session with the smallest number above CLIENT, or NULL; and the one after SESSION. */
	struct session *(*above)(struct service *, uint64_t client);
	struct session *(*next)(struct session *);
	void (*counts)(struct service *, struct service_counts *);
	/* An administrator has done something: for the log, in words. */
	void (*audit)(struct service *, const struct session *, const char *words);
};

/* What commands work on: one, the server's. */
struct service {
	struct locks *locks;
	struct fence fence; /* the tokens of grants */
	struct lock_observer observer;
	struct stats stats;
	struct history *history;
	struct watches watches;
	struct post post;	    /* the sessions that have mail */
	struct reply reply;	    /* where all replies go */
	struct reply event;	    /* where an event is written before it is mailed */
	struct reply_counter token; /* that was answered last */
	char *name;		    /* room for LOCK_NAMES_MAX prefixes and names */
	size_t max_name, max_note;
	uint32_t max_lease_ms;
	int64_t now_ns;
	size_t listing_bytes; /* that the listings under way take, all together */
	bool stopping;	      /* nobody may begin to wait */
	const struct host *host;
};

enum { HOLDER_SIZE = 192, WATCHES_MAX = 100 };

/* -1: no memory; service_fini takes back what there is in any case. */
int service_init(struct service *, const struct host *);
void service_fini(struct service *);

void session_init(struct session *, struct realm *);
/* Ends all it holds, but for its leases, and all it waits for. */
void session_fini(struct session *, struct service *);
static inline struct session *
session_of(const struct lock_owner *owner)
{
	return (struct session *)(void *)((char *)owner - offsetof(struct session, owner));
}
static inline struct session *
session_of_mailbox(const struct mailbox *box)
{
	return (struct session *)(void *)((char *)box - offsetof(struct session, mailbox));
}
/* Who it is; lent. NULL: no memory. */
struct who *session_who(struct service *, struct session *);
/* It waits for a lock, or for something to happen to one: silence is no sign of death. */
static inline bool
session_is_busy(const struct session *session)
{
	return session->owner.n_held > 0 || session->owner.n_waits > 0 || session->n_watches > 0;
}
/* Its waits have ended, or are to end now with REFUSE_SHUTDOWN: writes what it is told to the
 * reply, which must not be full, as much as fits. False: there is more. */
bool session_tell_news(struct service *, struct session *);
bool session_tell_shutdown(struct service *, struct session *);
/* Nobody is there to be told any more: what it waits for is withdrawn, what has ended forgotten. */
void session_drop_waits(struct service *, struct session *);
/* A refusal that no request has asked for, in the form that the session understands. */
void session_refuse(struct service *, struct session *, enum refusal);

/*
 * Handles one line, LEN > 0 bytes without its end; LINE is overwritten. Appends to the reply, which
 * must not be full. Leaves session->listing where there is more to come: see listing.h; and
 * session->owner.blocked where no further line is to be run now.
 */
void commands_run(struct service *, struct session *, char *line, size_t len);
/* Whether a line has to be run even while the session is blocked: `cancel`. */
bool commands_is_urgent(const char *line, size_t len);

#endif
