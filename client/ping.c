/* SPDX-License-Identifier: ISC */
/* The subcommand ping: how long the server takes to answer. */
#include "commands.h"
#include "duration.h"
#include "exits.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "say.h"
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { COUNT_MAX = 1000000000 };

struct ping {
	struct options options;
	long count;
	int64_t interval_ms;
	long done;
	double least_ms, most_ms, sum_ms;
};

static double
exact_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
tell(struct ping *ping, const struct talk *talk, double ms)
{
	ping->done++;
	ping->sum_ms += ms;
	if (ping->done == 1 || ms < ping->least_ms)
		ping->least_ms = ms;
	if (ms > ping->most_ms)
		ping->most_ms = ms;
	if (ping->options.json)
		printf("%s\n {\"n\":%ld,\"ms\":%.3f}", ping->done > 1 ? "," : "[", ping->done, ms);
	else
		printf("%s: %.3f ms\n", talk->server.text, ms);
	fflush(stdout);
}

static void
tell_all(const struct ping *ping)
{
	if (ping->options.json)
		puts("\n]");
	else if (ping->done > 1)
		printf("%ld answers, least %.3f ms, mean %.3f ms, most %.3f ms\n", ping->done,
		    ping->least_ms, ping->sum_ms / (double)ping->done, ping->most_ms);
}

static int
run(struct ping *ping, struct talk *talk)
{
	struct request request;

	for (;;) {
		request_begin(&request, "ping");
		double begin = exact_ms();
		enum talk_result result = talk_ask(talk, &request, NULL, NULL);
		if (result != TALK_OK)
			return talk_say(talk, result, NULL);
		tell(ping, talk, exact_ms() - begin);
		if (ping->done == ping->count)
			break;
		if (talk_listen(talk, ping->interval_ms) == TALK_LOST)
			return talk_say_lost(talk);
	}
	tell_all(ping);
	return output_flush();
}

static int
parse(struct ping *ping, int argc, char **argv)
{
	enum { INTERVAL = OPTIONS_OWN };
	static const struct option longs[] = {{"count", required_argument, NULL, 'c'},
	    {"interval", required_argument, NULL, INTERVAL}, OPTIONS_LONG};
	const char *wrong = NULL;
	int option;

	ping->options.shorts = ":c:" OPTIONS_SHORT;
	ping->options.longs = longs;
	while ((option = options_next(&ping->options, argc, argv)) != -1) {
		if (option == 'c')
			ping->count = (long)strtonum(optarg, 1, COUNT_MAX, &wrong);
		else if (option == INTERVAL)
			wrong = duration_parse(optarg, &ping->interval_ms) ? NULL : "wrong";
		else
			return -1;
		if (wrong != NULL) {
			ping->options.status = options_wrong(
			    argv[0], option == 'c' ? "--count: expected a number of 1 or more"
						   : "--interval: expected a time: 500ms, 2.5, 1m");
			return -1;
		}
	}
	ping->options.status = options_args(argc, argv, 0, 0, NULL);
	return ping->options.status == 0 ? 0 : -1;
}

int
cmd_ping(int argc, char **argv)
{
	struct ping ping = {.count = 1,
	    .interval_ms = 1000,
	    .options.help =
		"usage: latch ping [--json] [-c N] [--interval TIME]\n\n"
		"How long the server takes to answer.\n\n"
		"  -c, --count N            so often; default: once\n"
		"      --interval TIME      so long in between; default: 1s\n" OPTIONS_HELP_JSON};
	struct talk talk;

	if (parse(&ping, argc, argv) == -1)
		return ping.options.status;
	int status = talk_open(&talk, ping.options.server);
	if (status == 0)
		status = run(&ping, &talk);
	talk_fini(&talk);
	return status;
}
