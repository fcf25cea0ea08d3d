/* SPDX-License-Identifier: ISC */
/*
 * What comes to a connection from elsewhere, at the end of a turn: how its waits have ended, and
 * its mail. Here too leases are judged: when a pass of the loop has left nothing unread, so that
 * nobody is punished whose renewal lay there while the daemon was held up.
 */
#include "deliver.h"

#include "client_internal.h"

enum {
	NEWS_A_TURN = 512,   /* owners: the others come in the next turn */
	DUE_A_TURN = 1024,   /* deadlines */
	PASSES_AT_MOST = 256 /* of the loop before leases are judged all the same: a flood by one
				client must not keep those of others alive */
};

/* Mail goes out when no reply of its own is half written. */
void
client_deliver_mail(struct client *client)
{
	struct server *server = server_of(client);
	struct mailbox *box = &client->session.mailbox;
	char lost[64];
	struct reply event = {.buf = lost, .size = sizeof(lost)};

	if (box->doom != NULL) {
		ds_close(&client->sock, box->doom);
		return;
	}
	if (client->session.listing != NULL || client->state != CLIENT_OPEN ||
	    ds_has_queue(&client->sock))
		return;
	if (box->len > 0)
		ds_write(&client->sock, box->text, box->len);
	if (ds_is_closed(&client->sock))
		return;
	if (box->lost > 0) {
		reply_printf(&event, "EVENT what=lost&count=%u\r\n", box->lost);
		ds_write(&client->sock, event.buf, event.len);
	}
	if (ds_is_closed(&client->sock))
		return;
	mail_clear(&server->service.post, box);
	client_settle(client);
}

/* Replies to waits that have ended; behind a listing that is half written they are mail. */
void
client_tell(struct client *client, bool (*write)(struct service *, struct session *))
{
	struct service *service = &server_of(client)->service;
	bool more;

	do {
		more = !write(service, &client->session);
		if (client->session.listing == NULL) {
			client_send_reply(client);
		} else {
			mail_add(&service->post, &client->session.mailbox, service->reply.buf,
			    service->reply.len, true);
			service->reply.len = 0;
		}
	} while (more && !ds_is_closed(&client->sock));
}

static void
tell_news(struct client *client)
{
	if (client_is_over(client)) {
		session_drop_waits(&server_of(client)->service, &client->session);
		return;
	}
	client_tell(client, session_tell_news);
	if (client_is_over(client))
		return;
	client_resume(client);
	client_settle(client);
}

static bool
deliver_news(struct server *server)
{
	struct lock_owner *owner;

	for (int i = 0; (owner = locks_news(server->service.locks)) != NULL; i++) {
		if (i == NEWS_A_TURN)
			return false;
		tell_news(client_of_session(session_of(owner)));
	}
	return true;
}

static void
deliver_mail(struct server *server)
{
	struct post *post = &server->service.post;
	struct mailbox *box;

	while ((box = TAILQ_FIRST(&post->boxes)) != NULL) {
		mail_take(post, box);
		client_deliver_mail(client_of_session(session_of_mailbox(box)));
	}
}

static void
arm(struct server *server, int64_t when_ns)
{
	if (when_ns == server->due_ns)
		return;
	server->due_ns = when_ns;
	if (when_ns == INT64_MAX)
		ds_timer_cancel(&server->due);
	else if (ds_timer_add_at(&server->due, when_ns) == -1)
		server->due_ns = INT64_MAX; /* tried again at the end of the next turn */
}

bool
deliver(struct ds_loop *loop, void *arg)
{
	struct server *server = arg;

	server->service.now_ns = ds_loop_now(loop);
	server->more_input = false;
	bool all = deliver_news(server);
	deliver_mail(server);
	arm(server, all ? locks_next_due(server->service.locks) : ds_loop_now(loop));
	return true;
}

/*
 * The turn that finds something due may have waited before, and read before, what lies there now.
 * So it only notes the time; what was due then is judged in a later turn, which has left nothing
 * unread.
 */
static void
on_due(struct ds_timer *timer, void *arg)
{
	struct server *server = arg;
	int64_t now_ns = ds_loop_now(server->loop);

	(void)timer;
	server->due_ns =
	    INT64_MAX; /* armed again at the end of this turn: what is late, for at once */
	server->service.now_ns = now_ns;
	if (server->judge_ns == 0) {
		server->judge_ns = now_ns;
		server->passes = 0;
	} else if (++server->passes == PASSES_AT_MOST ||
		   !(server->more_input || ds_loop_is_behind(server->loop))) {
		if (locks_due(server->service.locks, server->judge_ns, now_ns, DUE_A_TURN))
			server->judge_ns = 0;
	}
}

void
deliver_init(struct server *server)
{
	server->due_ns = INT64_MAX;
	ds_timer_init(&server->due, server->loop, on_due, server);
	ds_loop_set_post(server->loop, deliver, server);
}
