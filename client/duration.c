/* SPDX-License-Identifier: ISC */
/* See duration.h. */
#include "duration.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_MAX (100 * INT64_C(365) * 86400 * 1000)

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from *AT on. */
static bool
take_whole(const char **at, int64_t *whole)
{
	const char *begin = *at;

	for (*whole = 0; is_digit(**at); ++*at) {
		if (*whole > MS_MAX)
			return false;
		*whole = 10 * *whole + (**at - '0');
	}
	return *at > begin;
}

static int64_t
unit_ms(const char *name)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
	    {"", 1000},
	    {"ms", 1},
	    {"s", 1000},
	    {"m", 60 * 1000},
	    {"h", 3600 * 1000},
	    {"d", 86400 * 1000},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, name) == 0)
			return units[i].ms;
	return 0;
}

/* The digits from AT up to END, as a fraction of UNIT, rounded up. */
static int64_t
fraction_ms(const char *at, const char *end, int64_t unit)
{
	int64_t ns = 0;

	for (int64_t part = unit * 1000000 / 10; at < end; at++, part /= 10)
		ns += (*at - '0') * part;
	return (ns + 999999) / 1000000;
}

bool
duration_parse(const char *text, int64_t *ms)
{
	const char *fraction = NULL, *fraction_end = NULL;
	bool is_below_one = text[0] == '.' && is_digit(text[1]);
	int64_t whole;

	if (!take_whole(&text, &whole) && !is_below_one)
		return false;
	if (*text == '.') {
		fraction = fraction_end = text + 1;
		while (is_digit(*fraction_end))
			fraction_end++;
		if (fraction_end == fraction)
			return false;
		text = fraction_end;
	}
	int64_t unit = unit_ms(text);
	if (unit == 0 || whole > MS_MAX / unit)
		return false;
	*ms = whole * unit;
	if (fraction != NULL)
		*ms += fraction_ms(fraction, fraction_end, unit);
	return true;
}

char *
duration_format(int64_t ms, char *buf, size_t size)
{
	long long s = ms / 1000;

	if (s == 0)
		snprintf(buf, size, "%lldms", ms > 0 ? (long long)ms : 0);
	else if (s < 60)
		snprintf(buf, size, "%llds", s);
	else if (s < 3600)
		snprintf(buf, size, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%lldd%lldh", s / 86400, s / 3600 % 24);
	return buf;
}

int64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
