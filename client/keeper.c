/* SPDX-License-Identifier: ISC */
/*
 * The keeper: it has the lock and the command, and sees to it that the second never outlives the
 * first. See run.h.
 */
#include "run.h"

#include "command.h"
#include "exits.h"
#include "hold.h"
#include "keeper_say.h"
#include "say.h"
#include "tree.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum state {
	WAITING, /* for the lock */
	RUNNING, /* the command */
	ENDING,	 /* all its processes */
	LEAVING	 /* the lock is given back */
};

struct keeper {
	const struct run *run;
	struct ds_loop *loop;
	struct hold hold;
	struct tree_end end;
	struct ds_signal child;
	struct ds_timer timeout;
	struct command command;
	int channel;
	enum state state;
	int status;	      /* that latch will exit with */
	bool again;	      /* it stands for election once more, when all have ended */
	bool front_is_behind; /* it does not have this connection yet */
};

/* The end. */

static void
exit_with(struct keeper *keeper, int status)
{
	keeper->status = status;
	ds_loop_stop(keeper->loop);
}

static void
leave(struct keeper *keeper)
{
	keeper->state = LEAVING;
	tree_end_cancel(&keeper->end);
	ds_timer_cancel(&keeper->timeout);
	hold_release(&keeper->hold);
}

/* All that the command has started is to end, within GRACE_MS. */
static void
end_all(struct keeper *keeper, int64_t grace_ms)
{
	keeper->state = ENDING;
	tree_end_begin(&keeper->end, grace_ms);
}

/* Before the command was started: without it. */
static void
give_up(struct keeper *keeper, int status)
{
	keeper->status = status;
	keeper->again = false;
	leave(keeper);
}

static void
on_timeout(struct ds_timer *timer, void *arg)
{
	struct keeper *keeper = arg;
	const struct run *run = keeper->run;

	(void)timer;
	if (keeper->state != RUNNING)
		return;
	say("%s: the command has not ended within --timeout: ending it", run->label);
	keeper->status = LATCH_TIMEOUT;
	end_all(keeper, GRACE_MS);
}

/* The command. */

/* By its terminal: the front, which the shell looks at, is to stop too. */
static void
has_stopped(struct keeper *keeper, int signo)
{
	if (signo != SIGTSTP && signo != SIGTTIN && signo != SIGTTOU)
		return;
	if (getpgid(keeper->command.pid) != getpgrp())
		return; /* it has a shell of its own there */
	atomic_store(&keeper->run->shared->is_stopped, true);
	channel_tell(keeper->channel, WORD_STOPPED, -1);
}

static void
child_changed(void *arg, pid_t pid, int status)
{
	struct keeper *keeper = arg;

	if (pid != keeper->command.pid)
		return;
	if (WIFSTOPPED(status)) {
		has_stopped(keeper, WSTOPSIG(status));
		return;
	}
	atomic_store(&keeper->run->shared->is_stopped, false);
	if (WIFCONTINUED(status))
		return;
	ds_timer_cancel(&keeper->timeout);
	status = command_ended(&keeper->command, status);
	if (keeper->state == RUNNING)
		keeper->status = status;
}

static void
reap(struct keeper *keeper)
{
	bool none_left = tree_reap(child_changed, keeper);

	if (keeper->command.pid != 0 || (keeper->state != RUNNING && keeper->state != ENDING))
		return;
	if (none_left) {
		leave(keeper);
	} else if (keeper->state == RUNNING) {
		say("%s: the command has left processes behind: ending them", keeper->run->label);
		end_all(keeper, run_grace_ms(keeper->run));
	}
}

static void
on_child(struct ds_signal *signal, int signo, void *arg)
{
	(void)signal;
	(void)signo;
	reap(arg);
}

/* The lock. */

static struct keeper *
keeper_of(struct hold *hold)
{
	return hold->arg;
}

static void
granted(struct hold *hold)
{
	struct keeper *keeper = keeper_of(hold);

	if (command_start(&keeper->command, keeper->run->argv, hold) == -1) {
		give_up(keeper, LATCH_TROUBLE);
		return;
	}
	keeper->state = RUNNING;
	if (keeper->run->timeout_ms > 0)
		ds_timer_add(&keeper->timeout, keeper->run->timeout_ms);
}

static void
refused(struct hold *hold, const struct line *line)
{
	exit_with(keeper_of(hold), keeper_say_refused(keeper_of(hold)->run, line));
}

static void
unreachable(struct hold *hold, const char *why)
{
	exit_with(keeper_of(hold), keeper_say_unreachable(keeper_of(hold)->run, why, hold->was_up));
}

static void
lost(struct hold *hold, const char *why, int64_t grace_ms)
{
	struct keeper *keeper = keeper_of(hold);
	const struct run *run = keeper->run;

	atomic_store(&run->shared->deadline_ns, 0); /* the front leaves it to us */
	if (keeper->state == WAITING) {
		keeper_say_lost(run, why, "it is not started");
		keeper->status = LATCH_LOST;
		keeper->again = run->elect;
		leave(keeper);
		return;
	}
	if (run->on_loss == ON_LOSS_IGNORE) {
		keeper_say_lost(run, why, "it goes on");
		return;
	}
	keeper_say_lost(run, why, run->on_loss == ON_LOSS_TERM ? "it is told to end" : "ending it");
	if (keeper->state != ENDING)
		keeper->again = run->elect;
	keeper->status = LATCH_LOST;
	end_all(keeper, run->on_loss == ON_LOSS_TERM ? -1 : grace_ms / 2);
}

static void
released(struct hold *hold)
{
	struct keeper *keeper = keeper_of(hold);

	atomic_store(&keeper->run->shared->deadline_ns, 0);
	if (!hold->is_given_back && keeper->status != LATCH_LOST)
		keeper_say_not_given_back(keeper->run);
	if (!keeper->again) {
		exit_with(keeper, keeper->status);
		return;
	}
	keeper->again = false;
	keeper->state = WAITING;
	hold_begin(hold);
}

static void
connected(struct hold *hold, int fd)
{
	struct keeper *keeper = keeper_of(hold);

	keeper->front_is_behind = !channel_tell(keeper->channel, WORD_CONNECTION, fd);
}

static void
renewed(struct hold *hold)
{
	struct keeper *keeper = keeper_of(hold);

	if (keeper->state != ENDING || keeper->status != LATCH_LOST)
		atomic_store(&keeper->run->shared->deadline_ns, hold->deadline_ns);
	if (keeper->front_is_behind && hold->conn.is_up)
		connected(hold, ds_fd(&hold->conn.sock));
}

static void
news(struct hold *hold, const char *text)
{
	keeper_say_news(keeper_of(hold)->run, text);
}

static void
waiting(struct hold *hold, const struct line *line)
{
	keeper_say_waiting(keeper_of(hold)->run, line);
}

static const struct hold_ops hold_ops = {
    granted, refused, unreachable, lost, released, connected, renewed, news, waiting};

/* The front. */

static void
signal_from_front(struct keeper *keeper, unsigned char byte)
{
	int signo = byte & ~SIGNAL_TO_ALL;

	command_missed(signo); /* of what comes later, the command is told by the front */
	if (signo != SIGCONT && keeper->state == WAITING) {
		give_up(keeper, 128 + signo);
		return;
	}
	if (keeper->command.pid > 0 && !(byte & SIGNAL_TO_ALL))
		kill(keeper->command.pid, signo);
	if (signo != SIGCONT && keeper->again) { /* between two terms: it is us who are meant */
		keeper->again = false;
		keeper->status = 128 + signo;
	}
}

static void
front_ended(struct keeper *keeper)
{
	if (keeper->state == WAITING) {
		give_up(keeper, LATCH_LOST);
		return;
	}
	keeper->again = false;
	keeper->status = LATCH_LOST;
	if (keeper->state == LEAVING)
		return;
	say("%s: latch was killed: ending the command", keeper->run->label);
	end_all(keeper, run_grace_ms(keeper->run));
}

static void
on_channel(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	unsigned char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	(void)events;
	if (n == 1) {
		signal_from_front(arg, byte);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		ds_fd_cancel(loop, fd);
		front_ended(arg);
	}
}

/* Signals are for the front, which passes them on; and so is `killall -9 latch`, of which one is
 * to be left who sees to the command. They are blocked since the fork: SIGINT and SIGQUIT stay, for
 * command_start, until the front has spoken of them. */
static void
stand_aside(void)
{
	static const int ignored[] = {
	    SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGPIPE};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "lock-keeper");
}

/* Whether this is part of a command that has such a lock: that waits for us, and so we would wait
 * for ourselves, which is to be said where nobody looks, too. */
static bool
is_below_its_own(const struct run *run)
{
	const char *name = getenv("LATCH_NAME"), *server = getenv("LATCH_SERVER");

	if (name == NULL || server == NULL || strcmp(server, run->server.text) != 0)
		return false;
	for (size_t n = 0; n < run->terms.n; n++)
		if (strcmp(run->terms.names[n], name) == 0)
			return true;
	return false;
}

int
keeper_run(const struct run *run, int channel)
{
	struct keeper keeper = {.run = run, .channel = channel};

	stand_aside();
	keeper.loop = ds_loop_new();
	if (keeper.loop == NULL || tree_adopt() == -1 ||
	    ds_signal_add(&keeper.child, keeper.loop, SIGCHLD, on_child, &keeper) == -1 ||
	    ds_fd_add(keeper.loop, channel, DS_READ, on_channel, &keeper) == -1) {
		say("cannot start: %s", strerror(errno));
		return LATCH_TROUBLE;
	}
	tree_end_init(&keeper.end, keeper.loop);
	ds_timer_init(&keeper.timeout, keeper.loop, on_timeout, &keeper);
	hold_init(&keeper.hold, keeper.loop, &run->terms, &run->server, &hold_ops, &keeper);
	keeper.hold.patient = keeper.hold.patient || run->elect;
	keeper.hold.is_stubborn = run->on_loss == ON_LOSS_IGNORE;
	keeper.hold.tells = !run->terms.quiet && (isatty(STDERR_FILENO) || is_below_its_own(run));
	hold_begin(&keeper.hold);
	ds_loop_run(keeper.loop);
	hold_fini(&keeper.hold);
	ds_fd_cancel(keeper.loop, channel);
	ds_loop_free(keeper.loop);
	return keeper.status;
}
