/* SPDX-License-Identifier: ISC */
/*
 * The front: what the user has started and the shell waits for. It stops and goes on with the
 * command, while the keeper, which does not, renews the lock. Where the keeper is killed, or does
 * nothing any more, the command's processes are the front's, which ends them. See run.h.
 */
#include "run.h"

#include "exits.h"
#include "hold.h"
#include "say.h"
#include "tree.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SIGNALS = 6,
	FAREWELL_MS = 1000, /* for the server to take the lock back on the keeper's connection */
	STOP_MS = 20,	    /* for the keeper to see that the command goes on already */
};

struct front {
	const struct run *run;
	struct ds_loop *loop;
	struct tree_end end;
	struct hold hold; /* to give the lock back */
	struct ds_timer overdue, stop;
	struct ds_signal child, passed_on[SIGNALS];
	pid_t keeper; /* 0: it has ended */
	int64_t grace_ms;
	int channel;
	int connection; /* the keeper's, in case that it is killed; -1: none */
	int status;
};

/* The keeper is gone and so are all others: now the lock may be had by others. */

static void
add_line(struct request *to, const char *verb, const char *name, const char *key)
{
	struct request line;

	request_begin(&line, verb);
	if (name != NULL) {
		request_add(&line, "lock", name);
		request_add(&line, "key", key);
	}
	request_end(&line);
	if (to->len + line.len > sizeof(to->text))
		return;
	memcpy(to->text + to->len, line.text, line.len);
	to->len += line.len;
}

/* Until the server closes, which it does after it has dealt with all that was sent. */
static void
await_end(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char buf[4096];
	ssize_t n;

	do {
		if (poll(&wait, 1, FAREWELL_MS) <= 0)
			return;
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	} while (n > 0);
}

/* On the keeper's connection, since it knows of a request that is under way there. */
static void
release_there(struct front *front)
{
	const struct terms *terms = &front->run->terms;
	struct request request = {.len = 0};

	add_line(&request, "\r\ncancel", NULL, NULL); /* it may have died within a line */
	for (size_t i = 0; i < terms->n; i++)
		add_line(&request, "release", terms->names[i], terms->key);
	ssize_t n = send(front->connection, request.text, request.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(front->connection, SHUT_WR);
	if (n == (ssize_t)request.len)
		await_end(front->connection);
}

static void
released(struct hold *hold)
{
	struct front *front = hold->arg;

	if (!hold->is_given_back)
		say("%s: latchd at %s does not take the lock back now: it ends with its lease",
		    front->run->label, front->run->server.text);
	ds_loop_stop(front->loop);
}

static void
connected(struct hold *hold, int fd)
{
	(void)hold;
	(void)fd;
}

static const struct hold_ops hold_ops = {.released = released, .connected = connected};

static void
release(struct front *front)
{
	bool is_bound = front->run->terms.lease_ms == 0; /* the lock, to its connection */

	tree_end_cancel(&front->end);
	if (front->connection != -1)
		release_there(front);
	if (front->connection == -1 || is_bound) {
		ds_loop_stop(front->loop);
		return;
	}
	/* It may have been lost already: only an answer is sure. */
	hold_init(
	    &front->hold, front->loop, &front->run->terms, &front->run->server, &hold_ops, front);
	hold_inherit(&front->hold);
	hold_release(&front->hold);
}

static void
child_changed(void *arg, pid_t pid, int status)
{
	struct front *front = arg;

	if (pid != front->keeper || WIFSTOPPED(status) || WIFCONTINUED(status))
		return;
	front->keeper = 0;
	ds_timer_cancel(&front->overdue);
	if (WIFEXITED(status)) { /* and nothing of the command is left */
		front->status = WEXITSTATUS(status);
		ds_loop_stop(front->loop);
		return;
	}
	say("%s: the guard of the command was killed: ending the command", front->run->label);
	front->status = LATCH_LOST;
	tree_end_begin(&front->end, front->grace_ms);
}

static void
reap(struct front *front)
{
	bool none_left = tree_reap(child_changed, front);

	if (front->keeper == 0 && none_left && front->end.begun)
		release(front);
}

static void
on_child(struct ds_signal *signal, int signo, void *arg)
{
	(void)signal;
	(void)signo;
	reap(arg);
}

/* In the last quarter of the margin the keeper should have ended the command, and been here. */
static void
on_overdue(struct ds_timer *timer, void *arg)
{
	struct front *front = arg;
	int64_t quarter_ms = hold_margin_ms(&front->run->terms) / 4;
	int64_t deadline_ns = atomic_load(&front->run->shared->deadline_ns);
	int64_t when_ns = deadline_ns - quarter_ms * 1000000;

	if (deadline_ns == 0) {
		ds_timer_add(timer, front->run->terms.lease_ms / 3);
	} else if (when_ns > ds_loop_now(front->loop)) {
		ds_timer_add_at(timer, when_ns);
	} else {
		say("%s: the guard of the command does not renew the lock: ending both",
		    front->run->label);
		front->grace_ms = quarter_ms / 2;
		kill(front->keeper, SIGKILL);
	}
}

/* Signals. */

static void
pass_on(struct front *front, unsigned char byte)
{
	send(front->channel, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
on_signal(struct ds_signal *signal, int signo, void *arg)
{
	unsigned char byte = (unsigned char)signo;

	/* What a terminal sends goes to all of the foreground, and so to the command too. */
	if ((signo == SIGINT || signo == SIGQUIT) && !signal->is_sent)
		byte |= SIGNAL_TO_ALL;
	pass_on(arg, byte);
}

static void
on_stop(struct ds_timer *timer, void *arg)
{
	struct front *front = arg;

	(void)timer;
	if (!atomic_load(&front->run->shared->is_stopped))
		return;
	raise(SIGSTOP);
	pass_on(front, SIGCONT); /* where only we were told to go on */
}

static void
on_channel(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	struct front *front = arg;
	int connection;
	enum word word = channel_hear(fd, &connection);

	(void)events;
	if (connection != -1) {
		if (front->connection != -1)
			close(front->connection);
		front->connection = connection;
	}
	if (word == WORD_STOPPED)
		ds_timer_add(&front->stop, STOP_MS);
	else if (word == WORD_END)
		ds_fd_cancel(loop, fd);
}

static int
watch(struct front *front)
{
	static const int signals[SIGNALS] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

	if (ds_signal_add(&front->child, front->loop, SIGCHLD, on_child, front) == -1 ||
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

	front.grace_ms = run_grace_ms(run);
	front.loop = ds_loop_new();
	if (front.loop == NULL || watch(&front) == -1) {
		say("cannot start: %s", strerror(errno));
		return LATCH_TROUBLE;
	}
	tree_end_init(&front.end, front.loop);
	ds_timer_init(&front.overdue, front.loop, on_overdue, &front);
	ds_timer_init(&front.stop, front.loop, on_stop, &front);
	if (run->terms.lease_ms > 0 && run->on_loss == ON_LOSS_KILL)
		ds_timer_add(&front.overdue, run->terms.lease_ms / 3);
	ds_loop_run(front.loop);
	if (front.hold.loop != NULL)
		hold_fini(&front.hold);
	ds_loop_free(front.loop);
	return front.status;
}
