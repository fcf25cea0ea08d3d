/* SPDX-License-Identifier: ISC */
/*
 * The rows themselves. Those of latchd are the classic pair, the native one, and the native one
 * with all that a lease can have. The floor answers any line, so it is given the very bytes that
 * latchd is given. For redis and memcached a lock is a key that can be set only while it is absent,
 * which is how both are used as lock servers.
 */
#include "dialect.h"

#include <string.h>

/* clang-format off */
static const struct dialect dialects[] = {
	{ "ddlock",
	  { "trylock lock=", "\r\n", "OK \r\n" },
	  { "releaselock lock=", "\r\n", "OK \r\n" },
	  { "noop\r\n", NULL, "OK \r\n" } },
	{ "native",
	  { "acquire ", "\r\n", "OK lock=@&token=#\r\n" },
	  { "release ", "\r\n", "OK \r\n" },
	  { "ping\r\n", NULL, "OK \r\n" } },
	{ "lease",
	  { "acquire ", " lease=1h key=0123456789abcdef note=nightly+backup\r\n",
	    "OK lock=@&token=#&lease=3600\r\n" },
	  { "release ", "\r\n", "OK \r\n" },
	  { "ping\r\n", NULL, "OK \r\n" } },
	{ "floor",
	  { "trylock lock=", "\r\n", "OK \r\n" },
	  { "releaselock lock=", "\r\n", "OK \r\n" },
	  { "noop\r\n", NULL, "OK \r\n" } },
	{ "redis",
	  { "*4\r\n$3\r\nSET\r\n$16\r\n", "\r\n$1\r\nx\r\n$2\r\nNX\r\n", "+OK\r\n" },
	  { "*2\r\n$3\r\nDEL\r\n$16\r\n", "\r\n", ":1\r\n" },
	  { "*1\r\n$4\r\nPING\r\n", NULL, "+PONG\r\n" } },
	{ "memcached",
	  { "add ", " 0 0 1\r\nx\r\n", "STORED\r\n" },
	  { "delete ", "\r\n", "DELETED\r\n" },
	  { "mn\r\n", NULL, "MN\r\n" } },
};
/* clang-format on */

const struct dialect *
dialect_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
		if (strcmp(dialects[i].name, name) == 0)
			return &dialects[i];
	return NULL;
}

size_t
request_len(const struct request *r)
{
	return strlen(r->before) + (r->after ? DIALECT_NAME_LEN + strlen(r->after) : 0);
}

bool
reply_has_name(const struct request *r)
{
	return strchr(r->reply, '@') != NULL;
}

size_t
reply_len(const struct request *r)
{
	return strlen(r->reply) + (reply_has_name(r) ? DIALECT_NAME_LEN - 1 : 0);
}

char *
request_append(char *to, const struct request *r, const char *name)
{
	to = stpcpy(to, r->before);
	return r->after ? stpcpy(stpcpy(to, name), r->after) : to;
}

char *
reply_append(char *to, const struct request *r, const char *name)
{
	const char *at = strchr(r->reply, '@');

	if (at == NULL)
		return stpcpy(to, r->reply);
	to = mempcpy(to, r->reply, (size_t)(at - r->reply));
	return stpcpy(stpcpy(to, name), at + 1);
}
