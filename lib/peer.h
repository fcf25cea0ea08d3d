/* SPDX-License-Identifier: ISC */
/* Inside the library: from the kernel's addresses to struct ds_peer. */
#ifndef DSOCK_PEER_H
#define DSOCK_PEER_H

#include "dsock.h"

/* Fills PEER from ADDR; for a unix socket asks FD for the credentials of its other end. */
void ds_peer_fill(struct ds_peer *, const struct ds_addr *, int fd);

#endif
