/* SPDX-License-Identifier: ISC */
/* See command.h. */
#include "command.h"

#include "exits.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static sigset_t saved_mask;
static struct sigaction saved[NSIG];

void
command_save_signals(void)
{
	sigprocmask(SIG_SETMASK, NULL, &saved_mask);
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, NULL, &saved[signo]);
}

static void
restore_signals(void)
{
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &saved[signo], NULL);
	sigprocmask(SIG_SETMASK, &saved_mask, NULL);
}

static void
set_environment(const struct hold *hold)
{
	setenv("LATCH_NAME", hold->terms->names[0], 1);
	setenv("LATCH_TOKEN", hold->token, 1);
	setenv("LATCH_KEY", hold->terms->key, 1);
	setenv("LATCH_SERVER", hold->server->text, 1);
	if (*hold->slot != '\0')
		setenv("LATCH_SLOT", hold->slot, 1);
	else
		unsetenv("LATCH_SLOT");
}

/* In the child. Its errno goes through the pipe, which a success closes. */
static void
become(char **argv, const struct hold *hold, int report)
{
	prctl(
	    PR_SET_PDEATHSIG, SIGTERM); /* the last resort, where both guards are killed at once */
	set_environment(hold);
	restore_signals();
	execvp(argv[0], argv);
	int error = errno;
	ssize_t n = write(report, &error, sizeof(error));
	_exit(n == (ssize_t)sizeof(error) ? LATCH_NOT_FOUND : LATCH_TROUBLE);
}

pid_t
command_start(char **argv, const struct hold *hold, int *status)
{
	int report[2], error = 0;
	pid_t pid = -1;

	*status = LATCH_TROUBLE;
	if (pipe2(report, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		say("cannot start %s: %s", argv[0], strerror(errno));
		return -1;
	}
	if (pid == 0)
		become(argv, hold, report[1]);
	close(report[1]);
	ssize_t n;
	do
		n = read(report[0], &error, sizeof(error));
	while (n == -1 && errno == EINTR);
	close(report[0]);
	if (n != (ssize_t)sizeof(error))
		return pid;
	waitpid(pid, NULL, 0);
	say("cannot run %s: %s", argv[0], strerror(error));
	*status = error == ENOENT ? LATCH_NOT_FOUND : LATCH_NOT_RUNNABLE;
	return -1;
}
