/* SPDX-License-Identifier: ISC */
/*
 * Who watches what: exact names, and prefixes of names. Finding the watchers of a name takes one
 * look at the names and one at each length that a watched prefix has.
 */
#ifndef LATCHD_WATCH_H
#define LATCHD_WATCH_H

#include "siphash.h"
#include "table.h"

#include <sys/queue.h>

struct session;
struct watch; /* one session's, of one name or prefix */
LIST_HEAD(watch_list, watch);

enum { WATCH_PREFIX_MAX = 512 }; /* bytes, the listener's own prefix included */

struct watches {
	struct table topics;
	size_t count;				/* of watches */
	uint32_t lengths[WATCH_PREFIX_MAX + 1]; /* how many prefixes of that length are watched */
	unsigned char key[SIPHASH_KEY_BYTES];
};

int watches_init(struct watches *);  /* -1: no memory */
void watches_fini(struct watches *); /* when all watches are gone */

enum watch_result { WATCH_OK, WATCH_EXISTS, WATCH_NO_MEMORY };
/* SESSION watches TEXT, a name or a prefix, from now on; OWN is the list of its watches. */
enum watch_result watch_add(struct watches *, struct session *, struct watch_list *own,
    const char *text, size_t len, bool is_prefix);
/* False: it did not. */
bool watch_remove(
    struct watches *, struct watch_list *own, const char *text, size_t len, bool is_prefix);
void watch_remove_all(struct watches *, struct watch_list *own);

/* Calls FN for each session that watches NAME; for one that does so twice, twice. */
typedef void (*watch_fn)(struct session *, void *arg);
void watches_each(const struct watches *, const char *name, size_t len, watch_fn, void *arg);

#endif
