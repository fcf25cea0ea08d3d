/* SPDX-License-Identifier: ISC */
/*
 * Every type of option: what is accepted and what it means, what is refused and how that reads.
 */
#include "config_helpers.h"

/* "[server]" with OPTION, which has to be accepted. */
static struct config
server_with(const char *option)
{
	char text[400];

	snprintf(text, sizeof(text), "[server]\n%s\n", option);
	struct config *cfg = parse(text), copy = *cfg;

	config_free(cfg);
	copy.listen = NULL;
	return copy;
}

static void
a_size_has_bytes_or_binary_units(void **state)
{
	(void)state;
	assert_int_equal(server_with("max_output = 4096").server.max_output, 4096);
	assert_int_equal(server_with("max_output=5000").server.max_output, 5000);
	assert_int_equal(server_with("max_output = 64K").server.max_output, 65536);
	assert_int_equal(server_with("max_output = 64 KiB").server.max_output, 65536);
	assert_int_equal(server_with("max_output = 64\tk").server.max_output, 65536);
	assert_int_equal(server_with("max_output = 1M").server.max_output, 1 << 20);
	assert_int_equal(server_with("max_output: 64 mib").server.max_output, 64 << 20);
}

static void
a_time_has_seconds_or_a_unit_and_is_never_rounded_down(void **state)
{
	(void)state;
	assert_int_equal(server_with("line_timeout = 2.5").server.line_timeout_ms, 2500);
	assert_int_equal(server_with("line_timeout = 7").server.line_timeout_ms, 7000);
	assert_int_equal(server_with("line_timeout = 1500ms").server.line_timeout_ms, 1500);
	assert_int_equal(server_with("line_timeout = 1.5 m").server.line_timeout_ms, 90000);
	assert_int_equal(server_with("line_timeout = 1H").server.line_timeout_ms, 3600000);
	assert_int_equal(server_with("line_timeout = 1000.5ms").server.line_timeout_ms, 1001);
	assert_int_equal(server_with("idle_timeout = 0").server.idle_timeout_ms, 0);
	assert_int_equal(server_with("idle_timeout = 0.0h").server.idle_timeout_ms, 0);
	assert_refused("[server]\nidle_timeout = 0.0001ms\n",
	    "f:2: idle_timeout must be 0 (never) or between 1s and 8760h, not 0.0001ms\n");
}

struct edge {
	const char *option;
	const char *low, *below, *high, *above;
	const char *reason;
};

static const struct edge edges[] = {
    {"[server]\nmax_clients", "1", "0", "1000000", "1000001", "between 1 and 1000000"},
    {"[server]\nmax_clients_per_ip", "0", "-1", "1000000", "1000001",
	"0 (no limit) or between 1 and 1000000"},
    {"[server]\nmax_line", "256", "255", "64K", "65537", "between 256 and 65536 bytes"},
    {"[server]\nmax_output", "4K", "4095", "64M", "67108865", "between 4 KiB and 64 MiB"},
    {"[server]\nline_timeout", "1", "999ms", "1h", "3600001ms", "between 1s and 1h"},
    {"[server]\nidle_timeout", "1s", "0.999", "8760h", "8760.0001h",
	"0 (never) or between 1s and 8760h"},
    {"[server]\nkeepalive", "2", "1", "1h", "61m", "0 (off) or between 2s and 1h"},
    {"[server]\nbacklog", "1", "0", "65535", "65536", "between 1 and 65535"},
    {"[locks]\nmax_locks", "1", "0", "100000000", "100000001", "between 1 and 100000000"},
    {"[locks]\nmax_locks_per_client", "1", "0", "100000000", "100000001",
	"between 1 and 100000000"},
    {"[locks]\nmax_name", "1", "0", "64K", "65537", "between 1 and 65536 bytes"},
    {"[locks]\nmax_waiters", "1", "0", "1000000", "1000001", "between 1 and 1000000"},
    {"[locks]\nmax_waits_per_client", "1", "0", "1000000", "1000001", "between 1 and 1000000"},
    {"[locks]\nmax_lease", "1", "999ms", "720h", "2592000001ms", "between 1s and 720h"},
    {"[locks]\nmax_detached", "1", "0", "100000000", "100000001", "between 1 and 100000000"},
    {"[locks]\nmax_note", "0", "-1", "4K", "4097", "0 (no notes) or between 1 and 4096 bytes"},
    {"[locks]\nhistory", "0", "-1", "100000000", "100000001", "0 (off) or between 1 and 100000000"},
    {"[listen a]\naddress=a:1\nmax_clients", "0", "-1", "1000000", "1000001",
	"0 (only the server's) or between 1 and 1000000"},
    {"[listen a]\naddress=a:1\nmax_locks", "1", "-1", "100000000", "100000001",
	"0 (only the server's) or between 1 and 100000000"},
    {"[listen a]\naddress=a:1\nmode", "0", "-1", "777", "1000",
	"0 (0660, with admin 0600) or an octal number up to 0777"},
};

static void
assert_edge(const struct edge *edge, const char *value, bool fine)
{
	char text[200], expected[300];
	const char *name = strrchr(edge->option, '\n') + 1;

	snprintf(text, sizeof(text), "%s = %s\n", edge->option, value);
	if (fine) {
		config_free(parse(text));
		return;
	}
	snprintf(expected, sizeof(expected), "f:%d: %s must be %s, not %s\n",
	    strchr(edge->option, '=') ? 3 : 2, name, edge->reason, value);
	assert_refused(text, expected);
}

static void
every_number_is_accepted_up_to_its_bounds_and_refused_beyond(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		assert_edge(&edges[i], edges[i].low, true);
		assert_edge(&edges[i], edges[i].below, false);
		assert_edge(&edges[i], edges[i].high, true);
		assert_edge(&edges[i], edges[i].above, false);
	}
}

static void
nothing_that_only_resembles_a_number_is_one(void **state)
{
	static const char *const junk[] = {"x", "12x", "0x1000", "1e4", "+5000", "- 5000", "5 000",
	    "5,000", "4.5K", "5000.", ".5K", "5000 B", "1 KiB KiB", "18446744073709551616",
	    "18446744073709555712", "99999999999999999999999999999999999999", "17592186044417 MiB",
	    "18014398509481985K", "nan", "inf", "4096 # bytes", "\"4096\"",
	    "\xD9\xA4\xD9\xA0\xD9\xA9\xD9\xA6"};

	(void)state;
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		char text[100];
		struct reports reports;

		snprintf(text, sizeof(text), "[server]\nmax_output = %s\n", junk[i]);
		assert_null(parse_bytes(text, strlen(text), &reports));
		assert_memory_equal(reports.text, "f:2: max_output must be between 4 KiB and ", 42);
		snprintf(text, sizeof(text), "[server]\nline_timeout = %s\n", junk[i]);
		assert_null(parse_bytes(text, strlen(text), &reports));
		assert_memory_equal(
		    reports.text, "f:2: line_timeout must be between 1s and 1h", 43);
	}
}

static void
a_level_is_one_of_four_words(void **state)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};

	(void)state;
	for (int i = 0; i < 4; i++) {
		char text[100];

		snprintf(text, sizeof(text), "[log]\nlevel = %s\n", words[i]);
		struct config *cfg = parse(text);

		assert_int_equal(cfg->log.level, i);
		config_free(cfg);
	}
	assert_refused("[log]\nlevel = verbose\n",
	    "f:2: level must be error, warning, info or debug, not verbose\n");
}

static void
a_mode_is_octal_whatever_its_leading_zeros(void **state)
{
	struct config *cfg = parse("[listen a]\naddress = unix:/a\nmode = 0600\n"
				   "[listen b]\naddress = unix:/b\nmode = 666\n");

	(void)state;
	assert_int_equal(cfg->listen[0].mode, 0600);
	assert_int_equal(cfg->listen[1].mode, 0666);
	config_free(cfg);
	assert_refused("[listen a]\naddress = unix:/a\nmode = rw-rw----\n",
	    "f:3: mode must be 0 (0660, with admin 0600) or an octal number up to 0777, not "
	    "rw-rw----\n");
	assert_refused("[listen a]\naddress = unix:/a\nmode = 0689\n",
	    "f:3: mode must be 0 (0660, with admin 0600) or an octal number up to 0777, not "
	    "0689\n");
	assert_refused("[listen a]\naddress = unix:/a\nmode = 00660\n",
	    "f:3: mode must be 0 (0660, with admin 0600) or an octal number up to 0777, not "
	    "00660\n");
}

static void
a_mode_of_0_is_narrow_where_administrators_are_let_in(void **state)
{
	struct config *cfg = parse("[listen a]\naddress = unix:/a\nmode = 0000\n"
				   "[listen b]\naddress = unix:/b\nmode = 0\nadmin = yes\n"
				   "[listen c]\naddress = unix:/c\nmode = 0666\nadmin = yes\n");

	(void)state;
	assert_int_equal(config_listen_mode(&cfg->listen[0]), 0660);
	assert_int_equal(config_listen_mode(&cfg->listen[1]), 0600);
	assert_int_equal(config_listen_mode(&cfg->listen[2]), 0666);
	config_free(cfg);
}

static void
a_boolean_has_eight_words_in_any_case(void **state)
{
	static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"},
	    {"0", "1"}, {"No", "YES"}, {"FALSE", "True"}, {"oFF", "On"}};
	static const char *const junk[] = {"y", "n", "ye", "yess", "2", "00", "01", "-1", "yes no",
	    "enabled", "\"yes\"", "yes # comment"};
	char text[200], expected[200];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(words) / sizeof(words[0]); i++) {
		snprintf(text, sizeof(text), "[listen a]\naddress = unix:/a\nadmin = %s ; x\n",
		    words[i / 2][i % 2]);
		struct config *cfg = parse(text);

		assert_int_equal(cfg->listen[0].admin, i % 2);
		config_free(cfg);
	}
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		snprintf(
		    text, sizeof(text), "[listen a]\naddress = unix:/a\nadmin = %s\n", junk[i]);
		snprintf(
		    expected, sizeof(expected), "f:3: admin must be yes or no, not %s\n", junk[i]);
		assert_refused(text, expected);
	}
}

static void
every_option_but_the_prefix_needs_a_value(void **state)
{
	(void)state;
	config_free(parse("[listen a]\naddress = a:1\nprefix =\n"));
	assert_refused(
	    "[server]\nmax_line =\n", "f:2: max_line needs a value, such as max_line = 4096\n");
	assert_refused(
	    "[log]\nlevel = ; debug\n", "f:2: level needs a value, such as level = info\n");
	assert_refused("[listen a]\naddress = unix:/a\nadmin =\n",
	    "f:3: admin needs a value, such as admin = no\n");
	assert_refused("[listen a]\naddress =\n",
	    "f:2: address needs a value, such as address = 127.0.0.1:7002\n");
}

static void
a_prefix_is_plain_text_of_up_to_256_bytes(void **state)
{
	char longest[CONFIG_PREFIX_MAX + 1], text[400];

	(void)state;
	if (line_limit() < CONFIG_PREFIX_MAX + strlen("prefix = p"))
		skip();
	memset(longest, 'p', sizeof(longest));
	longest[CONFIG_PREFIX_MAX] = '\0';
	snprintf(text, sizeof(text), "[listen a]\naddress = a:1\nprefix = %s\n", longest);
	struct config *cfg = parse(text);

	assert_string_equal(cfg->listen[0].prefix, longest);
	config_free(cfg);
	snprintf(text, sizeof(text), "[listen a]\naddress = a:1\nprefix = %sp\n", longest);
	assert_refused(text, "f:3: prefix must have at most 256 bytes, not 257\n");
}

static void
a_prefix_ends_where_a_comment_begins(void **state)
{
	struct config *cfg =
	    parse("[listen a]\naddress = a:1\nprefix = t=1:a b;c#d/\xC3\xA9 ; comment\n");

	(void)state;
	assert_string_equal(cfg->listen[0].prefix, "t=1:a b;c#d/\xC3\xA9");
	config_free(cfg);
}

static void
a_prefix_that_reads_like_a_slip_is_refused(void **state)
{
	(void)state;
	assert_refused("[listen a]\naddress = a:1\nprefix = \"team-\"\n",
	    "f:3: prefix is taken as it stands: leave out the quotes around \"team-\"\n");
	assert_refused("[listen a]\naddress = a:1\nprefix = t # ours\n",
	    "f:3: prefix must have no '#' at its beginning or behind a blank, as in t # ours: a "
	    "comment behind a value begins with ';'\n");
	assert_refused("[listen a]\naddress = a:1\nprefix =;x\n",
	    "f:3: prefix must have no ';' at its beginning or behind a blank\n");
	assert_refused("[listen a]\naddress = a:1\nprefix = a\x1b[2Jb\n",
	    "f:3: prefix must not hold control characters\n");
}

static void
a_path_is_absolute_or_nothing(void **state)
{
	char longest[CONFIG_PATH_MAX + 1], text[400];
	struct config *cfg = parse("[server]\nstate_dir = /var/lib/a b;c ; comment\n");

	(void)state;
	assert_string_equal(cfg->server.state_dir, "/var/lib/a b;c");
	config_free(cfg);
	cfg = parse("[server]\nstate_dir =\n");
	assert_string_equal(cfg->server.state_dir, "");
	config_free(cfg);
	assert_refused("[server]\nstate_dir = lib/latchd\n",
	    "f:2: state_dir must be an absolute path, not lib/latchd\n");
	assert_refused("[server]\nstate_dir = \"/x\"\n",
	    "f:2: state_dir must be an absolute path, not \"/x\"\n");
	assert_refused("[server]\nstate_dir = /x # ours\n",
	    "f:2: state_dir must have no '#' at its beginning or behind a blank, as in /x # ours: "
	    "a comment behind a value begins with ';'\n");
	if (line_limit() < CONFIG_PATH_MAX + strlen("state_dir = p"))
		skip();
	memset(longest, '/', sizeof(longest));
	longest[CONFIG_PATH_MAX] = '\0';
	snprintf(text, sizeof(text), "[server]\nstate_dir = %s\n", longest);
	cfg = parse(text);
	assert_string_equal(cfg->server.state_dir, longest);
	config_free(cfg);
	snprintf(text, sizeof(text), "[server]\nstate_dir = %sp\n", longest);
	assert_refused(text, "f:2: state_dir must have at most 256 bytes, not 257\n");
}

static void
an_address_is_judged_by_the_hook(void **state)
{
	(void)state;
	assert_refused(
	    "[listen a]\naddress = localhost\n", "f:2: address localhost: has no port\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_size_has_bytes_or_binary_units),
	    cmocka_unit_test(a_time_has_seconds_or_a_unit_and_is_never_rounded_down),
	    cmocka_unit_test(every_number_is_accepted_up_to_its_bounds_and_refused_beyond),
	    cmocka_unit_test(nothing_that_only_resembles_a_number_is_one),
	    cmocka_unit_test(a_level_is_one_of_four_words),
	    cmocka_unit_test(a_mode_is_octal_whatever_its_leading_zeros),
	    cmocka_unit_test(a_mode_of_0_is_narrow_where_administrators_are_let_in),
	    cmocka_unit_test(a_boolean_has_eight_words_in_any_case),
	    cmocka_unit_test(every_option_but_the_prefix_needs_a_value),
	    cmocka_unit_test(a_prefix_is_plain_text_of_up_to_256_bytes),
	    cmocka_unit_test(a_prefix_ends_where_a_comment_begins),
	    cmocka_unit_test(a_prefix_that_reads_like_a_slip_is_refused),
	    cmocka_unit_test(a_path_is_absolute_or_nothing),
	    cmocka_unit_test(an_address_is_judged_by_the_hook),
	};

	return cmocka_run_group_tests_name("config value", tests, NULL, NULL);
}
