/* SPDX-License-Identifier: ISC */
/*
 * kqueue(2) on Linux, as far as lib/kqueue.c and lib/bsd.c use it, so that the unit tests run on
 * that back end. It is an emulation by the manual page, on epoll(7), and no proof for a BSD's
 * kernel: a kqueue is an epoll descriptor, its filters are kept beside it, and signals come from a
 * signalfd in the set.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUES = 1024, FILTERS = 32768 };

/* The two filters of a descriptor. */
struct entry {
	bool read, write, write_clear, write_told;
	void *read_data, *write_data;
};

struct queue {
	struct entry *entries; /* by descriptor; NULL: no kqueue */
	sigset_t signals;
	int signal_fd;
};

static struct queue queues[QUEUES]; /* by the kqueue's descriptor */
static pthread_mutex_t queues_lock = PTHREAD_MUTEX_INITIALIZER;

int
kqueue(void)
{
	int fd = epoll_create1(0);

	if (fd == -1)
		return -1;
	struct entry *entries = fd < QUEUES ? calloc(FILTERS, sizeof(struct entry)) : NULL;
	if (entries == NULL) {
		close(fd);
		errno = ENOMEM;
		return -1;
	}
	pthread_mutex_lock(&queues_lock);
	free(queues[fd].entries); /* of one that was closed: its number is used again */
	queues[fd] = (struct queue){.entries = entries, .signal_fd = -1};
	sigemptyset(&queues[fd].signals);
	pthread_mutex_unlock(&queues_lock);
	return fd;
}

static int
watch_signal(struct queue *queue, int kq, const struct kevent *change)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (change->flags & EV_DELETE)
		sigdelset(&queue->signals, (int)change->ident);
	else
		sigaddset(&queue->signals, (int)change->ident);
	bool first = queue->signal_fd == -1;
	queue->signal_fd = signalfd(queue->signal_fd, &queue->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (queue->signal_fd == -1)
		return -1;
	event.data.fd = queue->signal_fd;
	return first ? epoll_ctl(kq, EPOLL_CTL_ADD, queue->signal_fd, &event) : 0;
}

static int
watch_fd(struct queue *queue, int kq, const struct kevent *change)
{
	int fd = (int)change->ident;
	struct entry *entry = &queue->entries[fd];
	bool was = entry->read || entry->write, on = !(change->flags & EV_DELETE);

	if (!on && !(change->filter == EVFILT_READ ? entry->read : entry->write)) {
		errno = ENOENT;
		return -1;
	}
	if (change->filter == EVFILT_READ) {
		entry->read = on;
		entry->read_data = change->udata;
	} else {
		entry->write = on;
		entry->write_clear = change->flags & EV_CLEAR;
		entry->write_told = false;
		entry->write_data = change->udata;
	}
	struct epoll_event event = {.data.fd = fd};
	event.events = (entry->read ? EPOLLIN : 0u) | (entry->write ? EPOLLOUT : 0u);
	if (entry->write_clear)
		event.events = EPOLLOUT | EPOLLET;
	if (!entry->read && !entry->write)
		return epoll_ctl(kq, EPOLL_CTL_DEL, fd, NULL) == -1 && errno != ENOENT &&
			       errno != EBADF
			   ? -1
			   : 0;
	return epoll_ctl(kq, was ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

static unsigned
pending_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return (unsigned)error;
}

/* One event of epoll as the one or two of kqueue. */
static int
tell(struct queue *queue, const struct epoll_event *from, struct kevent *to)
{
	int fd = from->data.fd, n = 0;
	struct entry *entry = &queue->entries[fd];
	bool end = from->events & (EPOLLHUP | EPOLLERR);
	unsigned error = from->events & EPOLLERR ? pending_error(fd) : 0;
	unsigned short flags = end ? EV_EOF : 0;

	if (entry->read && (from->events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		EV_SET(&to[n], (uintptr_t)fd, EVFILT_READ, flags, error, 0, entry->read_data);
		n++;
	}
	if (entry->write && (from->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
		EV_SET(&to[n], (uintptr_t)fd, EVFILT_WRITE, flags, error, 0, entry->write_data);
		n++;
	}
	return n;
}

static int
tell_signals(const struct queue *queue, struct kevent *to, int max)
{
	sigset_t pending;
	int n = 0;

	sigpending(&pending);
	for (int signo = 1; signo < NSIG && n < max; signo++)
		if (sigismember(&queue->signals, signo) == 1 && sigismember(&pending, signo) == 1) {
			EV_SET(&to[n], (uintptr_t)signo, EVFILT_SIGNAL, 0, 0, 1, NULL);
			n++;
		}
	return n;
}

int
kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
    const struct timespec *timeout)
{
	struct queue *queue = &queues[kq];
	struct epoll_event ready[256];
	int n = 0;

	for (int i = 0; i < nchanges; i++)
		if ((changes[i].filter == EVFILT_SIGNAL ? watch_signal(queue, kq, &changes[i])
							: watch_fd(queue, kq, &changes[i])) == -1)
			return -1;
	if (nevents == 0)
		return 0;
	int ms = timeout == NULL
		     ? -1
		     : (int)(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000);
	int most = nevents / 2 < 256 ? nevents / 2 : 256;
	int found = epoll_wait(kq, ready, most, ms);
	if (found == -1)
		return -1;
	for (int i = 0; i < found; i++) {
		if (ready[i].data.fd == queue->signal_fd)
			n += tell_signals(queue, events + n, nevents - n);
		else
			n += tell(queue, &ready[i], events + n);
	}
	return n;
}
