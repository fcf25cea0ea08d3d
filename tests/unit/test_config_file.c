/* SPDX-License-Identifier: ISC */
/*
 * What the INI syntax lets people write: each error is reported with its line and with how to mend
 * it, all of them in one run, and nothing is read otherwise than it looks.
 */
#include "config_helpers.h"

static void
options_of_all_sections_are_read(void **state)
{
	struct config *cfg = parse("; a comment\n"
				   "# another\n"
				   "   ; an indented one\n"
				   "\t\n"
				   "[server] ; of all\n"
				   "max_clients = 5 ; five\n"
				   "[listen  web]\n"
				   "address : [::1]:7002\n"
				   "[log];\n"
				   "level=debug\n"
				   "[listen\tlocal]\n"
				   "address=unix:/run/a=b;c\n"
				   "[locks]\n"
				   "max_name = 64");

	(void)state;
	assert_int_equal(cfg->server.max_clients, 5);
	assert_int_equal(cfg->log.level, CONFIG_LEVEL_DEBUG);
	assert_int_equal(cfg->locks.max_name, 64);
	assert_int_equal(cfg->n_listen, 2);
	assert_string_equal(cfg->listen[0].name, "web");
	assert_string_equal(cfg->listen[0].address, "[::1]:7002");
	assert_int_equal(cfg->listen[0].line, 7);
	assert_string_equal(cfg->listen[1].name, "local");
	assert_string_equal(cfg->listen[1].address, "unix:/run/a=b;c");
	assert_int_equal(cfg->listen[1].line, 11);
	config_free(cfg);
}

static void
a_byte_order_mark_and_windows_line_ends_are_accepted(void **state)
{
	struct config *cfg = parse("\xEF\xBB\xBF[server]\r\nmax_clients = 5\r\n\r\n"
				   "[listen a]\r\naddress = a:1\r\nprefix = p\r\n");

	(void)state;
	assert_int_equal(cfg->server.max_clients, 5);
	assert_string_equal(cfg->listen[0].prefix, "p");
	config_free(cfg);
}

static void
all_errors_of_a_file_are_reported_each_with_its_line(void **state)
{
	(void)state;
	assert_refused("max_line = 5000\n"
		       "max_lime = 5000\n"
		       "[server]\n"
		       "max_line = 12\n"
		       "\n"
		       "backlog = many\n"
		       "nonsense\n"
		       "[lock]\n"
		       "max_locks = skipped, since the section is\n"
		       "[log]\n"
		       "level = loud\n",
	    "f:1: option max_line stands before any section: put it below a line like [server]\n"
	    "f:4: max_line must be between 256 and 65536 bytes, not 12\n"
	    "f:6: backlog must be between 1 and 65535, not many\n"
	    "f:7: neither a section nor an option: write [SECTION] or OPTION = VALUE\n"
	    "f:8: there is no section [lock]: did you mean [locks]?\n"
	    "f:11: level must be error, warning, info or debug, not loud\n");
}

static void
an_unknown_option_gets_the_name_that_was_probably_meant(void **state)
{
	(void)state;
	assert_refused("[server]\nmaxclients = 5\nMAX_LINE = 5000\nkeepalvie = 5\nfoo = 1\n"
		       "prefix = x\nmax_locks = 3\nmax_cleints = 4\nmax_line x = 5\n",
	    "f:2: [server] has no option maxclients: did you mean max_clients?\n"
	    "f:3: [server] has no option MAX_LINE: did you mean max_line?\n"
	    "f:4: [server] has no option keepalvie: did you mean keepalive?\n"
	    "f:5: [server] has no option foo\n"
	    "f:6: [server] has no option prefix: it belongs in [listen NAME]\n"
	    "f:7: [server] has no option max_locks: it belongs in [locks]\n"
	    "f:8: [server] has no option max_cleints: did you mean max_clients?\n"
	    "f:9: [server] has no option max_line x: did you mean max_line?\n");
}

static void
an_unknown_section_is_refused_even_when_it_is_empty(void **state)
{
	(void)state;
	assert_refused("[sevrer]\n[metrics]\n[]\n[Log]\n[lisen web]\n[server x]\n[server ]\n",
	    "f:1: there is no section [sevrer]: did you mean [server]?\n"
	    "f:2: there is no section [metrics], only [server], [locks], [log] and [listen NAME]\n"
	    "f:3: there is no section [], only [server], [locks], [log] and [listen NAME]\n"
	    "f:4: there is no section [Log]: did you mean [log]?\n"
	    "f:5: there is no section [lisen web]: did you mean [listen NAME]?\n"
	    "f:6: there is no section [server x]: did you mean [server]?\n"
	    "f:7: there is no section [server ]: did you mean [server]?\n");
}

static void
nothing_may_be_said_twice(void **state)
{
	(void)state;
	assert_refused("[server]\nmax_line = 5000\nmax_line = 5000\n[log]\n[server]\n",
	    "f:3: max_line is already set on line 2\n"
	    "f:5: [server] already stands on line 1: put its options there\n");
	assert_refused("[listen a]\naddress = a:1\n[listen a]\naddress = a:2\n"
		       "[listen b]\naddress = a:1\n",
	    "f:3: [listen a] already stands on line 1\n"
	    "f:6: [listen a] on line 1 already has this address\n");
	/* The options of one listener say nothing of another's. */
	config_free(parse("[listen a]\naddress = a:1\nprefix = p\n"
			  "[listen b]\naddress = a:2\nprefix = p\n"));
}

static void
a_listener_has_a_name_and_an_address(void **state)
{
	(void)state;
	assert_refused("[listen]\n[listen a b]\n[listen \xC3\xA9]\n[listen a/b]\n"
		       "[listen 123456789012345678901234567890123]\n",
	    "f:1: a listener needs a name of 1 to 32 letters, digits, '_', '.', '-', not ''\n"
	    "f:2: a listener needs a name of 1 to 32 letters, digits, '_', '.', '-', not 'a b'\n"
	    "f:3: a listener needs a name of 1 to 32 letters, digits, '_', '.', '-', not "
	    "'\\303\\251'\n"
	    "f:4: a listener needs a name of 1 to 32 letters, digits, '_', '.', '-', not 'a/b'\n"
	    "f:5: a listener needs a name of 1 to 32 letters, digits, '_', '.', '-', not "
	    "'123456789012345678901234567890123'\n");
	assert_refused("[listen web]\nprefix = w\n[log]\n[listen last]\n",
	    "f:1: [listen web] needs an address, such as address = 127.0.0.1:7002\n"
	    "f:4: [listen last] needs an address, such as address = 127.0.0.1:7002\n");
	config_free(parse("[listen 12345678901234567890123456789012]\naddress = a:1\n"));
}

static void
administrators_come_by_a_unix_socket_or_not_at_all(void **state)
{
	static const char reason[] =
	    "admin = yes needs an address like unix:/run/latchd/admin.sock, since over TCP the "
	    "kernel attests nobody: give administrators a [listen NAME] of their own\n";
	char expected[600];

	(void)state;
	snprintf(expected, sizeof(expected), "f:3: %sf:8: %s", reason, reason);
	assert_refused("[listen a]\naddress = a:1\nadmin = yes\n"
		       "[listen b]\naddress = unix:/b\nadmin = yes\n"
		       "[listen c]\nadmin = on\naddress = UNIX:/c\n",
	    expected);
	/* Without an address that alone is what is wrong. */
	assert_refused("[listen a]\nadmin = yes\n",
	    "f:1: [listen a] needs an address, such as address = 127.0.0.1:7002\n");
	config_free(parse("[listen a]\naddress = a:1\nadmin = no\n"));
}

static void
a_section_line_that_would_be_read_in_part_is_refused(void **state)
{
	(void)state;
	assert_refused(
	    "[server\nmax_line = 5000\n", "f:1: ']' is missing behind the section's name\n");
	assert_refused("[log] level = debug\n",
	    "f:1: what stands behind ']' would be ignored: only a comment, from ';' on, may\n");
	assert_refused("[listen                                              web]\n",
	    "f:1: a section's name has at most 49 bytes, not 55\n");
}

static void
an_indented_line_would_continue_another_and_is_refused(void **state)
{
	static const char reason[] =
	    "a line must not begin with a blank, which would continue the line above it\n";
	char expected[300];

	(void)state;
	snprintf(expected, sizeof(expected), "f:3: %sf:4: %s", reason, reason);
	assert_refused(
	    "[server]\nmax_line = 5000\n  max_output = 64K\n\t[log]\nlevel = debug\n", expected);
}

/* "[log]" and a line of LEN bytes below it, ended by END. */
static struct config *
parse_long_line(const char *begin, size_t len, const char *end, struct reports *reports)
{
	char text[1000];
	size_t used = (size_t)snprintf(text, sizeof(text), "[log]\n%s", begin);
	size_t fill = len - strlen(begin);

	memset(text + used, 'x', fill);
	snprintf(text + used + fill, sizeof(text) - used - fill, "%slevel = debug\n", end);
	return parse_bytes(text, strlen(text), reports);
}

static void
a_line_that_would_be_cut_is_refused_and_the_next_one_is_read(void **state)
{
	struct reports reports;
	struct config *cfg;
	size_t limit = line_limit();
	char expected[200];

	(void)state;
	cfg = parse_long_line("# ", limit, "\n", &reports);
	assert_non_null(cfg);
	assert_int_equal(cfg->log.level, CONFIG_LEVEL_DEBUG);
	config_free(cfg);
	cfg = parse_long_line("# ", limit, "\r\n", &reports);
	assert_non_null(cfg);
	config_free(cfg);

	assert_null(parse_long_line("level = ", limit + 1, "\n", &reports));
	snprintf(expected, sizeof(expected),
	    "f:2: the line has %zu bytes, and no more than %zu of one are read: shorten it\n",
	    limit + 1, limit);
	assert_string_equal(reports.text, expected);
	assert_null(parse_long_line("# ", 900, "\r\nlevel = info\n", &reports));
	snprintf(expected, sizeof(expected),
	    "f:2: the line has 900 bytes, and no more than %zu of one are read: shorten it\n"
	    "f:4: level is already set on line 3\n",
	    limit);
	assert_string_equal(reports.text, expected);
}

static void
a_line_without_a_name_and_an_equals_sign_is_no_option(void **state)
{
	(void)state;
	assert_refused("[log]\nlevel ;= debug\nlevel\n= debug\n",
	    "f:2: neither a section nor an option: write [SECTION] or OPTION = VALUE\n"
	    "f:3: neither a section nor an option: write [SECTION] or OPTION = VALUE\n"
	    "f:4: neither a section nor an option: write [SECTION] or OPTION = VALUE\n");
}

static void
there_can_be_a_thousand_listeners_and_no_more(void **state)
{
	char *text;
	size_t len;
	struct reports reports;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	for (int i = 1; i <= CONFIG_LISTEN_MAX; i++)
		fprintf(out, "[listen %d]\naddress = a:%d\n", i, i);
	fflush(out);
	struct config *cfg = parse_bytes(text, len, &reports);

	assert_int_equal(cfg->n_listen, CONFIG_LISTEN_MAX);
	assert_string_equal(cfg->listen[999].address, "a:1000");
	config_free(cfg);
	fputs("[listen last]\n", out);
	fclose(out);
	assert_null(parse_bytes(text, len, &reports));
	assert_string_equal(reports.text, "f:2001: there can be at most 1000 listeners\n");
	free(text);
}

static void
unprintable_and_endless_words_are_reported_escaped_and_cut(void **state)
{
	char text[400] = "[server]\n", expected[400];

	(void)state;
	assert_refused("[server]\nback\x1b[31mlog\x07 = 1\n",
	    "f:2: [server] has no option back\\033[31mlog\\a\n");
	memset(text + strlen(text), 'k', 150);
	strlcat(text, " = 1\n", sizeof(text));
	snprintf(expected, sizeof(expected), "f:2: [server] has no option %.80s...\n", text + 9);
	assert_refused(text, expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_of_all_sections_are_read),
	    cmocka_unit_test(a_byte_order_mark_and_windows_line_ends_are_accepted),
	    cmocka_unit_test(all_errors_of_a_file_are_reported_each_with_its_line),
	    cmocka_unit_test(an_unknown_option_gets_the_name_that_was_probably_meant),
	    cmocka_unit_test(an_unknown_section_is_refused_even_when_it_is_empty),
	    cmocka_unit_test(nothing_may_be_said_twice),
	    cmocka_unit_test(a_listener_has_a_name_and_an_address),
	    cmocka_unit_test(administrators_come_by_a_unix_socket_or_not_at_all),
	    cmocka_unit_test(a_section_line_that_would_be_read_in_part_is_refused),
	    cmocka_unit_test(an_indented_line_would_continue_another_and_is_refused),
	    cmocka_unit_test(a_line_that_would_be_cut_is_refused_and_the_next_one_is_read),
	    cmocka_unit_test(a_line_without_a_name_and_an_equals_sign_is_no_option),
	    cmocka_unit_test(there_can_be_a_thousand_listeners_and_no_more),
	    cmocka_unit_test(unprintable_and_endless_words_are_reported_escaped_and_cut),
	};

	return cmocka_run_group_tests_name("config file", tests, NULL, NULL);
}
