/* SPDX-License-Identifier: ISC */
/* See tree.h. */
#include "tree.h"

#include "descend.h"
#include "duration.h"
#include "say.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAUSE_FIRST_MS = 5,
	PAUSE_MAX_MS = 500, /* who cannot be ended is not to cost us the processor */
	LOOK_MS = 30,
};

/* Children that were there before: strangers. */
static struct descendants strangers;

int
tree_adopt(void)
{
	free(strangers.all);
	strangers = (struct descendants){0};
	descend_children(&strangers);
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/*
 * A number may be another process's by now, unless it is held fast: the descriptor is opened first,
 * and the parent compared after that, which may be us since it was seen. 0, or -1 with errno;
 * ESRCH: it has ended.
 */
static int
signal_one(const struct descendant *process, int signo)
{
	int result = -1;
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);

	if (fd == -1 && errno != ENOSYS)
		return -1;
	pid_t parent = descend_parent(process->pid);
	if (parent == 0 || (parent != process->parent && parent != getpid()))
		errno = ESRCH;
	else if (fd == -1)
		result = kill(process->pid, signo);
	else
		result = (int)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
	if (fd != -1) {
		int error = errno;
		close(fd);
		errno = error;
	}
	return result;
}

struct tree_found
tree_signal(int signo)
{
	struct descendants list = {.but = &strangers};
	struct tree_found found = {0};

	descend_all(&list);
	for (size_t i = 0; i < list.n; i++) {
		if (signal_one(&list.all[i], signo) == 0) {
			found.alive++;
		} else if (errno == EPERM) {
			found.alive++;
			found.refused = list.all[i].pid;
		}
	}
	free(list.all);
	return found;
}

/* Of our children only strangers are left. */
static bool
is_alone(void)
{
	struct descendants children = {.but = &strangers};

	descend_children(&children);
	free(children.all);
	return children.n == 0;
}

static void
forget_stranger(pid_t pid)
{
	for (size_t i = 0; i < strangers.n; i++)
		if (strangers.all[i].pid == pid)
			strangers.all[i] = strangers.all[--strangers.n];
}

bool
tree_reap(void (*changed)(void *arg, pid_t pid, int status), void *arg)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (!descend_has(&strangers, pid))
			changed(arg, pid, status);
		else if (WIFEXITED(status) || WIFSIGNALED(status))
			forget_stranger(pid);
	}
	if (pid == -1)
		return errno == ECHILD;
	return strangers.n > 0 && is_alone();
}

static void
tell_refused(struct tree_end *end, pid_t pid)
{
	if (end->told)
		return;
	end->told = true;
	say("process %d belongs to another user and cannot be ended: waiting for its end",
	    (int)pid);
}

/* Again at once, for those who fork faster than a loop turns; but others want their turn too. */
static void
on_timer(struct ds_timer *timer, void *arg)
{
	struct tree_end *end = arg;
	struct tree_found found;
	int64_t until_ms = monotonic_ms() + LOOK_MS;

	do
		found = tree_signal(SIGKILL);
	while (found.alive > 0 && found.refused == 0 && monotonic_ms() < until_ms);
	if (found.refused != 0)
		tell_refused(end, found.refused);
	if (found.alive < end->alive || 2 * end->pause_ms > PAUSE_MAX_MS)
		end->pause_ms = found.alive < end->alive ? PAUSE_FIRST_MS : PAUSE_MAX_MS;
	else
		end->pause_ms *= 2;
	end->alive = found.alive;
	ds_timer_add(timer, end->pause_ms);
}

void
tree_end_init(struct tree_end *end, struct ds_loop *loop)
{
	*end = (struct tree_end){.hard_ns = INT64_MAX, .pause_ms = PAUSE_FIRST_MS};
	ds_timer_init(&end->timer, loop, on_timer, end);
}

void
tree_end_begin(struct tree_end *end, int64_t grace_ms)
{
	int64_t hard_ns = ds_loop_now(end->timer.loop) + grace_ms * 1000000;

	if (!end->begun) {
		end->begun = true;
		tree_signal(SIGTERM);
		tree_signal(SIGCONT); /* who is stopped would not hear it */
	}
	if (grace_ms < 0 || hard_ns >= end->hard_ns)
		return;
	end->hard_ns = hard_ns;
	ds_timer_add_at(&end->timer, hard_ns);
}

void
tree_end_cancel(struct tree_end *end)
{
	ds_timer_cancel(&end->timer);
	tree_end_init(end, end->timer.loop);
}
