/* SPDX-License-Identifier: ISC */
/*
 * The back end for every POSIX system: poll(2) over a dense array. ds_sock.slot is the place in it;
 * a socket that leaves is replaced by the last one. The scan for events starts where the last one
 * ended, so that with more events than a batch holds no socket starves.
 */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct poll_state {
	struct pollfd *fds;
	struct ds_sock **socks;
	size_t len, cap, start;
};

static void *
poll_open(void)
{
	return calloc(1, sizeof(struct poll_state));
}

static void
poll_close(void *arg)
{
	struct poll_state *state = arg;

	free(state->fds);
	free(state->socks);
	free(state);
}

static int
grow(struct poll_state *state)
{
	size_t cap = state->cap == 0 ? 16 : state->cap * 2;
	struct pollfd *fds = reallocarray(state->fds, cap, sizeof(*fds));

	if (fds == NULL)
		return -1;
	state->fds = fds;
	struct ds_sock **socks = reallocarray(state->socks, cap, sizeof(*socks));
	if (socks == NULL)
		return -1;
	state->socks = socks;
	state->cap = cap;
	return 0;
}

static short
poll_bits(unsigned interest)
{
	return (short)((interest & DS_READ ? POLLIN : 0) | (interest & DS_WRITE ? POLLOUT : 0));
}

static int
poll_add(void *arg, struct ds_sock *sock, unsigned interest)
{
	struct poll_state *state = arg;

	if (state->len == state->cap && grow(state) == -1)
		return -1;
	sock->slot = (uint32_t)state->len++;
	state->fds[sock->slot] = (struct pollfd){.fd = sock->fd, .events = poll_bits(interest)};
	state->socks[sock->slot] = sock;
	return 0;
}

static int
poll_mod(void *arg, struct ds_sock *sock, unsigned interest)
{
	struct poll_state *state = arg;

	state->fds[sock->slot].events = poll_bits(interest);
	return 0;
}

static void
poll_del(void *arg, struct ds_sock *sock)
{
	struct poll_state *state = arg;
	size_t last = --state->len;

	state->fds[sock->slot] = state->fds[last];
	state->socks[sock->slot] = state->socks[last];
	state->socks[sock->slot]->slot = sock->slot;
}

static unsigned
translate(short events)
{
	unsigned out = 0;

	if (events & POLLIN)
		out |= DS_READ;
	if (events & POLLOUT)
		out |= DS_WRITE;
	if (events & (POLLERR | POLLNVAL))
		out |= DS_ERR;
	if (events & POLLHUP)
		out |= DS_HUP;
	return out;
}

static int
poll_wait(void *arg, struct ds_event *events, int max, int timeout_ms)
{
	struct poll_state *state = arg;
	int ready = poll(state->fds, state->len, timeout_ms), n = 0;

	if (ready == -1) {
		/* The kernel's want of memory passes: rather busy for a while than gone. */
		errno = errno == ENOMEM ? EINTR : errno;
		return -1;
	}
	for (size_t i = 0; i < state->len && n < ready && n < max; i++) {
		size_t at = (state->start + i) % state->len;

		if (state->fds[at].revents != 0) {
			events[n].sock = state->socks[at];
			events[n++].events = translate(state->fds[at].revents);
			if (n == max)
				state->start = at + 1;
		}
	}
	return n;
}

const struct ds_poller ds_poller_poll = {
    .name = "poll",
    .open = poll_open,
    .close = poll_close,
    .add = poll_add,
    .mod = poll_mod,
    .del = poll_del,
    .wait = poll_wait,
};
