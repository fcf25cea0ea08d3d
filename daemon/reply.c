/* SPDX-License-Identifier: ISC */
/* See reply.h. */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int
reply_init(struct reply *reply, size_t full, size_t line)
{
	char *buf = realloc(reply->buf, full + line);

	if (buf == NULL)
		return -1;
	*reply = (struct reply){.buf = buf, .full = full, .size = full + line};
	return 0;
}

void
reply_fini(struct reply *reply)
{
	free(reply->buf);
	*reply = (struct reply){0};
}

void
reply_printf(struct reply *reply, const char *format, ...)
{
	size_t room = reply->size - reply->len;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(reply->buf + reply->len, room, format, args);
	va_end(args);
	if (n > 0)
		reply->len += (size_t)n < room ? (size_t)n : room;
}

static bool
must_escape(unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '%';
}

void
reply_name(struct reply *reply, const char *name, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t plain = 0; /* where the bytes that need no escape begin */

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!must_escape(c))
			continue;
		char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
		reply_add(reply, name + plain, i - plain);
		reply_add(reply, escaped, sizeof(escaped));
		plain = i + 1;
	}
	reply_add(reply, name + plain, len - plain);
}
