/* SPDX-License-Identifier: ISC */
/* See server.h. */
#include "server.h"

#include "exits.h"
#include "say.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define CONFIG SYSCONFDIR "/latch.ini"
#define DEFAULT "127.0.0.1:7002"

/* `server = ADDRESS` in [client]; unknown keys are for other versions. */
static int
on_key(void *arg, const char *section, const char *key, const char *value)
{
	struct server *server = arg;

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
		return EX_CONFIG;
	}
	int line = ini_parse_file(file, on_key, server);
	fclose(file);
	if (line == 0)
		return 0;
	say("%s:%d: not a section, nor `key = value`", CONFIG, line);
	return EX_CONFIG;
}

int
server_find(struct server *server, const char *option)
{
	const char *told = option != NULL ? option : getenv("LATCH_SERVER");
	int status = 0;

	strlcpy(server->text, DEFAULT, sizeof(server->text));
	if (told != NULL && *told != '\0')
		strlcpy(server->text, told, sizeof(server->text));
	else
		status = from_file(server);
	if (status != 0)
		return status;
	const char *wrong = ds_addr_parse(&server->addr, server->text);
	if (wrong == NULL)
		return 0;
	if (ds_addr_check(server->text) == NULL) { /* it is one, but for the name of its host */
		say("cannot reach latchd at %s: %s", server->text, wrong);
		return LATCH_NO_SERVER;
	}
	say("%s is no address of a server: %s", server->text, wrong);
	return EX_USAGE;
}
