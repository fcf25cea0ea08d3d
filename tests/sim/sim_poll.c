/* SPDX-License-Identifier: ISC */
/* poll(2). */
#include "sim_kernel.h"

#include "sim_wrap.h"

struct look {
	struct pollfd *fds;
	nfds_t count;
};

/* POLLIN, POLLOUT, POLLERR and POLLHUP have the numbers of epoll's. */
static short
look_at(const struct pollfd *wanted, bool odd)
{
	if (wanted->fd < 0)
		return 0;
	if (!sim_is_ours(wanted->fd) || sim_fd_of(wanted->fd) == NULL)
		return POLLNVAL;
	short events = (short)sim_fd_events(wanted->fd);
	events &= (short)(wanted->events | POLLERR | POLLHUP);
	if (odd && wanted->events != 0 && sim_fd_may_surprise(wanted->fd) && sim_chance(2))
		events |= wanted->events;
	return events;
}

static int
look_at_all(void *arg)
{
	const struct look *look = arg;
	bool odd = sim_happens(sim_faults()->spurious);
	int n = 0;

	for (nfds_t i = 0; i < look->count; i++)
		n += (look->fds[i].revents = look_at(&look->fds[i], odd)) != 0;
	return n;
}

static bool
any_is_ours(const struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++)
		if (sim_is_ours(fds[i].fd))
			return true;
	return false;
}

/* A wait for nothing but time is simulated too. */
int
__wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	if (!sim_running() || (count > 0 && !any_is_ours(fds, count)))
		return __real_poll(fds, count, timeout_ms);
	struct look look = {fds, count};
	if (sim_fails(SIM_POLL))
		return (int)sim_note(SIM_POLL, 0, -1);
	return (int)sim_note(SIM_POLL, 0, sim_wait(look_at_all, &look, timeout_ms));
}

int
__wrap___poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t size)
{
	(void)size;
	return __wrap_poll(fds, count, timeout_ms);
}
