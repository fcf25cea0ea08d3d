/* SPDX-License-Identifier: ISC */
/* How a connection ends, and how the daemon does: what was to be said is said before. */
#include "people.h"

#include <signal.h>
#include <string.h>

enum { MANY = 600 };

/* A line that is too long, from a client that goes on sending and looks at its reply only later. */

static void
long_begin(struct people *all)
{
	static char line[6000];

	memset(line, 'x', sizeof(line) - 1);
	all->person[0].deaf = true;
	person_says(all, 0, line);
}

static void
long_go_on(struct people *all)
{
	person_says(all, 0, "noop\r\nnoop\r\n");
}

static void
long_listen(struct people *all)
{
	all->person[0].deaf = false;
}

static void
long_end(struct people *all)
{
	assert_string_equal(all->person[0].in, "ERR line_too_long \r\n");
	assert_true(all->person[0].ended);
}

static const struct moment long_scene[] = {
    {0, long_begin}, {300, long_go_on}, {600, long_listen}, {30000, long_end}};

/* The end, while one client takes no replies. */

static void
stop_begin(struct people *all)
{
	all->person[0].deaf = true;
	for (int i = 0; i < MANY; i++)
		person_says(all, 0, "noop\r\n");
	person_says(all, 1, "trylock lock=mine\r\nnoop");
}

static void
stop_now(struct people *all)
{
	assert_string_equal(all->person[1].in, "OK \r\n");
	all->stopped_ns = sim_now();
	sim_raise(SIGTERM);
}

static const struct moment stop_scene[] = {{0, stop_begin}, {5000, stop_now}};

/* The end, and requests that come with it. */

static void
late_begin(struct people *all)
{
	person_says(all, 0, "noop\r\n");
	person_says(all, 1, "trylock lock=mine\r\n");
}

static void
late_stop(struct people *all)
{
	person_says(all, 0, "noop\r\nnoop\r\nnoop\r\n");
	person_says(all, 1, "releaselock lock=mine\r\ntrylock lock=mine\r\n");
	sim_raise(SIGTERM);
}

static const struct moment late_scene[] = {{0, late_begin}, {60000, late_stop}};

/* Running them. */

static struct people people;

static void
long_run(uint64_t seed)
{
	people_run(&people, seed, SCENE(long_scene), false, 0);
}

static void
the_last_reply_is_not_lost_to_a_client_that_goes_on_sending(void **state)
{
	(void)state;
	sim_runs(20, long_run); /* a reset takes away what was not read, or does not */
}

static void
a_client_that_takes_no_replies_delays_the_end_by_less_than_a_second(void **state)
{
	(void)state;
	people_run(&people, 1, SCENE(stop_scene), false, 0);
	assert_in_range(people.over_ns - people.stopped_ns, 1, SIM_S);
	assert_true(people.person[1].ended);
}

/* Not so many faults that the daemon's last moment is over before they let it answer. */
static void
late_run(uint64_t seed)
{
	sim_begin(seed);
	people_begin(&people, SCENE(late_scene));
	sim_set_faults(
	    &(struct sim_faults){.again = 300, .interrupt = 300, .spurious = 300, .shuffle = true});
	people_live(&people);
	assert_string_equal(people.person[0].in, "OK \r\nOK \r\nOK \r\nOK \r\n");
	assert_string_equal(people.person[1].in, "OK \r\nOK \r\nOK \r\n");
	assert_true(people.person[0].ended && people.person[1].ended);
	sim_end();
}

static void
requests_that_came_before_the_end_are_answered(void **state)
{
	(void)state;
	sim_runs(200, late_run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(the_last_reply_is_not_lost_to_a_client_that_goes_on_sending),
	    SIM_TEST(a_client_that_takes_no_replies_delays_the_end_by_less_than_a_second),
	    SIM_TEST(requests_that_came_before_the_end_are_answered),
	};

	return SIM_MAIN("latchd and the end", tests);
}
