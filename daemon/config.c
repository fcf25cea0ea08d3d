/* SPDX-License-Identifier: ISC */
/*
 * The table of options and what follows from it alone: defaults, the printed form, differences, and
 * what a reload takes over. A row is all that an option needs: no code below the table knows one
 * option from another, but that a listener which comes or goes is shown by its address.
 */
#include "config_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SERVER(member)                                                                             \
	.section = CONFIG_SECTION_SERVER, .offset = offsetof(struct config, server.member)
#define LOCKS(member)                                                                              \
	.section = CONFIG_SECTION_LOCKS, .offset = offsetof(struct config, locks.member)
#define LOG(member) .section = CONFIG_SECTION_LOG, .offset = offsetof(struct config, log.member)
#define LISTEN(member)                                                                             \
	.section = CONFIG_SECTION_LISTEN, .offset = offsetof(struct listen_config, member)
#define COUNT(from, to) .type = CONFIG_TYPE_COUNT, .min = (from), .max = (to)
#define SIZE(from, to) .type = CONFIG_TYPE_SIZE, .min = (from), .max = (to)
#define TIME(from, to) .type = CONFIG_TYPE_TIME, .min = (from), .max = (to)

#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define MONTH (720 * HOUR)
#define YEAR (8760 * HOUR)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/* A section's options stand together. */
static const struct config_option options[] = {
    {SERVER(max_clients), .name = "max_clients", COUNT(1, 1000000), .preset = "10000",
	.reloadable = true, .help = "connections at a time, over all listeners"},
    {SERVER(max_clients_per_ip), .name = "max_clients_per_ip", COUNT(1, 1000000),
	.zero = "no limit", .preset = "0", .reloadable = true,
	.help = "connections at a time from one IP address"},
    {SERVER(max_line), .name = "max_line", SIZE(256, 64 * KIB), .preset = "4096",
	.reloadable = true, .help = "longest request line; a longer one ends the connection"},
    {SERVER(max_output), .name = "max_output", SIZE(4 * KIB, 64 * MIB), .preset = "256 KiB",
	.reloadable = true, .help = "most output that may wait for a client to read it"},
    {SERVER(line_timeout_ms), .name = "line_timeout", TIME(SECOND, HOUR), .preset = "30s",
	.reloadable = true, .help = "time to finish a request line once it has begun"},
    {SERVER(idle_timeout_ms), .name = "idle_timeout", TIME(SECOND, YEAR), .zero = "never",
	.preset = "0", .reloadable = true,
	.help = "silence after which a client that holds nothing is disconnected"},
    {SERVER(keepalive_ms), .name = "keepalive", TIME(2 * SECOND, HOUR), .zero = "off",
	.preset = "10s", .reloadable = true,
	.help = "silence on a TCP connection before the first probe"},
    {SERVER(backlog), .name = "backlog", COUNT(1, 65535), .preset = "4096",
	.help = "connections that may wait to be accepted on a listener"},
    {SERVER(state_dir), .name = "state_dir", .type = CONFIG_TYPE_PATH, .max = CONFIG_PATH_MAX,
	.preset = "",
	.help = "directory for what has to outlive a restart: how far fencing tokens have come"},

    {LOCKS(max_locks), .name = "max_locks", COUNT(1, 100000000), .preset = "1000000",
	.reloadable = true, .help = "locks held at a time, over all clients"},
    {LOCKS(max_locks_per_client), .name = "max_locks_per_client", COUNT(1, 100000000),
	.preset = "10000", .reloadable = true, .help = "locks held at a time by one client"},
    {LOCKS(max_name), .name = "max_name", SIZE(1, 64 * KIB), .preset = "1024", .reloadable = true,
	.help = "longest name of a lock, after decoding"},
    {LOCKS(max_waiters), .name = "max_waiters", COUNT(1, 1000000), .preset = "10000",
	.reloadable = true, .help = "connections that may wait for one name"},
    {LOCKS(max_waits_per_client), .name = "max_waits_per_client", COUNT(1, 1000000),
	.preset = "1000", .reloadable = true,
	.help = "names that one client may wait for at a time"},
    {LOCKS(max_lease_ms), .name = "max_lease", TIME(SECOND, MONTH), .preset = "1h",
	.reloadable = true, .help = "longest lease and longest atleast time that may be asked for"},
    {LOCKS(max_detached), .name = "max_detached", COUNT(1, 100000000), .preset = "10000",
	.reloadable = true,
	.help = "leases without a connection and locks in their atleast time, of each listener"},
    {LOCKS(max_note), .name = "max_note", SIZE(1, 4096), .zero = "no notes", .preset = "256",
	.reloadable = true, .help = "longest note of a lock, after decoding"},
    {LOCKS(history), .name = "history", COUNT(1, 100000000), .zero = "off", .preset = "65536",
	.reloadable = true,
	.help = "past grants that are remembered; each takes 96 bytes and up to 8 for its index"},

    {LOG(level), .name = "level", .type = CONFIG_TYPE_LEVEL, .preset = "info", .reloadable = true,
	.help = "least important events that are logged: error, warning, info or debug"},

    {LISTEN(address), .name = "address", .type = CONFIG_TYPE_ADDRESS, .max = CONFIG_ADDRESS_MAX,
	.preset = "127.0.0.1:7002",
	.help = "where clients connect: HOST:PORT, [V6]:PORT, *:PORT or unix:PATH"},
    {LISTEN(prefix), .name = "prefix", .type = CONFIG_TYPE_PREFIX, .max = CONFIG_PREFIX_MAX,
	.preset = "", .reloadable = true,
	.help = "put before every lock name that comes in here, taken off where names go out"},
    {LISTEN(max_clients), .name = "max_clients", COUNT(1, 1000000), .zero = "only the server's",
	.preset = "0", .reloadable = true, .help = "connections at a time on this listener"},
    {LISTEN(max_locks), .name = "max_locks", COUNT(1, 100000000), .zero = "only the server's",
	.preset = "0", .reloadable = true,
	.help = "locks held at a time by clients of this listener"},
    {LISTEN(mode), .name = "mode", .type = CONFIG_TYPE_MODE, .max = 0777,
	.zero = "0660, with admin 0600", .preset = "0", .reloadable = true,
	.help = "permissions of the socket file of a unix: address; 0: 0660, with admin 0600"},
    {LISTEN(admin), .name = "admin", .type = CONFIG_TYPE_BOOL, .preset = "no",
	.help = "whether its clients may use revoke and kick; only with a unix: address"},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static const char *const section_names[CONFIG_SECTIONS] = {
    [CONFIG_SECTION_SERVER] = "server",
    [CONFIG_SECTION_LOCKS] = "locks",
    [CONFIG_SECTION_LOG] = "log",
    [CONFIG_SECTION_LISTEN] = "listen",
};

const struct config_option *
config_options(size_t *n)
{
	*n = OPTIONS;
	return options;
}

const char *
config_section_name(enum config_section section)
{
	return section_names[section];
}

const struct config_option *
config_option_find(enum config_section section, const char *name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].section == section && strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

int
config_option_set(const struct config_option *option, void *base, const char *text,
    const struct config_hooks *hooks, char *reason)
{
	if (option->type == CONFIG_TYPE_ADDRESS && *text && hooks->check_address) {
		const char *wrong = hooks->check_address(text);

		if (wrong) {
			char quote[CONFIG_QUOTE_SIZE];

			snprintf(reason, CONFIG_REASON_SIZE, "%s %s: %s", option->name,
			    config_quote(quote, text), wrong);
			return -1;
		}
	}
	return config_value_parse(option, base, text, reason);
}

/* Sets the defaults of the options that are in a listener, or of all that are not. */
static void
set_defaults(void *base, bool of_listener)
{
	char reason[CONFIG_REASON_SIZE];

	for (size_t i = 0; i < OPTIONS; i++) {
		if ((options[i].section == CONFIG_SECTION_LISTEN) != of_listener)
			continue;
		int set = config_value_parse(&options[i], base, options[i].preset, reason);

		assert(set == 0);
		(void)set;
	}
}

void
config_listen_init(struct listen_config *listen, const char *name, unsigned line)
{
	*listen = (struct listen_config){.line = line};
	strlcpy(listen->name, name, sizeof(listen->name));
	set_defaults(listen, true);
}

struct config *
config_new(void)
{
	struct config *cfg = calloc(1, sizeof(*cfg));

	if (!cfg)
		return NULL;
	set_defaults(cfg, false);
	if (!config_listen_append(cfg, "default", 0)) {
		config_free(cfg);
		return NULL;
	}
	return cfg;
}

void
config_free(struct config *cfg)
{
	if (!cfg)
		return;
	free(cfg->listen);
	free(cfg);
}

/* The options of a section, each below what it is for. */
static void
print_section(enum config_section section, const void *base, bool helpful, FILE *out)
{
	char value[CONFIG_VALUE_SIZE];

	for (size_t i = 0; i < OPTIONS; i++) {
		if (options[i].section != section)
			continue;
		config_value_format(&options[i], base, value, sizeof(value));
		if (helpful)
			fprintf(out, "; %s\n", options[i].help);
		fprintf(out, "%s =%s%s\n", options[i].name, *value ? " " : "", value);
	}
}

int
config_print(const struct config *cfg, FILE *out)
{
	for (enum config_section section = 0; section < CONFIG_SECTION_LISTEN; section++) {
		fprintf(out, "[%s]\n", section_names[section]);
		print_section(section, cfg, true, out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < cfg->n_listen; i++) {
		fprintf(out, "%s[%s %s]\n", i ? "\n" : "", section_names[CONFIG_SECTION_LISTEN],
		    cfg->listen[i].name);
		print_section(CONFIG_SECTION_LISTEN, &cfg->listen[i], i == 0, out);
	}
	return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}

/* Where differences go, and how many there have been. */
struct diff {
	config_change_fn *changed;
	void *arg;
	size_t n;
};

static void
count_change(struct diff *diff, const struct config_change *change)
{
	diff->n++;
	if (diff->changed)
		diff->changed(diff->arg, change);
}

static void
diff_section(struct diff *diff, enum config_section section, const char *title, const void *from,
    const void *to)
{
	char name[CONFIG_VALUE_SIZE], old[CONFIG_VALUE_SIZE], new[CONFIG_VALUE_SIZE];

	for (size_t i = 0; i < OPTIONS; i++) {
		if (options[i].section != section)
			continue;
		/* A value has one text form only. */
		config_value_format(&options[i], from, old, sizeof(old));
		config_value_format(&options[i], to, new, sizeof(new));
		if (strcmp(old, new) == 0)
			continue;
		snprintf(name, sizeof(name), "[%s] %s", title, options[i].name);
		count_change(diff, &(struct config_change){name, old, new, options[i].reloadable});
	}
}

static void
listen_title(char *buf, size_t size, const struct listen_config *listen)
{
	snprintf(buf, size, "%s %s", section_names[CONFIG_SECTION_LISTEN], listen->name);
}

/* A listener that is in one of the two configurations only. */
static void
count_whole_listener(struct diff *diff, const struct listen_config *listen, bool added)
{
	char title[CONFIG_VALUE_SIZE], name[CONFIG_VALUE_SIZE + 2];

	listen_title(title, sizeof(title), listen);
	snprintf(name, sizeof(name), "[%s]", title);
	count_change(diff, &(struct config_change){
			       .name = name,
			       .from = added ? NULL : listen->address,
			       .to = added ? listen->address : NULL,
			   });
}

size_t
config_diff(
    const struct config *from, const struct config *to, config_change_fn *changed, void *arg)
{
	struct diff diff = {changed, arg, 0};
	char title[CONFIG_VALUE_SIZE];

	for (enum config_section section = 0; section < CONFIG_SECTION_LISTEN; section++)
		diff_section(&diff, section, section_names[section], from, to);
	for (size_t i = 0; i < from->n_listen; i++) {
		const struct listen_config *old = &from->listen[i];
		const struct listen_config *new = config_find_listener(to, old->name);

		listen_title(title, sizeof(title), old);
		if (new)
			diff_section(&diff, CONFIG_SECTION_LISTEN, title, old, new);
		else
			count_whole_listener(&diff, old, false);
	}
	for (size_t i = 0; i < to->n_listen; i++)
		if (!config_find_listener(from, to->listen[i].name))
			count_whole_listener(&diff, &to->listen[i], true);
	return diff.n;
}

static void
adopt_options(void *running, const void *fresh, bool of_listener)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].reloadable &&
		    (options[i].section == CONFIG_SECTION_LISTEN) == of_listener)
			config_value_copy(&options[i], running, fresh);
}

void
config_adopt(struct config *running, const struct config *fresh)
{
	adopt_options(running, fresh, false);
	for (size_t i = 0; i < running->n_listen; i++) {
		const struct listen_config *listen =
		    config_find_listener(fresh, running->listen[i].name);

		if (listen)
			adopt_options(&running->listen[i], listen, true);
	}
}
