/* SPDX-License-Identifier: ISC */
/*
 * The subcommand acquire: takes a lock that outlives latch, for a lease and under a key, and prints
 * what it is renewed and released with. The key makes it safe to ask again after a connection was
 * lost; and whoever ends latch before it has printed the key leaves no lock behind.
 */
#include "commands.h"
#include "duration.h"
#include "exits.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "say.h"
#include "talk.h"
#include "terms.h"
#include "text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 500, RETRIES = 60, BEAT_S = 5, SIGNALS = 3 };

struct acquire {
	struct options options;
	struct terms terms;
	int64_t deadline_ms; /* on the monotonic clock; TERMS_FOREVER */
	struct talk talk;
	struct ds_signal signals[SIGNALS];
	int signo; /* that it is to end by */
	bool said;
};

/* Signals: a wait is withdrawn, and what was granted meanwhile is given back. */

static void
on_signal(struct ds_signal *signal, int signo, void *arg)
{
	struct acquire *acquire = arg;
	static const char cancel[] = "cancel\r\n";

	(void)signal;
	if (acquire->signo == 0)
		conn_send(&acquire->talk.conn, cancel, sizeof(cancel) - 1);
	acquire->signo = signo;
}

static void
catch_signals(struct acquire *acquire)
{
	static const int signos[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

	for (int i = 0; i < SIGNALS; i++)
		ds_signal_add(
		    &acquire->signals[i], acquire->talk.loop, signos[i], on_signal, acquire);
}

static void
let_signals(struct acquire *acquire)
{
	for (int i = 0; i < SIGNALS; i++)
		if (acquire->signals[i].loop != NULL)
			ds_signal_cancel(&acquire->signals[i]);
}

static void
give_back(struct acquire *acquire)
{
	const struct terms *terms = &acquire->terms;
	struct request request;

	request_begin(&request, "release");
	for (size_t i = 0; i < terms->n; i++)
		request_add(&request, "lock", terms->names[i]);
	request_add(&request, "key", terms->key);
	talk_ask(&acquire->talk, &request, NULL, NULL);
}

/* Asking. */

static enum talk_result
ask(struct acquire *acquire, int64_t wait_ms)
{
	struct terms terms = acquire->terms;
	struct request request;
	char beat[16];

	request_begin(&request, "iam");
	request_add(&request, "name", terms.who);
	enum talk_result result = talk_ask(&acquire->talk, &request, NULL, NULL);
	if (result != TALK_OK || acquire->signo != 0)
		return result;
	terms.wait_ms = wait_ms;
	terms_acquire(&terms, &request);
	snprintf(beat, sizeof(beat), "%ds", BEAT_S);
	request_add(&request, "beat", beat);
	return talk_ask(&acquire->talk, &request, NULL, NULL);
}

static int64_t
time_left(const struct acquire *acquire)
{
	if (acquire->deadline_ms == TERMS_FOREVER)
		return TERMS_FOREVER;
	int64_t left = acquire->deadline_ms - monotonic_ms();
	return left > 0 ? left : 0;
}

static bool
is_refused_as(const struct talk *talk, const char *code)
{
	return strcmp(talk->reply.code, code) == 0;
}

/* First without waiting, so that it can be said for whom. */
static enum talk_result
ask_and_wait(struct acquire *acquire)
{
	const struct terms *terms = &acquire->terms;
	struct talk *talk = &acquire->talk;
	char text[3072];

	if (acquire->said || terms->quiet)
		return ask(acquire, time_left(acquire));
	enum talk_result result = ask(acquire, 0);
	if (result != TALK_REFUSED || terms->wait_ms == 0 || acquire->signo != 0 ||
	    !is_refused_as(talk, "taken"))
		return result;
	char *name = text_safe(terms->names[0], 0);
	say("%s: %s; waiting", name, talk_refusal(talk, text, sizeof(text)));
	free(name);
	acquire->said = true;
	return ask(acquire, time_left(acquire));
}

/* The server is gone, or is about to be. */
static bool
is_gone(const struct talk *talk, enum talk_result result)
{
	return result == TALK_LOST || (result == TALK_REFUSED && is_refused_as(talk, "shutdown"));
}

/* Also over a restart of the server. */
static enum talk_result
ask_until_answered(struct acquire *acquire)
{
	struct talk *talk = &acquire->talk;
	enum talk_result result = ask_and_wait(acquire);

	for (int i = 0; is_gone(talk, result) && i < RETRIES && acquire->signo == 0; i++) {
		if (i == 0)
			say("%s: the connection is lost; asking again", talk->server.text);
		conn_close(&talk->conn);
		result = TALK_LOST;
		talk_pause(talk, RETRY_MS);
		if (acquire->signo == 0 && talk_connect(talk) == TALK_OK)
			result = ask_and_wait(acquire);
	}
	return result;
}

/* Telling. */

static void
print_assignment(const char *name, const char *value)
{
	printf("%s=", name);
	if (value[strspn(value, "0123456789abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.,:@/")] == '\0') {
		puts(value);
		return;
	}
	putchar('\'');
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	}
	puts("'");
}

/* Semaphores: a number for each name. */
static void
print_slots(const struct pairs *pairs)
{
	const char *sep = "LATCH_SLOT=";

	for (size_t i = 0; i < pairs->n; i++) {
		if (strcmp(pairs->pair[i].key, "slot") != 0)
			continue;
		printf("%s%lu", sep, strtoul(pairs->pair[i].value, NULL, 10));
		sep = ",";
	}
	if (*sep == ',')
		putchar('\n');
}

static void
print_object(const struct terms *terms, const struct pairs *pairs, const char *token)
{
	const char *lease = pairs_get(pairs, "lease");
	json_t *object = json_object();

	json_with(object, "locks", json_values(pairs, "lock"));
	json_with(object, "token", json_of_text(token));
	json_with(object, "key", json_of_text(terms->key));
	if (lease != NULL)
		json_with(object, "lease", json_of_value("lease", lease));
	if (terms->slots > 0)
		json_with(object, "slots", json_values(pairs, "slot"));
	json_print(object);
	putchar('\n');
}

static int
print_grant(const struct acquire *acquire)
{
	const struct pairs *pairs = &acquire->talk.reply.pairs;
	const char *token = pairs_get(pairs, "token");

	if (token == NULL)
		token = "";
	if (acquire->options.json) {
		print_object(&acquire->terms, pairs, token);
	} else {
		print_assignment("LATCH_TOKEN", token);
		print_assignment("LATCH_KEY", acquire->terms.key);
		print_slots(pairs);
	}
	return output_flush();
}

static int
not_granted(const struct acquire *acquire)
{
	const struct talk *talk = &acquire->talk;
	const struct terms *terms = &acquire->terms;
	bool taken = is_refused_as(talk, "taken") || is_refused_as(talk, "timeout");
	const char *where = pairs_get(&talk->reply.pairs, "lock");

	if (taken && terms->quiet)
		return terms->refused_exit;
	int status = talk_say_refused(talk, where != NULL ? where : terms->names[0]);
	return taken ? terms->refused_exit : status;
}

/* It ends as others do that the signal ended. */
static int
end_by_signal(struct acquire *acquire, enum talk_result result)
{
	if (result == TALK_OK) {
		talk_await(&acquire->talk); /* the answer to cancel, which came too late */
		give_back(acquire);
	}
	let_signals(acquire);
	raise(acquire->signo);
	return LATCH_TROUBLE;
}

static int
run(struct acquire *acquire)
{
	catch_signals(acquire);
	enum talk_result result = ask_until_answered(acquire);
	if (acquire->signo != 0)
		return end_by_signal(acquire, result);
	if (result == TALK_LOST)
		return talk_say_lost(&acquire->talk);
	if (result == TALK_REFUSED)
		return not_granted(acquire);
	int status = print_grant(acquire);
	if (status != 0)
		give_back(acquire);
	return status;
}

/* The command line. */

static int
parse(struct acquire *acquire, int argc, char **argv)
{
	static const struct option longs[] = {TERMS_LONG, OPTIONS_LONG};
	struct options *options = &acquire->options;
	struct terms *terms = &acquire->terms;
	int option;

	options->longs = longs;
	while ((option = options_next(options, argc, argv)) != -1) {
		if (option == 0)
			return -1;
		options->status = LATCH_USAGE;
		if (terms_option(terms, option, optarg) != 1)
			return -1;
	}
	options->status = options_args(argc, argv, 1, 1, "NAME");
	if (options->status != 0)
		return -1;
	options->status = LATCH_USAGE;
	terms_name(terms, argv[optind]);
	if (terms_check(terms) == -1)
		return -1;
	if (terms->lease_ms == 0) {
		say("acquire needs --lease TIME: without one the lock would end with latch, which "
		    "is now (for a command, see latch run)");
		return -1;
	}
	return 0;
}

int
cmd_acquire(int argc, char **argv)
{
	struct acquire acquire = {
	    .options = {.shorts = ":" TERMS_SHORT OPTIONS_SHORT,
		.help = "usage: latch acquire --lease TIME [OPTION...] NAME\n\n"
			"Takes a lock that outlives latch, for jobs of several "
			"steps, and prints what it is\nrenewed and released "
			"with:\n\n"
			"  eval \"$(latch acquire --lease 10m deploy)\" || exit\n"
			"  latch renew --key \"$LATCH_KEY\" deploy\n"
			"  latch release --key \"$LATCH_KEY\" deploy\n\n" TERMS_HELP
			"      --key K              of your choice, 8 to 64 bytes; "
			"default: a random one\n" OPTIONS_HELP_JSON}};

	terms_init(&acquire.terms);
	if (parse(&acquire, argc, argv) == -1)
		return acquire.options.status;
	if (acquire.terms.key == NULL)
		terms_random_key(&acquire.terms);
	acquire.deadline_ms = acquire.terms.wait_ms == TERMS_FOREVER
				  ? TERMS_FOREVER
				  : monotonic_ms() + acquire.terms.wait_ms;
	int status = talk_open(&acquire.talk, acquire.options.server);
	if (status == 0)
		status = run(&acquire);
	let_signals(&acquire);
	talk_fini(&acquire.talk);
	return status;
}
