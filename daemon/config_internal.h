/* SPDX-License-Identifier: ISC */
/*
 * What the files of the configuration module share and nobody else needs: values between text and
 * memory, the growing array of listeners, and words about what is wrong. A REASON is always a
 * buffer of CONFIG_REASON_SIZE bytes.
 */
#ifndef LATCHD_CONFIG_INTERNAL_H
#define LATCHD_CONFIG_INTERNAL_H

#include "config.h"

enum {
	CONFIG_REASON_SIZE = 640,
	/* Bytes of the file in a reason, the rest is cut, and what they take when all are escaped.
	 */
	CONFIG_QUOTE_BYTES = 80,
	CONFIG_QUOTE_SIZE = 4 * CONFIG_QUOTE_BYTES + sizeof("..."),
};

/* The option of that name, or NULL. */
const struct config_option *config_option_find(enum config_section, const char *name);
/*
 * Sets an option in BASE, the configuration or the listener that its offset counts from. Returns 0,
 * or -1 with the option as it was and REASON written.
 */
int config_option_set(const struct config_option *, void *base, const char *text,
    const struct config_hooks *, char *reason);

/* config_option_set without the check that only a caller's hook can do. */
int config_value_parse(const struct config_option *, void *base, const char *text, char *reason);
/*
 * Writes an option's value so that config_value_parse reads the same again. Equal values give equal
 * text. SIZE is CONFIG_VALUE_SIZE or more.
 */
void config_value_format(const struct config_option *, const void *base, char *buf, size_t size);
void config_value_copy(const struct config_option *, void *to, const void *from);

/* A listener with default values. NAME fits. */
void config_listen_init(struct listen_config *, const char *name, unsigned line);
/* Appends such a listener, moving the others; NULL with ENOMEM. NAME is not yet taken. */
struct listen_config *config_listen_append(struct config *, const char *name, unsigned line);
/* The first of the listeners before INDEX that has the address of that one, or NULL. */
const struct listen_config *config_listen_same_address(const struct config *, size_t index);
bool config_listen_is_unix(const struct listen_config *);

struct config_lines {
	FILE *in;
	size_t bytes;
	unsigned number; /* of the line that was read last, from 1 */
};

enum config_line {
	CONFIG_LINE_READ,
	CONFIG_LINE_END,
	CONFIG_LINE_LONG,  /* skipped; BUF is empty, LEN says how long it was */
	CONFIG_LINE_NUL,   /* this one and all below: nothing more can be read */
	CONFIG_LINE_FLOOD, /* more than CONFIG_FILE_MAX bytes */
	CONFIG_LINE_ERROR, /* errno */
};

/* A stream of PATH, where that is a regular file; or NULL with REASON written. */
FILE *config_lines_open(const char *path, char *reason);
/* Reads a line without its end into BUF, of ROOM bytes and one more for the NUL. */
enum config_line config_lines_next(struct config_lines *, char *buf, size_t room, size_t *len);

/* Makes a piece of a file safe to print. Returns BUF, of CONFIG_QUOTE_SIZE bytes. */
char *config_quote(char *buf, const char *text);
/* Write to REASON why a key or a section is not known, and what was probably meant. */
void config_hint_option(enum config_section, const char *key, char *reason);
void config_hint_section(const char *section, char *reason);

/* Hands "WHERE:LINE: ..." to the caller's hook; LINE 0 is left out. */
__attribute__((format(printf, 4, 5))) void config_report(
    const struct config_hooks *, const char *where, unsigned line, const char *format, ...);

#endif
