/* SPDX-License-Identifier: ISC */
/* Chance, the faults that follow from it, and the one call that is told to fail. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct {
	uint64_t script, kernel; /* two streams, so that a script does not depend on the faults */
	struct sim_faults set;
	enum sim_call call; /* the one to fail */
	unsigned nth, left;
	int error;
} faults;

void
sim_faults_begin(uint64_t seed)
{
	faults.script = seed * 2;
	faults.kernel = seed * 2 + 1;
	faults.set = (struct sim_faults){.buffer = SIM_BUFFER_MAX};
	faults.nth = faults.left = 0;
}

/* SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014). */
static uint32_t
draw(uint64_t *state, uint32_t below)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (uint32_t)((z >> 32) * below >> 32);
}

uint32_t
sim_random(uint32_t below)
{
	return draw(&faults.script, below);
}

uint32_t
sim_chance(uint32_t below)
{
	return draw(&faults.kernel, below);
}

/* What a program draws itself, keys of hashes and the like. */
void
__wrap_arc4random_buf(void *buf, size_t len)
{
	unsigned char *bytes = buf;

	if (!sim_running()) {
		__real_arc4random_buf(buf, len);
		return;
	}
	while (len-- > 0)
		*bytes++ = (unsigned char)sim_chance(256);
}

bool
sim_happens(unsigned per_mille)
{
	return per_mille > 0 && sim_chance(1000) < per_mille;
}

/* Faults. */

const struct sim_faults *
sim_faults(void)
{
	return &faults.set;
}

void
sim_set_faults(const struct sim_faults *set)
{
	faults.set = *set;
	if (set->buffer == 0 || set->buffer > SIM_BUFFER_MAX)
		faults.set.buffer = SIM_BUFFER_MAX;
}

void
sim_random_faults(void)
{
	static const unsigned rates[] = {0, 0, 20, 200, 700};
	static const size_t buffers[] = {1, 13, 100, 1000, SIM_BUFFER_MAX, SIM_BUFFER_MAX};
	struct sim_faults *set = &faults.set;

	set->short_io = rates[sim_chance(5)] + sim_chance(2) * 300;
	set->again = rates[sim_chance(5)];
	set->interrupt = rates[sim_chance(5)];
	set->spurious = rates[sim_chance(5)];
	set->accept = rates[sim_chance(5)];
	set->shuffle = sim_chance(2);
	set->buffer = buffers[sim_chance(6)];
}

bool
sim_interrupted(void)
{
	if (!sim_happens(faults.set.interrupt))
		return false;
	errno = EINTR;
	return true;
}

bool
sim_disturbed(void)
{
	if (sim_interrupted())
		return true;
	if (!sim_happens(faults.set.again))
		return false;
	errno = EAGAIN;
	return true;
}

size_t
sim_some(size_t n)
{
	if (n < 2 || !sim_happens(faults.set.short_io))
		return n;
	return sim_chance(2) ? 1 : 1 + sim_chance((uint32_t)n - 1);
}

/* Failures. */

/* What each kind of call may fail with. */
enum { ERRORS = 10 };

static const int errors[SIM_CALLS][ERRORS] = {
    [SIM_ALLOC] = {ENOMEM},
    [SIM_RECV] = {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM},
    [SIM_SEND] = {EINTR, EAGAIN, EPIPE, ECONNRESET, ENOBUFS, ENOMEM},
    [SIM_WRITE_PIPE] = {EINTR}, /* it takes a byte unless it is full */
    [SIM_ACCEPT] = {EINTR, EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM},
    [SIM_SOCKET] = {EMFILE, ENFILE, ENOMEM},
    [SIM_BIND] = {EADDRINUSE, EACCES},
    [SIM_LISTEN] = {EADDRINUSE},
    [SIM_CONNECT] = {EINTR, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL},
    [SIM_PIPE] = {EMFILE, ENFILE},
    [SIM_GETSOCKOPT] = {ENOBUFS},
    [SIM_SETSOCKOPT] = {ENOMEM, ENOPROTOOPT},
    [SIM_GETSOCKNAME] = {ENOBUFS},
    [SIM_GETPEERNAME] = {ENOTCONN},
    [SIM_SHUTDOWN] = {ENOTCONN},
    [SIM_CLOSE] = {EINTR, EIO},
    [SIM_EPOLL_CREATE] = {EMFILE, ENOMEM},
    [SIM_EPOLL_ADD] = {ENOMEM, ENOSPC},
    [SIM_EPOLL_MOD] = {ENOMEM},
    [SIM_EPOLL_WAIT] = {EINTR},
    [SIM_POLL] = {EINTR, ENOMEM},
    [SIM_SIGNALFD] = {EMFILE, ENOMEM},
};

int
sim_error_of(enum sim_call call, unsigned i)
{
	return i < ERRORS ? errors[call][i] : 0;
}

void
sim_fail(enum sim_call call, unsigned nth, int error)
{
	faults.call = call;
	faults.nth = faults.left = nth;
	faults.error = error;
	sim_describe_run();
}

bool
sim_failed(void)
{
	return faults.nth > 0 && faults.left == 0;
}

bool
sim_fails(enum sim_call call)
{
	if (faults.left == 0 || call != faults.call || --faults.left > 0)
		return false;
	errno = faults.error;
	return true;
}

void
sim_describe_failure(char *buf, size_t size)
{
	*buf = '\0';
	if (faults.nth > 0)
		snprintf(buf, size, ", where %s number %u fails with %s",
		    sim_call_names[faults.call], faults.nth, strerrorname_np(faults.error));
}
