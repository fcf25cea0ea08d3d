/* SPDX-License-Identifier: ISC */
/* See say.h. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

void
say(const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "latch: %s\n", line); /* one write: others may write there too */
}
