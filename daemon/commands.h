/* SPDX-License-Identifier: ISC */
/*
 * What a request means: from a line to the lock table to a reply. Knows no descriptor; a connection
 * is a session here.
 */
#ifndef LATCHD_COMMANDS_H
#define LATCHD_COMMANDS_H

#include "fence.h"
#include "locks.h"
#include "reply.h"
#include "stats.h"

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
	struct lock_owner owner;
	struct realm *realm;
	struct listing *listing; /* a reply that is produced piece by piece, or NULL */
};

/* What commands work on: one, the server's. */
struct service {
	struct locks *locks;
	struct fence fence; /* the tokens of grants */
	struct stats stats;
	struct reply reply; /* where all replies go */
	char *name;	    /* room for a prefix and a name */
	size_t max_name;
	int64_t now_ns;
	size_t listing_bytes; /* that the listings under way take, all together */
	/* Who OWNER is, as ddlockd would print it. */
	void (*describe)(const struct lock_owner *, char *buf, size_t size);
};

enum { HOLDER_SIZE = 128 };

void session_init(struct session *, struct realm *);
/* Releases all it holds. */
void session_fini(struct session *, struct service *);

/*
 * Handles one line, LEN > 0 bytes without its end; LINE is overwritten. Appends to the reply, which
 * must not be full. Leaves session->listing where there is more to come: see listing.h.
 */
void commands_run(struct service *, struct session *, char *line, size_t len);

#endif
