/* SPDX-License-Identifier: ISC */
/*
 * What latchd was told: every option of latchd.ini(5), typed, inside its bounds and with its
 * default where nothing was said. One table of rows (config_options) feeds the defaults, the
 * reader, the bounds, the printed form and what a reload may change, so an option is added in one
 * place. A leaf: no socket, no log and no global state; what is wrong with a file is handed, line
 * by line, to the caller. A configuration that was returned is valid as a whole, and a file with
 * one error gives none.
 */
#ifndef LATCHD_CONFIG_H
#define LATCHD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	CONFIG_NAME_MAX = 32,	   /* bytes of a listener's name */
	CONFIG_ADDRESS_MAX = 260,  /* bytes of an address as text: a full host name and its port */
	CONFIG_PREFIX_MAX = 256,   /* bytes of a prefix */
	CONFIG_PATH_MAX = 256,	   /* bytes of a path */
	CONFIG_VALUE_SIZE = 300,   /* room for any value as text, its NUL included */
	CONFIG_LISTEN_MAX = 1000,  /* listeners; each costs a descriptor */
	CONFIG_FILE_MAX = 1 << 20, /* bytes of a file, so that a wrong path cannot stall a reload */
};

enum config_level {
	CONFIG_LEVEL_ERROR,
	CONFIG_LEVEL_WARNING,
	CONFIG_LEVEL_INFO,
	CONFIG_LEVEL_DEBUG,
};

/* One [listen NAME]. Every number is a uint64_t, so that an option's type says how it is stored. */
struct listen_config {
	char name[CONFIG_NAME_MAX + 1]; /* unique in its configuration */
	unsigned line; /* where its section begins; 0: built in, or from the command line */
	char address[CONFIG_ADDRESS_MAX + 1];
	char prefix[CONFIG_PREFIX_MAX + 1];
	uint64_t max_clients; /* 0: only the server's */
	uint64_t max_locks;   /* 0: only the server's */
	uint64_t mode;	      /* permissions of a unix socket; 0: by config_listen_mode */
	uint64_t admin;	      /* 0 or 1: its clients may use revoke and kick */
};

struct config {
	struct {
		uint64_t max_clients;
		uint64_t max_clients_per_ip; /* 0: no limit */
		uint64_t max_line;	     /* bytes */
		uint64_t max_output;	     /* bytes */
		uint64_t line_timeout_ms;
		uint64_t idle_timeout_ms; /* 0: never */
		uint64_t keepalive_ms;	  /* idle time before the first probe; 0: off */
		uint64_t backlog;
		char state_dir[CONFIG_PATH_MAX + 1]; /* "": none */
	} server;
	struct {
		uint64_t max_locks;
		uint64_t max_locks_per_client;
		uint64_t max_name; /* bytes */
		uint64_t max_waiters;
		uint64_t max_waits_per_client;
		uint64_t max_lease_ms; /* fits 32 bits */
		uint64_t max_detached;
		uint64_t max_note; /* bytes; 0: no notes */
		uint64_t history;  /* records; 0: off */
	} locks;
	struct {
		enum config_level level;
	} log;
	struct listen_config *listen; /* n_listen of them, at least one */
	size_t n_listen;
	size_t listen_room;
};

/* The table of options. */

enum config_section {
	CONFIG_SECTION_SERVER, /* offsets into struct config */
	CONFIG_SECTION_LOCKS,
	CONFIG_SECTION_LOG,
	CONFIG_SECTION_LISTEN, /* offsets into struct listen_config */
	CONFIG_SECTIONS,
};

enum config_type {
	CONFIG_TYPE_COUNT,
	CONFIG_TYPE_SIZE, /* bytes */
	CONFIG_TYPE_TIME, /* kept in milliseconds */
	CONFIG_TYPE_MODE,
	CONFIG_TYPE_BOOL, /* 0 or 1 */
	CONFIG_TYPE_LEVEL,
	CONFIG_TYPE_ADDRESS,
	CONFIG_TYPE_PREFIX,
	CONFIG_TYPE_PATH, /* absolute, or nothing */
};

struct config_option {
	enum config_section section;
	const char *name;
	enum config_type type;
	size_t offset;
	uint64_t min, max;  /* of a number; for text, MAX is in bytes */
	const char *zero;   /* what 0 means where 0 is allowed besides MIN to MAX; else NULL */
	const char *preset; /* the default as it would stand in a file */
	bool reloadable;
	const char *help;
};

/* All rows, in the order of the manual, *N of them. */
const struct config_option *config_options(size_t *n);
/* "server", "locks", "log" or "listen". */
const char *config_section_name(enum config_section);

/* What a configuration needs from its caller while text is read. */
struct config_hooks {
	/* Called for every error: "file:line: reason", lent. What it quotes is escaped. */
	void (*report)(void *arg, const char *line);
	void *arg;
	/* Returns NULL or what is wrong with the form of ADDRESS. A NULL hook checks nothing. */
	const char *(*check_address)(const char *address);
};

/*
 * The built-in defaults, with one listener named "default" on 127.0.0.1:7002; NULL with ENOMEM. The
 * caller owns the result, and that of the two below.
 */
struct config *config_new(void);
/* Reads PATH, a regular file. Returns NULL after all that is wrong with it was reported. */
struct config *config_load(const char *path, const struct config_hooks *);
/* The same from a stream, which stays the caller's and is called NAME in reports. */
struct config *config_parse(FILE *in, const char *name, const struct config_hooks *);
void config_free(struct config *); /* NULL is fine */

/*
 * Puts N listeners, named arg1 to argN in their order and otherwise as by default, in the place of
 * all there were; for addresses from the command line. N = 0 changes nothing. Returns 0, or -1
 * after the reason was reported; the configuration is then as it was.
 */
int config_set_listeners(
    struct config *, const char *const *addresses, size_t n, const struct config_hooks *);
/* The listener of that name or NULL; lent, valid until the listeners are set anew. */
struct listen_config *config_find_listener(const struct config *, const char *name);
/* The permissions of its socket file: what was set, else 0600 for administrators, else 0660. */
unsigned config_listen_mode(const struct listen_config *);

/* Writes all options to OUT, in a form that config_parse reads back. 0, or -1 with errno. */
int config_print(const struct config *, FILE *out);

/* A difference between two configurations. All texts are lent for the call. */
struct config_change {
	const char *name; /* "[server] max_line", or "[listen web]" for one that comes or goes */
	const char *from; /* the value as text, or the address of a listener that goes; else NULL */
	const char *to;	  /* likewise, of one that comes */
	bool reloadable;  /* false: in effect only after a restart */
};

typedef void config_change_fn(void *arg, const struct config_change *);

/* Calls CHANGED (or NULL) for each difference and returns their number. A listener is its name. */
size_t config_diff(
    const struct config *from, const struct config *to, config_change_fn *changed, void *arg);
/*
 * Copies into RUNNING what FRESH has and a reload may change. All the rest stays, so that RUNNING
 * goes on describing the process as it is and its listeners stay where they are in memory.
 */
void config_adopt(struct config *running, const struct config *fresh);

#endif
