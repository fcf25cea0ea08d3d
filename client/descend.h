/* SPDX-License-Identifier: ISC */
/* Who is whose child, from /proc. */
#ifndef LATCH_DESCEND_H
#define LATCH_DESCEND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct descendant {
	pid_t pid, parent;
};

struct descendants {
	struct descendant *all; /* to be freed */
	size_t n, room;
	const struct descendants *but; /* neither these nor what is below them; NULL: all */
};

/* Whether PID is among them. */
bool descend_has(const struct descendants *, pid_t pid);
/* Adds the children of this process. Without memory, or where they begin and end meanwhile, it may
 * miss some, which the next look finds. */
void descend_children(struct descendants *);
/* Adds all below this process, parents before their children. */
void descend_all(struct descendants *);
/* The parent of PID; 0: it has ended. */
pid_t descend_parent(pid_t pid);

#endif
