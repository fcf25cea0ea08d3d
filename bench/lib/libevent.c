/* SPDX-License-Identifier: ISC */
/* The line server on libevent's bufferevents: lines are counted in the chains, replies lent to the
 * output. */
#include "answer.h"

#include <err.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

enum { SEGMENTS = 16 };

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct evbuffer_iovec pieces[SEGMENTS];
	size_t len = 0, seen = 0;
	int n = evbuffer_peek(in, -1, NULL, pieces, SEGMENTS);

	(void)arg;
	for (int i = 0; i < n && i < SEGMENTS; i++) {
		len += answer_len(pieces[i].iov_base, pieces[i].iov_len);
		seen += pieces[i].iov_len;
	}
	evbuffer_drain(in, seen);
	if (len > 0)
		evbuffer_add_reference(
		    bufferevent_get_output(bev), answer_replies, len, NULL, NULL);
}

static void
on_event(struct bufferevent *bev, short events, void *arg)
{
	(void)arg;
	if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		bufferevent_free(bev);
}

static void
on_accept(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct bufferevent *bev =
	    bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
	int on = 1;

	(void)addr;
	(void)len;
	(void)arg;
	if (bev == NULL)
		errx(1, "bufferevent_socket_new");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bufferevent_set_max_single_read(bev, INPUT_SIZE);
	bufferevent_setcb(bev, on_read, NULL, on_event, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int
main(int argc, char **argv)
{
	struct event_base *base = event_base_new();

	if (argc != 2 || base == NULL)
		errx(2, "usage: libevent PORT");
	answer_init();
	if (evconnlistener_new(
		base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE, -1, answer_listen(argv[1])) == NULL)
		errx(1, "evconnlistener_new");
	return event_base_dispatch(base) == -1;
}
