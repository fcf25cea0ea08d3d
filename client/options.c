/* SPDX-License-Identifier: ISC */
/* See options.h. */
#include "options.h"

#include "exits.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

int
options_wrong(const struct options *options, const char *command, const char *text)
{
	(void)options;
	if (text != NULL)
		say("%s (latch %s --help)", text, command);
	return LATCH_USAGE;
}

/* getopt has set optopt to the letter, or to the value of a long option, or to 0. */
static int
wrong_option(const struct options *options, char **argv, int error)
{
	char text[256], letter[3] = {'-', (char)optopt, '\0'};
	const char *last = argv[optind - 1];
	const char *option =
	    strncmp(last, "--", 2) == 0 || optopt == 0 || optopt > 0xff ? last : letter;

	snprintf(text, sizeof(text),
	    error == ':' ? "%s needs a value" : "there is no such option here: %s", option);
	return options_wrong(options, argv[0], text);
}

int
options_next(struct options *options, int argc, char **argv)
{
	for (;;) {
		int option = getopt_long(argc, argv, options->shorts, options->longs, NULL);

		switch (option) {
		case 'S':
			options->server = optarg;
			break;
		case OPTIONS_JSON:
			options->json = true;
			break;
		case 'h':
			fputs(options->help, stdout);
			options->status = 0;
			return 0;
		case ':':
		case '?':
			options->status = wrong_option(options, argv, option);
			return 0;
		default:
			return option;
		}
	}
}

int
options_args(
    const struct options *options, int argc, char **argv, int min, int max, const char *what)
{
	char text[256];

	if (argc - optind < min)
		snprintf(text, sizeof(text), "%s is missing", what);
	else if (argc - optind > max)
		snprintf(text, sizeof(text), "what is this? %s", argv[optind + max]);
	else
		return 0;
	return options_wrong(options, argv[0], text);
}
