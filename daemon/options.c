/* SPDX-License-Identifier: ISC */
/* See options.h. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>

static const char usage[] =
    "usage: latchd [-tvVh] [-c FILE] [-l ADDRESS]...\n"
    "\n"
    "  -c, --config FILE       read options from FILE; without it the defaults hold\n"
    "  -l, --listen ADDRESS    listen there and not where the file says; may be repeated.\n"
    "                          HOST:PORT, [V6]:PORT, *:PORT or unix:PATH\n"
    "  -t, --check-config      check the configuration and exit; with -v print it\n"
    "  -v, --verbose           log at level debug\n"
    "  -V, --version           print the version and exit\n"
    "  -h, --help              print this and exit\n"
    "\n"
    "Without options it serves on 127.0.0.1:7002, in the foreground. See latchd(8).\n";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, 'l'},
    {"check-config", no_argument, NULL, 't'},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int
usage_error(const char *problem, const char *word)
{
	fprintf(stderr, "latchd: %s%s\n%s", problem, word, usage);
	return EX_USAGE;
}

/* -1 to go on, or the exit status. */
static int
take_option(struct options *options, int option)
{
	switch (option) {
	case 'c':
		options->config_path = optarg;
		return -1;
	case 'l':
		options->addresses[options->n_addresses++] = optarg;
		return -1;
	case 't':
		options->check_only = true;
		return -1;
	case 'v':
		options->verbose = true;
		return -1;
	case 'V':
		puts("latchd " VERSION);
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 0;
	default: /* getopt has said what is wrong */
		fputs(usage, stderr);
		return EX_USAGE;
	}
}

int
options_parse(struct options *options, int argc, char **argv)
{
	int option, status = -1;

	*options = (struct options){0};
	options->addresses = calloc((size_t)argc, sizeof(char *));
	if (options->addresses == NULL)
		return usage_error("out of memory", "");
	while (status == -1 &&
	       (option = getopt_long(argc, argv, "c:l:tvVh", long_options, NULL)) != -1)
		status = take_option(options, option);
	if (status == -1 && optind < argc)
		return usage_error("what is this? ", argv[optind]);
	return status;
}

void
options_fini(struct options *options)
{
	free(options->addresses);
}

struct config *
options_load(const struct options *options, const struct config_hooks *hooks)
{
	struct config *config =
	    options->config_path != NULL ? config_load(options->config_path, hooks) : config_new();

	if (config == NULL) {
		if (options->config_path == NULL)
			hooks->report(hooks->arg, "out of memory");
		return NULL;
	}
	if (config_set_listeners(config, options->addresses, options->n_addresses, hooks) == -1) {
		config_free(config);
		return NULL;
	}
	if (options->verbose)
		config->log.level = CONFIG_LEVEL_DEBUG;
	return config;
}
