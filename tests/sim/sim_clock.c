/* SPDX-License-Identifier: ISC */
/* Virtual time: it moves where a wait finds nothing, and where the program is told to stall. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <errno.h>

/* Far more than any run needs, even one that gets its bytes one by one. */
enum { WAITS_MAX = 2000000, SOON_MS = 20 };

static struct {
	int64_t now_ns, wall_ns; /* the wall clock is that much ahead */
	unsigned waits;
	sim_world_fn world;
	void *arg;
} sim_clock;

void
sim_clock_begin(void)
{
	sim_clock.now_ns = 1000 * SIM_S + sim_chance(1000000000);
	sim_clock.wall_ns = INT64_C(1800000000) * SIM_S;
	sim_clock.waits = 0;
	sim_clock.world = NULL;
}

int64_t
sim_now(void)
{
	return sim_clock.now_ns;
}

void
sim_advance(int64_t ns)
{
	sim_clock.now_ns += ns;
}

void
sim_shift_wall(int64_t ns)
{
	sim_clock.wall_ns += ns;
}

void
sim_set_world(sim_world_fn world, void *arg)
{
	sim_clock.world = world;
	sim_clock.arg = arg;
}

/* A signal comes soon, within the time. */
static void
pass_some(int timeout_ms)
{
	int64_t most = timeout_ms >= 0 && timeout_ms < SOON_MS ? timeout_ms : SOON_MS;

	sim_clock.now_ns += sim_chance((uint32_t)(most * SIM_MS));
}

int
sim_wait(int (*look)(void *arg), void *arg, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? SIM_NEVER : sim_clock.now_ns + timeout_ms * SIM_MS;

	if (sim_interrupted()) {
		pass_some(timeout_ms);
		return -1;
	}
	for (;;) {
		int64_t next = sim_clock.world != NULL ? sim_clock.world(sim_clock.arg) : SIM_NEVER;
		int found = look(arg);

		if (++sim_clock.waits > WAITS_MAX)
			sim_stuck("this goes on for ever");
		if (found != 0 || sim_clock.now_ns >= deadline)
			return found;
		if (next == SIM_NEVER && deadline == SIM_NEVER)
			sim_stuck("the program waits for ever, and nothing is to come");
		if (next < deadline)
			sim_clock.now_ns = next > sim_clock.now_ns ? next : sim_clock.now_ns;
		else
			sim_clock.now_ns = deadline;
	}
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (!sim_running())
		return __real_clock_gettime(clock, ts);
	int64_t ns = sim_clock.now_ns + (clock == CLOCK_REALTIME ? sim_clock.wall_ns : 0);
	*ts = (struct timespec){.tv_sec = ns / SIM_S, .tv_nsec = ns % SIM_S};
	return 0;
}
