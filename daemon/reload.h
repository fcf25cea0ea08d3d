/* SPDX-License-Identifier: ISC */
/* Configuration while running. */
#ifndef LATCHD_RELOAD_H
#define LATCHD_RELOAD_H

#include "server.h"

/* Reads the file again and takes over what may change; a bad file changes nothing. All of it is
 * logged. */
void server_reload(struct server *);
/* Sizes the buffers and sets the limits that server->config says. -1: no memory, errno tells. */
int server_apply_config(struct server *);

#endif
