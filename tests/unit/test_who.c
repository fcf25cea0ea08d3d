/* SPDX-License-Identifier: ISC */
/* Who a connection is: what is kept, what is shown, and how long. */
#include "who.h"

#include "unit.h"

static void
assert_text(const char *text, size_t len, const char *expected)
{
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, len + 1); /* and the NUL */
}

static void
a_name_is_shown_before_the_address(void **state)
{
	struct who *who = who_new(7, "worker", 6, "192.0.2.1:4711", 0, 0);
	const char *text;
	size_t len;

	(void)state;
	assert_non_null(who);
	assert_int_equal(who->client, 7);
	text = who_name(who, &len);
	assert_text(text, len, "worker");
	text = who_peer(who, &len);
	assert_text(text, len, "192.0.2.1:4711");
	text = who_shown(who, &len);
	assert_text(text, len, "worker");
	who_unref(who);
}

static void
who_has_no_name_is_shown_by_the_address(void **state)
{
	struct who *who = who_new(UINT64_MAX, NULL, 0, "unix:4711", 4711, 1000);
	const char *text;
	size_t len;

	(void)state;
	assert_non_null(who);
	assert_true(who->client == UINT64_MAX);
	assert_int_equal(who->pid, 4711);
	assert_int_equal(who->uid, 1000);
	text = who_name(who, &len);
	assert_text(text, len, "");
	text = who_shown(who, &len);
	assert_text(text, len, "unix:4711");
	who_unref(who);
}

static void
what_is_too_long_is_cut(void **state)
{
	char name[WHO_NAME_MAX + 10], peer[WHO_PEER_MAX + 10];
	const char *text;
	size_t len;

	(void)state;
	memset(name, 'n', sizeof(name));
	memset(peer, 'p', sizeof(peer) - 1);
	peer[sizeof(peer) - 1] = '\0';
	struct who *who = who_new(1, name, sizeof(name), peer, -1, 0);
	assert_non_null(who);
	name[WHO_NAME_MAX] = '\0';
	peer[WHO_PEER_MAX] = '\0';
	text = who_name(who, &len);
	assert_text(text, len, name);
	text = who_peer(who, &len);
	assert_text(text, len, peer);
	who_unref(who);
}

static void
a_name_is_a_copy_of_any_bytes(void **state)
{
	char name[] = "\xff\n\t \x01", peer[] = "unix:1";
	struct who *who = who_new(1, name, 5, peer, 1, 0);
	const char *text;
	size_t len;

	(void)state;
	assert_non_null(who);
	memset(name, 'x', sizeof(name));
	memset(peer, 'x', sizeof(peer));
	text = who_name(who, &len);
	assert_text(text, len, "\xff\n\t \x01");
	text = who_peer(who, &len);
	assert_text(text, len, "unix:1");
	who_unref(who);
}

static void
the_last_reference_frees(void **state)
{
	struct who *who = who_new(1, "a", 1, "unix:1", 1, 0);

	(void)state;
	assert_non_null(who);
	assert_int_equal(who->refs, 1);
	assert_ptr_equal(who_ref(who), who);
	assert_ptr_equal(who_ref(who), who);
	assert_int_equal(who->refs, 3);
	who_unref(who);
	assert_int_equal(who->refs, 2);
	who_unref(who);
	who_unref(who);
	assert_null(who_ref(NULL));
	who_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_shown_before_the_address),
	    cmocka_unit_test(who_has_no_name_is_shown_by_the_address),
	    cmocka_unit_test(what_is_too_long_is_cut),
	    cmocka_unit_test(a_name_is_a_copy_of_any_bytes),
	    cmocka_unit_test(the_last_reference_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
