/* SPDX-License-Identifier: ISC */
/*
 * As much of <sys/event.h> as lib/kqueue.c and lib/bsd.c use, from the manual page kqueue(2) of
 * FreeBSD, so that both are compiled where there is no BSD. The values are FreeBSD's. What a system
 * has itself stands in the way of nothing: this folder is only in the search path of that one
 * check.
 */
#ifndef TESTS_KQUEUE_EVENT_H
#define TESTS_KQUEUE_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_SIGNAL (-6)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EV_SET(kev, a, b, c, d, e, f)                                                              \
	do {                                                                                       \
		(kev)->ident = (a);                                                                \
		(kev)->filter = (b);                                                               \
		(kev)->flags = (c);                                                                \
		(kev)->fflags = (d);                                                               \
		(kev)->data = (e);                                                                 \
		(kev)->udata = (f);                                                                \
	} while (0)

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
    const struct timespec *timeout);

/* FreeBSD's <netinet/tcp.h> has the first; on Linux the second does the same. */
#ifndef TCP_NOPUSH
#define TCP_NOPUSH TCP_CORK
#endif

#endif
