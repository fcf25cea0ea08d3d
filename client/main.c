/* SPDX-License-Identifier: ISC */
/* latch: from argv to a subcommand. */
#include "commands.h"
#include "exits.h"
#include "nearest.h"
#include "output.h"
#include "say.h"
#include "server.h"
#include "text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
    {"acquire", cmd_acquire, "take a lock that outlives latch, for jobs of several steps"},
    {"release", cmd_release, "give such a lock back"},
    {"renew", cmd_renew, "a new lease for such a lock"},
    {"run", cmd_run, "run a command while holding a lock"},
    {"elect", cmd_elect, "keep one of several copies of a command running"},
    {"inspect", cmd_inspect, "who holds a lock, and who waits for it"},
    {"list", cmd_list, "the locks that are held or waited for"},
    {"why", cmd_why, "who waits for whom"},
    {"history", cmd_history, "who held it when"},
    {"watch", cmd_watch, "what happens to a lock, as it happens"},
    {"top", cmd_top, "all of that on a screen"},
    {"clients", cmd_clients, "the connections of the server"},
    {"stats", cmd_stats, "the counters of the server"},
    {"ping", cmd_ping, "how long the server takes to answer"},
    {"revoke", cmd_revoke, "take a lock away (administrators)"},
    {"kick", cmd_kick, "end a connection (administrators)"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
print_help(FILE *file)
{
	fputs("usage: latch COMMAND [OPTION...] [ARGUMENT...]\n\n", file);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
	      "  latch COMMAND --help     what it takes\n"
	      "  latch --version\n"
	      "  -S, --server ADDRESS     host:port or unix:/path, before or after COMMAND;\n"
	      "                           default: LATCH_SERVER, /etc/latch.ini, 127.0.0.1:7002\n"
	      "\nMore is in latch(1).\n",
	    file);
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int
unknown(const char *word)
{
	const char *names[COMMANDS];

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	const char *near = nearest(word, names, COMMANDS);
	char *safe = text_safe(word, 0);
	if (strcmp(word, "-S") == 0 || strcmp(word, "--server") == 0)
		say("%s needs a value (latch --help)", safe);
	else if (*word == '-')
		say("there is no option %s (latch --help)", safe);
	else if (near != NULL)
		say("there is no command %s: did you mean %s?", safe, near);
	else
		say("there is no command %s (latch --help)", safe);
	free(safe);
	return LATCH_USAGE;
}

/* `latch help` and `latch help COMMAND`. */
static int
help(int argc, char **argv)
{
	char *words[] = {argv[1], "--help", NULL};

	if (argc < 2) {
		print_help(stdout);
		return output_flush();
	}
	const struct command *command = find(argv[1]);
	return command != NULL ? command->run(2, words) : unknown(argv[1]);
}

/* -S before the command. The words it takes, or 0. */
static int
take_server(int argc, char **argv)
{
	static const char *const long_form = "--server=";
	const char *address = NULL;
	int taken = 1;

	if (strcmp(argv[1], "-S") == 0 || strcmp(argv[1], "--server") == 0) {
		address = argc > 2 ? argv[2] : NULL;
		taken = 2;
	} else if (strncmp(argv[1], "-S", 2) == 0) {
		address = argv[1] + 2;
	} else if (strncmp(argv[1], long_form, strlen(long_form)) == 0) {
		address = argv[1] + strlen(long_form);
	}
	if (address == NULL)
		return 0;
	server_told(address);
	return taken;
}

/*
 * Where 0, 1 or 2 is closed the connection would take its number, and what is said to people would
 * be said to the server. What stands there instead cannot be read nor written, and goes when the
 * command is run, which finds them closed as latch did.
 */
static void
keep_places(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= STDIN_FILENO && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int
main(int argc, char **argv)
{
	int taken;

	keep_places();
	text_init();
	while (argc > 1 && (taken = take_server(argc, argv)) > 0) {
		argc -= taken;
		argv += taken;
	}
	if (argc < 2) {
		print_help(stderr);
		return LATCH_USAGE;
	}
	const char *word = argv[1];
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "help") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		puts("latch " VERSION);
		return output_flush();
	}
	const struct command *command = find(word);
	return command != NULL ? command->run(argc - 1, argv + 1) : unknown(word);
}
