/* SPDX-License-Identifier: ISC */
/* Reading, writing and closing simulated descriptors. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <errno.h>
#include <unistd.h>

/* Where the program's own output goes while it is simulated: nowhere, unless calls are traced. */
static bool
is_chatter(int fd)
{
	return sim_running() && !sim_tracing() && fd == STDERR_FILENO;
}

/* True when the call gets no further: with errno, or the descriptor is none. */
static bool
stopped(enum sim_call call, const struct sim_fd *entry)
{
	return entry == NULL || sim_fails(call) || sim_disturbed();
}

static bool
is_socket(const struct sim_fd *entry)
{
	return entry->kind == SIM_STREAM || entry->kind == SIM_LISTENER ||
	       entry->kind == SIM_UNBOUND;
}

/* As the kernel does it before it looks any further. */
static bool
is_no_socket(int fd)
{
	const struct sim_fd *entry = sim_fd_of(fd);

	if (entry == NULL || is_socket(entry))
		return false;
	errno = ENOTSOCK;
	return true;
}

/* An answer of EAGAIN stands only where the program asked for it. */
static ssize_t
not_blocking(const struct sim_fd *entry, int fd, ssize_t result)
{
	if (result == -1 && errno == EAGAIN && !entry->nonblock) {
		sim_wrong("descriptor %d would block", fd);
		errno = EAGAIN;
	}
	return result;
}

static ssize_t
recv_some(int fd, void *buf, size_t len)
{
	struct sim_fd *entry = sim_fd_of(fd);

	if (stopped(SIM_RECV, entry))
		return -1;
	if (entry->kind == SIM_SIGNALS)
		return sim_signal_read(entry, buf, len);
	if (entry->kind != SIM_STREAM && entry->kind != SIM_PIPE_IN)
		return sim_refuse(is_socket(entry) ? ENOTCONN : EINVAL);
	return not_blocking(entry, fd, sim_stream_recv(entry->peer, buf, len));
}

ssize_t
__wrap_recv(int fd, void *buf, size_t len, int flags)
{
	if (!sim_is_ours(fd))
		return __real_recv(fd, buf, len, flags);
	if ((flags & ~MSG_DONTWAIT) != 0)
		sim_wrong("recv with flags %#x, which are not simulated", (unsigned)flags);
	if (is_no_socket(fd))
		return -1;
	return sim_note(SIM_RECV, fd, recv_some(fd, buf, len));
}

ssize_t
__wrap_read(int fd, void *buf, size_t len)
{
	if (!sim_is_ours(fd))
		return __real_read(fd, buf, len);
	return sim_note(SIM_RECV, fd, recv_some(fd, buf, len));
}

/* Only the first piece that is not empty, which is allowed: it is a short read. */
ssize_t
__wrap_readv(int fd, const struct iovec *iov, int count)
{
	if (!sim_is_ours(fd))
		return __real_readv(fd, iov, count);
	while (count > 1 && iov->iov_len == 0)
		iov++, count--;
	return sim_note(SIM_RECV, fd, recv_some(fd, iov->iov_base, iov->iov_len));
}

ssize_t
__wrap___recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
	(void)size;
	return __wrap_recv(fd, buf, len, flags);
}

ssize_t
__wrap___read_chk(int fd, void *buf, size_t len, size_t size)
{
	(void)size;
	return __wrap_read(fd, buf, len);
}

/* Pieces, until one is not taken whole. */
static ssize_t
send_pieces(struct sim_peer *peer, const struct iovec *iov, size_t count)
{
	ssize_t sent = 0;

	for (size_t i = 0; i < count; i++) {
		ssize_t n = sim_stream_send(peer, iov[i].iov_base, iov[i].iov_len);

		if (n == -1)
			return sent > 0 ? sent : -1;
		sent += n;
		if ((size_t)n < iov[i].iov_len || peer->reset)
			break;
	}
	return sent;
}

static ssize_t
send_to(struct sim_fd *entry, const struct iovec *iov, size_t count)
{
	if (entry == NULL)
		return -1;
	if (entry->kind == SIM_PIPE_OUT)
		return sim_pipe_send(entry->peer, iov->iov_base, iov->iov_len);
	if (stopped(SIM_SEND, entry))
		return -1;
	if (entry->kind == SIM_STREAM)
		return send_pieces(entry->peer, iov, count);
	return sim_refuse(is_socket(entry) ? ENOTCONN : EINVAL);
}

static ssize_t
send_some(int fd, const struct iovec *iov, size_t count, bool quietly)
{
	struct sim_fd *entry = sim_fd_of(fd);
	ssize_t n = send_to(entry, iov, count);

	if (n == -1 && errno == EPIPE && !quietly) {
		sim_wrong("a write that raises SIGPIPE");
		errno = EPIPE;
	}
	return n == -1 && entry != NULL ? not_blocking(entry, fd, n) : n;
}

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	const struct iovec iov = {.iov_base = (void *)data, .iov_len = len};

	if (!sim_is_ours(fd))
		return __real_send(fd, data, len, flags);
	if (is_no_socket(fd))
		return -1;
	return sim_note(SIM_SEND, fd, send_some(fd, &iov, 1, flags & MSG_NOSIGNAL));
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (!sim_is_ours(fd))
		return __real_sendmsg(fd, msg, flags);
	if (is_no_socket(fd))
		return -1;
	return sim_note(
	    SIM_SEND, fd, send_some(fd, msg->msg_iov, msg->msg_iovlen, flags & MSG_NOSIGNAL));
}

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	const struct iovec iov = {.iov_base = (void *)data, .iov_len = len};

	if (is_chatter(fd))
		return (ssize_t)len;
	if (!sim_is_ours(fd))
		return __real_write(fd, data, len);
	return sim_note(SIM_SEND, fd, send_some(fd, &iov, 1, false));
}

ssize_t
__wrap_writev(int fd, const struct iovec *iov, int count)
{
	if (!sim_is_ours(fd))
		return __real_writev(fd, iov, count);
	return sim_note(SIM_SEND, fd, send_some(fd, iov, (size_t)count, false));
}

/* As Linux does it: the descriptor is gone whatever close says. */
int
__wrap_close(int fd)
{
	if (!sim_is_ours(fd))
		return __real_close(fd);
	if (sim_fd_of(fd) == NULL)
		return -1;
	sim_fd_release(fd);
	return (int)sim_note(SIM_CLOSE, fd, sim_fails(SIM_CLOSE) || sim_interrupted() ? -1 : 0);
}
