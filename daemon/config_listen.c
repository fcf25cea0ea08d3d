/* SPDX-License-Identifier: ISC */
/*
 * The array of listeners of a configuration: it grows as sections are read, is searched by name and
 * by address, and is replaced as a whole by addresses from the command line. No two listeners of a
 * valid configuration share a name or the text of an address.
 */
#include "config_internal.h"

#include <stdlib.h>
#include <string.h>

struct listen_config *
config_listen_append(struct config *cfg, const char *name, unsigned line)
{
	if (cfg->n_listen == cfg->listen_room) {
		size_t room = cfg->listen_room ? 2 * cfg->listen_room : 1;
		struct listen_config *moved = reallocarray(cfg->listen, room, sizeof(*moved));

		if (!moved)
			return NULL;
		cfg->listen = moved;
		cfg->listen_room = room;
	}
	struct listen_config *listen = &cfg->listen[cfg->n_listen++];

	config_listen_init(listen, name, line);
	return listen;
}

struct listen_config *
config_find_listener(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->n_listen; i++)
		if (strcmp(cfg->listen[i].name, name) == 0)
			return &cfg->listen[i];
	return NULL;
}

unsigned
config_listen_mode(const struct listen_config *listen)
{
	if (listen->mode != 0)
		return (unsigned)listen->mode;
	return listen->admin ? 0600 : 0660;
}

bool
config_listen_is_unix(const struct listen_config *listen)
{
	return strncmp(listen->address, "unix:", strlen("unix:")) == 0;
}

const struct listen_config *
config_listen_same_address(const struct config *cfg, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(cfg->listen[i].address, cfg->listen[index].address) == 0)
			return &cfg->listen[i];
	return NULL;
}

/* Appends the listener of the command line's Nth address; -1 with REASON written. */
static int
append_argument(struct config *cfg, const char *address, size_t n, const struct config_hooks *hooks,
    char *reason)
{
	const struct config_option *option = config_option_find(CONFIG_SECTION_LISTEN, "address");
	char name[CONFIG_NAME_MAX + 1], quote[CONFIG_QUOTE_SIZE];

	if (n > CONFIG_LISTEN_MAX) {
		snprintf(reason, CONFIG_REASON_SIZE, "there can be at most %d listeners",
		    CONFIG_LISTEN_MAX);
		return -1;
	}
	snprintf(name, sizeof(name), "arg%zu", n);
	struct listen_config *listen = config_listen_append(cfg, name, 0);

	if (!listen) {
		strlcpy(reason, "out of memory", CONFIG_REASON_SIZE);
		return -1;
	}
	if (config_option_set(option, listen, address, hooks, reason) < 0)
		return -1;
	if (config_listen_same_address(cfg, cfg->n_listen - 1)) {
		snprintf(reason, CONFIG_REASON_SIZE, "address %s is given twice",
		    config_quote(quote, address));
		return -1;
	}
	return 0;
}

int
config_set_listeners(
    struct config *cfg, const char *const *addresses, size_t n, const struct config_hooks *hooks)
{
	struct config fresh = {.n_listen = 0};
	char reason[CONFIG_REASON_SIZE];

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (append_argument(&fresh, addresses[i], i + 1, hooks, reason) < 0) {
			config_report(hooks, "-l", 0, "%s", reason);
			free(fresh.listen);
			return -1;
		}
	free(cfg->listen);
	cfg->listen = fresh.listen;
	cfg->n_listen = fresh.n_listen;
	cfg->listen_room = fresh.listen_room;
	return 0;
}
