/* SPDX-License-Identifier: ISC */
/* See ipcount.h. Always true: an address is in the tree exactly while it has connections. */
#include "ipcount.h"

#include <stdlib.h>
#include <string.h>

static int
compare(const struct ipcount *a, const struct ipcount *b)
{
	return memcmp(a->key, b->key, sizeof(a->key));
}

RB_PROTOTYPE(ipcounts, ipcount, link, compare)
RB_GENERATE(ipcounts, ipcount, link, compare)

struct ipcount *
ipcount_enter(struct ipcounts *counts, const uint8_t *ip, size_t len)
{
	struct ipcount wanted = {.key[0] = (uint8_t)len};

	memcpy(wanted.key + 1, ip, len < IPCOUNT_KEY - 1 ? len : IPCOUNT_KEY - 1);
	struct ipcount *count = RB_FIND(ipcounts, counts, &wanted);
	if (count == NULL) {
		count = malloc(sizeof(*count));
		if (count == NULL)
			return NULL;
		*count = wanted;
		RB_INSERT(ipcounts, counts, count);
	}
	count->clients++;
	return count;
}

void
ipcount_leave(struct ipcounts *counts, struct ipcount *count)
{
	if (--count->clients > 0)
		return;
	RB_REMOVE(ipcounts, counts, count);
	free(count);
}
