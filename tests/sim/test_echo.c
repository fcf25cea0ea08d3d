/* SPDX-License-Identifier: ISC */
/* A server on the library under everything that a kernel may do short of failing. */
#include "echo.h"

static void
a_transcript_is_the_same_whatever_the_kernel_does(void **state)
{
	(void)state;
	sim_runs(2000, echo_run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(a_transcript_is_the_same_whatever_the_kernel_does),
	};

	return SIM_MAIN("echo", tests);
}
