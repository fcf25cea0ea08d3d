/* SPDX-License-Identifier: ISC */
/*
 * What the configuration module says about wrong input: how an error reads, how a piece of a file
 * is shown, and what was probably meant by a key or a section that does not exist: the same key of
 * another section, or a name so near that one slip of the fingers explains it. All that can be
 * suggested comes from the table of options.
 */
#define LIBBSD_OPENBSD_VIS 1 /* vis.h wants to be told which strnvis; none is used here */

#include "config_internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <vis.h>

enum { WORD_MAX = 32 }; /* longer words are near to nothing */

char *
config_quote(char *buf, const char *text)
{
	char head[CONFIG_QUOTE_BYTES + 1];
	bool cut = strlcpy(head, text, sizeof(head)) >= sizeof(head);

	/* Not strnvis: libbsd's writes its NUL behind a buffer that is too short (0.11.7). */
	strvis(buf, head, VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL);
	if (cut)
		strlcat(buf, "...", CONFIG_QUOTE_SIZE);
	return buf;
}

void
config_report(
    const struct config_hooks *hooks, const char *where, unsigned line, const char *format, ...)
{
	char text[PATH_MAX + CONFIG_REASON_SIZE + 32], reason[CONFIG_REASON_SIZE], number[16] = "";
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (line)
		snprintf(number, sizeof(number), ":%u", line);
	snprintf(text, sizeof(text), "%.*s%s: %s", PATH_MAX, where, number, reason);
	hooks->report(hooks->arg, text);
}

static unsigned
lesser(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Insertions, deletions, replacements and swaps of neighbours that make A into B (the "optimal
 * string alignment" distance), upper and lower case being the same.
 */
static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *now = rows[i % 3];
		const unsigned *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			bool same = same_letter(a[i - 1], b[j - 1]);

			now[j] = lesser(lesser(now[j - 1], last[j]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				now[j] = lesser(now[j], before[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

/* How far WORD may be from what is suggested for it. */
static unsigned
reach(const char *word)
{
	return 1 + (unsigned)strlen(word) / 4;
}

/* What stands behind a section's name. */
static const char *
argument(enum config_section section)
{
	return section == CONFIG_SECTION_LISTEN ? " NAME" : "";
}

static const struct config_option *
nearest_option(enum config_section section, const char *key)
{
	size_t n;
	const struct config_option *options = config_options(&n), *nearest = NULL;
	unsigned least = reach(key) + 1;

	for (size_t i = 0; i < n; i++) {
		unsigned steps =
		    options[i].section == section ? distance(key, options[i].name) : UINT_MAX;

		if (steps < least) {
			least = steps;
			nearest = &options[i];
		}
	}
	return nearest;
}

static const struct config_option *
option_elsewhere(const char *key)
{
	size_t n;
	const struct config_option *options = config_options(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(options[i].name, key) == 0)
			return &options[i];
	return NULL;
}

void
config_hint_option(enum config_section section, const char *key, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE];
	const char *where = config_section_name(section);
	const struct config_option *meant = nearest_option(section, key);
	const struct config_option *elsewhere = option_elsewhere(key);

	config_quote(quote, key);
	if (elsewhere)
		snprintf(reason, CONFIG_REASON_SIZE, "[%s] has no option %s: it belongs in [%s%s]",
		    where, quote, config_section_name(elsewhere->section),
		    argument(elsewhere->section));
	else if (meant)
		snprintf(reason, CONFIG_REASON_SIZE, "[%s] has no option %s: did you mean %s?",
		    where, quote, meant->name);
	else
		snprintf(reason, CONFIG_REASON_SIZE, "[%s] has no option %s", where, quote);
}

void
config_hint_section(const char *section, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE], word[WORD_MAX + 2];
	enum config_section meant = CONFIG_SECTIONS;

	/* A word that is too long remains too long. */
	strlcpy(word, section, sizeof(word));
	word[strcspn(word, " \t")] = '\0';
	unsigned least = reach(word) + 1;

	for (enum config_section i = 0; i < CONFIG_SECTIONS; i++) {
		unsigned steps = distance(word, config_section_name(i));

		if (steps < least) {
			least = steps;
			meant = i;
		}
	}
	config_quote(quote, section);
	if (meant != CONFIG_SECTIONS)
		snprintf(reason, CONFIG_REASON_SIZE,
		    "there is no section [%s]: did you mean [%s%s]?", quote,
		    config_section_name(meant), argument(meant));
	else
		snprintf(reason, CONFIG_REASON_SIZE,
		    "there is no section [%s], only [server], [locks], [log] and [listen NAME]",
		    quote);
}
