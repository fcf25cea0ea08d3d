/* SPDX-License-Identifier: ISC */
/* The options of a subcommand: its own, and those that all have (-S, --json, -h). */
#ifndef LATCH_OPTIONS_H
#define LATCH_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

struct options {
	const char *help;	    /* of -h */
	const char *shorts;	    /* the command's own, and OPTIONS_SHORT */
	const struct option *longs; /* likewise, OPTIONS_LONG */
	/* What was said: */
	const char *server;
	bool json;
	int status; /* where options_next says that this is the end */
};

enum { OPTIONS_JSON = 0x1000, OPTIONS_OWN };

/* `:` has to come first in `shorts`. */
#define OPTIONS_SHORT "S:h"
/* clang-format off */
#define OPTIONS_LONG                                                                               \
	{"server", required_argument, NULL, 'S'},                                                  \
	{"json", no_argument, NULL, OPTIONS_JSON},                                                 \
	{"help", no_argument, NULL, 'h'},                                                          \
	{NULL, 0, NULL, 0}
/* clang-format on */

#define OPTIONS_HELP                                                                               \
	"  -S, --server ADDRESS     host:port or unix:/path; default: LATCH_SERVER\n"              \
	"  -h, --help               this\n"
#define OPTIONS_HELP_JSON "      --json               for programs\n" OPTIONS_HELP

/*
 * The next option of the command's own; -1: there is none, and optind is where the arguments begin;
 * 0: the command ends with `status`, since help was printed or there is no such option.
 */
int options_next(struct options *, int argc, char **argv);
/* 64, after TEXT and how to get help. */
int options_wrong(const char *command, const char *text);
/* 64, after it was said what getopt, which has returned ERROR, does not take; SHORTS as above. */
int options_unknown(const char *shorts, char **argv, int error);
/* 0, or 64 where there are not MIN to MAX arguments left; WHAT the first one is. */
int options_args(int argc, char **argv, int min, int max, const char *what);

#endif
