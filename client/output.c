/* SPDX-License-Identifier: ISC */
/* See output.h. */
#include "output.h"

#include "exits.h"
#include "json.h"
#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
output_begin(struct output *output, bool json, const struct column *columns, size_t n)
{
	*output = (struct output){.json = json};
	if (!json)
		table_begin(&output->table, columns, n);
}

void
output_row(struct output *output, const struct pairs *pairs)
{
	output->rows++;
	if (!output->json) {
		table_row(&output->table, pairs);
		return;
	}
	fputs(output->rows > 1 ? ",\n " : "[\n ", stdout);
	json_print(json_of_pairs(pairs));
}

int
output_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	say("standard output: %s", strerror(errno));
	return LATCH_TROUBLE;
}

int
output_end(struct output *output, int status)
{
	bool nothing = status != 0 && output->rows == 0;

	if (!output->json && nothing)
		table_drop(&output->table);
	else if (!output->json)
		table_end(&output->table);
	else if (status == 0)
		puts(output->rows > 0 ? "\n]" : "[]");
	else if (!nothing)
		putchar('\n');
	int written = output_flush();
	return status != 0 ? status : written;
}
