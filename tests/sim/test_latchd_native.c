/* SPDX-License-Identifier: ISC */
/*
 * Leases and waits on the virtual clock: a stall of the daemon, jumps of the wall clock, and each
 * allocation and system call failing once while locks are taken in every way.
 */
#include "people.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct people people;

static const char *
said_to(const struct people *all, size_t who)
{
	return all->person[who].in;
}

static bool
was_told(const struct people *all, size_t who, const char *text)
{
	return strstr(said_to(all, who), text) != NULL;
}

/* How often TEXT was told to WHO. */
static size_t
count(const struct people *all, size_t who, const char *text)
{
	size_t n = 0;

	for (const char *at = said_to(all, who); (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* A stall past leases and deadlines, while what would have kept them lies there. */

static void
stall_begin(struct people *all)
{
	person_says(all, 0, "acquire own lease=20\r\nacquire lost lease=20\r\n");
	person_says(all, 1, "acquire key lease=20 key=12345678\r\nacquire given\r\n");
}

static void
stall_queue(struct people *all)
{
	person_says(all, 2, "acquire own wait=600 id=own\r\nacquire key wait=600 id=key\r\n");
	person_says(all, 3, "acquire given wait=15\r\n");
}

static void
stall_come(struct people *all)
{
	sim_advance(60 * SIM_S);
	person_says(all, 0, "renew own lease=500\r\n");
	person_says(all, 4, "renew key lease=500 key=12345678\r\n"); /* a new connection */
	person_says(all, 1, "release given\r\n");
}

static void
stall_end(struct people *all)
{
	assert_true(was_told(all, 0, "&lease=500\r\n"));
	assert_int_equal(count(all, 0, "EVENT what=expired&lock=lost&"), 1);
	assert_int_equal(count(all, 0, "EVENT what=expired&lock=own&"), 0);
	assert_true(was_told(all, 4, "OK lock=key&token="));
	assert_int_equal(count(all, 1, "EVENT "), 0);
	assert_string_equal(said_to(all, 2), "");
	assert_int_equal(strncmp(said_to(all, 3), "OK lock=given&", 14), 0);
	assert_int_equal(locks_count_waits(all->server->service.locks), 2);
}

static const struct moment stall_scene[] = {
    {0, stall_begin}, {4000, stall_queue}, {8000, stall_come}, {100000, stall_end}};

/* A lease and a wait, both of which end after a minute; the wall clock jumps when they have begun.
 */

static void
jump_begin(struct people *all)
{
	person_says(all, 0, "acquire a lease=60\r\nacquire b lease=1h\r\n");
}

static void
jump_wait(struct people *all)
{
	person_says(all, 1, "acquire b wait=40\r\n");
}

static void
jump_before(struct people *all)
{
	assert_int_equal(count(all, 0, "EVENT "), 0);
	assert_string_equal(said_to(all, 1), "");
	person_says(all, 2, "acquire a\r\n");
}

static void
jump_after(struct people *all)
{
	assert_int_equal(count(all, 0, "EVENT what=expired&lock=a&"), 1);
	assert_int_equal(strncmp(said_to(all, 1), "ERR timeout ", 12), 0);
	assert_int_equal(strncmp(said_to(all, 2), "ERR taken ", 10), 0);
	person_says(all, 2, "acquire a\r\nacquire b\r\n");
}

static void
jump_end(struct people *all)
{
	assert_int_equal(count(all, 2, "OK lock=a&"), 1);
	assert_int_equal(count(all, 2, "ERR taken "), 2);
}

static const struct moment jump_scene[] = {{0, jump_begin}, {20000, jump_wait},
    {55000, jump_before}, {110000, jump_after}, {140000, jump_end}};

/* Every way to take a lock, while something fails. */

static void
fail_begin(struct people *all)
{
	person_says(all, 2, "watch prefix=\r\n");
	person_says(all, 0,
	    "iam name=zero\r\n"
	    "acquire a lock=b lease=30 key=01234567 note=why atleast=1 id=0\r\n");
}

static void
fail_wait(struct people *all)
{
	person_says(all, 1,
	    "iam name=one\r\n"
	    "acquire a lock=b wait=600 lease=30 key=89abcdef note=n beat=1 id=w\r\n"
	    "acquire s slots=3 note=slot\r\n");
}

static void
fail_wait_behind(struct people *all)
{
	person_says(all, 3, "acquire s slots=3\r\nacquire b wait=600 beat=1\r\nping id=behind\r\n");
}

static bool
holds(const struct people *all, size_t who, const char *name, const char *released)
{
	char granted[64];

	snprintf(granted, sizeof(granted), "OK lock=%s", name);
	return !all->person[who].ended && was_told(all, who, granted) &&
	       !was_told(all, who, released);
}

static void
fail_release(struct people *all)
{
	assert_false(
	    holds(all, 0, "a&lock=b", "OK id=r0") && holds(all, 1, "a&lock=b", "OK id=r1"));
	assert_false(holds(all, 3, "b", "OK id=r3") && (holds(all, 0, "a&lock=b", "OK id=r0") ||
							   holds(all, 1, "a&lock=b", "OK id=r1")));
	person_says(all, 0, "renew a\r\nrelease a lock=b id=r0\r\n");
}

static void
fail_release_again(struct people *all)
{
	assert_false(holds(all, 1, "a&lock=b", "OK id=r1") && holds(all, 3, "b", "OK id=r3"));
	person_says(all, 1, "inspect b\r\nwhy b\r\nhistory\r\nrelease a lock=b id=r1\r\n");
}

static void
fail_late(struct people *all)
{
	person_says(all, 4, "acquire a id=late\r\nacquire b id=late\r\n");
}

/* A minute later leases are over: what is held is what somebody there was told to hold. */
static void
fail_end(struct people *all)
{
	const struct locks *locks = all->server->service.locks;
	size_t ended = 0, held = 0;

	for (size_t i = 0; i < PEOPLE; i++)
		ended += all->person[i].ended;
	assert_true(ended <= (sim_failed() ? 1 : 0));
	assert_int_equal(locks_count_waits(locks), 0);
	bool b = holds(all, 3, "b", "never");
	assert_false(b && holds(all, 4, "b", "never"));
	held += holds(all, 1, "s", "never") ? 1 : 0;
	held += holds(all, 3, "s", "never") ? 1 : 0;
	held += b || holds(all, 4, "b", "never");
	held += holds(all, 4, "a", "never");
	assert_int_equal(locks_count(locks), held);
	if (sim_failed())
		return;
	assert_true(b);
	assert_true(was_told(all, 0, "OK id=r0"));
	assert_true(was_told(all, 1, "OK id=r1"));
	assert_true(was_told(all, 1, "EVENT what=waiting&lock="));
	assert_true(was_told(all, 2, "EVENT what=queued&lock=a&position=1&who=one\r\n"));
	assert_true(was_told(all, 3, "OK id=behind\r\n"));
	assert_true(was_told(all, 4, "OK lock=a&"));
	assert_true(was_told(all, 4, "ERR taken "));
}

static const struct moment fail_scene[] = {{0, fail_begin}, {2000, fail_wait},
    {4000, fail_wait_behind}, {8000, fail_release}, {12000, fail_release_again}, {60000, fail_late},
    {70000, fail_end}};

static void
live_with_a_failure(void)
{
	sim_set_faults(&(struct sim_faults){.buffer = 400});
	people_begin(&people, SCENE(fail_scene));
	people_live(&people);
}

/* Running them. */

static void
stall_run(uint64_t seed)
{
	sim_begin(seed);
	people_begin(&people, SCENE(stall_scene));
	sim_set_faults(&(struct sim_faults){.interrupt = 100 * sim_random(4),
	    .spurious = 100 * sim_random(4),
	    .shuffle = true,
	    .buffer = 400});
	people_live(&people);
	sim_end();
}

static void
jump_run(uint64_t seed)
{
	people_run(
	    &people, seed, SCENE(jump_scene), true, ((int64_t)sim_random(5) - 2) * 3600 * SIM_S);
}

static void
a_stall_ends_no_lease_and_no_wait_whose_rescue_lies_there(void **state)
{
	(void)state;
	sim_runs(200, stall_run);
}

static void
the_wall_clock_moves_no_lease_and_no_wait(void **state)
{
	(void)state;
	for (int64_t hours = -1; hours <= 1; hours++)
		people_run(&people, 1, SCENE(jump_scene), false, hours * 3600 * SIM_S);
	sim_runs(100, jump_run);
}

static void
whatever_fails_once_nothing_is_held_but_by_those_who_were_told(void **state)
{
	(void)state;
	assert_true(sim_fail_each(1, live_with_a_failure) > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(a_stall_ends_no_lease_and_no_wait_whose_rescue_lies_there),
	    SIM_TEST(the_wall_clock_moves_no_lease_and_no_wait),
	    SIM_TEST(whatever_fails_once_nothing_is_held_but_by_those_who_were_told),
	};

	return SIM_MAIN("latchd native", tests);
}
