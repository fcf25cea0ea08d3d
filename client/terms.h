/* SPDX-License-Identifier: ISC */
/*
 * On what terms a lock is wanted: the options that `run` and `acquire` have in common, and the
 * request that says the same to the server. All texts are lent by the caller, argv mostly.
 */
#ifndef LATCH_TERMS_H
#define LATCH_TERMS_H

#include "pairs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TERMS_NAMES_MAX = 16, TERMS_WHO_MAX = 256, TERMS_KEY_MAX = 64, TERMS_RANDOM_KEY = 32 };
#define TERMS_FOREVER INT64_MAX

struct terms {
	const char *names[TERMS_NAMES_MAX]; /* the first is the one that is not of --also */
	size_t n;
	int64_t wait_ms; /* TERMS_FOREVER unless told otherwise; 0: at once or not at all */
	int64_t lease_ms, atleast_ms; /* 0: none */
	bool shared;
	unsigned slots;		      /* 0: no semaphore */
	int refused_exit;	      /* of -E */
	bool quiet;		      /* of -q: no word about a refusal, nor about waiting */
	const char *note, *key, *who; /* NULL: none; WHO is user@host unless told */
	char user_at_host[TERMS_WHO_MAX], random_key[TERMS_RANDOM_KEY + 1];
	bool has_name;
};

/*
 * For getopt_long: the short options, and rows for the table of long ones. Their values are below
 * TERMS_OPTION_END, which is where the caller's own begin; its short ones are letters that are not
 * in TERMS_SHORT.
 */
enum {
	TERMS_OPTION_SLOTS = 0x100,
	TERMS_OPTION_LEASE,
	TERMS_OPTION_ATLEAST,
	TERMS_OPTION_NOTE,
	TERMS_OPTION_AS,
	TERMS_OPTION_ALSO,
	TERMS_OPTION_KEY,
	TERMS_OPTION_END,
};

#define TERMS_SHORT "nw:E:qs"
/* clang-format off */
#define TERMS_LONG                                                                                 \
	{"nonblock", no_argument, NULL, 'n'},                                                      \
	{"wait", required_argument, NULL, 'w'},                                                    \
	{"conflict-exit-code", required_argument, NULL, 'E'},                                      \
	{"quiet", no_argument, NULL, 'q'},                                                         \
	{"shared", no_argument, NULL, 's'},                                                        \
	{"slots", required_argument, NULL, TERMS_OPTION_SLOTS},                                    \
	{"lease", required_argument, NULL, TERMS_OPTION_LEASE},                                    \
	{"at-least", required_argument, NULL, TERMS_OPTION_ATLEAST},                               \
	{"note", required_argument, NULL, TERMS_OPTION_NOTE},                                      \
	{"as", required_argument, NULL, TERMS_OPTION_AS},                                          \
	{"also", required_argument, NULL, TERMS_OPTION_ALSO},                                      \
	{"key", required_argument, NULL, TERMS_OPTION_KEY}
/* clang-format on */

/* What those options are, for --help: a line each. */
#define TERMS_HELP                                                                                 \
	"  -n, --nonblock           now or not at all\n"                                           \
	"  -w, --wait TIME          wait no longer than that; default: for ever\n"                 \
	"  -E CODE                  the exit status where it is not granted; default: 75\n"        \
	"  -q, --quiet              not a word about that\n"                                       \
	"  -s, --shared             together with other shared holders\n"                          \
	"      --slots N            at most N hold it\n"                                           \
	"      --also NAME          that lock too: all of them or none (up to 16)\n"               \
	"      --lease TIME         yours for that long, whatever becomes of the connection\n"     \
	"      --at-least TIME      nobody else's for that long, released or not\n"                \
	"      --note TEXT          what you do with it, for people\n"                             \
	"      --as WHO             who you are, for people; default: user@host\n"

/* WHO is user@host; it waits for ever; nothing else is asked for. */
void terms_init(struct terms *);
/* A key that nobody else has. */
void terms_random_key(struct terms *);
/* One option as getopt_long returned it. 1: it was one of these; 0: it was not; -1: its value is
 * wrong, and that was said. */
int terms_option(struct terms *, int option, const char *value);
/* The lock that is not of --also, before or after the options. */
void terms_name(struct terms *, const char *name);
/* Once all were given: whether they go together. -1: they do not, and that was said. */
int terms_check(const struct terms *);

/* `iam name=WHO`, a whole line: to be sent first. Its reply is `OK`. */
void terms_iam(const struct terms *, struct request *);
/* `acquire …` without its end, so that id= and beat= can be added. */
void terms_acquire(const struct terms *, struct request *);

#endif
