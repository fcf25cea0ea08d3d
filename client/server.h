/* SPDX-License-Identifier: ISC */
/* Which server: the option, the environment, the configuration, the default, in this order. */
#ifndef LATCH_SERVER_H
#define LATCH_SERVER_H

#include <dsock.h>

struct server {
	char text[DS_ADDR_STRLEN]; /* as it was said */
	struct ds_addr addr;
};

/* The address of a -S before the subcommand, lent for good; server_find knows no better one than
 * its OPTION. */
void server_told(const char *address);
/* OPTION is that of -S, or NULL. 0, or an exit status after the reason was printed. */
int server_find(struct server *, const char *option);

#endif
