/* SPDX-License-Identifier: ISC */
/*
 * The keeper: it has the lock and the command, and sees to it that the second never outlives the
 * first. See run.h.
 */
#include "run.h"

#include "command.h"
#include "exits.h"
#include "hold.h"
#include "say.h"
#include "tree.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
	int channel;
	enum state state;
	pid_t command; /* 0: there is none, or it has ended */
	int status;    /* that latch will exit with */
	bool again;    /* it stands for election once more, when all have ended */
	bool has_front;
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

static void
on_timeout(struct ds_timer *timer, void *arg)
{
	struct keeper *keeper = arg;
	const struct run *run = keeper->run;

	(void)timer;
	say("%s: the command has not ended within --timeout: ending it", run->label);
	keeper->status = LATCH_TIMEOUT;
	end_all(keeper, GRACE_MS);
}

/* The command. */

static void
command_ended(struct keeper *keeper, int status)
{
	keeper->command = 0;
	ds_timer_cancel(&keeper->timeout);
	if (keeper->state == RUNNING)
		keeper->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void
child_ended(void *arg, pid_t pid, int status)
{
	struct keeper *keeper = arg;

	if (pid == keeper->command)
		command_ended(keeper, status);
}

static void
reap(struct keeper *keeper)
{
	bool none_left = tree_reap(child_ended, keeper);

	if (keeper->command != 0 || (keeper->state != RUNNING && keeper->state != ENDING))
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
	int status;

	keeper->command = command_start(keeper->run->argv, hold, &status);
	if (keeper->command == -1) {
		keeper->command = 0;
		keeper->status = status;
		leave(keeper);
		return;
	}
	keeper->state = RUNNING;
	if (keeper->run->timeout_ms > 0)
		ds_timer_add(&keeper->timeout, keeper->run->timeout_ms);
	reap(keeper); /* it may have been quick */
}

/* Not its server's state, nor somebody else's lock: the command line is wrong. */
static bool
is_usage(const char *code)
{
	static const char *const codes[] = {"bad_args", "bad_name", "empty_lock", "name_too_long",
	    "lease_too_long", "note_too_long"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return false;
}

static void
refused(struct hold *hold, const struct line *line)
{
	const struct run *run = keeper_of(hold)->run;
	const char *expect = pairs_get(&line->pairs, "expect");

	if (is_usage(line->code)) {
		say("%s: %s", run->label, line->prose);
		exit_with(keeper_of(hold), LATCH_USAGE);
		return;
	}
	if (!run->terms.quiet && expect != NULL)
		say("%s: %s; expected to be free in %s s", run->label, line->prose, expect);
	else if (!run->terms.quiet)
		say("%s: %s", run->label, line->prose);
	exit_with(keeper_of(hold), run->terms.refused_exit);
}

static void
unreachable(struct hold *hold, const char *why)
{
	say("cannot reach latchd at %s: %s", hold->server->text, why);
	exit_with(keeper_of(hold), LATCH_NO_SERVER);
}

static void
lost(struct hold *hold, const char *why, int64_t grace_ms)
{
	struct keeper *keeper = keeper_of(hold);

	if (keeper->state == WAITING) { /* before anything was started */
		say("%s: lost before the command was started: %s", keeper->run->label, why);
		exit_with(keeper, LATCH_LOST);
		return;
	}
	if (keeper->run->on_loss == ON_LOSS_IGNORE) {
		say("%s: the lock is lost: %s; the command goes on", keeper->run->label, why);
		return;
	}
	say("%s: the lock is lost: %s; ending the command", keeper->run->label, why);
	keeper->again = keeper->run->elect;
	keeper->status = LATCH_LOST;
	end_all(keeper, keeper->run->on_loss == ON_LOSS_TERM ? -1 : grace_ms / 2);
}

static void
released(struct hold *hold)
{
	struct keeper *keeper = keeper_of(hold);

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
	channel_pass_fd(keeper_of(hold)->channel, fd);
}

static void
news(struct hold *hold, const char *text)
{
	const struct run *run = keeper_of(hold)->run;

	if (!run->terms.quiet)
		say("%s: %s; connecting to %s again", run->label, text, hold->server->text);
}

static const struct hold_ops hold_ops = {
    granted, refused, unreachable, lost, released, connected, news};

/* The front. */

static void
signal_from_front(struct keeper *keeper, unsigned char byte)
{
	int signo = byte & ~SIGNAL_TO_ALL;

	if (keeper->state == WAITING)
		exit_with(keeper, 128 + signo);
	else if (keeper->command > 0 && !(byte & SIGNAL_TO_ALL))
		kill(keeper->command, signo);
}

static void
on_channel(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	struct keeper *keeper = arg;
	unsigned char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	(void)events;
	if (n == 1) {
		signal_from_front(keeper, byte);
		return;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	ds_fd_cancel(loop, fd);
	keeper->status = LATCH_LOST;
	keeper->again = false;
	if (keeper->state == WAITING)
		exit_with(keeper, LATCH_LOST);
	else if (keeper->state != LEAVING) {
		say("%s: latch was killed: ending the command", keeper->run->label);
		end_all(keeper, run_grace_ms(keeper->run));
	}
}

int
keeper_run(const struct run *run, int channel)
{
	static const int ignored[] = {
	    SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGPIPE};
	struct keeper keeper = {.run = run, .channel = channel};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN); /* the front hears them, and passes them on */
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
	hold_begin(&keeper.hold);
	ds_loop_run(keeper.loop);
	hold_fini(&keeper.hold);
	ds_fd_cancel(keeper.loop, channel);
	ds_loop_free(keeper.loop);
	return keeper.status;
}
