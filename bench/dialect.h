/* SPDX-License-Identifier: ISC */
/*
 * What the load generator says to each kind of server: one row a protocol, the bytes of the few
 * requests that it needs and the one reply to each that counts as success. All lock names are
 * DIALECT_NAME_LEN bytes, so that the length of a request, and of what it expects, does not depend
 * on its name.
 */
#ifndef BENCH_DIALECT_H
#define BENCH_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#define DIALECT_NAME_LEN 16

struct request {
	const char *before; /* the name */
	const char *after;  /* NULL: there is no name */
	const char *reply;  /* `@` stands for the name, CONN_NUMBER for a number */
};

struct dialect {
	const char *name;
	struct request acquire, release, noop;
};

/* The dialect of that name, or NULL. */
const struct dialect *dialect_find(const char *name);

/* The length of a request without its terminating NUL. */
size_t request_len(const struct request *r);

/* The same of its reply, as conn_receive() expects it. */
size_t reply_len(const struct request *r);
/* Whether the reply is another one for another name. */
bool reply_has_name(const struct request *r);

/* Copies the request or its reply and a NUL to `to`, which has room for both; returns where the NUL
 * is. */
char *request_append(char *to, const struct request *r, const char *name);
char *reply_append(char *to, const struct request *r, const char *name);

#endif
