/* SPDX-License-Identifier: ISC */
/*
 * A list of locks that its client reads slowly, while others release and take: those that are held
 * all the while are in it, once each, and in order.
 */
#include "people.h"
#include "reload.h"

#include <stdio.h>
#include <string.h>

enum { KEPT = 40, GOING = 20, NAME_LEN = 150 };

static void
say_each(struct people *all, size_t who, const char *verb, const char *prefix, int n)
{
	char line[256];

	for (int i = 0; i < n; i++) {
		snprintf(
		    line, sizeof(line), "%s lock=%s-%02d-%0*d\r\n", verb, prefix, i, NAME_LEN, 0);
		person_says(all, who, line);
	}
}

static void
begin(struct people *all)
{
	all->server->config->server.line_timeout_ms = 3600 * 1000;
	all->server->config->server.max_output = 4096;
	assert_int_equal(server_apply_config(all->server), 0);
	say_each(all, 0, "trylock", "kept", KEPT);
	say_each(all, 1, "trylock", "gone", GOING);
}

static void
list(struct people *all)
{
	assert_int_equal(locks_count(all->server->service.locks), KEPT + GOING);
	all->person[2].deaf = true;
	person_says(all, 2, "locks\r\nlocks\r\nnoop\r\n");
}

static void
change(struct people *all)
{
	say_each(all, 1, "releaselock", "gone", GOING);
	say_each(all, 1, "trylock", "kept-too", GOING);
}

static void
read_on(struct people *all)
{
	all->person[2].deaf = false;
}

/* Checks one list, counts its names with that prefix and returns where it ends. */
static const char *
check_list(const char *list, const char *prefix, int *n)
{
	const char *head = "LOCKS:\n", *end;
	char line[512], last[512] = "";

	assert_memory_equal(list, head, strlen(head));
	list += strlen(head);
	for (*n = 0; *list != '\n'; list = end + 1) {
		end = strchr(list, '\n');
		assert_non_null(end);
		snprintf(line, sizeof(line), "%.*s", (int)(end - list), list);
		assert_non_null(
		    strstr(line, " = DDLockd::Client::Internal(R): open to 127.0.0.1:"));
		assert_true(strcmp(last, line) < 0);
		strlcpy(last, line, sizeof(last));
		*n += strncmp(line + 2, prefix, strlen(prefix)) == 0;
	}
	return list + 1;
}

/* The first list began before the change and was not read until after it, the second began later.
 */
static void
check(struct people *all)
{
	const char *first = all->person[2].in, *second, *end;
	int kept, kept_too;

	second = check_list(first, "kept-", &kept);
	assert_int_equal(kept, KEPT);
	end = check_list(second, "kept-too-", &kept_too);
	assert_int_equal(kept_too, GOING);
	check_list(second, "kept-", &kept);
	assert_int_equal(kept, KEPT + GOING);
	assert_string_equal(end, "OK \r\n");
	assert_null(strstr(second, "gone-"));
	assert_int_equal(locks_count(all->server->service.locks), KEPT + GOING);
}

/* Bytes that come one by one, and signals all the time, take a while. */
static const struct moment moments[] = {
    {0, begin}, {5000000, list}, {6000000, change}, {10000000, read_on}, {20000000, check}};

static void
one_run(uint64_t seed)
{
	static struct people people;
	struct sim_faults faults;

	sim_begin(seed);
	sim_random_faults();
	faults = *sim_faults();
	faults.buffer = faults.buffer < 1000 ? faults.buffer : 1000;
	sim_set_faults(&faults);
	people_begin(&people, SCENE(moments));
	people_live(&people);
	sim_end();
}

static void
a_list_that_is_read_slowly_has_what_is_held_all_the_while(void **state)
{
	(void)state;
	sim_runs(60, one_run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(a_list_that_is_read_slowly_has_what_is_held_all_the_while),
	};

	return SIM_MAIN("latchd list", tests);
}
