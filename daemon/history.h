/* SPDX-License-Identifier: ISC */
/*
 * The flight recorder: the last grants of all names in one ring of a fixed number of records, each
 * chained to the one before it of its name, so that what was lasts longer than the lock did.
 * Nothing is ever searched or moved while adding; what is old is overwritten. A leaf.
 */
#ifndef LATCHD_HISTORY_H
#define LATCHD_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct who;

enum {
	HISTORY_NAME_INLINE = 40,  /* bytes of a name up to which adding does not allocate */
	HISTORY_FOREIGN_MAX = 512, /* records of other names that a search passes by */
	HISTORY_MEAN_OF = 16,
	HISTORY_NO_SLOT = UINT16_MAX,
};

enum history_end {
	HISTORY_RELEASED,
	HISTORY_EXPIRED, /* its lease */
	HISTORY_CLOSED,	 /* its connection */
	HISTORY_REVOKED,
};

/* One grant that has ended. */
struct history_record {
	const char *name; /* any bytes */
	size_t len;	  /* below 4 GiB */
	uint64_t hash;	  /* of the name, with a secret key: always the same one for a name */
	uint64_t token;
	struct who *who; /* or NULL */
	uint32_t waited_ms;
	int64_t from_ns, to_ns; /* monotonic */
	enum history_end end;
	uint8_t mode;  /* whatever the caller means by it */
	uint16_t slot; /* or HISTORY_NO_SLOT */
};

/*
 * A ring of MAX records, 96 bytes each and about 4 to 8 for the index. Its memory is got here and
 * touched only as records come. MAX 0: it is off, keeps nothing and finds nothing. NULL: no memory,
 * or MAX is 2^31 or more.
 */
struct history *history_new(size_t max);
void history_free(struct history *); /* NULL does nothing */
/*
 * Makes room for MAX records and keeps the newest; cursors stay good. Time and memory for both
 * rings, so for a reload. -1: as history_new, and nothing has changed.
 */
int history_resize(struct history *, size_t max);

/*
 * Adds a copy in place of the oldest record, with a reference to WHO. The record itself must not
 * be one that the history has lent. Only a name longer than HISTORY_NAME_INLINE allocates; where
 * there is no memory for it that one record is left out.
 */
void history_add(struct history *, const struct history_record *);

/* How many records there are. */
size_t history_count(const struct history *);

/*
 * The records of a name, the newest first: *CURSOR is 0 to begin with, and all that a walk has to
 * remember, also while records are added; those are not seen, and where the ring has overwritten
 * the cursor's record the walk is over. *OUT is lent until the next history_add or resize. False:
 * no more.
 *
 * A bucket of the index can have several names. A search passes by HISTORY_FOREIGN_MAX records of
 * others and then ends as if there were no more: so no call takes long, and what that hides is of
 * a name that shares its bucket, by chance alone, with one that was granted that often since.
 */
bool history_next(const struct history *, uint64_t hash, const char *name, size_t len,
    uint64_t *cursor, struct history_record *out);
/* The records of all names, likewise. */
bool history_next_any(const struct history *, uint64_t *cursor, struct history_record *out);

/* The mean time for which a name was held, of its last HISTORY_MEAN_OF records or as many as there
 * are, within one search's HISTORY_FOREIGN_MAX. False: there is none. */
bool history_mean_hold_ns(
    const struct history *, uint64_t hash, const char *name, size_t len, int64_t *mean_ns);

#endif
