/* SPDX-License-Identifier: ISC */
/*
 * A key-value server: kv [ADDRESS]. `set KEY VALUE`, `get KEY`, `delete KEY`, `quit`, a line each;
 * the replies are `ok`, `value VALUE`, `none` and `error`. Requests may be pipelined.
 */
#include "lineserver.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct pair {
	char *key, *value; /* both behind it in the same memory */
};

static void *pairs; /* a tree, tsearch(3) */

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static struct pair *
find(char *key)
{
	struct pair **found = tfind(&(struct pair){.key = key}, &pairs, compare);

	return found != NULL ? *found : NULL;
}

/* A NULL value forgets the key. */
static bool
set(char *key, const char *value)
{
	size_t key_size = strlen(key) + 1, value_size = value != NULL ? strlen(value) + 1 : 0;
	struct pair *old = find(key), *pair = malloc(sizeof(*pair) + key_size + value_size);

	if (pair == NULL)
		return false;
	pair->key = memcpy(pair + 1, key, key_size);
	pair->value = memcpy(pair->key + key_size, value != NULL ? value : "", value_size);
	if (old != NULL)
		tdelete(old, &pairs, compare);
	free(old);
	return value == NULL ? free(pair), true : tsearch(pair, &pairs, compare) != NULL;
}

static void
reply(struct line_sock *line, const char *word, const char *value)
{
	ds_write(&line->sock, word, strlen(word));
	ds_write(&line->sock, value, strlen(value));
	ds_write(&line->sock, "\r\n", 2);
}

static void
on_line(struct line_sock *line, char *text)
{
	char *rest = text, *verb = strsep(&rest, " ");
	char *key = rest != NULL ? strsep(&rest, " ") : NULL;
	struct pair *pair = key != NULL ? find(key) : NULL;

	if (strcmp(verb, "set") == 0 && rest != NULL)
		reply(line, set(key, rest) ? "ok" : "error", "");
	else if (strcmp(verb, "get") == 0 && key != NULL)
		reply(line, pair != NULL ? "value " : "none", pair != NULL ? pair->value : "");
	else if (strcmp(verb, "quit") == 0)
		ds_close(&line->sock, "quit");
	else if (strcmp(verb, "delete") == 0 && key != NULL)
		reply(line, pair != NULL && set(key, NULL) ? "ok" : "none", "");
	else
		reply(line, "error", "");
}

static void
kv_read(struct ds_sock *sock)
{
	ds_tcp_cork(sock, true); /* the replies to one read leave together */
	line_read((struct line_sock *)sock, on_line);
	ds_tcp_cork(sock, false);
}

static const struct ds_ops kv_ops = {.name = "kv", .event_read = kv_read, .destroy = line_destroy};

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	(void)peer;
	(void)arg;
	line_accept(listener, fd, &kv_ops, sizeof(struct line_sock));
}

int
main(int argc, char **argv)
{
	return line_serve(argc, argv, "127.0.0.1:7003", on_accept);
}
