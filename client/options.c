/* SPDX-License-Identifier: ISC */
/* See options.h. */
#include "options.h"

#include "exits.h"
#include "output.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

int
options_wrong(const char *command, const char *text)
{
	say("%s (latch %s --help)", text, command);
	return LATCH_USAGE;
}

/* Whether the option that getopt does not take is a letter, or a word of its own, which is the last
 * one looked at; of several letters in a word, only the last one has getopt go on to the next. */
static bool
is_letter(const char *shorts, const char *last, int error)
{
	if (error == ':')
		return strncmp(last, "--", 2) != 0;
	return optopt > 0 && optopt <= 0xff && strchr(shorts, optopt) == NULL;
}

int
options_unknown(const char *shorts, char **argv, int error)
{
	char text[256], letter[3] = {'-', (char)optopt, '\0'};
	const char *last = argv[optind - 1];

	snprintf(text, sizeof(text),
	    error == ':' ? "%s needs a value" : "there is no such option here: %s",
	    is_letter(shorts, last, error) ? letter : last);
	return options_wrong(argv[0], text);
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
			options->status = output_flush();
			return 0;
		case ':':
		case '?':
			options->status = options_unknown(options->shorts, argv, option);
			return 0;
		default:
			return option;
		}
	}
}

int
options_args(int argc, char **argv, int min, int max, const char *what)
{
	char text[256];

	if (argc - optind < min)
		snprintf(text, sizeof(text), "%s is missing", what);
	else if (argc - optind > max)
		snprintf(text, sizeof(text), "what is this? %s", argv[optind + max]);
	else
		return 0;
	return options_wrong(argv[0], text);
}
