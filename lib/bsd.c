/* SPDX-License-Identifier: ISC */
/*
 * See os.h: the BSDs and macOS, written against FreeBSD's manual. Signals come through a kqueue of
 * their own, which is a descriptor like any other and becomes readable with them.
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/event.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

const struct ds_poller *const ds_os_pollers[] = {&ds_poller_kqueue, &ds_poller_poll, NULL};

static int
make_nonblocking(int fd)
{
	if (fd == -1)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 || fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int
ds_os_signals_open(void)
{
	int fd = kqueue();

	if (fd != -1)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/* kevent(2): EVFILT_SIGNAL sees blocked signals too, but leaves them pending; they are taken below.
 */
int
ds_os_signals_set(int fd, const sigset_t *set, int changed_signo)
{
	struct kevent change;

	EV_SET(&change, (uintptr_t)changed_signo, EVFILT_SIGNAL,
	    sigismember(set, changed_signo) ? EV_ADD : EV_DELETE, 0, 0, NULL);
	return kevent(fd, &change, 1, NULL, 0, NULL);
}

int
ds_os_signals_read(int fd, struct ds_os_signal *signals, int max)
{
	const struct timespec now = {0};
	struct kevent events[8];
	int n = kevent(fd, NULL, 0, events, max < 8 ? max : 8, &now);

	for (int i = 0; i < n; i++) {
		sigset_t one;
		int taken;

		signals[i] = (struct ds_os_signal){.signo = (int)events[i].ident};
		sigemptyset(&one);
		sigaddset(&one, signals[i].signo);
		sigwait(&one, &taken); /* pending, so it does not wait */
	}
	return n > 0 ? n : 0;
}

int
ds_os_socket(int family)
{
	return make_nonblocking(socket(family, SOCK_STREAM, 0));
}

int
ds_os_accept(int fd, struct ds_addr *addr)
{
	addr->len = sizeof(addr->u);
	return make_nonblocking(accept(fd, &addr->u.sa, &addr->len));
}

bool
ds_os_peer_cred(int fd, int32_t *pid, uint32_t *uid)
{
	uid_t user;
	gid_t group;

	if (getpeereid(fd, &user, &group) == -1)
		return false;
	*pid = 0;
	*uid = user;
	return true;
}

int
ds_os_cork(int fd, bool on)
{
	int value = on;

	return setsockopt(fd, IPPROTO_TCP, TCP_NOPUSH, &value, sizeof(value));
}

int
ds_os_user_timeout(int fd, int timeout_ms)
{
	(void)fd;
	(void)timeout_ms;
	errno = ENOPROTOOPT;
	return -1;
}

void
ds_os_cpu_time(int64_t *user_ns, int64_t *system_ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	*user_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	*system_ns = 0; /* the clock does not tell them apart */
}
