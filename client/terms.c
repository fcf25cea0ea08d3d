/* SPDX-License-Identifier: ISC */
/* See terms.h. */
#include "terms.h"

#include "duration.h"
#include "exits.h"
#include "say.h"
#include "text.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_MIN = 8, SLOTS_MAX = 10000, VALUE_SHOWN = 60 };

static void
name_us(char *buf, size_t size)
{
	/* cppcheck-suppress getpwuidCalled ; there is one thread */
	const struct passwd *user = getpwuid(geteuid());
	char host[128] = "";

	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	if (user != NULL)
		snprintf(buf, size, "%s@%s", user->pw_name, host);
	else
		snprintf(buf, size, "%u@%s", (unsigned)geteuid(), host);
}

void
terms_init(struct terms *terms)
{
	*terms = (struct terms){.wait_ms = TERMS_FOREVER, .refused_exit = LATCH_REFUSED};
	name_us(terms->user_at_host, sizeof(terms->user_at_host));
	terms->who = terms->user_at_host;
}

void
terms_random_key(struct terms *terms)
{
	unsigned char bytes[TERMS_RANDOM_KEY / 2];

	arc4random_buf(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(terms->random_key + 2 * i, 3, "%02x", bytes[i]);
	terms->key = terms->random_key;
}

static int
wrong(const char *option, const char *value, const char *what)
{
	char *shown = text_safe(value, TEXT_PROSE);

	text_cut(shown, VALUE_SHOWN);
	say("%s %s: %s", option, shown, what);
	free(shown);
	return -1;
}

static int
take_time(const char *option, const char *value, int64_t min_ms, int64_t *ms)
{
	if (!duration_parse(value, ms))
		return wrong(option, value, "expected a time: 2.5 (seconds), 500ms, 30s, 5m, 1h");
	if (*ms < min_ms)
		return wrong(option, value, "has to be 1ms or more");
	return 1;
}

static int
take_number(const char *option, const char *value, long min, long max, long *number)
{
	const char *why;
	char what[64];

	*number = (long)strtonum(value, min, max, &why);
	if (why == NULL)
		return 1;
	snprintf(what, sizeof(what), "expected a number from %ld to %ld", min, max);
	return wrong(option, value, what);
}

static int
take_text(const char *option, const char *value, size_t min, size_t max, const char **text)
{
	size_t len = strlen(value);
	char what[64];

	*text = value;
	if (len >= min && len <= max)
		return 1;
	snprintf(what, sizeof(what), "expected %zu to %zu bytes", min, max);
	return wrong(option, value, what);
}

static int
take_also(struct terms *terms, const char *name)
{
	if (terms->n == 0)
		terms->names[terms->n++] = NULL; /* the place of the name that comes */
	if (terms->n == TERMS_NAMES_MAX)
		return wrong("--also", name, "no more than 16 locks at once");
	terms->names[terms->n++] = name;
	return 1;
}

void
terms_name(struct terms *terms, const char *name)
{
	if (terms->n == 0)
		terms->n = 1;
	terms->names[0] = name;
	terms->has_name = true;
}

int
terms_option(struct terms *terms, int option, const char *value)
{
	long number;
	int taken = 1;

	switch (option) {
	case 'n':
		terms->wait_ms = 0;
		return 1;
	case 'w':
		return take_time("-w", value, 0, &terms->wait_ms);
	case 'E':
		taken = take_number("-E", value, 0, 255, &number);
		terms->refused_exit = (int)number;
		return taken;
	case 'q':
		terms->quiet = true;
		return 1;
	case 's':
		terms->shared = true;
		return 1;
	case TERMS_OPTION_SLOTS:
		taken = take_number("--slots", value, 1, SLOTS_MAX, &number);
		terms->slots = (unsigned)number;
		return taken;
	case TERMS_OPTION_LEASE:
		return take_time("--lease", value, 0, &terms->lease_ms);
	case TERMS_OPTION_ATLEAST:
		return take_time("--at-least", value, 1, &terms->atleast_ms);
	case TERMS_OPTION_NOTE:
		return take_text("--note", value, 0, 4096, &terms->note);
	case TERMS_OPTION_AS:
		return take_text("--as", value, 1, TERMS_WHO_MAX, &terms->who);
	case TERMS_OPTION_ALSO:
		return take_also(terms, value);
	case TERMS_OPTION_KEY:
		return take_text("--key", value, KEY_MIN, TERMS_KEY_MAX, &terms->key);
	}
	return 0;
}

static bool
is_twice(const struct terms *terms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(terms->names[i], terms->names[n]) == 0)
			return true;
	return false;
}

int
terms_check(const struct terms *terms)
{
	if (!terms->has_name) {
		say("which lock? NAME is missing");
		return -1;
	}
	for (size_t i = 0; i < terms->n; i++) {
		if (*terms->names[i] == '\0') {
			say("the name of a lock is empty");
			return -1;
		}
		if (is_twice(terms, i)) {
			say("%s is given twice", terms->names[i]);
			return -1;
		}
	}
	if (terms->shared && terms->slots > 0) {
		say("-s and --slots do not go together: slots are a mode of their own");
		return -1;
	}
	return 0;
}

void
terms_iam(const struct terms *terms, struct request *request)
{
	request_begin(request, "iam");
	request_add(request, "name", terms->who);
	request_end(request);
}

static void
add_ms(struct request *request, const char *key, int64_t ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%lldms", (long long)ms);
	request_add(request, key, text);
}

void
terms_acquire(const struct terms *terms, struct request *request)
{
	char slots[16];

	request_begin(request, "acquire");
	for (size_t i = 0; i < terms->n; i++)
		request_add(request, "lock", terms->names[i]);
	if (terms->shared)
		request_add(request, "mode", "shared");
	if (terms->slots > 0) {
		snprintf(slots, sizeof(slots), "%u", terms->slots);
		request_add(request, "slots", slots);
	}
	if (terms->wait_ms == TERMS_FOREVER)
		request_add(request, "wait", "forever");
	else if (terms->wait_ms > 0)
		add_ms(request, "wait", terms->wait_ms);
	if (terms->lease_ms > 0)
		add_ms(request, "lease", terms->lease_ms);
	if (terms->atleast_ms > 0)
		add_ms(request, "atleast", terms->atleast_ms);
	if (terms->key != NULL)
		request_add(request, "key", terms->key);
	if (terms->note != NULL && *terms->note != '\0')
		request_add(request, "note", terms->note);
}
