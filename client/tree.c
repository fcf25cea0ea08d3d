/* SPDX-License-Identifier: ISC */
/* See tree.h. */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SWEEP_MS = 20 };

struct process {
	pid_t pid, parent;
	bool is_ours;
};

struct processes {
	struct process *all;
	size_t n, room;
};

int
tree_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* The parent of PID; 0: it has gone. */
static pid_t
parent_of(pid_t pid)
{
	char path[32], stat[512];
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	ssize_t n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	stat[n > 0 ? n : 0] = '\0';
	/* The name stands in parentheses and may have any byte, these too. */
	const char *behind = strrchr(stat, ')');
	if (behind == NULL || sscanf(behind + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

static void
note(struct processes *list, pid_t pid)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 256;
		struct process *all = reallocarray(list->all, room, sizeof(*all));

		if (all == NULL)
			return; /* the next sweep */
		list->all = all;
		list->room = room;
	}
	list->all[list->n++] = (struct process){.pid = pid, .parent = parent_of(pid)};
}

static void
read_all(struct processes *list)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && pid > 0)
			note(list, (pid_t)pid);
	}
	closedir(dir);
}

static int
by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct process *)a)->pid, y = ((const struct process *)b)->pid;

	return (x > y) - (x < y);
}

static bool
is_ours(const struct processes *list, pid_t pid)
{
	const struct process wanted = {.pid = pid};
	const struct process *found;

	if (pid == getpid())
		return true;
	found = bsearch(&wanted, list->all, list->n, sizeof(wanted), by_pid);
	return found != NULL && found->is_ours;
}

/* Children of ours are ours, until nothing changes. */
static void
mark(struct processes *list)
{
	bool more = list->n > 0;

	if (more)
		qsort(list->all, list->n, sizeof(*list->all), by_pid);
	while (more) {
		more = false;
		for (size_t i = 0; i < list->n; i++) {
			struct process *process = &list->all[i];

			if (process->is_ours || process->parent == 0 ||
			    !is_ours(list, process->parent))
				continue;
			process->is_ours = more = true;
		}
	}
}

/*
 * A number may be another process's by now, unless it is held fast: the descriptor is opened first,
 * and the parent compared after that.
 */
static void
signal_one(const struct process *process, int signo)
{
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);

	if (fd == -1 && errno != ENOSYS)
		return;
	if (parent_of(process->pid) == process->parent) {
		if (fd == -1)
			kill(process->pid, signo);
		else
			syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
	}
	if (fd != -1)
		close(fd);
}

void
tree_signal(int signo)
{
	struct processes list = {0};

	read_all(&list);
	mark(&list);
	for (size_t i = 0; i < list.n; i++)
		if (list.all[i].is_ours)
			signal_one(&list.all[i], signo);
	free(list.all);
}

bool
tree_reap(void (*ended)(void *arg, pid_t pid, int status), void *arg)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		ended(arg, pid, status);
	return pid == -1 && errno == ECHILD;
}

static void
on_timer(struct ds_timer *timer, void *arg)
{
	struct tree_end *end = arg;

	end->hard = true;
	tree_signal(SIGKILL);
	ds_timer_add(timer, SWEEP_MS);
}

void
tree_end_init(struct tree_end *end, struct ds_loop *loop)
{
	*end = (struct tree_end){0};
	ds_timer_init(&end->timer, loop, on_timer, end);
}

void
tree_end_begin(struct tree_end *end, int64_t grace_ms)
{
	if (!end->begun) {
		end->begun = true;
		tree_signal(SIGTERM);
		tree_signal(SIGCONT); /* who is stopped would not hear it */
	}
	if (!end->hard && grace_ms >= 0)
		ds_timer_add(&end->timer, grace_ms);
}

void
tree_end_cancel(struct tree_end *end)
{
	ds_timer_cancel(&end->timer);
	end->begun = end->hard = false;
}
