/* SPDX-License-Identifier: ISC */
/* The load of the last five minutes, and how many connections an address has. */
#include "ipcount.h"
#include "stats.h"

#include "unit.h"

#define S INT64_C(1000000000)

static void
the_load_is_that_of_the_last_five_minutes(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats, 1000 * S);
	assert_int_equal(stats_load(&stats, 1000 * S), 0);
	for (int i = 0; i < 10; i++)
		stats_count_trylock(&stats, 1000 * S, i < 7);
	assert_int_equal(stats.successes, 7);
	assert_int_equal(stats.failures, 3);
	assert_int_equal(stats_load(&stats, 1000 * S), 10);
	assert_int_equal(stats_load(&stats, 1290 * S), 10);
	assert_int_equal(stats_load(&stats, 1303 * S), 0);
	stats_count_trylock(&stats, 1303 * S, true); /* in the bucket of the old ones */
	assert_int_equal(stats_load(&stats, 1303 * S), 1);
	assert_int_equal(stats_runtime_s(&stats, 1303 * S + S / 2), 303);
}

static void
one_a_second_makes_a_load_of_three_hundred(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats, 0);
	for (int s = 0; s < 2000; s++)
		stats_count_trylock(&stats, s * S, true);
	assert_in_range(stats_load(&stats, 1999 * S), 298, 300);
	assert_int_equal(stats_load(&stats, 100000 * S), 0);
}

static void
addresses_are_counted_apart_and_forgotten(void **state)
{
	struct ipcounts counts = RB_INITIALIZER(&counts);
	const uint8_t a[4] = {192, 0, 2, 1}, b[4] = {192, 0, 2, 2};
	struct ipcount *first = ipcount_enter(&counts, a, 4);

	(void)state;
	assert_ptr_equal(ipcount_enter(&counts, a, 4), first);
	struct ipcount *other = ipcount_enter(&counts, b, 4);
	assert_ptr_not_equal(other, first);
	assert_int_equal(first->clients, 2);
	assert_int_equal(other->clients, 1);
	ipcount_leave(&counts, first);
	assert_int_equal(first->clients, 1);
	ipcount_leave(&counts, first);
	ipcount_leave(&counts, other);
	assert_true(RB_EMPTY(&counts));
}

static void
an_ipv6_network_counts_as_one_address(void **state)
{
	struct ipcounts counts = RB_INITIALIZER(&counts);
	uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct ipcount *first = ipcount_enter(&counts, ip, 16);

	(void)state;
	ip[15] = 7; /* another host of the same /64 */
	assert_ptr_equal(ipcount_enter(&counts, ip, 16), first);
	ip[7] = 7; /* another network */
	struct ipcount *other = ipcount_enter(&counts, ip, 16);
	assert_ptr_not_equal(other, first);
	ipcount_leave(&counts, other);
	ipcount_leave(&counts, first);
	ipcount_leave(&counts, first);
	assert_true(RB_EMPTY(&counts));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_load_is_that_of_the_last_five_minutes),
	    cmocka_unit_test(one_a_second_makes_a_load_of_three_hundred),
	    cmocka_unit_test(addresses_are_counted_apart_and_forgotten),
	    cmocka_unit_test(an_ipv6_network_counts_as_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
