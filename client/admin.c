/* SPDX-License-Identifier: ISC */
/* What an administrator may do: revoke a lock, kick a client. */
#include "commands.h"
#include "options.h"
#include "output.h"
#include "talk.h"

#include <stdio.h>

static int
ask(const struct options *options, struct request *request, const char *subject)
{
	struct talk talk;

	int status = talk_open(&talk, options->server);
	if (status == 0) {
		enum talk_result result = talk_ask(&talk, request, NULL, NULL);
		const char *revoked = pairs_get(&talk.reply.pairs, "revoked");

		if (result != TALK_OK)
			status = talk_say(&talk, result, subject);
		else if (revoked != NULL && printf("revoked=%s\n", revoked) > 0)
			status = output_flush();
	}
	talk_fini(&talk);
	return status;
}

int
cmd_revoke(int argc, char **argv)
{
	enum { TOKEN = OPTIONS_OWN };
	static const struct option longs[] = {
	    {"token", required_argument, NULL, TOKEN}, OPTIONS_LONG};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = longs,
	    .help =
		"usage: latch revoke [--token N] NAME\n\n"
		"Takes a lock away from all who hold it. On an administrator's listener only, "
		"as in\n-S unix:/run/latchd/admin.sock.\n\n"
		"      --token N            only from the holder with that token\n" OPTIONS_HELP};
	struct request request;
	int option;

	request_begin(&request, "revoke");
	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option != TOKEN)
			return options.status;
		request_add(&request, "token", optarg);
	}
	int status = options_args(argc, argv, 1, 1, "NAME");
	if (status != 0)
		return status;
	request_add(&request, "lock", argv[optind]);
	return ask(&options, &request, argv[optind]);
}

int
cmd_kick(int argc, char **argv)
{
	static const struct option longs[] = {OPTIONS_LONG};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = longs,
	    .help = "usage: latch kick ID\n\n"
		    "Ends the connection of a client, by its number in `latch clients`. On an\n"
		    "administrator's listener only.\n\n" OPTIONS_HELP};
	struct request request;

	if (options_next(&options, argc, argv) != -1)
		return options.status;
	int status = options_args(argc, argv, 1, 1, "ID");
	if (status != 0)
		return status;
	request_begin(&request, "kick");
	request_add(&request, "client", argv[optind]);
	return ask(&options, &request, argv[optind]);
}
