/* SPDX-License-Identifier: ISC */
/*
 * Every allocation and every system call of the daemon fails once, in turn: at worst one client is
 * dropped, locks are held by those who hold them, and who comes later is served.
 */
#include "latchd.h"
#include "people.h"

#include <string.h>

static struct latchd latchd;

static void
live_with_a_failure(void)
{
	sim_set_faults(&(struct sim_faults){.buffer = 60});
	latchd.n = 0;
	latchd.may_stall = false;
	for (int i = 0; i < 3; i++)
		latchd_script(&latchd, 12, TALK_HALF_CLOSE);
	latchd_live(&latchd, config_new());
}

static void
whatever_fails_once_drops_one_client_at_most(void **state)
{
	(void)state;
	assert_true(sim_fail_each(2, live_with_a_failure) > 500);
}

/* Clients that are refused, at accept or by their first line, while another one holds a lock. */

static void
begin(struct people *all)
{
	static char line[6000];

	memset(line, 'x', sizeof(line) - 1);
	all->server->max_clients = 2;
	person_says(all, 0, "trylock lock=mine\r\n");
	person_says(all, 1, line);
	person_says(all, 2, "noop\r\n"); /* one too many */
}

/* Those who were refused are gone by now. */
static void
come_later(struct people *all)
{
	all->server->max_clients = PEOPLE;
	person_says(all, 3, "trylock lock=yours\r\nreleaselock lock=yours\r\n");
}

/* So that there is one that no failure hit. */
static void
come_last(struct people *all)
{
	const struct person *first = &all->person[0];
	bool holds = !first->ended && strcmp(first->in, "OK \r\n") == 0;

	assert_int_equal(locks_count(all->server->service.locks), holds ? 1 : 0);
	person_says(all, 4, "trylock lock=theirs\r\n");
}

static void
check(struct people *all)
{
	static const char *const expected[PEOPLE] = {"OK \r\n", "ERR line_too_long \r\n",
	    "ERR too_many_clients \r\n", "OK \r\nOK \r\n", "OK \r\n"};
	int others = 0;

	/* Where one of the first two was dropped there was room for the third. */
	if (strcmp(all->person[2].in, "OK \r\n") == 0)
		others--;
	for (size_t i = 0; i < PEOPLE; i++)
		others += strcmp(all->person[i].in, expected[i]) != 0;
	assert_true(others <= (sim_failed() ? 1 : 0));
}

static const struct moment refusals[] = {
    {0, begin}, {5000, come_later}, {10000, come_last}, {15000, check}};

static struct people people;

static void
refuse_with_a_failure(void)
{
	sim_set_faults(&(struct sim_faults){.buffer = 50});
	people_begin(&people, SCENE(refusals));
	people_live(&people);
}

static void
whatever_fails_once_while_clients_are_refused_hits_one_at_most(void **state)
{
	(void)state;
	assert_true(sim_fail_each(1, refuse_with_a_failure) > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(whatever_fails_once_drops_one_client_at_most),
	    SIM_TEST(whatever_fails_once_while_clients_are_refused_hits_one_at_most),
	};

	return SIM_MAIN("latchd failures", tests);
}
