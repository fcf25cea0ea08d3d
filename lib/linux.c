/* SPDX-License-Identifier: ISC */
/* See os.h: Linux. */
#include "os.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

const struct ds_poller *const ds_os_pollers[] = {&ds_poller_epoll, &ds_poller_poll, NULL};

/* signalfd(2): no handler, so no state outside the loop and nothing that could be interrupted. */
int
ds_os_signals_open(void)
{
	sigset_t none;

	sigemptyset(&none);
	return signalfd(-1, &none, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
ds_os_signals_set(int fd, const sigset_t *set, int changed_signo)
{
	(void)changed_signo;
	return signalfd(fd, set, 0) == -1 ? -1 : 0;
}

int
ds_os_signals_read(int fd, struct ds_os_signal *signals, int max)
{
	struct signalfd_siginfo info;
	int n = 0;

	while (n < max && read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		signals[n++] = (struct ds_os_signal){
		    .signo = (int)info.ssi_signo,
		    .is_sent = info.ssi_code == SI_USER || info.ssi_code == SI_TKILL ||
			       info.ssi_code == SI_QUEUE,
		};
	return n;
}

int
ds_os_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int
ds_os_accept(int fd, struct ds_addr *addr)
{
	addr->len = sizeof(addr->u);
	return accept4(fd, &addr->u.sa, &addr->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool
ds_os_peer_cred(int fd, int32_t *pid, uint32_t *uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return false;
	*pid = cred.pid;
	*uid = cred.uid;
	return true;
}

int
ds_os_cork(int fd, bool on)
{
	int value = on;

	return setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof(value));
}

int
ds_os_user_timeout(int fd, int timeout_ms)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

static int64_t
timeval_ns(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000000 + (int64_t)tv.tv_usec * 1000;
}

void
ds_os_cpu_time(int64_t *user_ns, int64_t *system_ns)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	*user_ns = timeval_ns(usage.ru_utime);
	*system_ns = timeval_ns(usage.ru_stime);
}
