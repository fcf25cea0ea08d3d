/* SPDX-License-Identifier: ISC */
/*
 * Values between text and memory, one pair of functions for each type of option. Text that is not
 * wholly understood is refused, nothing overflows, and a refused value leaves the old one in its
 * place. A reason says what would have been allowed, from the same row that was checked.
 */
#include "config_internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	WHOLE_DIGITS = 18,   /* always fits a long long */
	FRACTION_DIGITS = 9, /* times the largest unit fits a uint64_t */
	NUMBER_SIZE = 32,    /* a number and its unit as text */
};

static const char DIGITS[] = "0123456789";

/* The units of a type, the largest first; formatting takes the first that leaves no remainder. */
struct unit {
	const char *name;
	uint64_t scale;
};

struct scale {
	bool fraction;
	const char *gap; /* between number and unit when written */
	struct unit units[7];
};

static const struct scale scales[] = {
    [CONFIG_TYPE_COUNT] = {false, "", {{"", 1}}},
    [CONFIG_TYPE_SIZE] = {false, " ",
	{{"MiB", 1 << 20}, {"M", 1 << 20}, {"KiB", 1 << 10}, {"K", 1 << 10}, {"", 1}}},
    [CONFIG_TYPE_TIME] = {true, "",
	{{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {"", 1000}}},
};

static const char *const level_names[] = {
    [CONFIG_LEVEL_ERROR] = "error",
    [CONFIG_LEVEL_WARNING] = "warning",
    [CONFIG_LEVEL_INFO] = "info",
    [CONFIG_LEVEL_DEBUG] = "debug",
};

enum { LEVELS = sizeof(level_names) / sizeof(level_names[0]) };

/* The first pair is how it is written. */
static const char *const bool_names[][2] = {
    {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};

enum { BOOLS = sizeof(bool_names) / sizeof(bool_names[0]) };

static void *
field_of(const struct config_option *row, void *base)
{
	return (char *)base + row->offset;
}

static const void *
const_field_of(const struct config_option *row, const void *base)
{
	return (const char *)base + row->offset;
}

__attribute__((format(printf, 2, 3))) static int
refuse(char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, CONFIG_REASON_SIZE, format, args);
	va_end(args);
	return -1;
}

/* The LEN digits at TEXT; false where there are none or more than MAX. */
static bool
scan_digits(const char *text, size_t len, size_t max, uint64_t *value)
{
	char copy[WHOLE_DIGITS + 1];
	const char *error;

	if (len == 0 || len > max)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*value = (uint64_t)strtonum(copy, 0, LLONG_MAX, &error);
	return error == NULL;
}

static const struct unit *
find_unit(const struct scale *scale, const char *name)
{
	for (const struct unit *unit = scale->units; unit->name; unit++)
		if (strcasecmp(unit->name, name) == 0)
			return unit;
	return NULL;
}

/*
 * NUMBER [blanks] [UNIT]. What lies between two of the smallest unit is rounded up: 0.1 ms must not
 * become the 0 that stands for "never".
 */
static bool
scan_number(const char *text, const struct scale *scale, uint64_t *value)
{
	size_t len = strspn(text, DIGITS);
	uint64_t whole, part = 0, one = 1;

	if (!scan_digits(text, len, WHOLE_DIGITS, &whole))
		return false;
	text += len;
	if (*text == '.' && scale->fraction) {
		len = strspn(++text, DIGITS);
		if (!scan_digits(text, len, FRACTION_DIGITS, &part))
			return false;
		text += len;
		for (; len; len--)
			one *= 10;
	}
	const struct unit *unit = find_unit(scale, text + strspn(text, " \t"));
	if (!unit || __builtin_mul_overflow(whole, unit->scale, &whole))
		return false;
	return !__builtin_add_overflow(whole, (part * unit->scale + one - 1) / one, value);
}

static void
format_number(const struct scale *scale, uint64_t value, char *buf, size_t size)
{
	const struct unit *unit = scale->units;

	if (value == 0) {
		strlcpy(buf, "0", size);
		return;
	}
	while (value % unit->scale)
		unit++;
	snprintf(buf, size, "%" PRIu64 "%s%s", value / unit->scale, *unit->name ? scale->gap : "",
	    unit->name);
}

/* What ROW accepts, to stand behind "must be". */
static void
describe(const struct config_option *row, char *buf, size_t size)
{
	char min[NUMBER_SIZE], max[NUMBER_SIZE];
	const struct scale *scale = &scales[row->type];
	const char *unit = "";

	/* Bounds that are not all whole KiB read best as plain bytes. */
	if (row->type == CONFIG_TYPE_SIZE && row->min % 1024) {
		scale = &scales[CONFIG_TYPE_COUNT];
		unit = " bytes";
	}
	format_number(scale, row->min, min, sizeof(min));
	format_number(scale, row->max, max, sizeof(max));
	if (row->zero)
		snprintf(buf, size, "0 (%s) or between %s and %s%s", row->zero, min, max, unit);
	else
		snprintf(buf, size, "between %s and %s%s", min, max, unit);
}

static int
parse_number(const struct config_option *row, uint64_t *field, const char *text, char *reason)
{
	char allowed[CONFIG_REASON_SIZE / 2], quote[CONFIG_QUOTE_SIZE];
	uint64_t value;

	if (scan_number(text, &scales[row->type], &value) &&
	    ((value >= row->min && value <= row->max) || (value == 0 && row->zero))) {
		*field = value;
		return 0;
	}
	describe(row, allowed, sizeof(allowed));
	return refuse(
	    reason, "%s must be %s, not %s", row->name, allowed, config_quote(quote, text));
}

static int
parse_mode(const struct config_option *row, uint64_t *field, const char *text, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE];
	size_t len = strspn(text, "01234567");
	unsigned long value = strtoul(text, NULL, 8);

	if (len < 1 || len > 4 || text[len] || value > row->max)
		return refuse(reason,
		    "%s must be 0 (%s) or an octal number up to %04" PRIo64 ", not %s", row->name,
		    row->zero, row->max, config_quote(quote, text));
	*field = value;
	return 0;
}

static int
parse_bool(const struct config_option *row, uint64_t *field, const char *text, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE];

	for (unsigned i = 0; i < 2 * BOOLS; i++)
		if (strcasecmp(bool_names[i / 2][i % 2], text) == 0) {
			*field = i % 2;
			return 0;
		}
	return refuse(reason, "%s must be yes or no, not %s", row->name, config_quote(quote, text));
}

static int
parse_level(
    const struct config_option *row, enum config_level *field, const char *text, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE];

	for (unsigned i = 0; i < LEVELS; i++)
		if (strcmp(level_names[i], text) == 0) {
			*field = (enum config_level)i;
			return 0;
		}
	return refuse(reason, "%s must be error, warning, info or debug, not %s", row->name,
	    config_quote(quote, text));
}

/* True where the INI syntax could take a part of TEXT for a comment that begins with SIGN. */
static bool
looks_like_comment(const char *text, char sign)
{
	for (const char *p = text; (p = strchr(p, sign)); p++)
		if (p == text || p[-1] == ' ' || p[-1] == '\t')
			return true;
	return false;
}

static int
parse_text(const struct config_option *row, char *field, const char *text, char *reason)
{
	size_t len = strlen(text);

	if (len > row->max)
		return refuse(reason, "%s must have at most %" PRIu64 " bytes, not %zu", row->name,
		    row->max, len);
	for (const char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p))
			return refuse(reason, "%s must not hold control characters", row->name);
	/* It could be written to a file, but not be read back. */
	if (looks_like_comment(text, ';'))
		return refuse(
		    reason, "%s must have no ';' at its beginning or behind a blank", row->name);
	memcpy(field, text, len + 1);
	return 0;
}

static int
parse_text_without_hash(
    const struct config_option *row, char *field, const char *text, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE];

	if (looks_like_comment(text, '#'))
		return refuse(reason,
		    "%s must have no '#' at its beginning or behind a blank, as in %s: a comment "
		    "behind a value begins with ';'",
		    row->name, config_quote(quote, text));
	return parse_text(row, field, text, reason);
}

/* Any text could be a prefix, so the usual slips are refused: nothing else would notice them. */
static int
parse_prefix(const struct config_option *row, char *field, const char *text, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE];
	size_t len = strlen(text);

	if (len > 1 && (*text == '"' || *text == '\'') && text[len - 1] == *text)
		return refuse(reason, "%s is taken as it stands: leave out the quotes around %s",
		    row->name, config_quote(quote, text));
	return parse_text_without_hash(row, field, text, reason);
}

/* The daemon does not change its directory, but who starts it by hand is in any. */
static int
parse_path(const struct config_option *row, char *field, const char *text, char *reason)
{
	char quote[CONFIG_QUOTE_SIZE];

	if (*text != '\0' && *text != '/')
		return refuse(reason, "%s must be an absolute path, not %s", row->name,
		    config_quote(quote, text));
	return parse_text_without_hash(row, field, text, reason);
}

int
config_value_parse(const struct config_option *row, void *base, const char *text, char *reason)
{
	void *field = field_of(row, base);

	if (*text == '\0' && *row->preset != '\0')
		return refuse(
		    reason, "%s needs a value, such as %s = %s", row->name, row->name, row->preset);
	switch (row->type) {
	case CONFIG_TYPE_COUNT:
	case CONFIG_TYPE_SIZE:
	case CONFIG_TYPE_TIME:
		return parse_number(row, field, text, reason);
	case CONFIG_TYPE_MODE:
		return parse_mode(row, field, text, reason);
	case CONFIG_TYPE_BOOL:
		return parse_bool(row, field, text, reason);
	case CONFIG_TYPE_LEVEL:
		return parse_level(row, field, text, reason);
	case CONFIG_TYPE_ADDRESS:
		return parse_text(row, field, text, reason);
	case CONFIG_TYPE_PREFIX:
		return parse_prefix(row, field, text, reason);
	case CONFIG_TYPE_PATH:
		return parse_path(row, field, text, reason);
	}
	return refuse(reason, "%s has no known type", row->name);
}

void
config_value_format(const struct config_option *row, const void *base, char *buf, size_t size)
{
	const void *field = const_field_of(row, base);

	switch (row->type) {
	case CONFIG_TYPE_COUNT:
	case CONFIG_TYPE_SIZE:
	case CONFIG_TYPE_TIME:
		format_number(&scales[row->type], *(const uint64_t *)field, buf, size);
		break;
	case CONFIG_TYPE_MODE:
		snprintf(buf, size, *(const uint64_t *)field ? "%04" PRIo64 : "%" PRIo64,
		    *(const uint64_t *)field);
		break;
	case CONFIG_TYPE_BOOL:
		strlcpy(buf, bool_names[0][*(const uint64_t *)field != 0], size);
		break;
	case CONFIG_TYPE_LEVEL:
		strlcpy(buf, level_names[*(const enum config_level *)field], size);
		break;
	case CONFIG_TYPE_ADDRESS:
	case CONFIG_TYPE_PREFIX:
	case CONFIG_TYPE_PATH:
		strlcpy(buf, field, size);
		break;
	}
}

void
config_value_copy(const struct config_option *row, void *to, const void *from)
{
	void *field = field_of(row, to);
	const void *source = const_field_of(row, from);

	switch (row->type) {
	case CONFIG_TYPE_COUNT:
	case CONFIG_TYPE_SIZE:
	case CONFIG_TYPE_TIME:
	case CONFIG_TYPE_MODE:
	case CONFIG_TYPE_BOOL:
		*(uint64_t *)field = *(const uint64_t *)source;
		break;
	case CONFIG_TYPE_LEVEL:
		*(enum config_level *)field = *(const enum config_level *)source;
		break;
	case CONFIG_TYPE_ADDRESS:
	case CONFIG_TYPE_PREFIX:
	case CONFIG_TYPE_PATH:
		strlcpy(field, source, row->max + 1);
		break;
	}
}
