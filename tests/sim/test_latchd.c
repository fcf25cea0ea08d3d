/* SPDX-License-Identifier: ISC */
/* The daemon under everything that a kernel may do: its clients receive what the model says. */
#include "latchd.h"

static struct latchd latchd;

static void
one_run(uint64_t seed)
{
	sim_begin(seed);
	latchd.n = 0;
	for (uint32_t i = 1 + sim_random(LATCHD_CLIENTS - 2); i > 0; i--) {
		enum talk_end end = sim_random(3) ? TALK_HALF_CLOSE : sim_random(TALK_RESET + 1);

		latchd_script(&latchd, sim_random(LATCHD_REQUESTS + 1), end);
	}
	latchd.may_stall = sim_random(2);
	sim_random_faults();
	latchd_live(&latchd, config_new());
	sim_end();
}

static void
transcripts_are_those_of_the_model_whatever_the_kernel_does(void **state)
{
	(void)state;
	sim_runs(4000, one_run);
}

static void
run_twice(uint64_t seed)
{
	one_run(seed);
	uint64_t digest = sim_digest();
	one_run(seed);
	assert_int_equal(sim_digest(), digest);
}

static void
a_seed_replays_exactly(void **state)
{
	(void)state;
	sim_runs(50, run_twice);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(transcripts_are_those_of_the_model_whatever_the_kernel_does),
	    SIM_TEST(a_seed_replays_exactly),
	};

	return SIM_MAIN("latchd", tests);
}
