/* SPDX-License-Identifier: ISC */
/* What comes to connections from elsewhere: see deliver.c. */
#ifndef LATCHD_DELIVER_H
#define LATCHD_DELIVER_H

#include "server.h"

/* From now on it happens at the end of each turn of the server's loop. */
void deliver_init(struct server *);
/* The loop's callback: all that is there to be delivered. */
bool deliver(struct ds_loop *, void *server);

#endif
