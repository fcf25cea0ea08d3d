/* SPDX-License-Identifier: ISC */
/* See top_cell.h. */
#include "top_cell.h"

#include "duration.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { GLYPH = 16 };

struct glyph {
	char bytes[GLYPH];
	size_t len;
	int width;
};

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
	int width;
	size_t n = *text != '%' ? text_plain(text, &width) : 0;

	if (n == 0 || (width == 0 && first))
		return escape(text, glyph);
	memcpy(glyph->bytes, text, n);
	glyph->len = n;
	glyph->width = width;
	return n;
}

void
cell_fit(char *out, size_t size, const char *text, int columns)
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
cell_width(const char *text)
{
	int width = 0;

	for (struct glyph glyph; *text != '\0'; width += glyph.width)
		text += next_glyph(text, width == 0, &glyph);
	return width;
}

void
cell_duration(char out[CELL_DURATION], int64_t ms)
{
	enum { SECOND = 1000, DAY = 86400 * SECOND };

	if (ms < SECOND)
		snprintf(out, CELL_DURATION, "0s");
	else if (ms < INT64_C(1000) * DAY)
		duration_format(ms, out, CELL_DURATION);
	else
		snprintf(out, CELL_DURATION, "%lldd", (long long)(ms / DAY % 1000000));
}
