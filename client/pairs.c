/* SPDX-License-Identifier: ISC */
/* See pairs.h. */
#include "pairs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. An escaped NUL, which the server never writes, stays as it is. */
static void
decode(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		int high, low;

		if (*text == '%' && (high = digit(text[1])) >= 0 && (low = digit(text[2])) >= 0 &&
		    (high | low) != 0) {
			*out++ = (char)(high << 4 | low);
			text += 2;
		} else {
			*out++ = *text == '+' ? ' ' : *text;
		}
	}
	*out = '\0';
}

void
pairs_parse(struct pairs *pairs, char *text)
{
	char *word;

	pairs->n = 0;
	if (strcmp(text, "-") == 0)
		return;
	while ((word = strsep(&text, "&")) != NULL && pairs->n < PAIRS_MAX) {
		char *value = strchr(word, '=');

		if (*word == '\0')
			continue;
		if (value != NULL)
			*value++ = '\0';
		else
			value = word + strlen(word);
		decode(word);
		decode(value);
		pairs->pair[pairs->n++] = (struct pair){word, value};
	}
}

const char *
pairs_get(const struct pairs *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->pair[i].key, key) == 0)
			return pairs->pair[i].value;
	return NULL;
}

static bool
skip(char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0 || (*text)[len] != ' ')
		return false;
	*text += len + 1;
	return true;
}

void
line_parse(struct line *line, char *text)
{
	line->code = line->prose = "";
	line->pairs.n = 0;
	if (skip(&text, "ERR")) {
		line->kind = LINE_ERR;
		line->code = strsep(&text, " ");
		char *pairs = text != NULL ? strsep(&text, " ") : NULL;
		if (text != NULL)
			line->prose = text;
		if (pairs != NULL)
			pairs_parse(&line->pairs, pairs);
		return;
	}
	line->kind = skip(&text, "OK") ? LINE_OK : skip(&text, "EVENT") ? LINE_EVENT : LINE_OTHER;
	pairs_parse(&line->pairs, text);
}

static void
add(struct request *request, const char *bytes, size_t len)
{
	if (len > sizeof(request->text) - 3 - request->len) {
		request->cut = true;
		return;
	}
	memcpy(request->text + request->len, bytes, len);
	request->len += len;
}

static void
add_encoded(struct request *request, const char *value)
{
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		char escaped[4];

		if (isalnum(c) || strchr("-._~/:@", c) != NULL) {
			add(request, value, 1);
		} else {
			snprintf(escaped, sizeof(escaped), "%%%02X", c);
			add(request, escaped, 3);
		}
	}
}

void
request_begin(struct request *request, const char *verb)
{
	request->len = 0;
	request->cut = false;
	add(request, verb, strlen(verb));
}

void
request_add(struct request *request, const char *key, const char *value)
{
	add(request, " ", 1);
	if (key != NULL) {
		add(request, key, strlen(key));
		add(request, "=", 1);
	}
	add_encoded(request, value);
}

void
request_end(struct request *request)
{
	request->text[request->len++] = '\r';
	request->text[request->len++] = '\n';
	request->text[request->len] = '\0';
}
