/* SPDX-License-Identifier: ISC */
/*
 * The log: one line an event, to standard error. With `<N>` priorities where that is the journal,
 * with a time elsewhere. Its level is the only state of the daemon outside struct server. Never
 * blocks: a line that standard error does not take is dropped.
 */
#ifndef LATCHD_LOG_H
#define LATCHD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

#define LOG_PRINTF(n) __attribute__((format(printf, n, n + 1)))

/* Finds out what standard error is. To be called once, first. */
void log_open(void);
bool log_is_journal(void);
void log_set_level(enum log_level);
bool log_enabled(enum log_level);

void log_error(const char *format, ...) LOG_PRINTF(1);
void log_warning(const char *format, ...) LOG_PRINTF(1);
void log_info(const char *format, ...) LOG_PRINTF(1);
void log_debug(const char *format, ...) LOG_PRINTF(1);

/*
 * For what a peer can cause at will: at most LOG_BURST lines of one kind in LOG_WINDOW_S seconds;
 * how many were held back is said with the first line of a later window. One zeroed struct for each
 * kind.
 */
enum { LOG_BURST = 10, LOG_WINDOW_S = 10 };

struct log_limit {
	int64_t window_ns; /* when the window began */
	unsigned lines;	   /* in it */
	unsigned held_back;
};

void log_limited(struct log_limit *, int64_t now_ns, const char *format, ...) LOG_PRINTF(3);

#endif
