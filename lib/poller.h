/* SPDX-License-Identifier: ISC */
/*
 * What a back end has to do. It knows descriptors and interests, nothing else: level-triggered, one
 * entry a socket, ERR and HUP always reported. It may keep a number of its own in ds_sock.slot.
 */
#ifndef DSOCK_POLLER_H
#define DSOCK_POLLER_H

#include "dsock.h"

struct ds_event {
	struct ds_sock *sock;
	unsigned events; /* DS_READ | DS_WRITE | DS_ERR | DS_HUP */
};

struct ds_poller {
	const char *name;
	void *(*open)(void); /* the state, or NULL with errno */
	void (*close)(void *state);
	int (*add)(void *state, struct ds_sock *, unsigned interest);
	int (*mod)(void *state, struct ds_sock *, unsigned interest);
	void (*del)(void *state, struct ds_sock *); /* no event of it is reported after this */
	/* Fills EVENTS (at most MAX) and says how many; -1 with errno, which is EINTR where the
	 * wait has told nothing and the next one may. */
	int (*wait)(void *state, struct ds_event *events, int max, int timeout_ms);
};

extern const struct ds_poller ds_poller_epoll;
extern const struct ds_poller ds_poller_poll;
extern const struct ds_poller ds_poller_kqueue;

#endif
