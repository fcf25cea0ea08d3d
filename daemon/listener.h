/* SPDX-License-Identifier: ISC */
/* The addresses that are served: opened or inherited, and whom they let in. */
#ifndef LATCHD_LISTENER_H
#define LATCHD_LISTENER_H

#include "server.h"

struct listener {
	struct ds_listener base; /* first */
	struct server *server;
	const struct listen_config *config;
	TAILQ_ENTRY(listener) link;
	struct realm realm;
	size_t n_clients;
	char *own_path; /* a unix socket that we made and have to remove, or NULL */
	char address[DS_ADDR_STRLEN];
};

/*
 * Opens every listener of the configuration; one whose name an inherited socket has takes that
 * instead. An inherited socket that the configuration does not know is served with default
 * settings. An exit status of sysexits(3), 0 for success; errors have been logged.
 */
int listeners_open(struct server *);
/* Takes over what a reload may change. */
void listeners_reload(struct server *);
/* Accepts no more. The structs stay, since clients refer to them. */
void listeners_close(struct server *);
void listeners_free(struct server *);

#endif
