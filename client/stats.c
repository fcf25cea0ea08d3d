/* SPDX-License-Identifier: ISC */
/* The subcommand stats: every counter of the server. */
#include "commands.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "talk.h"

#include <stdio.h>

/* A line is one pair, of the counter's name. */
static void
add_row(const struct pairs *pairs, void *table)
{
	for (size_t i = 0; i < pairs->n; i++) {
		struct pairs row = {.n = 2,
		    .pair = {{"counter", pairs->pair[i].key}, {"value", pairs->pair[i].value}}};

		table_row(table, &row);
	}
}

static void
add_member(const struct pairs *pairs, void *object)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *pair = &pairs->pair[i];

		json_with(object, pair->key, json_of_value(pair->key, pair->value));
	}
}

static int
show_table(struct talk *talk)
{
	static const struct column columns[] = {
	    {"COUNTER", "counter", COLUMN_TEXT},
	    {"VALUE", "value", COLUMN_NUMBER},
	};
	struct request request;
	struct table table;

	table_begin(&table, columns, 2);
	request_begin(&request, "stats");
	enum talk_result result = talk_ask(talk, &request, add_row, &table);
	if (result != TALK_OK) {
		table_drop(&table);
		return talk_say(talk, result, NULL);
	}
	table_end(&table);
	return output_flush();
}

static int
show_object(struct talk *talk)
{
	struct request request;
	json_t *object = json_object();

	request_begin(&request, "stats");
	enum talk_result result = talk_ask(talk, &request, add_member, object);
	if (result != TALK_OK) {
		json_decref(object);
		return talk_say(talk, result, NULL);
	}
	json_print(object);
	putchar('\n');
	return output_flush();
}

int
cmd_stats(int argc, char **argv)
{
	static const struct option longs[] = {OPTIONS_LONG};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = longs,
	    .help = "usage: latch stats [--json]\n\n"
		    "Every counter of the server.\n\n" OPTIONS_HELP_JSON};
	struct talk talk;

	if (options_next(&options, argc, argv) != -1)
		return options.status;
	int status = options_args(argc, argv, 0, 0, NULL);
	if (status != 0)
		return status;
	status = talk_open(&talk, options.server);
	if (status == 0)
		status = options.json ? show_object(&talk) : show_table(&talk);
	talk_fini(&talk);
	return status;
}
