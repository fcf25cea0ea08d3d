/* SPDX-License-Identifier: ISC */
/* epoll(7), level-triggered. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <errno.h>
#include <string.h>

enum { SETS = 8, HAPPENS = EPOLLIN | EPOLLOUT };

struct interest {
	bool in;
	uint32_t events;
	epoll_data_t data;
};

static struct set {
	int fd; /* 0: free */
	struct interest of[SIM_FDS];
} sets[SETS];

void
sim_epolls_begin(void)
{
	memset(sets, 0, sizeof(sets));
}

static struct set *
set_of(int epfd)
{
	for (int i = 0; i < SETS; i++)
		if (sets[i].fd == epfd)
			return &sets[i];
	return NULL;
}

void
sim_epoll_forget(int fd)
{
	for (int i = 0; i < SETS; i++) {
		sets[i].of[fd - SIM_FD_BASE].in = false;
		if (sets[i].fd == fd)
			memset(&sets[i], 0, sizeof(sets[i]));
	}
}

static int
open_set(void)
{
	struct set *set = set_of(0);

	if (set == NULL)
		sim_stuck("more epoll sets than the simulated kernel has");
	if (sim_fails(SIM_EPOLL_CREATE))
		return -1;
	int fd = sim_fd_new(SIM_EPOLL);
	if (fd != -1)
		set->fd = fd;
	return fd;
}

int
__wrap_epoll_create1(int flags)
{
	if (!sim_running())
		return __real_epoll_create1(flags);
	int fd = open_set();
	return (int)sim_note(SIM_EPOLL_CREATE, fd, fd);
}

static int
control(struct set *set, int op, int fd, const struct epoll_event *event)
{
	struct interest *interest = &set->of[fd - SIM_FD_BASE];

	if (interest->in == (op == EPOLL_CTL_ADD)) {
		errno = interest->in ? EEXIST : ENOENT;
		sim_wrong(
		    "descriptor %d is %s the set", fd, interest->in ? "already in" : "not in");
		return -1;
	}
	if (op == EPOLL_CTL_DEL) {
		interest->in = false;
		return 0;
	}
	if (sim_fails(op == EPOLL_CTL_ADD ? SIM_EPOLL_ADD : SIM_EPOLL_MOD))
		return -1;
	if ((event->events & ~(uint32_t)HAPPENS) != 0)
		sim_wrong("epoll_ctl with events %#x, which are not simulated", event->events);
	*interest = (struct interest){.in = true, .events = event->events, .data = event->data};
	return 0;
}

/* Taking a descriptor out never fails, as in Linux; it is not counted either. */
int
__wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (!sim_is_ours(epfd))
		return __real_epoll_ctl(epfd, op, fd, event);
	struct set *set = set_of(epfd);
	if (set == NULL || sim_fd_of(fd) == NULL) {
		sim_wrong("epoll_ctl on descriptors %d and %d", epfd, fd);
		errno = EBADF;
		return -1;
	}
	return (int)sim_note(
	    op == EPOLL_CTL_ADD ? SIM_EPOLL_ADD : SIM_EPOLL_MOD, fd, control(set, op, fd, event));
}

struct look {
	const struct set *set;
	struct epoll_event *events;
	int max;
};

static void
swap(struct epoll_event *a, struct epoll_event *b)
{
	struct epoll_event keep = *a;

	*a = *b;
	*b = keep;
}

/* Keeps MAX of those that are ready, whichever chance likes where they are shuffled. */
static void
keep(struct look *look, int *n, struct epoll_event event)
{
	int at = *n;

	if (at < look->max)
		look->events[(*n)++] = event;
	if (at > 0 && sim_faults()->shuffle) {
		int other = (int)sim_chance((uint32_t)(at < look->max ? at + 1 : look->max));

		if (at < look->max)
			swap(&look->events[at], &look->events[other]);
		else
			look->events[other] = event;
	}
}

static int
look_at_set(void *arg)
{
	struct look *look = arg;
	bool odd = sim_happens(sim_faults()->spurious);
	int n = 0;

	for (int i = 0; i < SIM_FDS; i++) {
		const struct interest *interest = &look->set->of[i];

		if (!interest->in)
			continue;
		uint32_t events = sim_fd_events(SIM_FD_BASE + i);
		events &= interest->events | EPOLLERR | EPOLLHUP;
		if (odd && interest->events != 0 && sim_fd_may_surprise(SIM_FD_BASE + i) &&
		    sim_chance(2))
			events |= interest->events;
		if (events != 0)
			keep(look, &n,
			    (struct epoll_event){.events = events, .data = interest->data});
	}
	return n;
}

int
__wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	if (!sim_is_ours(epfd))
		return __real_epoll_wait(epfd, events, max, timeout_ms);
	struct look look = {set_of(epfd), events, max};
	if (look.set == NULL) {
		sim_wrong("epoll_wait on descriptor %d", epfd);
		errno = EBADF;
		return -1;
	}
	if (sim_fails(SIM_EPOLL_WAIT))
		return (int)sim_note(SIM_EPOLL_WAIT, epfd, -1);
	return (int)sim_note(SIM_EPOLL_WAIT, epfd, sim_wait(look_at_set, &look, timeout_ms));
}
