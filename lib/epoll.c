/* SPDX-License-Identifier: ISC */
/*
 * The back end for Linux. Level-triggered; an event carries the socket's address, which is safe
 * since a socket leaves the set when it is closed and its memory goes at the end of the turn.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct epoll_state {
	int fd;
	struct epoll_event events[DS_BATCH];
};

static void *
epoll_open(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd == -1)
		return NULL;
	struct epoll_state *state = malloc(sizeof(*state));
	if (state == NULL) {
		close(fd);
		return NULL;
	}
	state->fd = fd;
	return state;
}

static void
epoll_close(void *arg)
{
	struct epoll_state *state = arg;

	close(state->fd);
	free(state);
}

static int
control(const struct epoll_state *state, int op, struct ds_sock *sock, unsigned interest)
{
	struct epoll_event event = {.data.ptr = sock};

	if (interest & DS_READ)
		event.events |= EPOLLIN;
	if (interest & DS_WRITE)
		event.events |= EPOLLOUT;
	return epoll_ctl(state->fd, op, sock->fd, &event);
}

static int
epoll_add(void *state, struct ds_sock *sock, unsigned interest)
{
	return control(state, EPOLL_CTL_ADD, sock, interest);
}

static int
epoll_mod(void *state, struct ds_sock *sock, unsigned interest)
{
	return control(state, EPOLL_CTL_MOD, sock, interest);
}

static void
epoll_del(void *state, struct ds_sock *sock)
{
	/* Needed although close would do it: a forked child may hold the same open file. */
	control(state, EPOLL_CTL_DEL, sock, 0);
}

static unsigned
translate(uint32_t events)
{
	unsigned out = 0;

	if (events & EPOLLIN)
		out |= DS_READ;
	if (events & EPOLLOUT)
		out |= DS_WRITE;
	if (events & EPOLLERR)
		out |= DS_ERR;
	if (events & EPOLLHUP)
		out |= DS_HUP;
	return out;
}

static int
epoll_wait_events(void *arg, struct ds_event *events, int max, int timeout_ms)
{
	struct epoll_state *state = arg;
	int n = epoll_wait(state->fd, state->events, max < DS_BATCH ? max : DS_BATCH, timeout_ms);

	if (n == -1)
		return -1;
	for (int i = 0; i < n; i++) {
		events[i].sock = state->events[i].data.ptr;
		events[i].events = translate(state->events[i].events);
	}
	return n;
}

const struct ds_poller ds_poller_epoll = {
    .name = "epoll",
    .open = epoll_open,
    .close = epoll_close,
    .add = epoll_add,
    .mod = epoll_mod,
    .del = epoll_del,
    .wait = epoll_wait_events,
};
