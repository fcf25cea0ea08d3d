/* SPDX-License-Identifier: ISC */
/*
 * A key-value server: kv [ADDRESS]. `set KEY VALUE`, `get KEY`, `delete KEY`, `quit`, a line each;
 * the replies are `ok`, `value VALUE`, `none` and `error`. Requests may be pipelined.
 */
#include "lineserver.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pair {
	char *key, *value;
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

static void
forget(struct pair *pair)
{
	tdelete(pair, &pairs, compare);
	free(pair->key);
	free(pair->value);
	free(pair);
}

static bool
set(char *key, const char *value)
{
	struct pair *old = find(key), *pair = calloc(1, sizeof(*pair));

	if (old != NULL)
		forget(old);
	if (pair == NULL)
		return false;
	pair->key = strdup(key);
	pair->value = strdup(value);
	if (pair->key != NULL && pair->value != NULL && tsearch(pair, &pairs, compare) != NULL)
		return true;
	free(pair->key);
	free(pair->value);
	free(pair);
	return false;
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

	if (strcmp(verb, "set") == 0 && rest != NULL) {
		reply(line, set(key, rest) ? "ok" : "error", "");
	} else if (strcmp(verb, "get") == 0 && key != NULL) {
		reply(line, pair != NULL ? "value " : "none", pair != NULL ? pair->value : "");
	} else if (strcmp(verb, "delete") == 0 && key != NULL) {
		reply(line, pair != NULL ? "ok" : "none", "");
		if (pair != NULL)
			forget(pair);
	} else if (strcmp(verb, "quit") == 0) {
		ds_close(&line->sock, "quit");
	} else {
		reply(line, "error", "");
	}
}

static void
kv_read(struct ds_sock *sock)
{
	ds_tcp_cork(sock, true); /* the replies to one read leave together */
	line_read((struct line_sock *)sock, on_line);
	ds_tcp_cork(sock, false);
}

static void
kv_destroy(struct ds_sock *sock)
{
	free(sock);
}

static const struct ds_ops kv_ops = {.name = "kv", .event_read = kv_read, .destroy = kv_destroy};

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	struct line_sock *line = calloc(1, sizeof(*line));

	(void)peer;
	(void)arg;
	if (line == NULL ||
	    ds_sock_init(&line->sock, listener->sock.loop, &kv_ops, fd, DS_READ) == -1) {
		free(line);
		close(fd);
	}
}

int
main(int argc, char **argv)
{
	return line_serve(argc, argv, "127.0.0.1:7003", on_accept);
}
