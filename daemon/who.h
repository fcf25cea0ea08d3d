/* SPDX-License-Identifier: ISC */
/*
 * Who a connection is, for people: the name it gave itself and its address. An object never
 * changes and is counted, so a grant or the history can speak of a connection that is gone; who
 * takes another name is another object. A leaf.
 */
#ifndef LATCHD_WHO_H
#define LATCHD_WHO_H

#include <stddef.h>
#include <stdint.h>

enum {
	WHO_NAME_MAX = 256, /* bytes of a name */
	WHO_PEER_MAX = 128, /* bytes of an address's text */
};

struct who {
	uint32_t refs;
	uint32_t uid;
	int32_t pid;	 /* 0 or less: neither it nor uid is attested */
	uint64_t client; /* the connection's number */
	uint16_t name_len, peer_len;
	char text[]; /* the name, NUL, the address, NUL */
};

/*
 * One reference, to be given back with who_unref. NAME is any bytes but NUL, and none where the
 * connection has not said; PEER is the address's text: "192.0.2.1:4711", "unix:4711". Both are
 * copied, and cut where they are longer than their bounds. NULL: no memory.
 */
struct who *who_new(uint64_t client, const char *name, size_t name_len, const char *peer,
    int32_t pid, uint32_t uid);
/* The same object, with a reference more. NULL of NULL. */
struct who *who_ref(struct who *);
/* Gives a reference back; the last one frees it. NULL does nothing. */
void who_unref(struct who *);

/* Lent while a reference is held; *LEN bytes, and a NUL after them. */
const char *who_name(const struct who *, size_t *len);
const char *who_peer(const struct who *, size_t *len);
/* What people are shown: the name where there is one, else the address. */
const char *who_shown(const struct who *, size_t *len);

#endif
