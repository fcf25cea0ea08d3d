/* SPDX-License-Identifier: ISC */
/* See run.h: the command line of `run` and `elect`, and the two processes. */
#include "run.h"

#include "command.h"
#include "commands.h"
#include "exits.h"
#include "hold.h"
#include "options.h"
#include "output.h"
#include "say.h"
#include "text.h"
#include "tree.h"

#include "duration.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LEASE_MS = 30000, LEASE_MIN_MS = 500, NOTE_MAX = 256 };

/* Up to the next word that is no option. */
static const char shorts[] = "+:" TERMS_SHORT "S:c:h";

enum {
	OPTION_TIMEOUT = TERMS_OPTION_END,
	OPTION_ON_LOSS,
};

int64_t
run_grace_ms(const struct run *run)
{
	int64_t half = hold_margin_ms(&run->terms) / 2;

	return run->terms.lease_ms > 0 && half < GRACE_MS ? half : GRACE_MS;
}

static int
usage(const char *name)
{
	fprintf(stderr,
	    "usage: latch %s [options] NAME [--] COMMAND [ARG ...]\n"
	    "       latch %s [options] NAME -c 'SHELL LINE'\n",
	    name, name);
	return LATCH_USAGE;
}

static void
help(const char *name)
{
	printf("latch %s [options] NAME [--] COMMAND [ARG ...]\n"
	       "latch %s [options] NAME -c 'SHELL LINE'\n\n"
	       "%s\n\n"
	       "  -S, --server ADDR        HOST:PORT or unix:PATH\n"
	       "  -h, --help               this\n" TERMS_HELP
	       "                           default of run and elect: 30s, renewed; 0: with the "
	       "connection\n"
	       "      --timeout TIME       end the command after that, exit status 124\n"
	       "      --on-loss WHAT       kill (the default), term or ignore\n"
	       "  -c 'SHELL LINE'          what the shell is to run\n",
	    name, name,
	    strcmp(name, "elect") == 0
		? "Runs the command while it holds the lock; waits for it otherwise."
		: "Takes the lock, runs the command, gives the lock back.");
}

static int
on_loss_option(struct run *run, const char *value)
{
	static const char *const names[] = {"kill", "term", "ignore"};

	for (int i = 0; i < 3; i++)
		if (strcmp(names[i], value) == 0) {
			run->on_loss = (enum on_loss)i;
			return 0;
		}
	say("--on-loss %s: expected kill, term or ignore", value);
	return -1;
}

static int
own_option(struct run *run, int option, const char **server, const char **line, const char *value)
{
	switch (option) {
	case 'S':
		*server = value;
		return 0;
	case 'c':
		*line = value;
		return 0;
	case OPTION_TIMEOUT:
		if (duration_parse(value, &run->timeout_ms) && run->timeout_ms > 0)
			return 0;
		say("--timeout %s: expected a time: 2.5 (seconds), 500ms, 30s, 5m, 1h", value);
		return -1;
	case OPTION_ON_LOSS:
		return on_loss_option(run, value);
	default:
		return -1;
	}
}

static const struct option options[] = {
    TERMS_LONG,
    {"server", required_argument, NULL, 'S'},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"on-loss", required_argument, NULL, OPTION_ON_LOSS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Options up to the next word that is none. 0, or the exit status plus one. */
static int
parse_options(struct run *run, int argc, char **argv, const char **server, const char **line)
{
	int option;

	while ((option = getopt_long(argc, argv, shorts, options, NULL)) != -1) {
		if (option == 'h') {
			help(argv[0]);
			return output_flush() + 1;
		}
		if (option == '?' || option == ':')
			return options_unknown(shorts, argv, option) + 1;
		int taken = terms_option(&run->terms, option, optarg);
		if (taken == -1 ||
		    (taken == 0 && own_option(run, option, server, line, optarg) == -1))
			return LATCH_USAGE + 1;
	}
	return 0;
}

/* For people: what is run, where they did not say it in words of their own. */
static void
note_command(struct run *run, char **words, char *note)
{
	size_t len = 0;

	for (; *words != NULL && len + 1 < NOTE_MAX; words++)
		len += (size_t)snprintf(
		    note + len, NOTE_MAX - len, "%s%s", len > 0 ? " " : "", *words);
	run->terms.note = note;
}

static void
label(struct run *run)
{
	for (size_t i = 0; i < run->terms.n; i++) {
		char *name = text_safe(run->terms.names[i], 0);

		if (i > 0)
			strlcat(run->label, ", ", sizeof(run->label));
		strlcat(run->label, name, sizeof(run->label));
		free(name);
	}
}

/* 0, or the exit status plus one. */
static int
parse(struct run *run, int argc, char **argv)
{
	static char note[NOTE_MAX];
	static char *shell[] = {"/bin/sh", "-c", NULL, NULL};
	const char *server = NULL, *line = NULL;

	for (;;) {
		int result = parse_options(run, argc, argv, &server, &line);
		if (result != 0)
			return result;
		if (run->terms.has_name || optind == argc)
			break;
		terms_name(&run->terms, argv[optind++]);
		if (optind < argc && (argv[optind][0] != '-' || strcmp(argv[optind], "--") == 0))
			break; /* the command: its options are its own */
	}
	if (optind < argc && strcmp(argv[optind], "--") == 0)
		optind++;
	if (terms_check(&run->terms) == -1)
		return usage(argv[0]) + 1;
	if (run->terms.lease_ms > 0 && run->terms.lease_ms < LEASE_MIN_MS) {
		say("--lease: at least 500ms, or 0: bound to the connection");
		return LATCH_USAGE + 1;
	}
	if (run->terms.key != NULL) {
		say("--key is not for %s, whose key nobody else may have", argv[0]);
		return LATCH_USAGE + 1;
	}
	if ((line != NULL) == (optind < argc)) {
		say(line != NULL ? "either -c or a command, not both" : "which command?");
		return usage(argv[0]) + 1;
	}
	shell[2] = (char *)line;
	run->argv = line != NULL ? shell : argv + optind;
	if (run->terms.note == NULL)
		note_command(run, line != NULL ? shell + 2 : run->argv, note);
	label(run);
	terms_random_key(&run->terms);
	int status = server_find(&run->server, server);
	return status != 0 ? status + 1 : 0;
}

/* Until they are listened to: the keeper may be quick, and the command running already. */
static void
hold_signals(void)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

/* It says who the command's processes are; another PID namespace's would say who others are. */
static bool
has_proc(void)
{
	char self[32], pid[32];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	return strcmp(self, pid) == 0;
}

static int
start(struct run *run)
{
	int channel[2];
	pid_t keeper;

	if (!has_proc()) {
		say("cannot start: there is no /proc of this PID namespace, without which the "
		    "command's processes could not be ended (mount -t proc proc /proc)");
		return LATCH_TROUBLE;
	}
	command_save_signals();
	signal(SIGCHLD, SIG_DFL); /* whoever ignores it is never told of an end */
	hold_signals();
	signal(SIGPIPE, SIG_IGN); /* standard error is not worth the command's life */
	run->shared = mmap(
	    NULL, sizeof(*run->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run->shared == MAP_FAILED || tree_adopt() == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == -1 ||
	    (keeper = fork()) == -1) {
		say("cannot start: %s", strerror(errno));
		return LATCH_TROUBLE;
	}
	if (keeper == 0) {
		close(channel[0]);
		_exit(keeper_run(run, channel[1]));
	}
	close(channel[1]);
	return front_run(run, keeper, channel[0]);
}

static int
run_or_elect(int argc, char **argv, bool elect)
{
	struct run run = {.elect = elect};

	terms_init(&run.terms);
	run.terms.lease_ms = LEASE_MS;
	int status = parse(&run, argc, argv);
	return status != 0 ? status - 1 : start(&run);
}

int
cmd_run(int argc, char **argv)
{
	return run_or_elect(argc, argv, false);
}

int
cmd_elect(int argc, char **argv)
{
	return run_or_elect(argc, argv, true);
}
