/* SPDX-License-Identifier: ISC */
/* See text.h. */
#include "text.h"

#include <ctype.h>
#include <err.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "exits.h"

#define ELLIPSIS "\xe2\x80\xa6"

void
text_init(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 && setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		setlocale(LC_CTYPE, "UTF-8");
}

/* What has no shape of its own but turns the order of others around, or joins names that look like
 * one: direction marks, zero-width blanks, invisible operators, the byte order mark. */
static bool
is_invisible(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0xfeff || c == 0xad;
}

size_t
text_plain(const char *at, int *width)
{
	mbstate_t state = {0};
	wchar_t c;

	*width = 1;
	if ((unsigned char)*at < 0x80)
		return *at >= ' ' && *at != 0x7f;
	size_t len = mbrtowc(&c, at, strnlen(at, 4), &state);
	if (len == 0 || len > 4 || !iswprint((wint_t)c) || is_invisible(c))
		return 0;
	*width = wcwidth(c);
	return *width >= 0 ? len : 0;
}

static bool
looks_escaped(const char *at)
{
	return at[0] == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]);
}

char *
text_safe(const char *text, unsigned flags)
{
	char *safe = malloc(3 * strlen(text) + 1), *out = safe;
	int width;

	if (safe == NULL)
		err(LATCH_TROUBLE, NULL);
	while (*text != '\0') {
		bool ambiguous = !(flags & TEXT_PROSE) && looks_escaped(text);
		size_t len = ambiguous ? 0 : text_plain(text, &width);

		if (len > 0) {
			memcpy(out, text, len);
			text += len;
			out += len;
		} else {
			out += snprintf(out, 4, "%%%02X", (unsigned char)*text++);
		}
	}
	*out = '\0';
	return safe;
}

/* The bytes of TEXT that take no more than WIDTH columns. */
static size_t
fitting(const char *text, size_t width)
{
	const char *at = text;

	while (*at != '\0') {
		int columns;
		size_t len = text_plain(at, &columns);

		if (len == 0 || (size_t)columns > width)
			break;
		width -= (size_t)columns;
		at += len;
	}
	return (size_t)(at - text);
}

size_t
text_width(const char *text)
{
	size_t width = 0, len;
	int columns;

	while ((len = text_plain(text, &columns)) > 0 && *text != '\0') {
		width += (size_t)columns;
		text += len;
	}
	return width;
}

void
text_cut(char *text, size_t width)
{
	size_t size = strlen(text) + 1;

	if (text_width(text) <= width)
		return;
	size_t end = fitting(text, width > 0 ? width - 1 : 0);
	text[end] = '\0';
	if (width > 0 && end + sizeof(ELLIPSIS) <= size)
		memcpy(text + end, ELLIPSIS, sizeof(ELLIPSIS));
}
