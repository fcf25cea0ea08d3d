/* SPDX-License-Identifier: ISC */
/*
 * A connection to a lock server: lines out, lines in. It knows nothing of what they mean. It ends
 * once, by either side, and may be opened again when is_open is false, at the earliest a turn of
 * the loop later.
 */
#ifndef LATCH_CONN_H
#define LATCH_CONN_H

#include <dsock.h>

struct conn;

struct conn_ops {
	void (*opened)(struct conn *);
	/* One line without its end, which may be overwritten. It may close the connection. */
	void (*line)(struct conn *, char *line);
	/* It could not be opened, or has ended without conn_close. REASON is for people, lent. */
	void (*lost)(struct conn *, const char *reason);
};

struct conn {
	struct ds_sock sock; /* first */
	struct ds_loop *loop;
	const struct conn_ops *ops;
	void *arg; /* the owner's */
	char *in;
	size_t in_len, in_size;
	bool is_open, is_up;
};

void conn_init(struct conn *, struct ds_loop *, const struct conn_ops *, void *arg);
/* Begins to connect; OPENED or LOST follows. -1 with errno: it does not. */
int conn_open(struct conn *, const struct ds_addr *, int timeout_ms);
/* Nothing is sent where it is not up. */
void conn_send(struct conn *, const char *text, size_t len);
/* Ends it without a call of LOST. */
void conn_close(struct conn *);
void conn_fini(struct conn *);

#endif
