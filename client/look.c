/* SPDX-License-Identifier: ISC */
/* The subcommands that print rows of the server: inspect, list, why, history, clients. */
#include "commands.h"
#include "options.h"
#include "pages.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { PAGE = 1000 };

/* What is asked, and the columns of the answer. */
struct view {
	const char *subject; /* a lock's name, or NULL */
	const struct column *columns;
	size_t n_columns;
	struct request request;
};

static int
show(const struct options *options, const struct view *view)
{
	struct output output;
	struct talk talk;

	int status = talk_open(&talk, options->server);
	if (status == 0) {
		output_begin(&output, options->json, view->columns, view->n_columns);
		status = pages_print(&talk, &view->request, view->subject, &output);
		status = output_end(&output, status);
	}
	talk_fini(&talk);
	return status;
}

static void
add_page(struct request *request)
{
	char limit[16];

	snprintf(limit, sizeof(limit), "%d", PAGE);
	request_add(request, "limit", limit);
}

/* The options that all have, and MIN to MAX arguments. 0: go on; else the command ends with
 * options->status. */
static int
parse(struct options *options, int argc, char **argv, int min, int max)
{
	if (options_next(options, argc, argv) != -1)
		return -1;
	options->status = options_args(argc, argv, min, max, "NAME");
	return options->status == 0 ? 0 : -1;
}

static const struct option common_options[] = {OPTIONS_LONG};

int
cmd_inspect(int argc, char **argv)
{
	static const struct column columns[] = {
	    {"STATE", "state", COLUMN_TEXT},
	    {"POS", "position", COLUMN_NUMBER},
	    {"WHO", "who", COLUMN_TEXT},
	    {"AGE", "age", COLUMN_SECONDS},
	    {"LEASE", "lease", COLUMN_SECONDS},
	    {"EXPECT", "expect", COLUMN_SECONDS},
	    {"MODE", "mode", COLUMN_TEXT},
	    {"SLOT", "slot", COLUMN_NUMBER},
	    {"TOKEN", "token", COLUMN_NUMBER},
	    {"CLIENT", "client", COLUMN_NUMBER},
	    {"PEER", "peer", COLUMN_TEXT},
	    {"NOTE", "note", COLUMN_NOTE},
	};
	struct view view = {.columns = columns, .n_columns = LENGTH(columns)};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = common_options,
	    .help = "usage: latch inspect [--json] NAME\n\n"
		    "Who holds the lock, then who waits for it, in order.\n\n" OPTIONS_HELP_JSON};

	if (parse(&options, argc, argv, 1, 1) == -1)
		return options.status;
	view.subject = argv[optind];
	request_begin(&view.request, "inspect");
	request_add(&view.request, "lock", view.subject);
	add_page(&view.request);
	return show(&options, &view);
}

int
cmd_why(int argc, char **argv)
{
	static const struct column chain[] = {
	    {"LOCK", "lock", COLUMN_TEXT},
	    {"WAITER", "waiter", COLUMN_TEXT},
	    {"WAITS", "waits", COLUMN_SECONDS},
	    {"WAITERS", "waiters", COLUMN_NUMBER},
	    {"HOLDER", "holder", COLUMN_TEXT},
	    {"HELD", "held", COLUMN_SECONDS},
	    {"NOTE", "note", COLUMN_NOTE},
	};
	static const struct column worst[] = {
	    {"HOLDER", "holder", COLUMN_TEXT},
	    {"WAITERS", "waiters", COLUMN_NUMBER},
	    {"LOCKS", "locks", COLUMN_NUMBER},
	    {"HELD", "held", COLUMN_SECONDS},
	    {"LOCK", "lock", COLUMN_TEXT},
	};
	struct view view = {.columns = worst, .n_columns = LENGTH(worst)};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = common_options,
	    .help = "usage: latch why [--json] [NAME]\n\n"
		    "Whom the first waiter of the lock waits for, whom that one waits for, and so "
		    "on\ndown to the one whom all wait for. Without NAME: the holders that most "
		    "wait for.\n\n" OPTIONS_HELP_JSON};

	if (parse(&options, argc, argv, 0, 1) == -1)
		return options.status;
	request_begin(&view.request, "why");
	if (optind < argc) {
		view.subject = argv[optind];
		view.columns = chain;
		view.n_columns = LENGTH(chain);
		request_add(&view.request, "lock", view.subject);
	}
	return show(&options, &view);
}

int
cmd_clients(int argc, char **argv)
{
	static const struct column columns[] = {
	    {"CLIENT", "client", COLUMN_NUMBER},
	    {"WHO", "who", COLUMN_TEXT},
	    {"PEER", "peer", COLUMN_TEXT},
	    {"LISTENER", "listener", COLUMN_TEXT},
	    {"AGE", "age", COLUMN_SECONDS},
	    {"IDLE", "idle", COLUMN_SECONDS},
	    {"HELD", "held", COLUMN_NUMBER},
	    {"WAITING", "waiting", COLUMN_NUMBER},
	    {"QUEUED", "queued", COLUMN_NUMBER},
	};
	struct view view = {.columns = columns, .n_columns = LENGTH(columns)};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = common_options,
	    .help = "usage: latch clients [--json]\n\n"
		    "The connections of the server.\n\n" OPTIONS_HELP_JSON};

	if (parse(&options, argc, argv, 0, 0) == -1)
		return options.status;
	request_begin(&view.request, "clients");
	add_page(&view.request);
	return show(&options, &view);
}

int
cmd_history(int argc, char **argv)
{
	enum { AT = OPTIONS_OWN, LIMIT };
	static const struct option longs[] = {{"at", required_argument, NULL, AT},
	    {"limit", required_argument, NULL, LIMIT}, OPTIONS_LONG};
	static const struct column columns[] = {
	    {"LOCK", "lock", COLUMN_TEXT},
	    {"WHO", "who", COLUMN_TEXT},
	    {"FROM", "from", COLUMN_TEXT},
	    {"TO", "to", COLUMN_TEXT},
	    {"HELD", "held", COLUMN_SECONDS},
	    {"WAITED", "waited", COLUMN_SECONDS},
	    {"ENDED", "ended", COLUMN_TEXT},
	    {"TOKEN", "token", COLUMN_NUMBER},
	};
	struct view view = {.columns = columns, .n_columns = LENGTH(columns)};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = longs,
	    .help = "usage: latch history [--json] [--at TIME] [--limit N] [NAME]\n\n"
		    "Past grants, of one lock or of all, the newest first.\n\n"
		    "      --at TIME            who had it then: 2026-11-24T03:12:07Z, -5m (ago)\n"
		    "      --limit N            no more than N, up to 1000; default: "
		    "100\n" OPTIONS_HELP_JSON};
	int option;

	request_begin(&view.request, "history");
	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option == AT)
			request_add(&view.request, "at", optarg);
		else if (option == LIMIT)
			request_add(&view.request, "limit", optarg);
		else
			return options.status;
	}
	options.status = options_args(argc, argv, 0, 1, "NAME");
	if (options.status != 0)
		return options.status;
	if (optind < argc) {
		view.subject = argv[optind];
		request_add(&view.request, "lock", view.subject);
	}
	return show(&options, &view);
}

/* list. */

static void
print_name(const struct pairs *pairs, void *arg)
{
	const char *name = pairs_get(pairs, "lock");

	(void)arg;
	if (name == NULL)
		return;
	char *safe = text_safe(name, 0);
	puts(safe);
	free(safe);
}

static int
show_names(const struct options *options, const struct view *view)
{
	struct talk talk;

	int status = talk_open(&talk, options->server);
	if (status == 0)
		status = pages_each(&talk, &view->request, view->subject, print_name, NULL);
	if (status == 0)
		status = output_flush();
	talk_fini(&talk);
	return status;
}

int
cmd_list(int argc, char **argv)
{
	enum { NAMES = OPTIONS_OWN };
	static const struct option longs[] = {{"names", no_argument, NULL, NAMES}, OPTIONS_LONG};
	static const struct column columns[] = {
	    {"LOCK", "lock", COLUMN_TEXT},
	    {"MODE", "mode", COLUMN_TEXT},
	    {"HOLDERS", "holders", COLUMN_NUMBER},
	    {"WAITERS", "waiters", COLUMN_NUMBER},
	    {"AGE", "age", COLUMN_SECONDS},
	    {"TOKEN", "token", COLUMN_NUMBER},
	    {"HOLDER", "holder", COLUMN_TEXT},
	};
	struct view view = {.columns = columns, .n_columns = LENGTH(columns)};
	struct options options = {.shorts = ":" OPTIONS_SHORT,
	    .longs = longs,
	    .help =
		"usage: latch list [--json | --names] [PREFIX]\n\n"
		"The locks that are held or waited for; those whose names begin with PREFIX.\n\n"
		"      --names              only the names, one a line\n" OPTIONS_HELP_JSON};
	bool names = false;
	int option;

	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option != NAMES)
			return options.status;
		names = true;
	}
	options.status = options_args(argc, argv, 0, 1, "PREFIX");
	if (options.status != 0)
		return options.status;
	request_begin(&view.request, "list");
	if (optind < argc)
		request_add(&view.request, "prefix", argv[optind]);
	add_page(&view.request);
	return names && !options.json ? show_names(&options, &view) : show(&options, &view);
}
