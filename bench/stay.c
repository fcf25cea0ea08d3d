/* SPDX-License-Identifier: ISC */
/* What is there while the server's memory is measured. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
ready(void)
{
	puts("READY");
	fflush(stdout);
}

static void
stay(void)
{
	ready();
	while (getchar() != EOF)
		continue;
}

/* Takes the locks that are called after worker `i`, on a connection. */
static void
take(const struct load *l, struct conn *conn, unsigned i)
{
	const struct request *acquire = &l->dialect->acquire;
	char *requests = allocate(l->depth, request_len(acquire) + 1), *request;
	char *replies = allocate(l->depth, reply_len(acquire) + 1), *reply;
	char name[DIALECT_NAME_LEN + 1];
	unsigned lock, end;

	for (lock = 0; lock < l->locks;) {
		request = requests;
		reply = replies;
		end = l->locks - lock > l->depth ? lock + l->depth : l->locks;
		for (; lock < end; lock++) {
			name_lock(name, i, lock);
			request = request_append(request, acquire, name);
			reply = reply_append(reply, acquire, name);
		}
		conn_exchange(conn, requests, replies);
	}
	free(requests);
	free(replies);
}

void
hold(struct load *l)
{
	unsigned i;

	for (i = 0; i < l->connections; i++)
		take(l, &l->workers[i].conn, i);
	stay();
}

/* Queues up for every lock of worker 0. It is not told so, but its next request is answered. */
static void
queue_up(const struct load *l, struct conn *conn)
{
	enum { LINE_MAX_LEN = 80 };
	const struct request *noop = &l->dialect->noop;
	char *requests = allocate(l->locks + 1, LINE_MAX_LEN), *to = requests;
	char name[DIALECT_NAME_LEN + 1];
	unsigned lock;

	for (lock = 0; lock < l->locks; lock++) {
		name_lock(name, 0, lock);
		to +=
		    snprintf(to, LINE_MAX_LEN, "acquire %s wait=forever id=%u\r\n", name, lock + 1);
	}
	strcpy(to, noop->before);
	conn_exchange(conn, requests, noop->reply);
	free(requests);
}

/* The first connection holds, the others wait. READY comes twice: the second time, after a line on
 * stdin, when they do. */
void
wait_behind(struct load *l)
{
	const struct request *noop = &l->dialect->noop;
	unsigned i;

	take(l, &l->workers[0].conn, 0);
	for (i = 1; i < l->connections; i++)
		conn_exchange(&l->workers[i].conn, noop->before, noop->reply);
	ready();
	while (getchar() != '\n')
		continue;
	for (i = 1; i < l->connections; i++)
		queue_up(l, &l->workers[i].conn);
	stay();
}

void
idle(struct load *l)
{
	const struct request *noop = &l->dialect->noop;
	unsigned i;

	for (i = 0; i < l->connections; i++)
		conn_exchange(&l->workers[i].conn, noop->before, noop->reply);
	stay();
}
