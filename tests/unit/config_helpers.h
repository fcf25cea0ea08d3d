/* SPDX-License-Identifier: ISC */
/*
 * What the tests of the configuration share: a configuration from text in memory, and the reports
 * that came with it, a line each. The file is called "f" in them.
 */
#ifndef TESTS_CONFIG_HELPERS_H
#define TESTS_CONFIG_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/config.h"

extern int ini_max_line __attribute__((weak));

/* Bytes of the longest line: inih's buffer can be enlarged where inih has that variable. */
static inline size_t
line_limit(void)
{
	return &ini_max_line ? 298 : 198;
}

/* Reports, each ended by a newline. */
struct reports {
	char text[1 << 16];
	unsigned n;
};

static inline void
collect(void *arg, const char *line)
{
	struct reports *reports = arg;

	strlcat(reports->text, line, sizeof(reports->text));
	strlcat(reports->text, "\n", sizeof(reports->text));
	reports->n++;
}

static inline const char *
check_colon(const char *address)
{
	return strchr(address, ':') ? NULL : "has no port";
}

static inline struct config_hooks
hooks_of(struct reports *reports)
{
	return (struct config_hooks){collect, reports, check_colon};
}

static inline struct config *
parse_bytes(const char *bytes, size_t len, struct reports *reports)
{
	struct config_hooks hooks = hooks_of(reports);
	FILE *in = fmemopen((void *)bytes, len, "r");

	*reports = (struct reports){.n = 0};
	assert_non_null(in);
	struct config *cfg = config_parse(in, "f", &hooks);

	fclose(in);
	assert_int_equal(cfg == NULL, reports->n != 0);
	return cfg;
}

/* A configuration that has to be right. */
static inline struct config *
parse(const char *text)
{
	struct reports reports;
	struct config *cfg = parse_bytes(text, strlen(text), &reports);

	assert_string_equal(reports.text, "");
	return cfg;
}

/* One that has to be refused, with just these reports. */
static inline void
assert_refused(const char *text, const char *expected)
{
	struct reports reports;

	assert_null(parse_bytes(text, strlen(text), &reports));
	assert_string_equal(reports.text, expected);
}

#endif
