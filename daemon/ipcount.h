/* SPDX-License-Identifier: ISC */
/* How many connections each internet address has, for max_clients_per_ip. A leaf. */
#ifndef LATCHD_IPCOUNT_H
#define LATCHD_IPCOUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/tree.h>

enum { IPCOUNT_KEY = 9 }; /* a family and up to eight bytes */

struct ipcount {
	RB_ENTRY(ipcount) link;
	uint8_t key[IPCOUNT_KEY];
	size_t clients;
};

RB_HEAD(ipcounts, ipcount);

/*
 * Counts one connection more from an address: 4 bytes, or 16 of which the first eight count, since
 * whoever has one IPv6 address has its /64. NULL: no memory. To be given to ipcount_leave.
 */
struct ipcount *ipcount_enter(struct ipcounts *, const uint8_t *ip, size_t len);
void ipcount_leave(struct ipcounts *, struct ipcount *);

#endif
