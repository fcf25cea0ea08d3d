/* SPDX-License-Identifier: ISC */
/* See json.h. */
#include "json.h"

#include "exits.h"
#include "text.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the alphabet. What is not here is text, even where it looks like a number. */
static const char *const numbers[] = {"age", "atleast", "client", "clients", "connections", "count",
    "detached", "expect", "failures", "held", "history", "holders", "idle", "kept", "lease", "load",
    "locks", "pid", "position", "queued", "refused", "slot", "slots", "successes", "timeout", "uid",
    "uptime", "waited", "waiters", "waiting", "waits", "watches"};

static int
compare(const void *key, const void *word)
{
	return strcmp(key, *(const char *const *)word);
}

static bool
is_number(const char *key)
{
	return bsearch(key, numbers, sizeof(numbers) / sizeof(numbers[0]), sizeof(numbers[0]),
		   compare) != NULL;
}

static json_t *
have(json_t *json)
{
	if (json == NULL)
		err(LATCH_TROUBLE, NULL);
	return json;
}

json_t *
json_of_text(const char *text)
{
	json_t *json = json_string(text);

	if (json != NULL)
		return json;
	char *safe = text_safe(text, 0);
	json = json_string(safe);
	free(safe);
	return have(json);
}

json_t *
json_of_value(const char *key, const char *value)
{
	char *end;

	if (strcmp(key, "root") == 0)
		return json_true();
	if (!is_number(key))
		return json_of_text(value);
	errno = 0;
	long long whole = strtoll(value, &end, 10);
	if (end > value && *end == '\0' && errno == 0)
		return have(json_integer(whole));
	double real = strtod(value, &end);
	if (end > value && *end == '\0')
		return have(json_real(real));
	return json_of_text(value);
}

json_t *
json_with(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) == -1)
		err(LATCH_TROUBLE, NULL);
	return object;
}

json_t *
json_of_pairs(const struct pairs *pairs)
{
	json_t *object = have(json_object());

	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *pair = &pairs->pair[i];

		json_with(object, pair->key, json_of_value(pair->key, pair->value));
	}
	return object;
}

json_t *
json_values(const struct pairs *pairs, const char *key)
{
	json_t *array = have(json_array());

	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->pair[i].key, key) == 0 &&
		    json_array_append_new(array, json_of_value(key, pairs->pair[i].value)) == -1)
			err(LATCH_TROUBLE, NULL);
	return array;
}

void
json_print(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(json);
}
