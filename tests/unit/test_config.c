/* SPDX-License-Identifier: ISC */
/*
 * A configuration as a whole: its defaults and its printed form, what differs between two of them,
 * what a reload takes over, and listeners from the command line.
 */
#include "config_helpers.h"

static void
without_a_word_the_defaults_of_the_manual_are_in_effect(void **state)
{
	struct config *cfg = config_new();

	(void)state;
	assert_non_null(cfg);
	assert_int_equal(cfg->server.max_clients, 10000);
	assert_int_equal(cfg->server.max_clients_per_ip, 0);
	assert_int_equal(cfg->server.max_line, 4096);
	assert_int_equal(cfg->server.max_output, 256 * 1024);
	assert_int_equal(cfg->server.line_timeout_ms, 30000);
	assert_int_equal(cfg->server.idle_timeout_ms, 0);
	assert_int_equal(cfg->server.keepalive_ms, 10000);
	assert_int_equal(cfg->server.backlog, 4096);
	assert_int_equal(cfg->locks.max_locks, 1000000);
	assert_int_equal(cfg->locks.max_locks_per_client, 10000);
	assert_int_equal(cfg->locks.max_name, 1024);
	assert_int_equal(cfg->locks.max_waiters, 10000);
	assert_int_equal(cfg->locks.max_waits_per_client, 1000);
	assert_int_equal(cfg->locks.max_lease_ms, 3600000);
	assert_int_equal(cfg->locks.max_detached, 10000);
	assert_int_equal(cfg->locks.max_note, 256);
	assert_int_equal(cfg->locks.history, 65536);
	assert_int_equal(cfg->log.level, CONFIG_LEVEL_INFO);
	assert_int_equal(cfg->n_listen, 1);
	assert_string_equal(cfg->listen[0].name, "default");
	assert_string_equal(cfg->listen[0].address, "127.0.0.1:7002");
	assert_string_equal(cfg->listen[0].prefix, "");
	assert_int_equal(cfg->listen[0].max_clients, 0);
	assert_int_equal(cfg->listen[0].max_locks, 0);
	assert_int_equal(cfg->listen[0].mode, 0);
	assert_int_equal(config_listen_mode(&cfg->listen[0]), 0660);
	assert_int_equal(cfg->listen[0].admin, 0);
	assert_int_equal(cfg->listen[0].line, 0);
	config_free(cfg);
	config_free(NULL);
}

static void
an_empty_file_gives_the_defaults(void **state)
{
	static const char *const files[] = {"", "\n", "# nothing", "\xEF\xBB\xBF", "[server]\n"};
	struct config *defaults = config_new();

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct config *cfg = parse(files[i]);

		assert_int_equal(config_diff(defaults, cfg, NULL, NULL), 0);
		config_free(cfg);
	}
	config_free(defaults);
}

static const char all_set[] = "[server]\nmax_clients = 7\nmax_clients_per_ip = 6\nmax_line = 512\n"
			      "max_output = 8K\nline_timeout = 2500ms\nidle_timeout = 90s\n"
			      "keepalive = 4\nbacklog = 9\n"
			      "[locks]\nmax_locks = 11\nmax_locks_per_client = 12\nmax_name = 13\n"
			      "max_waiters = 16\nmax_waits_per_client = 17\nmax_lease = 18\n"
			      "max_detached = 19\nmax_note = 0\nhistory = 0\n"
			      "[log]\nlevel = debug\n"
			      "[listen web]\naddress = *:1\nprefix = w/\nmax_clients = 14\n"
			      "max_locks = 15\nmode = 0600\n"
			      "[listen b.2_-]\naddress = unix:/x\nadmin = yes\n";

static void
what_is_printed_reads_back_as_the_same(void **state)
{
	struct config *cfg = parse(all_set);
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(config_print(cfg, out), 0);
	fclose(out);
	struct config *again = parse(text);

	assert_int_equal(config_diff(cfg, again, NULL, NULL), 0);
	assert_non_null(strstr(text, "[server]\n; connections at a time, over all listeners\n"
				     "max_clients = 7\n"));
	assert_non_null(strstr(text, "\n\n[listen b.2_-]\naddress = unix:/x\nprefix =\n"));
	assert_non_null(strstr(text, "\nmode = 0\nadmin = yes\n"));
	config_free(again);
	config_free(cfg);
	free(text);
}

static void
a_full_disk_is_noticed_when_printing(void **state)
{
	struct config *cfg = config_new();
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(config_print(cfg, out), -1);
	fclose(out);
	config_free(cfg);
}

static void
note_change(void *arg, const struct config_change *change)
{
	char line[800];

	snprintf(line, sizeof(line), "%s: %s -> %s%s", change->name,
	    change->from ? change->from : "()", change->to ? change->to : "()",
	    change->reloadable ? "" : " (restart)");
	collect(arg, line);
}

static void
every_difference_is_named_and_says_whether_it_needs_a_restart(void **state)
{
	struct config *old = parse("[listen web]\naddress = a:1\n[listen gone]\naddress = a:2\n");
	struct config *new = parse(all_set);
	struct reports changes = {.n = 0};

	(void)state;
	size_t n = config_diff(old, new, note_change, &changes);

	assert_int_equal(n, changes.n);
	assert_string_equal(changes.text, "[server] max_clients: 10000 -> 7\n"
					  "[server] max_clients_per_ip: 0 -> 6\n"
					  "[server] max_line: 4 KiB -> 512\n"
					  "[server] max_output: 256 KiB -> 8 KiB\n"
					  "[server] line_timeout: 30s -> 2500ms\n"
					  "[server] idle_timeout: 0 -> 90s\n"
					  "[server] keepalive: 10s -> 4s\n"
					  "[server] backlog: 4096 -> 9 (restart)\n"
					  "[locks] max_locks: 1000000 -> 11\n"
					  "[locks] max_locks_per_client: 10000 -> 12\n"
					  "[locks] max_name: 1 KiB -> 13\n"
					  "[locks] max_waiters: 10000 -> 16\n"
					  "[locks] max_waits_per_client: 1000 -> 17\n"
					  "[locks] max_lease: 1h -> 18s\n"
					  "[locks] max_detached: 10000 -> 19\n"
					  "[locks] max_note: 256 -> 0\n"
					  "[locks] history: 65536 -> 0\n"
					  "[log] level: info -> debug\n"
					  "[listen web] address: a:1 -> *:1 (restart)\n"
					  "[listen web] prefix:  -> w/\n"
					  "[listen web] max_clients: 0 -> 14\n"
					  "[listen web] max_locks: 0 -> 15\n"
					  "[listen web] mode: 0 -> 0600\n"
					  "[listen gone]: a:2 -> () (restart)\n"
					  "[listen b.2_-]: () -> unix:/x (restart)\n");
	config_free(new);
	config_free(old);
}

static void
a_reload_takes_over_what_it_may_and_leaves_the_rest_as_it_runs(void **state)
{
	struct config *running =
	    parse("[listen web]\naddress = a:1\n[listen gone]\naddress = a:2\n");
	struct config *fresh = parse(all_set);
	const struct listen_config *web = config_find_listener(running, "web");
	struct reports changes = {.n = 0};

	(void)state;
	config_adopt(running, fresh);
	assert_int_equal(running->server.max_line, 512);
	assert_int_equal(running->log.level, CONFIG_LEVEL_DEBUG);
	assert_ptr_equal(config_find_listener(running, "web"), web);
	assert_string_equal(web->prefix, "w/");
	assert_int_equal(web->mode, 0600);
	assert_int_equal(running->locks.max_waiters, 16);
	assert_int_equal(running->locks.max_waits_per_client, 17);
	assert_int_equal(running->locks.max_lease_ms, 18000);
	assert_int_equal(running->locks.max_detached, 19);
	assert_int_equal(running->locks.max_note, 0);
	assert_int_equal(running->locks.history, 0);
	/* What is left is what a restart would change, now and at every later reload. */
	config_diff(running, fresh, note_change, &changes);
	assert_string_equal(changes.text, "[server] backlog: 4096 -> 9 (restart)\n"
					  "[listen web] address: a:1 -> *:1 (restart)\n"
					  "[listen gone]: a:2 -> () (restart)\n"
					  "[listen b.2_-]: () -> unix:/x (restart)\n");
	config_free(fresh);
	config_free(running);
}

static void
a_reload_changes_a_mode_to_0_and_back_but_makes_nobody_an_administrator(void **state)
{
	struct config *running = parse("[listen a]\naddress = unix:/a\nmode = 0606\n"
				       "[listen b]\naddress = unix:/b\nadmin = yes\n");
	struct config *fresh = parse("[listen a]\naddress = unix:/a\nadmin = yes\n"
				     "[listen b]\naddress = unix:/b\nmode = 0640\n");
	const struct listen_config *a = config_find_listener(running, "a"),
				   *b = config_find_listener(running, "b");
	struct reports changes = {.n = 0};

	(void)state;
	assert_int_equal(config_listen_mode(a), 0606);
	assert_int_equal(config_listen_mode(b), 0600);
	config_adopt(running, fresh);
	assert_int_equal(a->admin, 0);
	assert_int_equal(a->mode, 0);
	assert_int_equal(config_listen_mode(a), 0660);
	assert_int_equal(b->admin, 1);
	assert_int_equal(config_listen_mode(b), 0640);
	config_diff(running, fresh, note_change, &changes);
	assert_string_equal(changes.text, "[listen a] admin: no -> yes (restart)\n"
					  "[listen b] admin: yes -> no (restart)\n");
	config_free(fresh);
	config_free(running);
}

static void
addresses_of_the_command_line_take_the_place_of_all_listeners(void **state)
{
	static const char *const addresses[] = {"a:1", "unix:/y"};
	struct reports reports = {.n = 0};
	struct config_hooks hooks = hooks_of(&reports);
	struct config *cfg = parse(all_set);

	(void)state;
	assert_int_equal(config_set_listeners(cfg, addresses, 0, &hooks), 0);
	assert_non_null(config_find_listener(cfg, "web"));
	assert_int_equal(config_set_listeners(cfg, addresses, 2, &hooks), 0);
	assert_int_equal(cfg->n_listen, 2);
	assert_null(config_find_listener(cfg, "web"));
	assert_string_equal(config_find_listener(cfg, "arg1")->address, "a:1");
	assert_string_equal(config_find_listener(cfg, "arg2")->address, "unix:/y");
	assert_int_equal(config_listen_mode(config_find_listener(cfg, "arg2")), 0660);
	assert_int_equal(config_find_listener(cfg, "arg2")->admin, 0);
	assert_int_equal(reports.n, 0);
	config_free(cfg);
}

static void
a_wrong_address_of_the_command_line_changes_nothing(void **state)
{
	static const char *const bad[] = {"a:1", "nonsense"}, *const twice[] = {"a:1", "a:1"},
				 *const empty[] = {""};
	struct reports reports = {.n = 0};
	struct config_hooks hooks = hooks_of(&reports);
	struct config *cfg = parse(all_set), *same = parse(all_set);
	char *endless = calloc(1, 100000);

	(void)state;
	memset(endless, ':', 99999);
	assert_int_equal(config_set_listeners(cfg, bad, 2, &hooks), -1);
	assert_int_equal(config_set_listeners(cfg, twice, 2, &hooks), -1);
	assert_int_equal(config_set_listeners(cfg, empty, 1, &hooks), -1);
	assert_string_equal(reports.text, "-l: address nonsense: has no port\n"
					  "-l: address a:1 is given twice\n"
					  "-l: address needs a value, such as address = "
					  "127.0.0.1:7002\n");
	assert_int_equal(config_set_listeners(cfg, (const char *const *)&endless, 1, &hooks), -1);
	assert_int_equal(config_diff(cfg, same, NULL, NULL), 0);
	config_free(same);
	config_free(cfg);
	free(endless);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_a_word_the_defaults_of_the_manual_are_in_effect),
	    cmocka_unit_test(an_empty_file_gives_the_defaults),
	    cmocka_unit_test(what_is_printed_reads_back_as_the_same),
	    cmocka_unit_test(a_full_disk_is_noticed_when_printing),
	    cmocka_unit_test(every_difference_is_named_and_says_whether_it_needs_a_restart),
	    cmocka_unit_test(a_reload_takes_over_what_it_may_and_leaves_the_rest_as_it_runs),
	    cmocka_unit_test(
		a_reload_changes_a_mode_to_0_and_back_but_makes_nobody_an_administrator),
	    cmocka_unit_test(addresses_of_the_command_line_take_the_place_of_all_listeners),
	    cmocka_unit_test(a_wrong_address_of_the_command_line_changes_nothing),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
