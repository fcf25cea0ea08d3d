/* SPDX-License-Identifier: ISC */
/*
 * A hash table of intrusive entries that never pauses: linear hashing (W. Litwin, VLDB 1980; P.-A.
 * Larson, CACM 31(4), 1988). It grows by one bucket with an insertion and shrinks by at most
 * two with a removal; buckets lie in segments that double, so none is ever moved. What an entry
 * means is the user's.
 */
#ifndef LATCHD_TABLE_H
#define LATCHD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
	struct table_entry *next;
	uint64_t hash;
};

enum { TABLE_SEGMENTS = 40, TABLE_FIRST_BITS = 6 };

struct table {
	/* segment 0: the first 64 buckets; segment n > 0: as many as all before it */
	struct table_entry **segments[TABLE_SEGMENTS];
	size_t buckets;
	size_t count;
};

int table_init(struct table *);	 /* -1: no memory */
void table_fini(struct table *); /* of an empty one */

/* The chain in which an entry with HASH would be: compare hash and then the rest yourself. */
struct table_entry *table_chain(const struct table *, uint64_t hash);
/* ENTRY->hash is set. Where memory for one more bucket is short, chains get longer and nothing
 * fails. */
void table_insert(struct table *, struct table_entry *);
/* ENTRY is in the table. */
void table_remove(struct table *, struct table_entry *);

/*
 * Walks in the order of the reversed bits of the hash, in which the entries of one bucket are
 * neighbours at every size of the table: so *CURSOR, 0 to begin with, is all that a walk has to
 * remember.
 */
typedef void (*table_visit_fn)(struct table_entry *, void *arg);
bool table_walk(const struct table *, uint64_t *cursor, table_visit_fn, void *arg);

#endif
