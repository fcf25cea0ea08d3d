/* SPDX-License-Identifier: ISC */
/*
 * What the files of the configuration module share and nobody else needs: values between text and
 * memory, the growing array of listeners, and words about what is wrong. A REASON is always a
 * buffer of REASON_SIZE bytes.
 */
#ifndef LATCHD_CONFIG_INTERNAL_H
#define LATCHD_CONFIG_INTERNAL_H

#include "config.h"

enum {
	REASON_SIZE = 640,
	QUOTE_SIZE = 120, /* a piece of the file in a reason; what does not fit is cut, visibly */
};

/* The option of that name, or NULL. */
const struct config_option *option_find(enum config_section, const char *name);
/*
 * Sets an option in BASE, the configuration or the listener that its offset counts from. Returns 0,
 * or -1 with the option as it was and REASON written.
 */
int option_set(const struct config_option *, void *base, const char *text,
    const struct config_hooks *, char *reason);

/* option_set without the check that only a caller's hook can do. */
int value_parse(const struct config_option *, void *base, const char *text, char *reason);
/*
 * Writes an option's value so that value_parse reads the same again. Equal values give equal text.
 * SIZE is CONFIG_VALUE_SIZE or more.
 */
void value_format(const struct config_option *, const void *base, char *buf, size_t size);
void value_copy(const struct config_option *, void *to, const void *from);

/* A listener with default values. NAME fits. */
void listen_init(struct listen_config *, const char *name, unsigned line);
/* Appends such a listener, moving the others; NULL with ENOMEM. NAME is not yet taken. */
struct listen_config *listen_append(struct config *, const char *name, unsigned line);
/* The first of the listeners before INDEX that has the address of that one, or NULL. */
const struct listen_config *listen_same_address(const struct config *, size_t index);

struct lines {
	FILE *in;
	size_t bytes;
	unsigned number; /* of the line that was read last, from 1 */
};

enum line_result {
	LINE_READ,
	LINE_END,
	LINE_LONG,  /* skipped; BUF is empty, LEN says how long it was */
	LINE_NUL,   /* this one and all below: nothing more can be read */
	LINE_FLOOD, /* more than CONFIG_FILE_MAX bytes */
	LINE_ERROR, /* errno */
};

/* A stream of PATH, where that is a regular file; or NULL with REASON written. */
FILE *lines_open(const char *path, char *reason);
/* Reads a line without its end into BUF, of ROOM bytes and one more for the NUL. */
enum line_result lines_next(struct lines *, char *buf, size_t room, size_t *len);

/* Makes a piece of a file safe to print. Returns BUF, of QUOTE_SIZE bytes. */
char *quote_text(char *buf, const char *text);
/* Write to REASON why a key or a section is not known, and what was probably meant. */
void hint_option(enum config_section, const char *key, char *reason);
void hint_section(const char *section, char *reason);

/* Hands "WHERE:LINE: ..." to the caller's hook; LINE 0 is left out. */
__attribute__((format(printf, 4, 5))) void report_error(
    const struct config_hooks *, const char *where, unsigned line, const char *format, ...);

#endif
