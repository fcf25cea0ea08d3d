/* SPDX-License-Identifier: ISC */
/*
 * Signals as events: they are blocked, and a descriptor that the platform has for them is one more
 * socket of the loop. No handler, so no state outside the loop and nothing that could be
 * interrupted; the kernel coalesces a storm.
 */
#include "loop.h"
#include "os.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIGNAL_BATCH = 8 };

struct ds_signals {
	struct ds_sock sock;
	sigset_t set;
	struct ds_signal *first;
};

static struct ds_signal *
find(const struct ds_signals *signals, int signo)
{
	struct ds_signal *signal = signals->first;

	while (signal != NULL && signal->signo != signo)
		signal = signal->next;
	return signal;
}

static void
signals_read(struct ds_sock *sock)
{
	struct ds_signals *signals = (struct ds_signals *)sock;
	struct ds_os_signal found[SIGNAL_BATCH];
	int n = ds_os_signals_read(sock->fd, found, SIGNAL_BATCH);

	for (int i = 0; i < n; i++) {
		/* Looked up each time: a callback may cancel any of them. */
		struct ds_signal *signal = find(signals, found[i].signo);

		if (signal == NULL)
			continue;
		signal->is_sent = found[i].is_sent;
		signal->fn(signal, signal->signo, signal->arg);
	}
}

static const struct ds_ops signals_ops = {.name = "signals", .event_read = signals_read};

static struct ds_signals *
signals_of(struct ds_loop *loop)
{
	if (loop->signals != NULL)
		return loop->signals;

	struct ds_signals *signals = calloc(1, sizeof(*signals));
	if (signals == NULL)
		return NULL;
	sigemptyset(&signals->set);
	int fd = ds_os_signals_open();
	if (fd == -1 || ds_sock_init(&signals->sock, loop, &signals_ops, fd, DS_READ) == -1) {
		if (fd != -1)
			close(fd);
		free(signals);
		return NULL;
	}
	signals->sock.flags |= DS_F_INTERNAL;
	loop->watched--;
	loop->signals = signals;
	return signals;
}

static int
change_mask(int how, int signo)
{
	sigset_t one;

	sigemptyset(&one);
	if (sigaddset(&one, signo) == -1)
		return -1;
	int error = pthread_sigmask(how, &one, NULL);
	if (error != 0)
		errno = error;
	return error == 0 ? 0 : -1;
}

int
ds_signal_add(struct ds_signal *signal, struct ds_loop *loop, int signo, ds_signal_fn fn, void *arg)
{
	struct ds_signals *signals = signals_of(loop);

	if (signals == NULL)
		return -1;
	if (find(signals, signo) != NULL) {
		errno = EEXIST;
		return -1;
	}
	if (sigaddset(&signals->set, signo) == -1)
		return -1;
	/* Blocked last, so that a failure leaves the mask as it was. */
	if (ds_os_signals_set(signals->sock.fd, &signals->set, signo) == -1 ||
	    change_mask(SIG_BLOCK, signo) == -1) {
		sigdelset(&signals->set, signo);
		return -1;
	}
	*signal = (struct ds_signal){
	    .fn = fn, .arg = arg, .loop = loop, .next = signals->first, .signo = signo};
	signals->first = signal;
	return 0;
}

void
ds_signal_cancel(struct ds_signal *signal)
{
	struct ds_signals *signals = signal->loop != NULL ? signal->loop->signals : NULL;

	if (signals == NULL)
		return;
	struct ds_signal **link = &signals->first;
	while (*link != NULL && *link != signal)
		link = &(*link)->next;
	if (*link == NULL)
		return;
	*link = signal->next;
	signal->loop = NULL;
	sigdelset(&signals->set, signal->signo);
	if (!ds_is_closed(&signals->sock))
		ds_os_signals_set(signals->sock.fd, &signals->set, signal->signo);
	change_mask(SIG_UNBLOCK, signal->signo);
}

/* The socket itself was closed and reaped with all the others of the loop. */
void
ds_signals_free(struct ds_loop *loop)
{
	while (loop->signals != NULL && loop->signals->first != NULL)
		ds_signal_cancel(loop->signals->first);
	free(loop->signals);
	loop->signals = NULL;
}
