/* SPDX-License-Identifier: ISC */
/* What is done to a lock that was taken with a key, from whichever connection: release and renew.
 */
#include "commands.h"
#include "duration.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "say.h"
#include "talk.h"
#include "terms.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY = OPTIONS_OWN, TOKEN, LEASE };

static const struct option longs[] = {{"key", required_argument, NULL, KEY},
    {"token", required_argument, NULL, TOKEN}, {"lease", required_argument, NULL, LEASE},
    OPTIONS_LONG};

#define KEY_HELP                                                                                   \
	"      --key K              that acquire had; default: LATCH_KEY in the environment\n"     \
	"      --token N            only while that is the current grant\n"

/* What is no time the server will refuse in words of its own. */
static void
add_lease(struct request *request, const char *value)
{
	char text[32];
	int64_t ms;

	if (duration_parse(value, &ms)) {
		snprintf(text, sizeof(text), "%lldms", (long long)ms);
		value = text;
	}
	request_add(request, "lease", value);
}

/* All options and names into REQUEST. 0, or -1: the command ends with options->status. */
static int
parse(struct options *options, int argc, char **argv, struct request *request)
{
	const char *key = getenv("LATCH_KEY");
	int option;

	request_begin(request, argv[0]);
	while ((option = options_next(options, argc, argv)) != -1) {
		if (option == KEY)
			key = optarg;
		else if (option == TOKEN)
			request_add(request, "token", optarg);
		else if (option == LEASE)
			add_lease(request, optarg);
		else
			return -1;
	}
	options->status = options_args(argc, argv, 1, TERMS_NAMES_MAX, "NAME");
	if (options->status == 0 && (key == NULL || *key == '\0'))
		options->status =
		    options_wrong(argv[0], "which key? --key is missing, and LATCH_KEY is not set");
	if (options->status != 0)
		return -1;
	request_add(request, "key", key);
	for (int i = optind; i < argc; i++)
		request_add(request, "lock", argv[i]);
	return 0;
}

static void
print_object(const struct pairs *pairs)
{
	static const char *const keys[] = {"token", "lease"};
	json_t *object = json_with(json_object(), "locks", json_values(pairs, "lock"));

	for (size_t i = 0; i < 2; i++) {
		const char *value = pairs_get(pairs, keys[i]);

		if (value != NULL)
			json_with(object, keys[i], json_of_value(keys[i], value));
	}
	json_print(object);
	putchar('\n');
}

static int
print_lease(const struct talk *talk, bool json)
{
	const char *lease = pairs_get(&talk->reply.pairs, "lease");

	if (json) {
		print_object(&talk->reply.pairs);
	} else if (lease != NULL) {
		char *safe = text_safe(lease, 0);
		printf("lease=%s\n", safe);
		free(safe);
	}
	return output_flush();
}

static int
ask(const struct options *options, struct request *request, const char *name, bool is_renewal)
{
	struct talk talk;

	int status = talk_open(&talk, options->server);
	if (status == 0) {
		enum talk_result result = talk_ask(&talk, request, NULL, NULL);

		if (result != TALK_OK)
			status = talk_say(&talk, result, name);
		else if (is_renewal)
			status = print_lease(&talk, options->json);
	}
	talk_fini(&talk);
	return status;
}

int
cmd_release(int argc, char **argv)
{
	static const struct option release_longs[] = {{"key", required_argument, NULL, KEY},
	    {"token", required_argument, NULL, TOKEN}, OPTIONS_LONG};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = release_longs,
	    .help = "usage: latch release --key K [--token N] NAME...\n\n"
		    "Gives back what `latch acquire` has taken.\n\n" KEY_HELP OPTIONS_HELP};
	struct request request;

	if (parse(&options, argc, argv, &request) == -1)
		return options.status;
	return ask(&options, &request, argv[optind], false);
}

int
cmd_renew(int argc, char **argv)
{
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = longs,
	    .help = "usage: latch renew --key K [--token N] [--lease TIME] [--json] NAME...\n\n"
		    "A new lease from now on for what `latch acquire` has taken; prints how long "
		    "it is.\n\n" KEY_HELP
		    "      --lease TIME         default: as long as before\n" OPTIONS_HELP_JSON};
	struct request request;

	if (parse(&options, argc, argv, &request) == -1)
		return options.status;
	return ask(&options, &request, argv[optind], true);
}
