/* SPDX-License-Identifier: ISC */
/* See args.h. */
#include "args.h"

#include <time.h>

#define NS_PER_S INT64_C(1000000000)
/* Some 146 years: a moment further from 1970 is as good as that, and leaves room for sums. */
#define FAR_S (INT64_MAX / NS_PER_S / 2)

static const struct {
	const char *name;
	size_t len;
} names[ARG_COUNT] = {
#define NAMED(arg, text) [arg] = {text, sizeof(text) - 1}
    NAMED(ARG_LOCK, "lock"),
    NAMED(ARG_MODE, "mode"),
    NAMED(ARG_SLOTS, "slots"),
    NAMED(ARG_WAIT, "wait"),
    NAMED(ARG_LEASE, "lease"),
    NAMED(ARG_KEY, "key"),
    NAMED(ARG_ATLEAST, "atleast"),
    NAMED(ARG_NOTE, "note"),
    NAMED(ARG_BEAT, "beat"),
    NAMED(ARG_ID, "id"),
    NAMED(ARG_TOKEN, "token"),
    NAMED(ARG_NAME, "name"),
    NAMED(ARG_PREFIX, "prefix"),
    NAMED(ARG_AFTER, "after"),
    NAMED(ARG_LIMIT, "limit"),
    NAMED(ARG_AT, "at"),
    NAMED(ARG_CLIENT, "client"),
};

const char *
arg_name(enum arg arg)
{
	return names[arg].name;
}

static bool
is_separator(char c)
{
	return c == ' ' || c == '&' || c == '\t';
}

/* Whether one of the eight bytes at AT is a `=`; or perhaps one above it, which costs time only. */
static inline bool
eight_have_equals(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t eight;

	memcpy(&eight, at, sizeof(eight));
	eight ^= ones * '=';
	return ((eight - ones) & ~eight & ones * 0x80) != 0;
}

/* Where the word that begins at AT ends, where its first `=` is, or NULL, and whether it has
 * something to decode. */
static char *
word_end(char *at, const char *end, char **equals, bool *escapes)
{
	*equals = NULL;
	*escapes = false;
	for (; at < end; at++) {
		while (end - at >= 8 && protocol_eight_plain(at) && !eight_have_equals(at))
			at += 8;
		if (at == end || is_separator(*at))
			break;
		if (*at == '=' && *equals == NULL)
			*equals = at;
		*escapes |= *at == '%' || *at == '+';
	}
	return at;
}

static enum arg
find_arg(const char *key, size_t len)
{
	for (unsigned i = 0; i < ARG_COUNT; i++)
		if (names[i].len == len && memcmp(names[i].name, key, len) == 0)
			return (enum arg)i;
	return ARG_COUNT;
}

static bool
wrong(struct args_error *error, enum refusal code, struct text culprit, const char *what)
{
	*error = (struct args_error){code, culprit, what};
	return false;
}

/* Every `%` begins a byte. */
static bool
is_encoded(const struct text *text)
{
	const char *end = text->at + text->len;

	for (const char *at = text->at; (at = memchr(at, '%', (size_t)(end - at))) != NULL; at++)
		if (protocol_escape(at, end) == -1)
			return false;
	return true;
}

/* In place. */
static void
decode(struct text *text)
{
	char *in = text->at, *end = text->at + text->len, *out;

	while (in < end && *in != '%' && *in != '+')
		in++;
	for (out = in; in < end; in++) {
		if (*in == '%') {
			*out++ = (char)protocol_escape(in, end);
			in += 2;
		} else {
			*out++ = *in == '+' ? ' ' : *in;
		}
	}
	text->len = (size_t)(out - text->at);
}

static bool
add_name(struct args *args, struct text name, unsigned n_names, struct args_error *error)
{
	if (args->n_names == n_names)
		return wrong(error, REFUSE_BAD_ARGS, name,
		    n_names == 0 ? "no name is wanted here" : "too many names");
	args->names[args->n_names++] = name;
	args->present |= ARG_BIT(ARG_LOCK);
	return true;
}

/* One argument, WORD, whose `=` is at EQUALS or, NULL, nowhere. ESCAPES: it may have some. */
static inline bool
add(struct args *args, struct text word, const char *equals, bool escapes, uint32_t allowed,
    unsigned n_names, struct args_error *error)
{
	struct text key = {word.at, 0}, value = word;
	enum arg arg = ARG_LOCK;

	if (equals != NULL) {
		key.len = (size_t)(equals - word.at);
		value = (struct text){word.at + key.len + 1, word.len - key.len - 1};
		arg = find_arg(key.at, key.len);
		if (arg == ARG_COUNT || !(allowed & ARG_BIT(arg)))
			return wrong(error, REFUSE_BAD_ARGS, key.len > 0 ? key : word,
			    arg == ARG_COUNT ? "there is no such argument"
					     : "this verb has no such argument");
		if (arg != ARG_LOCK && args_has(args, arg))
			return wrong(error, REFUSE_BAD_ARGS, key, "is given twice");
	} else if (args->present != 0) {
		return wrong(error, REFUSE_BAD_ARGS, word,
		    "only the first argument may stand without key=; a blank in a value is written "
		    "as +");
	}
	if (escapes && !is_encoded(&value))
		return wrong(error, REFUSE_BAD_ARGS, word, "% is written as %25");
	if (escapes)
		decode(&value);
	if (arg == ARG_LOCK)
		return add_name(args, value, n_names, error);
	if (memchr(value.at, '\0', value.len) != NULL)
		return wrong(error, REFUSE_BAD_ARGS, key, "has a NUL byte");
	args->value[arg] = value;
	args->present |= ARG_BIT(arg);
	return true;
}

/* Of a line that is refused, so that its sender knows which one it was. */
static __attribute__((cold)) void
add_id_only(struct args *args, struct text word, char *equals, bool escapes)
{
	struct args_error ignored;

	if (equals != NULL)
		add(args, word, equals, escapes, ARG_BIT(ARG_ID), 0, &ignored);
}

bool
args_parse(struct args *args, struct text text, uint32_t allowed, unsigned n_names,
    struct args_error *error)
{
	char *at = text.at, *end = text.at + text.len;

	bool good = true;

	args->present = 0;
	args->n_names = 0;
	while (at < end) {
		struct text word = {.at = at};
		char *equals;
		bool escapes;

		at = word_end(at, end, &equals, &escapes);
		word.len = (size_t)(at - word.at);
		if (!good)
			add_id_only(args, word, equals, escapes);
		else if (word.len > 0)
			good = add(args, word, equals, escapes, allowed, n_names, error);
		at++;
	}
	return good;
}

/* Digits from *AT on; false where there are none or too many. */
static bool
take_digits(const char **at, const char *end, uint64_t max, uint64_t *number)
{
	const char *begin = *at;

	for (*number = 0; *at < end && **at >= '0' && **at <= '9'; ++*at) {
		unsigned digit = (unsigned)(**at - '0');

		if (*number > (max - digit) / 10)
			return false;
		*number = 10 * *number + digit;
	}
	return *at > begin;
}

bool
parse_number(struct text text, uint64_t max, uint64_t *number)
{
	const char *at = text.at, *end = text.at + text.len;

	return take_digits(&at, end, max, number) && at == end;
}

static bool
take_unit(const char *at, size_t len, int64_t *ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
	    {"", NS_PER_S},
	    {"ms", NS_PER_S / 1000},
	    {"s", NS_PER_S},
	    {"m", 60 * NS_PER_S},
	    {"h", 3600 * NS_PER_S},
	    {"d", 86400 * NS_PER_S},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, at, len) == 0) {
			*ns = units[i].ns;
			return true;
		}
	return false;
}

bool
parse_duration(struct text text, int64_t *ns)
{
	const int64_t longest = 100 * INT64_C(365) * 86400 * NS_PER_S;
	const char *at = text.at, *end = text.at + text.len, *fraction = NULL, *fraction_end = NULL;
	uint64_t whole, ignored;
	int64_t unit;

	if (!take_digits(&at, end, (uint64_t)longest, &whole))
		return false;
	if (at < end && *at == '.') {
		fraction = ++at;
		if (!take_digits(&at, end, UINT64_MAX, &ignored))
			return false;
		fraction_end = at;
	}
	if (!take_unit(at, (size_t)(end - at), &unit) || whole > (uint64_t)(longest / unit))
		return false;
	*ns = (int64_t)whole * unit;
	for (int64_t part = unit / 10; fraction < fraction_end; fraction++, part /= 10)
		*ns += (*fraction - '0') * part;
	return true;
}

bool
parse_time(struct text text, int64_t now_ns, int64_t *ns)
{
	char copy[32];
	struct tm utc = {0};

	if (text.len > 1 && text.at[0] == '-') {
		int64_t ago;

		if (!parse_duration((struct text){text.at + 1, text.len - 1}, &ago))
			return false;
		*ns = now_ns - ago;
		return true;
	}
	if (parse_duration(text, ns)) /* seconds since 1970 are a duration */
		return true;
	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &utc);
	if (end == NULL || *end != '\0')
		return false;
	int64_t seconds = timegm(&utc);
	if (seconds > FAR_S || seconds < -FAR_S)
		seconds = seconds > 0 ? FAR_S : -FAR_S;
	*ns = seconds * NS_PER_S;
	return true;
}
