/* SPDX-License-Identifier: ISC */
/* See reload.h. */
#include "reload.h"

#include "client.h"
#include "listener.h"
#include "systemd.h"

#include <errno.h>
#include <string.h>

static void
report(void *arg, const char *line)
{
	(void)arg;
	log_error("%s", line);
}

static void
tell_change(void *arg, const struct config_change *change)
{
	(void)arg;
	const char *from = change->from != NULL && *change->from ? change->from : "nothing";
	const char *to = change->to != NULL && *change->to ? change->to : "nothing";

	if (change->reloadable)
		log_info("%s: now %s, was %s", change->name, to, from);
	else
		log_warning("%s: %s in the file, but %s is in effect until a restart", change->name,
		    to, from);
}

static void
take_over(struct server *server, const struct config *fresh)
{
	if (config_diff(server->config, fresh, tell_change, NULL) == 0)
		log_info("reloaded %s: nothing has changed", server->options->config_path);
	config_adopt(server->config, fresh);
	log_set_level((enum log_level)server->config->log.level);
	if (server_apply_config(server) == -1)
		log_error("not all of the new limits are in effect: %s", strerror(errno));
	listeners_reload(server);
	clients_rearm(server);
}

void
server_reload(struct server *server)
{
	const struct config_hooks hooks = {.report = report, .check_address = ds_addr_check};
	const char *path = server->options->config_path;
	struct config *fresh = NULL;

	systemd_notify_reloading(); /* in any case: the manager waits for the end */
	if (path == NULL)
		log_warning("nothing to reload: started without a configuration file");
	else if ((fresh = options_load(server->options, &hooks)) == NULL)
		log_error("%s was refused; the old configuration stays", path);
	else
		take_over(server, fresh);
	config_free(fresh);
	systemd_notify("READY=1");
}
