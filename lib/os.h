/* SPDX-License-Identifier: ISC */
/*
 * What differs between platforms, but for the back ends: one file of lib/ implements it for each,
 * and the Makefile picks that. Descriptors are close-on-exec and do not block.
 */
#ifndef DSOCK_OS_H
#define DSOCK_OS_H

#include "poller.h"

#include <signal.h>

/* The back ends that there are, the best one first; ends with NULL. */
extern const struct ds_poller *const ds_os_pollers[];

/* A descriptor that is readable while a signal of a set is pending. -1 with errno. */
int ds_os_signals_open(void);
int ds_os_signals_set(int fd, const sigset_t *set, int changed_signo);
struct ds_os_signal {
	int signo;
	bool is_sent; /* by a process; false where the platform does not tell */
};
/* Takes up to MAX pending signals; says how many, 0 when there is none. */
int ds_os_signals_read(int fd, struct ds_os_signal *signals, int max);

/* A stream socket; a connection accepted with its peer's address. -1 with errno. */
int ds_os_socket(int family);
int ds_os_accept(int fd, struct ds_addr *);

/* The other end of a unix socket by the kernel's word. False: it does not say. */
bool ds_os_peer_cred(int fd, int32_t *pid, uint32_t *uid);
/* Holds TCP segments back until it is turned off. */
int ds_os_cork(int fd, bool on);
/* -1 where the platform has no such bound; errno is ENOPROTOOPT then. */
int ds_os_user_timeout(int fd, int timeout_ms);
/* The processor time of this thread. */
void ds_os_cpu_time(int64_t *user_ns, int64_t *system_ns);

#endif
