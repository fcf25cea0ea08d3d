/* SPDX-License-Identifier: ISC */
/* What chat and kv share: a listener on an address, and lines out of a connection's bytes. */
#ifndef LINESERVER_H
#define LINESERVER_H

#include <dsock.h>

struct line_sock {
	struct ds_sock sock; /* first */
	char buf[1024];	     /* an unfinished line */
	size_t len;
};

/* Reads once and calls FN with each complete line, without its end. Closes at the end, and on a
 * line that is too long. */
void line_read(struct line_sock *, void (*fn)(struct line_sock *, char *line));

/* For a ds_accept_fn: a connection of SIZE bytes that begins with a struct line_sock. NULL: no
 * memory, FD is closed. */
struct line_sock *line_accept(struct ds_listener *, int fd, const struct ds_ops *, size_t size);
void line_destroy(struct ds_sock *); /* frees it */

/* Listens on argv[1] or FALLBACK, says where, and serves until it is stopped by a signal: 0; 1: it
 * could not. */
int line_serve(int argc, char **argv, const char *fallback, ds_accept_fn);

#endif
