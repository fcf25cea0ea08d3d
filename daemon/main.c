/* SPDX-License-Identifier: ISC */
/* latchd(8): from the command line to a running server. */
#include "log.h"
#include "options.h"
#include "reload.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

/* Where 0, 1 or 2 came closed the first socket would get that number, and the log might go to it.
 */
static void
fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
}

static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* For a person as they are; the journal wants to know that they are errors. */
static void
print_error(void *arg, const char *line)
{
	(void)arg;
	if (log_is_journal())
		log_error("%s", line);
	else
		fprintf(stderr, "latchd: %s\n", line);
}

static int
check_config(const struct options *options, const struct config *config)
{
	if (options->verbose)
		return config_print(config, stdout) == 0 ? 0 : EX_IOERR;
	printf("latchd: %s: good\n",
	    options->config_path != NULL ? options->config_path : "the built-in configuration");
	return 0;
}

static int
serve(const struct options *options, struct config *config)
{
	log_set_level((enum log_level)config->log.level);
	log_info("latchd " VERSION " starts");
	signal(SIGPIPE, SIG_IGN); /* standard error may be a pipe; sockets never raise it */
	raise_descriptor_limit();

	struct server *server = server_new(config, options);
	if (server == NULL) {
		log_error("cannot start: %s",
		    errno == EINVAL
			? "DSOCK_BACKEND names no event back end; there are epoll and poll"
			: strerror(errno));
		return EX_OSERR;
	}
	int status = server_run(server);
	server_free(server);
	return status;
}

int
main(int argc, char **argv)
{
	const struct config_hooks hooks = {.report = print_error, .check_address = ds_addr_check};
	struct options options;

	fill_standard_fds();
	log_open();
	int status = options_parse(&options, argc, argv);
	if (status == -1) {
		struct config *config = options_load(&options, &hooks);

		if (config == NULL)
			status = EX_CONFIG;
		else if (!options.check_only)
			status = serve(&options, config);
		else {
			status = check_config(&options, config);
			config_free(config);
		}
	}
	options_fini(&options);
	return status;
}
