/* SPDX-License-Identifier: ISC */
/*
 * The front: what the user has started and the shell waits for. It stops and goes on with the
 * command, while the keeper, which does not, renews the lock. Where the keeper is killed, the
 * command's processes are the front's, which ends them. See run.h.
 */
#include "run.h"

#include "exits.h"
#include "say.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIGNALS = 6 };

struct front {
	const struct run *run;
	struct ds_loop *loop;
	struct tree_end end;
	struct ds_signal child, passed_on[SIGNALS];
	pid_t keeper; /* 0: it has ended */
	int channel;
	int connection; /* the keeper's, in case that it is killed; -1: none */
	int status;
};

/* The keeper is gone and so are all others: now the lock may be had by others. */
static void
release(struct front *front)
{
	struct request request;

	if (front->connection == -1)
		return;
	request_begin(
	    &request, "\r\nrelease"); /* the keeper may have died in the middle of a line */
	for (size_t i = 0; i < front->run->terms.n; i++)
		request_add(&request, "lock", front->run->terms.names[i]);
	request_add(&request, "key", front->run->key);
	request_end(&request);
	if (send(front->connection, request.text, request.len, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		say("%s: cannot be given back: %s", front->run->label, strerror(errno));
	shutdown(front->connection, SHUT_WR);
}

static void
child_ended(void *arg, pid_t pid, int status)
{
	struct front *front = arg;

	if (pid != front->keeper)
		return;
	front->keeper = 0;
	if (WIFEXITED(status)) {
		front->status = WEXITSTATUS(status);
		return;
	}
	say("%s: the guard of the command was killed: ending the command", front->run->label);
	front->status = LATCH_LOST;
	tree_end_begin(&front->end, run_grace_ms(front->run));
}

static void
reap(struct front *front)
{
	bool none_left = tree_reap(child_ended, front);

	if (front->keeper != 0 || !none_left)
		return;
	if (front->end.begun)
		release(front);
	ds_loop_stop(front->loop);
}

static void
on_child(struct ds_signal *signal, int signo, void *arg)
{
	(void)signal;
	(void)signo;
	reap(arg);
}

/* What a terminal sends goes to all of the foreground, and so to the command too. */
static bool
is_in_foreground(void)
{
	int tty = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (tty == -1)
		return false;
	bool is = tcgetpgrp(tty) == getpgrp();
	close(tty);
	return is;
}

static void
on_signal(struct ds_signal *signal, int signo, void *arg)
{
	struct front *front = arg;
	unsigned char byte = (unsigned char)signo;

	(void)signal;
	if ((signo == SIGINT || signo == SIGQUIT) && is_in_foreground())
		byte |= SIGNAL_TO_ALL;
	send(front->channel, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
on_channel(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	struct front *front = arg;
	bool ended;
	int connection = channel_take_fd(fd, &ended);

	(void)events;
	if (connection != -1) {
		if (front->connection != -1)
			close(front->connection);
		front->connection = connection;
	}
	if (ended)
		ds_fd_cancel(loop, fd);
}

static int
watch(struct front *front)
{
	static const int signals[SIGNALS] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

	if (tree_adopt() == -1 ||
	    ds_signal_add(&front->child, front->loop, SIGCHLD, on_child, front) == -1 ||
	    ds_fd_add(front->loop, front->channel, DS_READ, on_channel, front) == -1)
		return -1;
	for (int i = 0; i < SIGNALS; i++) {
		struct sigaction before;

		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
			continue; /* as under nohup(1) */
		if (ds_signal_add(
			&front->passed_on[i], front->loop, signals[i], on_signal, front) == -1)
			return -1;
	}
	return 0;
}

int
front_run(const struct run *run, pid_t keeper, int channel)
{
	struct front front = {.run = run, .keeper = keeper, .channel = channel, .connection = -1};

	front.loop = ds_loop_new();
	if (front.loop == NULL || watch(&front) == -1) {
		say("cannot start: %s", strerror(errno));
		return LATCH_TROUBLE;
	}
	tree_end_init(&front.end, front.loop);
	reap(&front); /* it may have been quick */
	if (front.keeper != 0)
		ds_loop_run(front.loop);
	ds_loop_free(front.loop);
	return front.status;
}
