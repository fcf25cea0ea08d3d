/* SPDX-License-Identifier: ISC */
/*
 * The daemon and time: what it cuts and when, and what it must not cut. Scenes of people
 * who do things at set moments of the virtual clock; each scene also under faults of every kind.
 */
#include "people.h"

#include <string.h>

#define IS_IN(ns, from_s, slack) assert_in_range(ns, (from_s)*SIM_S, (from_s)*SIM_S + (slack))

/* A line that never ends. */

static void
line_begin(struct people *all)
{
	person_says(all, 0, "trylock lock=mine\r\ntryl");
	person_says(all, 1, "trylock lock=other\r\n");
}

static void
line_before(struct people *all)
{
	assert_string_equal(all->person[0].in, "OK \r\n");
	assert_false(all->person[0].ended);
	person_says(all, 1, "trylock lock=mine\r\n");
}

static void
line_after(struct people *all)
{
	assert_string_equal(all->person[0].in, "OK \r\nERR line_timeout \r\n");
	IS_IN(all->person[0].ended_ns - all->begun, 30, all->slack);
	assert_string_equal(all->person[1].in, "OK \r\nERR taken \r\n");
	person_says(all, 1, "trylock lock=mine\r\n"); /* the client is gone, its lock is free */
}

static void
line_end(struct people *all)
{
	assert_string_equal(all->person[1].in, "OK \r\nERR taken \r\nOK \r\n");
	assert_false(all->person[1].ended);
}

static const struct moment line_scene[] = {
    {0, line_begin}, {28000, line_before}, {50000, line_after}, {65000, line_end}};

/* A client that has begun a line whenever it is looked at. */

static void
lines_go_on(struct people *all)
{
	person_says(all, 0, "op\r\nno");
}

static void
lines_begin(struct people *all)
{
	person_says(all, 0, "no");
}

static void
lines_end(struct people *all)
{
	assert_string_equal(all->person[0].in, "OK \r\nOK \r\nOK \r\n");
	assert_false(all->person[0].ended);
}

static const struct moment lines_scene[] = {{0, lines_begin}, {20000, lines_go_on},
    {40000, lines_go_on}, {60000, lines_go_on}, {80000, lines_end}};

/* Silence. */

static void
idle_begin(struct people *all)
{
	all->server->config->server.idle_timeout_ms = 60 * 1000;
	person_says(all, 0, "noop\r\n");
	person_says(all, 1, "trylock lock=mine\r\n");
	person_says(all, 2, "noop\r\n");
}

static void
idle_talk(struct people *all)
{
	person_says(all, 2, "noop\r\n");
}

static void
idle_release(struct people *all)
{
	assert_true(all->person[0].ended);
	IS_IN(all->person[0].ended_ns - all->begun, 60, all->slack);
	assert_string_equal(all->person[0].in, "OK \r\n");
	assert_false(all->person[1].ended);
	assert_false(all->person[2].ended);
	person_says(all, 1, "releaselock lock=mine\r\n");
}

static void
idle_end(struct people *all)
{
	assert_string_equal(all->person[1].in, "OK \r\nOK \r\n");
	assert_true(all->person[1].ended);
	IS_IN(all->person[1].ended_ns - all->begun, 160, all->slack);
	assert_true(all->person[2].ended);
}

static const struct moment idle_scene[] = {{0, idle_begin}, {50000, idle_talk}, {70000, idle_talk},
    {100000, idle_release}, {240000, idle_end}};

/* A daemon that does not run for a minute while the rest of a line comes in. */

static void
stall_begin(struct people *all)
{
	all->server->config->server.idle_timeout_ms = 60 * 1000;
	person_says(all, 0, "noo");
	person_says(all, 1, "noop\r\n");
}

static void
stall(struct people *all)
{
	person_says(all, 0, "p\r\n");
	person_says(all, 1, "noop\r\n");
	sim_advance(70 * SIM_S);
}

static void
stall_end(struct people *all)
{
	assert_string_equal(all->person[0].in, "OK \r\n");
	assert_string_equal(all->person[1].in, "OK \r\nOK \r\n");
	assert_false(all->person[0].ended);
	assert_false(all->person[1].ended);
}

static const struct moment stall_scene[] = {{0, stall_begin}, {5000, stall}, {76000, stall_end}};

/* The same with a rest so long that it takes many short reads: all of it had come in time. */

static void
long_stall_begin(struct people *all)
{
	person_says(all, 0, "noop ");
}

static void
long_stall(struct people *all)
{
	static const char piece[] = "and what else there was to say ";

	for (int i = 0; i < 8; i++)
		person_says(all, 0, piece);
	person_says(all, 0, "\r\n");
	sim_advance(70 * SIM_S);
}

static void
long_stall_end(struct people *all)
{
	assert_string_equal(all->person[0].in, "OK \r\n");
	assert_false(all->person[0].ended);
}

static const struct moment long_stall_scene[] = {
    {0, long_stall_begin}, {5000, long_stall}, {106000, long_stall_end}};

/* A client that does not read: it is not read from, others are served, and it gets all in the end.
 */

enum { MANY = 600 };

static void
deaf_begin(struct people *all)
{
	all->person[0].deaf = true;
	for (int i = 0; i < MANY; i++)
		person_says(all, 0, "noop\r\n");
	person_says(all, 1, "noop\r\n");
}

static void
deaf_middle(struct people *all)
{
	assert_true(sim_peer_unread(all->person[0].peer) > 0 || all->person[0].out_len > 0);
	assert_string_equal(all->person[1].in, "OK \r\n");
	person_says(all, 1, "noop\r\n");
	all->person[0].deaf = false;
}

static void
deaf_end(struct people *all)
{
	const struct person *person = &all->person[0];

	assert_int_equal(person->in_len, MANY * strlen("OK \r\n"));
	for (size_t i = 0; i < person->in_len; i += strlen("OK \r\n"))
		assert_memory_equal(person->in + i, "OK \r\n", strlen("OK \r\n"));
	assert_string_equal(all->person[1].in, "OK \r\nOK \r\n");
}

static const struct moment deaf_scene[] = {
    {0, deaf_begin}, {20000, deaf_middle}, {600000, deaf_end}};

/* Running them. */

static struct people people;

static void
plain_run(const struct moment *moments, size_t n, int64_t wall_ns)
{
	people_run(&people, 1, moments, n, false, wall_ns);
}

static void
line_run(uint64_t seed)
{
	people_run(&people, seed, SCENE(line_scene), true, 0);
}

static void
idle_run(uint64_t seed)
{
	people_run(&people, seed, SCENE(idle_scene), true, 0);
}

static void
long_stall_run(uint64_t seed)
{
	people_run(&people, seed, SCENE(long_stall_scene), true, 0);
}

static void
deaf_run(uint64_t seed)
{
	people_run(&people, seed, SCENE(deaf_scene), true, 0);
}

static void
an_unfinished_line_is_cut_at_its_timeout_and_others_do_not_notice(void **state)
{
	(void)state;
	plain_run(SCENE(line_scene), 0);
	sim_runs(100, line_run);
}

static void
each_line_has_its_own_timeout(void **state)
{
	(void)state;
	plain_run(SCENE(lines_scene), 0);
}

static void
silence_is_cut_at_its_timeout_but_not_of_one_who_holds_a_lock(void **state)
{
	(void)state;
	plain_run(SCENE(idle_scene), 0);
	sim_runs(100, idle_run);
}

static void
the_wall_clock_moves_no_timeout(void **state)
{
	(void)state;
	for (int64_t hours = -1; hours <= 1; hours += 2) {
		plain_run(SCENE(line_scene), hours * 3600 * SIM_S);
		plain_run(SCENE(idle_scene), hours * 3600 * SIM_S);
	}
}

static void
a_stalled_daemon_reads_what_has_come_before_it_judges(void **state)
{
	(void)state;
	plain_run(SCENE(stall_scene), 0);
	sim_runs(100, long_stall_run);
}

static void
a_client_that_does_not_read_is_not_read_from_and_gets_all_in_the_end(void **state)
{
	(void)state;
	plain_run(SCENE(deaf_scene), 0);
	sim_runs(20, deaf_run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(an_unfinished_line_is_cut_at_its_timeout_and_others_do_not_notice),
	    SIM_TEST(each_line_has_its_own_timeout),
	    SIM_TEST(silence_is_cut_at_its_timeout_but_not_of_one_who_holds_a_lock),
	    SIM_TEST(the_wall_clock_moves_no_timeout),
	    SIM_TEST(a_stalled_daemon_reads_what_has_come_before_it_judges),
	    SIM_TEST(a_client_that_does_not_read_is_not_read_from_and_gets_all_in_the_end),
	};

	return SIM_MAIN("latchd and time", tests);
}
