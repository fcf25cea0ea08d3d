/* SPDX-License-Identifier: ISC */
/* See top_text.h. */
#include "top_text.h"

#include "duration.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

enum { GLYPH = 16 };

struct glyph {
	char bytes[GLYPH];
	size_t len;
	int width;
};

/* What has no shape of its own but turns the order of others around, or joins names that look like
 * one: direction marks, zero-width blanks, invisible operators, the byte order mark. */
static bool
is_invisible(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad;
}

static size_t
escape(const char *text, struct glyph *glyph)
{
	glyph->len = glyph->width =
	    snprintf(glyph->bytes, GLYPH, "%%%02X", (unsigned)(unsigned char)*text);
	return 1;
}

/* The next one of TEXT, which is not empty; how many of its bytes that was. What is not printable
 * is escaped a byte at a time. */
static size_t
next_glyph(const char *text, bool first, struct glyph *glyph)
{
	mbstate_t state = {0};
	wchar_t c;

	if (*text == '%')
		return escape(text, glyph);
	size_t n = mbrtowc(&c, text, strlen(text), &state);
	if (n == 0 || n >= (size_t)-2 || n > GLYPH || !iswprint((wint_t)c) || is_invisible(c))
		return escape(text, glyph);
	int width = wcwidth(c);
	if (width < 0 || (width == 0 && first))
		return escape(text, glyph);
	memcpy(glyph->bytes, text, n);
	glyph->len = n;
	glyph->width = width;
	return n;
}

void
text_fit(char *out, size_t size, const char *text, int columns)
{
	size_t len = 0, cut_len = 0;
	int width = 0, cut_width = 0;

	for (struct glyph glyph; *text != '\0'; width += glyph.width) {
		text += next_glyph(text, width == 0, &glyph);
		if (width + glyph.width > columns) {
			len = cut_len;
			width = cut_width;
			if (columns > 0) {
				out[len++] = '>';
				width++;
			}
			break;
		}
		/* There always is room for what fills the columns that are left. */
		size_t rest = (size_t)(columns - width - glyph.width);
		if (len + glyph.len + rest + 1 > size) {
			if (glyph.width == 0)
				continue;
			break;
		}
		memcpy(out + len, glyph.bytes, glyph.len);
		len += glyph.len;
		if (width + glyph.width < columns) {
			cut_len = len;
			cut_width = width + glyph.width;
		}
	}
	while (width < columns && len + 1 < size) {
		out[len++] = ' ';
		width++;
	}
	out[len] = '\0';
}

int
text_width(const char *text)
{
	int width = 0;

	for (struct glyph glyph; *text != '\0'; width += glyph.width)
		text += next_glyph(text, width == 0, &glyph);
	return width;
}

void
text_duration(char out[TEXT_DURATION], int64_t ms)
{
	enum { SECOND = 1000, DAY = 86400 * SECOND };

	if (ms < SECOND)
		snprintf(out, TEXT_DURATION, "0s");
	else if (ms < INT64_C(1000) * DAY)
		duration_format(ms, out, TEXT_DURATION);
	else
		snprintf(out, TEXT_DURATION, "%lldd", (long long)(ms / DAY % 1000000));
}
