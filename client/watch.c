/* SPDX-License-Identifier: ISC */
/* The subcommand watch: what happens to a lock, a line an event, for ever; over lost connections
 * and restarts of the server. */
#include "commands.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "say.h"
#include "talk.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY_MIN_MS = 100, RETRY_MAX_MS = 5000 };

struct watch {
	struct options options;
	const char *name, *prefix;
	struct talk talk;
};

static void
now_text(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static const char *
or_dash(const char *text)
{
	return text != NULL && *text != '\0' ? text : "-";
}

static void
print_text(const char *time, const char *what, const char *lock, const struct pairs *pairs)
{
	static const char *const more[] = {"token", "position", "waiters", "note", "by", "count"};
	const char *who = pairs_get(pairs, "who");
	char *safe_lock = text_safe(or_dash(lock), 0);
	char *safe_who = text_safe(or_dash(who != NULL ? who : pairs_get(pairs, "holder")), 0);

	printf("%s %-8s %s %s", time, what, safe_lock, safe_who);
	free(safe_lock);
	free(safe_who);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		const char *value = pairs_get(pairs, more[i]);

		if (value == NULL || strcmp(value, "0") == 0)
			continue;
		char *safe = text_safe(value, 0);
		printf(" %s=%s", more[i], safe);
		free(safe);
	}
	putchar('\n');
}

/* WHAT has happened to LOCK; the pairs say more. */
static void
print(const struct watch *watch, const char *what, const char *lock, const struct pairs *pairs)
{
	char time[32];

	now_text(time, sizeof(time));
	if (watch->options.json) {
		json_t *object = json_object();

		json_with(object, "time", json_of_text(time));
		json_with(object, "what", json_of_text(what));
		if (lock != NULL)
			json_with(object, "lock", json_of_text(lock));
		for (size_t i = 0; i < pairs->n; i++) {
			const struct pair *pair = &pairs->pair[i];

			if (json_object_get(object, pair->key) == NULL)
				json_with(object, pair->key, json_of_value(pair->key, pair->value));
		}
		json_print(object);
		putchar('\n');
	} else {
		print_text(time, what, lock, pairs);
	}
	int status = output_flush();
	if (status != 0)
		exit(status); /* what cannot be told is not worth watching */
}

static void
on_event(const struct pairs *pairs, void *arg)
{
	print(arg, or_dash(pairs_get(pairs, "what")), pairs_get(pairs, "lock"), pairs);
}

/* How it is: a line of inspect or of list. */
static void
on_state(const struct pairs *pairs, void *arg)
{
	const struct watch *watch = arg;
	const char *state = pairs_get(pairs, "state"), *lock = pairs_get(pairs, "lock");

	if (state == NULL)
		state = pairs_get(pairs, "holder") != NULL ? "held" : "waiting";
	print(watch, state, lock != NULL ? lock : watch->name, pairs);
}

/* For programs: from here on events are missing, or there again. */
static void
print_gap(const struct watch *watch, const char *what)
{
	const struct pairs pairs = {.n = 1, .pair = {{"reason", watch->talk.reason}}};
	const struct pairs none = {0};

	if (watch->options.json)
		print(watch, what, NULL, watch->talk.reason[0] != '\0' ? &pairs : &none);
}

static enum talk_result
subscribe(struct watch *watch)
{
	struct request request;

	request_begin(&request, "watch");
	if (watch->name != NULL)
		request_add(&request, "lock", watch->name);
	else
		request_add(&request, "prefix", watch->prefix);
	return talk_ask(&watch->talk, &request, on_state, watch);
}

/* After a loss; TALK_OK or, where it is refused now, TALK_REFUSED. */
static enum talk_result
subscribe_again(struct watch *watch)
{
	int64_t delay_ms = RETRY_MIN_MS;

	for (;;) {
		talk_pause(&watch->talk, delay_ms);
		if (talk_connect(&watch->talk) == TALK_OK) {
			say("%s: connected again", watch->talk.server.text);
			print_gap(watch, "connected");
			enum talk_result result = subscribe(watch);
			if (result != TALK_LOST)
				return result;
			talk_say_lost(&watch->talk);
		}
		if ((delay_ms *= 2) > RETRY_MAX_MS)
			delay_ms = RETRY_MAX_MS;
	}
}

static int
run(struct watch *watch)
{
	talk_set_event(&watch->talk, on_event, watch);
	enum talk_result result = subscribe(watch);
	if (result == TALK_LOST)
		return talk_say_lost(&watch->talk);
	while (result == TALK_OK) {
		talk_listen(&watch->talk, -1);
		talk_say_lost(&watch->talk);
		print_gap(watch, "disconnected");
		result = subscribe_again(watch);
	}
	return talk_say_refused(&watch->talk, watch->name != NULL ? watch->name : watch->prefix);
}

static int
parse(struct watch *watch, int argc, char **argv)
{
	enum { PREFIX = OPTIONS_OWN };
	static const struct option longs[] = {
	    {"prefix", required_argument, NULL, PREFIX}, OPTIONS_LONG};
	int option;

	watch->options.longs = longs;
	while ((option = options_next(&watch->options, argc, argv)) != -1) {
		if (option != PREFIX)
			return -1;
		watch->prefix = optarg;
	}
	int names = watch->prefix == NULL ? 1 : 0;
	watch->options.status = options_args(argc, argv, names, names, "NAME");
	if (watch->options.status != 0)
		return -1;
	if (names == 1)
		watch->name = argv[optind];
	return 0;
}

int
cmd_watch(int argc, char **argv)
{
	struct watch watch = {
	    .options = {.shorts = ":" OPTIONS_SHORT,
		.help = "usage: latch watch [--json] NAME | --prefix P\n\n"
			"How things are with a lock, or all whose names begin "
			"with P, and from then on\na line for whatever happens "
			"to them.\n\n"
			"      --prefix P           the empty one: all locks\n" OPTIONS_HELP_JSON}};

	if (parse(&watch, argc, argv) == -1)
		return watch.options.status;
	int status = talk_open(&watch.talk, watch.options.server);
	if (status == 0)
		status = run(&watch);
	talk_fini(&watch.talk);
	return status;
}
