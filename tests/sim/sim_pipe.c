/* SPDX-License-Identifier: ISC */
/* pipe(2), and what fcntl(2) a program needs for it. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <fcntl.h>
#include <sys/epoll.h>

static int
open_pipe(int fds[2])
{
	if (sim_fails(SIM_PIPE))
		return -1;
	struct sim_peer *pipe = sim_peer_new();
	fds[0] = sim_fd_new(SIM_PIPE_IN);
	fds[1] = sim_fd_new(SIM_PIPE_OUT);
	if (fds[1] == -1)
		sim_stuck("more descriptors than the simulated kernel has");
	sim_fd_of(fds[0])->peer = sim_fd_of(fds[1])->peer = pipe;
	return 0;
}

int
__wrap_pipe(int fds[2])
{
	if (!sim_running())
		return __real_pipe(fds);
	int result = open_pipe(fds);
	return (int)sim_note(SIM_PIPE, result == 0 ? fds[0] : -1, result);
}

/* The reader's side is sim_stream_recv. */
ssize_t
sim_pipe_send(struct sim_peer *pipe, const void *data, size_t len)
{
	if (sim_fails(SIM_WRITE_PIPE) || sim_interrupted())
		return -1;
	if (pipe->forsaken)
		return sim_refuse(EPIPE);
	size_t n = sim_peer_send(pipe, data, sim_some(len));
	return n == 0 && len > 0 ? sim_refuse(EAGAIN) : (ssize_t)n;
}

unsigned
sim_pipe_events(const struct sim_fd *entry)
{
	const struct sim_peer *pipe = entry->peer;

	if (entry->kind == SIM_PIPE_IN)
		return (pipe->in.len > 0 ? EPOLLIN : 0) | (pipe->in_ended ? EPOLLHUP : 0);
	return (pipe->in.len < pipe->in.size ? EPOLLOUT : 0) | (pipe->forsaken ? EPOLLERR : 0);
}

void
sim_pipe_close(const struct sim_fd *entry)
{
	if (entry->kind == SIM_PIPE_IN)
		entry->peer->forsaken = true;
	else
		entry->peer->in_ended = true;
}

int
__wrap_fcntl(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	long arg = va_arg(args, long);
	va_end(args);
	if (!sim_is_ours(fd))
		return __real_fcntl(fd, command, arg);
	struct sim_fd *entry = sim_fd_of(fd);
	if (entry == NULL)
		return -1;
	switch (command) {
	case F_GETFL:
		return O_RDWR | (entry->nonblock ? O_NONBLOCK : 0);
	case F_SETFL:
		entry->nonblock = (arg & O_NONBLOCK) != 0;
		return 0;
	case F_GETFD:
	case F_SETFD:
		return 0;
	default:
		sim_wrong("fcntl with command %d, which is not simulated", command);
		return sim_refuse(EINVAL);
	}
}
