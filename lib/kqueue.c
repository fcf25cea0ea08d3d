/* SPDX-License-Identifier: ISC */
/*
 * The back end for the BSDs, by kevent(2). A filter each for reading and writing; one that is not
 * wanted is deleted. EV_EOF comes with a filter, and an error of the socket with it in fflags. A
 * socket without any interest has the write filter with EV_CLEAR, so that its end is still told,
 * once.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

struct kqueue_state {
	int fd;
	struct kevent events[DS_BATCH];
};

static void *
kqueue_open(void)
{
	int fd = kqueue();

	if (fd == -1)
		return NULL;
	struct kqueue_state *state = malloc(sizeof(*state));
	if (state == NULL) {
		close(fd);
		return NULL;
	}
	state->fd = fd;
	return state;
}

static void
kqueue_close(void *arg)
{
	struct kqueue_state *state = arg;

	close(state->fd);
	free(state);
}

/* One filter as it has to be for INTEREST. A filter that was not there to delete is no error. */
static int
set_filter(const struct kqueue_state *state, struct ds_sock *sock, int filter, unsigned interest)
{
	bool on = interest & (filter == EVFILT_READ ? DS_READ : DS_WRITE);
	bool watch_end = filter == EVFILT_WRITE && interest == 0;
	struct kevent change;
	unsigned flags = on ? EV_ADD : watch_end ? EV_ADD | EV_CLEAR : EV_DELETE;

	EV_SET(&change, (uintptr_t)sock->fd, (short)filter, (unsigned short)flags, 0, 0, sock);
	if (kevent(state->fd, &change, 1, NULL, 0, NULL) == -1)
		return flags == EV_DELETE && errno == ENOENT ? 0 : -1;
	return 0;
}

static int
set_both(void *arg, struct ds_sock *sock, unsigned interest)
{
	const struct kqueue_state *state = arg;

	return set_filter(state, sock, EVFILT_READ, interest) == 0 &&
		       set_filter(state, sock, EVFILT_WRITE, interest) == 0
		   ? 0
		   : -1;
}

static void
kqueue_del(void *arg, struct ds_sock *sock)
{
	const struct kqueue_state *state = arg;
	struct kevent changes[2];

	EV_SET(&changes[0], (uintptr_t)sock->fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
	EV_SET(&changes[1], (uintptr_t)sock->fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	kevent(state->fd, &changes[0], 1, NULL, 0, NULL);
	kevent(state->fd, &changes[1], 1, NULL, 0, NULL);
}

static int
kqueue_add(void *arg, struct ds_sock *sock, unsigned interest)
{
	if (set_both(arg, sock, interest) == 0)
		return 0;
	int error = errno;
	kqueue_del(arg, sock);
	errno = error;
	return -1;
}

static unsigned
translate(const struct kevent *event)
{
	unsigned out = 0;

	if (event->flags & EV_ERROR)
		return DS_ERR;
	if (event->filter == EVFILT_READ)
		out |= DS_READ; /* at EV_EOF too: reading tells the end */
	if (event->filter == EVFILT_WRITE && !(event->flags & EV_EOF))
		out |= DS_WRITE;
	if (event->flags & EV_EOF) {
		if (event->fflags != 0)
			out |= DS_ERR;
		else if (event->filter == EVFILT_WRITE)
			out |= DS_HUP; /* the peer reads no more */
	}
	return out;
}

static int
kqueue_wait(void *arg, struct ds_event *events, int max, int timeout_ms)
{
	struct kqueue_state *state = arg;
	struct timespec wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	int n = kevent(state->fd, NULL, 0, state->events, max < DS_BATCH ? max : DS_BATCH,
	    timeout_ms < 0 ? NULL : &wait);

	if (n == -1)
		return -1;
	for (int i = 0; i < n; i++) {
		events[i].sock = state->events[i].udata;
		events[i].events = translate(&state->events[i]);
	}
	return n;
}

const struct ds_poller ds_poller_kqueue = {
    .name = "kqueue",
    .open = kqueue_open,
    .close = kqueue_close,
    .add = kqueue_add,
    .mod = set_both,
    .del = kqueue_del,
    .wait = kqueue_wait,
};
