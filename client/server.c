/* SPDX-License-Identifier: ISC */
/* See server.h. */
#include "server.h"

#include "exits.h"
#include "say.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG SYSCONFDIR "/latch.ini"
#define DEFAULT "127.0.0.1:7002"

/* `server = ADDRESS` in [client]; unknown keys are for other versions. */
static int
on_key(void *arg, const char *section, const char *key, const char *value)
{
	struct server *server = arg;

	if (*section == '\0')
		return 0;
	if (strcmp(section, "client") == 0 && strcmp(key, "server") == 0)
		strlcpy(server->text, value, sizeof(server->text));
	return 1;
}

static int
from_file(struct server *server)
{
	FILE *file = fopen(CONFIG, "re");

	if (file == NULL) {
		if (errno == ENOENT)
			return 0;
		say("%s: %s", CONFIG, strerror(errno));
		return LATCH_CONFIG;
	}
	int line = ini_parse_file(file, on_key, server);
	bool is_read = !ferror(file);
	int error = errno;
	fclose(file);
	if (line != 0)
		say("%s:%d: not a section, nor `key = value` in one", CONFIG, line);
	else if (!is_read)
		say("%s: %s", CONFIG, strerror(error));
	return line == 0 && is_read ? 0 : LATCH_CONFIG;
}

/* The -S before the subcommand. */
static const char *early_option;

void
server_told(const char *address)
{
	early_option = address;
}

/* What is said, and who says it: *ORIGIN. 0, or an exit status. */
static int
from_somewhere(struct server *server, const char *option, const char **origin)
{
	const char *variable = getenv("LATCH_SERVER");

	if (option == NULL)
		option = early_option;
	if (option != NULL) {
		*origin = "-S";
		strlcpy(server->text, option, sizeof(server->text));
		return 0;
	}
	if (variable != NULL && *variable != '\0') {
		*origin = "LATCH_SERVER";
		strlcpy(server->text, variable, sizeof(server->text));
		return 0;
	}
	*origin = CONFIG;
	strlcpy(server->text, DEFAULT, sizeof(server->text));
	return from_file(server);
}

int
server_find(struct server *server, const char *option)
{
	const char *origin;
	int status = from_somewhere(server, option, &origin);

	if (status != 0)
		return status;
	const char *wrong = ds_addr_parse(&server->addr, server->text);
	if (wrong == NULL)
		return 0;
	if (ds_addr_check(server->text) == NULL) { /* it is one, but for the name of its host */
		say("cannot reach latchd at %s: %s", server->text, wrong);
		return LATCH_NO_SERVER;
	}
	say("%s: \"%s\" is no address of a server: %s", origin, server->text, wrong);
	return strcmp(origin, CONFIG) == 0 ? LATCH_CONFIG : LATCH_USAGE;
}
