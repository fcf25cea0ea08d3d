/* SPDX-License-Identifier: ISC */
/* A connection: the socket class that reads lines and writes replies. */
#ifndef LATCHD_CLIENT_H
#define LATCHD_CLIENT_H

#include "listener.h"
#include "protocol.h"

/*
 * Serves FD, or, where WHY is not REFUSALS, tells it why not and sees it off. Takes FD and the
 * count IP over; NULL with errno: nothing was taken.
 */
struct client *client_new(
    struct listener *, int fd, const struct ds_peer *, struct ipcount *ip, enum refusal why);
/* All of them: answers what has come, then closes, at once or when the replies are written. */
void clients_stop(struct server *);
/* All of them, now. */
void clients_kill(struct server *, const char *reason);
/* To be called when timeouts have changed. */
void clients_rearm(struct server *);
/* What the commands may ask of them. */
extern const struct host client_host;

#endif
