/* SPDX-License-Identifier: ISC */
/*
 * The reply to `locks`, produced as its client reads it, so that a million locks neither stall the
 * others nor fill the memory. Up to LISTING_SORTED names it is sorted: their places are noted at
 * the start, and what is released meanwhile is left out. Beyond that it follows the table.
 */
#ifndef LATCHD_LISTING_H
#define LATCHD_LISTING_H

#include "commands.h"

enum {
	LISTING_SORTED = 10000,
	LISTING_BYTES_MAX = 64 << 20 /* for the notes of all clients; beyond that, table order */
};

/* Writes the head and the first piece. What is not finished then is session->listing. */
void listing_begin(struct service *, struct session *);
/* The next piece, where session->listing is not NULL; the last one clears it. */
void listing_continue(struct service *, struct session *);
/* Drops what is under way, if anything. */
void listing_end(struct service *, struct session *);

#endif
