/* SPDX-License-Identifier: ISC */
/*
 * A connection of the load generator: it sends bytes and expects exact bytes in return, but for
 * numbers: a CONN_NUMBER among those expected stands for one of any length. Whatever else happens
 * (a wrong reply, silence, an end of file, an error) is said on stderr and exits, since a
 * measurement of a server that fails is worth nothing.
 */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

#define CONN_STALL_SECONDS 10 /* this long without a reply is a failure */
#define CONN_NUMBER '#'

struct conn {
	int fd;
	size_t received; /* of what is expected in return for what was sent last */
	bool in_number;	 /* the first digits of the number there have come */
};

/* The addresses of HOST:PORT, for freeaddrinfo(). */
struct addrinfo *conn_resolve(const char *address);

/* Connects to the first of the addresses, blocking. Closing resets the connection. */
void conn_open(struct conn *c, const struct addrinfo *ai);
void conn_close(struct conn *c);

/* Sends all of it, blocking, and expects a reply from its start. */
void conn_send(struct conn *c, const char *bytes, size_t len);

/* Receives once and compares; true when that was the last of the `len` bytes expected, which must
 * not be a number. */
bool conn_receive(struct conn *c, const char *expected, size_t len);

/* Sends one string and receives the other, start to end. */
void conn_exchange(struct conn *c, const char *requests, const char *replies);

#endif
