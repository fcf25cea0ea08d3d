/* SPDX-License-Identifier: ISC */
/* signalfd(2), and signals that are pending until one takes them. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static sigset_t pending;

void
sim_signals_begin(void)
{
	sigemptyset(&pending);
}

void
sim_raise(int signo)
{
	sigaddset(&pending, signo);
}

bool
sim_pending(int signo)
{
	return sigismember(&pending, signo) == 1;
}

/* The lowest pending signal that MASK has; 0: none. */
static int
first_pending(const sigset_t *mask)
{
	for (int signo = 1; signo < SIGRTMIN; signo++)
		if (sigismember(&pending, signo) == 1 && sigismember(mask, signo) == 1)
			return signo;
	return 0;
}

unsigned
sim_signal_events(const struct sim_fd *entry)
{
	return first_pending(&entry->mask) != 0 ? EPOLLIN : 0;
}

ssize_t
sim_signal_read(struct sim_fd *entry, void *buf, size_t len)
{
	struct signalfd_siginfo *info = buf;
	size_t n = 0;
	int signo;

	while ((n + 1) * sizeof(*info) <= len && (signo = first_pending(&entry->mask)) != 0) {
		info[n++] = (struct signalfd_siginfo){.ssi_signo = (uint32_t)signo};
		sigdelset(&pending, signo);
	}
	if (n > 0)
		return (ssize_t)(n * sizeof(*info));
	errno = EAGAIN;
	return -1;
}

static int
change(int fd, const sigset_t *mask, int flags)
{
	if (sim_fails(SIM_SIGNALFD))
		return -1;
	if (fd == -1) {
		fd = sim_fd_new(SIM_SIGNALS);
		if (fd == -1)
			return -1;
		sim_fd_of(fd)->nonblock = flags & SFD_NONBLOCK;
	}
	struct sim_fd *entry = sim_fd_of(fd);
	if (entry == NULL)
		return -1;
	entry->mask = *mask;
	return fd;
}

int
__wrap_signalfd(int fd, const sigset_t *mask, int flags)
{
	if (!sim_running())
		return __real_signalfd(fd, mask, flags);
	return (int)sim_note(SIM_SIGNALFD, fd, change(fd, mask, flags));
}
