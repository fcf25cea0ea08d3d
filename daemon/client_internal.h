/* SPDX-License-Identifier: ISC */
/*
 * What the files of a connection share: client.c (its life, and what others ask of it), client_io.c
 * (events, input and output), client_time.c (timeouts), deliver.c (what comes from elsewhere: waits
 * that have ended, events). Nobody else includes this.
 */
#ifndef LATCHD_CLIENT_INTERNAL_H
#define LATCHD_CLIENT_INTERNAL_H

#include "client.h"

#include "lines.h"

#define NS_PER_MS INT64_C(1000000)

enum client_state {
	CLIENT_OPEN,
	CLIENT_ENDING,	 /* it got its last reply, which is to be written and to arrive */
	CLIENT_LINGERING /* shut down for writing; input is thrown away */
};

struct client {
	struct ds_sock sock; /* first */
	/* What every request touches stands together: a cache line less of a thousand clients. */
	struct listener *listener;
	int64_t active_ns; /* when bytes last came or went */
	int64_t line_ns;   /* when the unfinished line began; 0: there is none */
	struct lines lines;
	enum client_state state;
	bool served; /* counted in n_clients, else in n_refused */
	struct session session;
	struct ipcount *ip; /* NULL: no internet address */
	TAILQ_ENTRY(client) link;
	uint64_t id;
	int64_t since_ns;
	struct ds_timer timer;
};

static inline struct client *
client_of(struct ds_sock *sock)
{
	return (struct client *)sock;
}

static inline struct client *
client_of_session(const struct session *session)
{
	return (struct client *)(void *)((char *)session - offsetof(struct client, session));
}

static inline struct server *
server_of(const struct client *client)
{
	return client->listener->server;
}

static inline int64_t
now_of(const struct client *client)
{
	return ds_loop_now(client->sock.loop);
}

/* It has gone, or has got its last reply. */
static inline bool
client_is_over(const struct client *client)
{
	return ds_is_closed(&client->sock) || client->state != CLIENT_OPEN;
}

/* Output: it is not read, so that it cannot make us remember more. */
bool client_must_wait(const struct client *);
/* Sends what the commands have produced. */
void client_send_reply(struct client *);
/* Refuses to go on: WHY is its last reply. */
void client_end_with(struct client *, enum refusal why);
/* What follows from the state that handling input or writing output has left. May close it. */
void client_settle(struct client *);
/* Lines that were kept, as far as they may be handled now. */
void client_resume(struct client *);
/* Has WRITE write replies until it says true, and sends them when its other replies are whole. May
 * close it. */
void client_tell(struct client *, bool (*write)(struct service *, struct session *));
/* What has come for it from elsewhere, now that no reply of its own is under way. May close it. */
void client_deliver_mail(struct client *);

void client_read(struct ds_sock *);
void client_write(struct ds_sock *);

/* To close a socket with unread input is to reset it, and a reset overtakes replies. */
bool client_has_input(const struct client *);
void client_set_timer(struct client *, int64_t when_ns);
/* From what its timeouts are now. */
void client_rearm(struct client *);
void client_timeout(struct ds_timer *, void *client);

#endif
