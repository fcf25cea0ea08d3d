/* SPDX-License-Identifier: ISC */
/*
 * The sample file and the manual page against the table of options: an option that is missing in
 * either, or described with another default, other bounds or another word on reloading, fails.
 * Reads conf/ and man/ below the working directory, or below $TOP.
 */
#include "config_helpers.h"

/* The whole of a file of the source tree; the caller frees it. */
static char *
slurp(const char *name)
{
	const char *top = getenv("TOP");
	char path[1000], *text = NULL;
	size_t room = 0;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	FILE *in = fopen(path, "r");

	if (!in)
		fail_msg("%s: not found; run this from the top of the sources", path);
	if (getdelim(&text, &room, '\0', in) < 0)
		fail_msg("%s: cannot be read", path);
	fclose(in);
	return text;
}

/* What lies between FROM and the nearest of the two ends, or all that follows; NULL without FROM.
 * The caller frees it. */
static char *
part(const char *text, const char *from, const char *end, const char *or_end)
{
	const char *start = strstr(text, from);

	if (!start)
		return NULL;
	start += strlen(from);
	size_t len = strlen(start);
	const char *ends[] = {strstr(start, end), strstr(start, or_end)};

	for (int i = 0; i < 2; i++)
		if (ends[i] && (size_t)(ends[i] - start) < len)
			len = (size_t)(ends[i] - start);
	return strndup(start, len);
}

/* The sample's text with each option that is commented out in effect. */
static char *
uncomment(const char *sample)
{
	char *text = malloc(strlen(sample) + 1), *to = text;

	assert_non_null(text);
	for (const char *from = sample; *from; from++) {
		if (*from == ';' && from > sample && from[-1] == '\n' && from[1] >= 'a')
			continue;
		/* A further example, not a default. */
		if (strncmp(from, "\n;[", 3) == 0)
			break;
		*to++ = *from;
	}
	*to++ = '\n';
	*to = '\0';
	return text;
}

static void
the_sample_as_it_stands_is_the_default(void **state)
{
	char *sample = slurp("conf/latchd.ini");
	struct config *defaults = config_new(), *cfg = parse(sample);

	(void)state;
	assert_int_equal(config_diff(defaults, cfg, NULL, NULL), 0);
	config_free(cfg);
	config_free(defaults);
	free(sample);
}

static void
the_sample_has_every_option_with_its_default_and_says_which_need_a_restart(void **state)
{
	size_t n;
	const struct config_option *options = config_options(&n);
	char *sample = slurp("conf/latchd.ini"), *text = uncomment(sample), line[400];
	struct config *defaults = config_new(), *cfg = parse(text);

	(void)state;
	assert_int_equal(config_diff(defaults, cfg, NULL, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		const char *section = config_section_name(options[i].section);

		snprintf(line, sizeof(line), "\n[%s", section);
		char *body = part(text, line, "\n[", "\n\n\n");

		assert_non_null(body);
		snprintf(line, sizeof(line), "\n%s =%s%s\n", options[i].name,
		    *options[i].preset ? " " : "", options[i].preset);
		char *found = strstr(body, line);

		if (!found)
			fail_msg("conf/latchd.ini: [%s] lacks%s", section, line);
		/* Its comment is what stands above it, from the last empty line or section on. */
		*found = '\0';
		char *comment = found;

		while (comment > body && strncmp(comment, "\n\n", 2) != 0)
			comment--;
		if ((strstr(comment, "(restart)") == NULL) != options[i].reloadable)
			fail_msg("conf/latchd.ini: [%s] %s: wrong about (restart)", section,
			    options[i].name);
		free(body);
	}
	config_free(cfg);
	config_free(defaults);
	free(text);
	free(sample);
}

/* What an option's value "x" is refused with: "... between A and B, not x" gives "A to B". */
static bool
bounds_of(const struct config_option *option, char *bounds, size_t size)
{
	const char *section = config_section_name(option->section);
	struct reports reports;
	char text[200];

	snprintf(text, sizeof(text), "[%s%s]\n%s = x\n", section,
	    option->section == CONFIG_SECTION_LISTEN ? " a" : "", option->name);
	parse_bytes(text, strlen(text), &reports);
	char *from = strstr(reports.text, "between "), *and, *end;

	if (!from || !(and = strstr(from, " and ")) || !(end = strstr(and, ", not ")))
		return false;
	from += strlen("between ");
	snprintf(bounds, size, "%.*s to %.*s", (int)(and-from), from,
	    (int)(end - and-strlen(" and ")), and+strlen(" and "));
	return true;
}

static void
check_manual_item(const struct config_option *option, const char *section, char *item)
{
	char expected[400];

	snprintf(expected, sizeof(expected), " Pq default: %s\n",
	    *option->preset ? option->preset : "none");
	if (!strstr(item, expected))
		fail_msg("man/latchd.ini.5: [%s] %s: not%s", section, option->name, expected);
	for (char *p = item; *p; p++)
		if (*p == '\n')
			*p = ' ';
	if (bounds_of(option, expected, sizeof(expected)) && !strstr(item, expected))
		fail_msg("man/latchd.ini.5: [%s] %s: not %s", section, option->name, expected);
	if ((strstr(item, "Needs a restart.") == NULL) != option->reloadable)
		fail_msg("man/latchd.ini.5: [%s] %s: wrong about restarts", section, option->name);
}

static void
the_manual_has_every_option_with_its_default_its_bounds_and_a_word_on_restarts(void **state)
{
	size_t n;
	const struct config_option *options = config_options(&n);
	char *manual = slurp("man/latchd.ini.5"), from[100];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char *section = config_section_name(options[i].section);

		snprintf(from, sizeof(from), "\n.Ss [%s", section);
		char *body = part(manual, from, "\n.Ss ", "\n.Sh ");

		assert_non_null(body);
		snprintf(from, sizeof(from), "\n.It Cm %s ", options[i].name);
		char *item = part(body, from, "\n.It Cm ", "\n.Ss ");

		if (!item)
			fail_msg("man/latchd.ini.5: [%s] lacks %s", section, options[i].name);
		check_manual_item(&options[i], section, item);
		free(item);
		free(body);
	}
	free(manual);
}

static void
the_example_of_the_manual_is_valid(void **state)
{
	char *manual = slurp("man/latchd.ini.5");
	char *example = part(manual, ".Bd -literal -offset indent\n", ".Ed", ".Ed");

	(void)state;
	assert_non_null(example);
	struct config *cfg = parse(example);

	assert_int_equal(cfg->n_listen, 4);
	config_free(cfg);
	free(example);
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_sample_as_it_stands_is_the_default),
	    cmocka_unit_test(
		the_sample_has_every_option_with_its_default_and_says_which_need_a_restart),
	    cmocka_unit_test(
		the_manual_has_every_option_with_its_default_its_bounds_and_a_word_on_restarts),
	    cmocka_unit_test(the_example_of_the_manual_is_valid),
	};

	return cmocka_run_group_tests_name("config documentation", tests, NULL, NULL);
}
