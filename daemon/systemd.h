/* SPDX-License-Identifier: ISC */
/* The service manager: sockets that it hands over, and what it wants to be told. Built without
 * libsystemd, or started by hand, all of it does nothing. */
#ifndef LATCHD_SYSTEMD_H
#define LATCHD_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inherited_sock {
	int fd;
	const char *name;
	bool listening; /* a stream socket that listens */
};

/* How many were handed over (0 on any error), in *SOCKS; close-on-exec and non-blocking. */
int systemd_inherited(struct inherited_sock **socks);
void systemd_inherited_free(struct inherited_sock *, int n);

/* Sends `KEY=value` lines, see sd_notify(3). */
void systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* RELOADING=1 with the time that Type=notify-reload wants. */
void systemd_notify_reloading(void);
/* True where somebody listens to systemd_notify. */
bool systemd_listens(void);
/* The directory that the manager has made for what outlives a restart, or NULL: StateDirectory=,
 * the first one, in BUF of SIZE bytes. */
const char *systemd_state_dir(char *buf, size_t size);
/* How often the watchdog wants to be fed, in milliseconds: half of its limit. 0: never. */
int64_t systemd_watchdog_ms(void);

#endif
