/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as latchd.ini: they are refused with a report, or give a configuration that reads back
 * from its printed form as the same. Reports are one line of printable text each.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/config.h"

static const char *
check_address(const char *address)
{
	return strchr(address, ':') ? NULL : "has no port";
}

static void
report(void *arg, const char *line)
{
	unsigned *reports = arg;

	++*reports;
	for (const char *p = line; *p; p++)
		if (!isprint((unsigned char)*p))
			abort();
}

static struct config *
parse(const void *bytes, size_t len, unsigned *reports)
{
	const struct config_hooks hooks = {report, reports, check_address};
	FILE *in = fmemopen((void *)(uintptr_t)bytes, len, "r");

	if (!in)
		abort();
	struct config *cfg = config_parse(in, "fuzz", &hooks);

	fclose(in);
	return cfg;
}

static void
check_printed(const struct config *cfg)
{
	char *text;
	size_t len;
	unsigned reports = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out || config_print(cfg, out) < 0 || fclose(out) != 0)
		abort();
	struct config *again = parse(text, len, &reports);

	if (!again || reports || config_diff(cfg, again, NULL, NULL) != 0)
		abort();
	config_adopt(again, cfg);
	config_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned reports = 0;
	struct config *cfg = parse(data, size, &reports);

	if ((cfg == NULL) != (reports != 0) || (cfg && cfg->n_listen == 0))
		abort();
	if (cfg)
		check_printed(cfg);
	config_free(cfg);
	return 0;
}
