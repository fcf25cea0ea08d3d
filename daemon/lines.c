/* SPDX-License-Identifier: ISC */
/* See lines.h. */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_MIN = 256 };

static int
hold(struct lines *lines, const char *data, size_t len)
{
	size_t wanted = lines->len + len;

	if (wanted > lines->size) {
		size_t size = wanted < HELD_MIN ? HELD_MIN : wanted + wanted / 2;
		char *held = realloc(lines->held, size);
		if (held == NULL)
			return -1;
		lines->held = held;
		lines->size = (uint32_t)size;
	}
	memcpy(lines->held + lines->len, data, len);
	lines->len = (uint32_t)wanted;
	return 0;
}

static void
drop_front(struct lines *lines, size_t done)
{
	if (done == lines->len) {
		lines_fini(lines);
		return;
	}
	lines->len -= (uint32_t)done;
	lines->scanned = 0;
	memmove(lines->held, lines->held + done, lines->len);
}

static bool
is_too_long(const char *line, size_t len, size_t max)
{
	return len - (len > 0 && line[len - 1] == '\r') > max;
}

struct run {
	size_t max_line;
	line_fn fn;
	void *arg;
	bool stopped; /* FN wants no more */
	bool too_long;
};

/* Hands out the complete lines of BUF; returns how many bytes are done with. */
static size_t
run(struct run *run, char *buf, size_t len)
{
	size_t at = 0;

	while (at < len && !run->stopped) {
		char *line = buf + at, *end = memchr(line, '\n', len - at);
		size_t line_len = end != NULL ? (size_t)(end - line) : len - at;

		if (is_too_long(line, line_len, run->max_line)) {
			run->too_long = true;
			break;
		}
		if (end == NULL)
			break;
		at += line_len + 1;
		if (line_len > 0 && line[line_len - 1] == '\r')
			line_len--;
		if (line_len > 0)
			run->stopped = !run->fn(run->arg, line, line_len);
	}
	return at;
}

enum lines_result
lines_resume(struct lines *lines, size_t max_line, line_fn fn, void *arg)
{
	struct run state = {.max_line = max_line, .fn = fn, .arg = arg};

	drop_front(lines, run(&state, lines->held, lines->len));
	return state.too_long ? LINES_TOO_LONG : LINES_OK;
}

enum lines_result
lines_feed(struct lines *lines, char *buf, size_t len, size_t max_line, line_fn fn, void *arg)
{
	struct run state = {.max_line = max_line, .fn = fn, .arg = arg};

	if (lines->len > 0) { /* the beginning of a line: join the rest of it */
		char *end = memchr(buf, '\n', len);
		size_t rest = end != NULL ? (size_t)(end - buf) + 1 : len;

		if (hold(lines, buf, rest) == -1)
			return LINES_NO_MEMORY;
		if (end != NULL || lines->len > max_line)
			drop_front(lines, run(&state, lines->held, lines->len));
		buf += rest;
		len -= rest;
	}
	size_t done = state.too_long ? 0 : run(&state, buf, len);
	if (state.too_long)
		return LINES_TOO_LONG;
	return done == len || hold(lines, buf + done, len - done) == 0 ? LINES_OK : LINES_NO_MEMORY;
}

enum lines_result
lines_hold(struct lines *lines, const char *buf, size_t len)
{
	return hold(lines, buf, len) == 0 ? LINES_OK : LINES_NO_MEMORY;
}

void
lines_urgent(struct lines *lines, line_fn fn, bool (*again)(void *arg), void *arg)
{
	size_t in = lines->scanned, out = in;
	char *end;

	while (again(arg) && (end = memchr(lines->held + in, '\n', lines->len - in)) != NULL) {
		char *line = lines->held + in;
		size_t whole = (size_t)(end - line) + 1, len = whole - 1;

		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (len == 0 || !fn(arg, line, len)) {
			memmove(lines->held + out, line, whole);
			out += whole;
		}
		in += whole;
	}
	lines->scanned = (uint32_t)out;
	memmove(lines->held + out, lines->held + in, lines->len - in);
	lines->len -= (uint32_t)(in - out);
	if (lines->len == 0)
		lines_fini(lines);
}

void
lines_fini(struct lines *lines)
{
	free(lines->held);
	*lines = (struct lines){0};
}
