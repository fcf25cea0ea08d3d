/* SPDX-License-Identifier: ISC */
/* The table of descriptors: the lowest free number is the next one, so that reuse comes at once. */
#include "sim_kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

static struct sim_fd table[SIM_FDS];

void
sim_fds_begin(void)
{
	memset(table, 0, sizeof(table));
}

int
sim_fd_new(enum sim_kind kind)
{
	for (int i = 0; i < SIM_FDS; i++)
		if (table[i].kind == SIM_FREE) {
			table[i] = (struct sim_fd){.kind = kind};
			return SIM_FD_BASE + i;
		}
	errno = EMFILE;
	return -1;
}

bool
sim_is_ours(int fd)
{
	return sim_running() && fd >= SIM_FD_BASE && fd < SIM_FD_BASE + SIM_FDS;
}

struct sim_fd *
sim_fd_of(int fd)
{
	if (sim_is_ours(fd) && table[fd - SIM_FD_BASE].kind != SIM_FREE)
		return &table[fd - SIM_FD_BASE];
	sim_wrong("descriptor %d is not open", fd);
	errno = EBADF;
	return NULL;
}

size_t
sim_open_fds(void)
{
	size_t n = 0;

	for (int i = 0; i < SIM_FDS; i++)
		n += table[i].kind != SIM_FREE;
	return n;
}

struct sim_fd *
sim_listener_on(uint16_t port)
{
	for (int i = 0; i < SIM_FDS; i++)
		if (table[i].kind == SIM_LISTENER && table[i].port == port)
			return &table[i];
	return NULL;
}

unsigned
sim_fd_events(int fd)
{
	const struct sim_fd *entry = &table[fd - SIM_FD_BASE];

	switch (entry->kind) {
	case SIM_STREAM:
		return sim_stream_events(entry->peer);
	case SIM_LISTENER:
		return entry->queued > 0 ? EPOLLIN : 0;
	case SIM_SIGNALS:
		return sim_signal_events(entry);
	case SIM_PIPE_IN:
	case SIM_PIPE_OUT:
		return sim_pipe_events(entry);
	case SIM_UNBOUND:
		return EPOLLOUT | EPOLLHUP;
	default:
		return 0;
	}
}

bool
sim_fd_may_surprise(int fd)
{
	const struct sim_fd *entry = &table[fd - SIM_FD_BASE];

	return entry->kind != SIM_STREAM || !entry->peer->connecting;
}

void
sim_fd_release(int fd)
{
	struct sim_fd *entry = &table[fd - SIM_FD_BASE];

	sim_epoll_forget(fd);
	if (entry->kind == SIM_STREAM)
		sim_stream_close(entry->peer);
	if (entry->kind == SIM_PIPE_IN || entry->kind == SIM_PIPE_OUT)
		sim_pipe_close(entry);
	for (size_t i = 0; i < entry->queued; i++)
		sim_stream_close(entry->queue[i]);
	entry->kind = SIM_FREE;
}
