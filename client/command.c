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
#include <time.h>
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
	/* The last resort, where both guards are killed at once. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	set_environment(hold);
	restore_signals();
	execvp(argv[0], argv);
	int error = errno;
	ssize_t n = write(report, &error, sizeof(error));
	_exit(n == (ssize_t)sizeof(error) ? LATCH_NOT_FOUND : LATCH_TROUBLE);
}

bool
command_missed(int signo)
{
	static const struct timespec now = {0};
	siginfo_t info;
	sigset_t set;

	if (signo != SIGINT && signo != SIGQUIT)
		return false;
	sigemptyset(&set);
	sigaddset(&set, signo);
	return sigtimedwait(&set, &info, &now) == signo && info.si_code == SI_KERNEL;
}

/* One that both have got is one while the command has it blocked. */
static void
pass_on_missed(pid_t pid)
{
	static const int signals[] = {SIGINT, SIGQUIT};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (command_missed(signals[i]))
			kill(pid, signals[i]);
}

int
command_start(struct command *command, char **argv, const struct hold *hold)
{
	int report[2];

	*command = (struct command){.report = -1, .name = argv[0]};
	if (pipe2(report, O_CLOEXEC) == -1) {
		say("cannot start %s: %s", argv[0], strerror(errno));
		return -1;
	}
	/* What is sent to it from here on is for the command: the keeper ignores it. */
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		become(argv, hold, report[1]);
	int error = errno;
	if (pid > 0)
		pass_on_missed(pid);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (pid == -1) {
		close(report[0]);
		say("cannot start %s: %s", argv[0], strerror(error));
		return -1;
	}
	command->pid = pid;
	command->report = report[0];
	return 0;
}

/* Its end of the pipe is closed by now, since it has ended, if it was not when it was run. */
int
command_ended(struct command *command, int status)
{
	int error = 0;
	ssize_t n = read(command->report, &error, sizeof(error));

	close(command->report);
	command->report = -1;
	command->pid = 0;
	if (n == (ssize_t)sizeof(error)) {
		bool is_there = error == ENOENT && strchr(command->name, '/') != NULL &&
				access(command->name, F_OK) == 0;
		say("cannot run %s: %s", command->name,
		    is_there ? "its interpreter is not there" : strerror(error));
		return error == ENOENT ? LATCH_NOT_FOUND : LATCH_NOT_RUNNABLE;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
