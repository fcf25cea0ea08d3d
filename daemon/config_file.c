/* SPDX-License-Identifier: ISC */
/*
 * Reads latchd.ini by inih, which cuts long lines, takes an indented line for more of the option
 * above it, is silent about sections and counts no lines for its callback. So it is fed by a reader
 * that counts, opens the sections, and hands it nothing that it would read differently from a
 * human. Every error is reported with its line and with how to mend it, and one is enough to refuse
 * the file.
 */
#include "config_internal.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>

enum {
	LINE_ROOM = 300, /* of inih's line buffer where it can be chosen: fits the longest prefix */
	SECTION_ROOM = 50, /* of inih's copy of a section's name */
	OPTIONS_MAX = 32,
};

static const char BLANKS[] = " \t\r\v\f"; /* what inih skips inside a line, by isspace(3) */

/*
 * There only where inih was built with options that can be set at run time, as in Debian. Elsewhere
 * the buffer is INI_MAX_LINE bytes, which is 200 unless it was changed.
 */
extern int ini_max_line __attribute__((weak));

/* One run over one file. */
struct parse {
	struct config_lines lines; /* the line that was read last is the one that inih has */
	const char *name;
	const struct config_hooks *hooks;
	struct config *cfg;
	unsigned errors;
	bool unanswered; /* inih has an option and did not call back for it yet */
	enum {
		SECTION_NONE,	 /* before the first one */
		SECTION_REFUSED, /* it was reported; what is in it is skipped */
		SECTION_OPEN,
	} state;
	enum config_section section;
	unsigned section_lines[CONFIG_SECTIONS]; /* where it was opened; 0: not yet */
	unsigned option_lines[OPTIONS_MAX];	 /* where it was set in the open section */
};

__attribute__((format(printf, 3, 4))) static void
complain(struct parse *parse, unsigned line, const char *format, ...)
{
	char reason[CONFIG_REASON_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	config_report(parse->hooks, parse->name, line, "%s", reason);
	parse->errors++;
}

/* About the line that inih has. */
#define complain_here(parse, ...) complain(parse, (parse)->lines.number, __VA_ARGS__)

static struct listen_config *
open_listener(const struct parse *parse)
{
	return &parse->cfg->listen[parse->cfg->n_listen - 1];
}

/* The line of the open section on which that option of a listener was set, or 0. */
static unsigned
line_of(const struct parse *parse, const struct config_option *option)
{
	size_t n;

	return parse->option_lines[option - config_options(&n)];
}

/* What can be judged of a section only when all of it is known. */
static void
close_section(struct parse *parse)
{
	const struct config_option *address = config_option_find(CONFIG_SECTION_LISTEN, "address");
	const struct config_option *admin = config_option_find(CONFIG_SECTION_LISTEN, "admin");

	if (parse->state != SECTION_OPEN || parse->section != CONFIG_SECTION_LISTEN)
		return;
	const struct listen_config *listen = open_listener(parse);
	unsigned line = line_of(parse, address);

	if (!line) {
		complain(parse, listen->line, "[listen %s] needs an address, such as address = %s",
		    listen->name, address->preset);
		return;
	}
	const struct listen_config *same =
	    config_listen_same_address(parse->cfg, parse->cfg->n_listen - 1);

	if (same)
		complain(parse, line, "[listen %s] on line %u already has this address", same->name,
		    same->line);
	if (listen->admin && !config_listen_is_unix(listen))
		complain(parse, line_of(parse, admin),
		    "admin = yes needs an address like unix:/run/latchd/admin.sock, since over TCP "
		    "the kernel attests nobody: give administrators a [listen NAME] of their own");
}

static bool
is_listener_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= CONFIG_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") ==
		   len;
}

static bool
add_listener(struct parse *parse, const char *name)
{
	char quote[CONFIG_QUOTE_SIZE];
	const struct listen_config *same;

	/* The first section takes the place of the built-in listener. */
	if (!parse->section_lines[CONFIG_SECTION_LISTEN])
		parse->cfg->n_listen = 0;
	parse->section_lines[CONFIG_SECTION_LISTEN] = parse->lines.number;
	if (!is_listener_name(name))
		complain_here(parse,
		    "a listener needs a name of 1 to %d letters, digits, '_', '.', '-', not '%s'",
		    CONFIG_NAME_MAX, config_quote(quote, name));
	else if ((same = config_find_listener(parse->cfg, name)))
		complain_here(parse, "[listen %s] already stands on line %u", name, same->line);
	else if (parse->cfg->n_listen == CONFIG_LISTEN_MAX)
		complain_here(parse, "there can be at most %d listeners", CONFIG_LISTEN_MAX);
	else if (!config_listen_append(parse->cfg, name, parse->lines.number))
		complain_here(parse, "out of memory");
	else
		return true;
	return false;
}

static bool
enter_section(struct parse *parse, enum config_section section)
{
	if (parse->section_lines[section]) {
		complain_here(parse, "[%s] already stands on line %u: put its options there",
		    config_section_name(section), parse->section_lines[section]);
		return false;
	}
	parse->section_lines[section] = parse->lines.number;
	return true;
}

/* CONFIG_SECTIONS where there is none of that name. */
static enum config_section
find_section(const char *name)
{
	size_t word = strcspn(name, " \t");

	for (enum config_section section = 0; section < CONFIG_SECTIONS; section++) {
		const char *known = config_section_name(section);

		if (strlen(known) == word && strncmp(name, known, word) == 0 &&
		    (name[word] == '\0' || section == CONFIG_SECTION_LISTEN))
			return section;
	}
	return CONFIG_SECTIONS;
}

static bool
open_section(struct parse *parse, const char *name)
{
	char reason[CONFIG_REASON_SIZE];

	memset(parse->option_lines, 0, sizeof(parse->option_lines));
	parse->section = find_section(name);
	if (parse->section == CONFIG_SECTIONS) {
		config_hint_section(name, reason);
		complain_here(parse, "%s", reason);
		return false;
	}
	if (parse->section == CONFIG_SECTION_LISTEN) {
		name += strlen(config_section_name(parse->section));
		return add_listener(parse, name + strspn(name, " \t"));
	}
	return enter_section(parse, parse->section);
}

/* TEXT begins with '['. Returns whether inih may have the line. */
static bool
read_section(struct parse *parse, const char *text)
{
	char name[SECTION_ROOM];
	size_t len = strcspn(++text, "]");
	const char *behind = text + len + 1;

	close_section(parse);
	parse->state = SECTION_REFUSED;
	if (text[len] != ']') {
		complain_here(parse, "']' is missing behind the section's name");
		return false;
	}
	if (len >= sizeof(name)) {
		complain_here(
		    parse, "a section's name has at most %d bytes, not %zu", SECTION_ROOM - 1, len);
		return false;
	}
	memcpy(name, text, len);
	name[len] = '\0';
	if (open_section(parse, name))
		parse->state = SECTION_OPEN;
	behind += strspn(behind, BLANKS);
	if (*behind != '\0' && *behind != ';') {
		complain_here(parse,
		    "what stands behind ']' would be ignored: only a comment, from ';' on, may");
		return false;
	}
	return parse->state == SECTION_OPEN;
}

/* Whether inih may have the line TEXT; it gets an empty one otherwise. */
static bool
accept_line(struct parse *parse, const char *text)
{
	const char *first = text + strspn(text, BLANKS);

	if (*first == '\0' || *first == ';' || *first == '#')
		return false;
	if (first != text)
		complain_here(parse,
		    "a line must not begin with a blank, which would continue the line above it");
	if (*first == '[')
		return read_section(parse, first) && first == text;
	parse->unanswered = first == text;
	return parse->unanswered;
}

/* A line in BUF, which is empty where it was too long; false where nothing more can be read. */
static bool
fetch_line(struct parse *parse, char *buf, size_t room)
{
	size_t len;

	switch (config_lines_next(&parse->lines, buf, room, &len)) {
	case CONFIG_LINE_READ:
		return true;
	case CONFIG_LINE_LONG:
		complain_here(parse,
		    "the line has %zu bytes, and no more than %zu of one are read: shorten it", len,
		    room);
		return true;
	case CONFIG_LINE_NUL:
		complain_here(parse, "a NUL byte: this is not a text file");
		break;
	case CONFIG_LINE_FLOOD:
		complain(parse, 0, "has more than %d bytes: this is not a configuration",
		    CONFIG_FILE_MAX);
		break;
	case CONFIG_LINE_ERROR:
		complain(parse, 0, "cannot read: %s", strerror(errno));
		break;
	case CONFIG_LINE_END:
		return false;
	}
	parse->state = SECTION_REFUSED; /* what is missing in it may stand in what was not read */
	return false;
}

/* inih calls back for every option that it understands and says nothing of the others. */
static void
judge_silence(struct parse *parse)
{
	if (parse->unanswered)
		complain_here(
		    parse, "neither a section nor an option: write [SECTION] or OPTION = VALUE");
	parse->unanswered = false;
}

/* The reader of inih: a line in BUF, ended by a newline, or NULL at the end. */
static char *
next_line(char *buf, int size, void *arg)
{
	static const char bom[] = "\xEF\xBB\xBF";
	struct parse *parse = arg;

	judge_silence(parse);
	if (!fetch_line(parse, buf, (size_t)size - sizeof("\n")))
		return NULL;
	if (parse->lines.number == 1 && strncmp(buf, bom, strlen(bom)) == 0)
		memmove(buf, buf + strlen(bom), strlen(buf) - strlen(bom) + 1);
	if (!accept_line(parse, buf))
		*buf = '\0';
	strlcat(buf, "\n", (size_t)size);
	return buf;
}

/* The handler of inih. Its idea of the section is cut at 49 bytes, ours is the whole one. */
static int
take_option(void *arg, const char *section, const char *key, const char *value)
{
	struct parse *parse = arg;
	char reason[CONFIG_REASON_SIZE], quote[CONFIG_QUOTE_SIZE];
	size_t n;
	const struct config_option *options = config_options(&n), *option;

	(void)section;
	if (*key == '\0')
		return false; /* "= VALUE" is as good as no answer */
	parse->unanswered = false;
	if (parse->state == SECTION_NONE) {
		complain_here(parse,
		    "option %s stands before any section: put it below a line like [server]",
		    config_quote(quote, key));
		parse->state = SECTION_REFUSED;
	}
	if (parse->state == SECTION_REFUSED)
		return false;
	option = config_option_find(parse->section, key);
	if (!option) {
		config_hint_option(parse->section, key, reason);
		complain_here(parse, "%s", reason);
		return false;
	}
	unsigned *set_on = &parse->option_lines[option - options];

	if (*set_on) {
		complain_here(parse, "%s is already set on line %u", option->name, *set_on);
		return false;
	}
	*set_on = parse->lines.number;
	void *base = parse->section == CONFIG_SECTION_LISTEN ? (void *)open_listener(parse)
							     : (void *)parse->cfg;

	if (config_option_set(option, base, value, parse->hooks, reason) == 0)
		return true;
	complain_here(parse, "%s", reason);
	return false;
}

struct config *
config_parse(FILE *in, const char *name, const struct config_hooks *hooks)
{
	struct parse parse = {.lines.in = in, .name = name, .hooks = hooks, .cfg = config_new()};
	size_t n;

	(void)config_options(&n);
	assert(n <= OPTIONS_MAX);
	if (!parse.cfg) {
		complain(&parse, 0, "out of memory");
		return NULL;
	}
	if (&ini_max_line && ini_max_line < LINE_ROOM)
		ini_max_line = LINE_ROOM;
	int result = ini_parse_stream(next_line, &parse, take_option, &parse);

	close_section(&parse);
	/* All else that inih refuses was reported by its reader or its handler. */
	if (result && !parse.errors)
		complain(&parse, 0, "inih: %s", result == -2 ? "out of memory" : "cannot read it");
	if (parse.errors) {
		config_free(parse.cfg);
		return NULL;
	}
	return parse.cfg;
}

struct config *
config_load(const char *path, const struct config_hooks *hooks)
{
	char reason[CONFIG_REASON_SIZE];
	FILE *in = config_lines_open(path, reason);

	if (!in) {
		config_report(hooks, path, 0, "%s", reason);
		return NULL;
	}
	struct config *cfg = config_parse(in, path, hooks);

	fclose(in);
	return cfg;
}
