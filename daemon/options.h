/* SPDX-License-Identifier: ISC */
/* The command line, and the configuration that it and the file make together. */
#ifndef LATCHD_OPTIONS_H
#define LATCHD_OPTIONS_H

#include "config.h"

struct options {
	const char *config_path; /* NULL: built-in defaults */
	const char **addresses;	 /* of -l, in the place of the file's listeners */
	size_t n_addresses;
	bool check_only;
	bool verbose;
};

/*
 * Parses ARGV. Returns -1 to go on, or the exit status: 0 after --help and --version, EX_USAGE
 * after what was wrong has been printed. The strings are lent.
 */
int options_parse(struct options *, int argc, char **argv);
void options_fini(struct options *);
/* Reads the file and puts the command line above it. NULL after all errors were reported. */
struct config *options_load(const struct options *, const struct config_hooks *);

#endif
