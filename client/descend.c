/* SPDX-License-Identifier: ISC */
/*
 * See descend.h. The kernel lists the children of each thread; where it was built without that, all
 * processes of the host have to be looked at.
 */
#include "descend.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

pid_t
descend_parent(pid_t pid)
{
	char path[32], stat[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	ssize_t n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	stat[n > 0 ? n : 0] = '\0';
	/* The name stands in parentheses and may have any byte, these too. */
	const char *behind = strrchr(stat, ')');
	if (behind == NULL || strlen(behind) < 5 || behind[2] == 'Z' || behind[2] == 'X')
		return 0;
	return (pid_t)strtol(behind + 4, NULL, 10);
}

bool
descend_has(const struct descendants *list, pid_t pid)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->all[i].pid == pid)
			return true;
	return false;
}

static void
add(struct descendants *list, pid_t pid, pid_t parent)
{
	if (list->but != NULL && descend_has(list->but, pid))
		return;
	if (list->n == list->room) {
		size_t room = list->room > 0 ? 2 * list->room : 256;
		struct descendant *all = reallocarray(list->all, room, sizeof(*all));

		if (all == NULL)
			return;
		list->all = all;
		list->room = room;
	}
	list->all[list->n++] = (struct descendant){pid, parent};
}

/* The entries of a directory that are numbers, to FN. */
static bool
each_number(const char *path, void (*fn)(struct descendants *, pid_t, pid_t),
    struct descendants *list, pid_t arg)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL)
		return false;
	while ((entry = readdir(dir)) != NULL) {
		char *end;
		long number = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && number > 0)
			fn(list, (pid_t)number, arg);
	}
	closedir(dir);
	return true;
}

static void
children_of_thread(struct descendants *list, pid_t thread, pid_t process)
{
	char path[64], *line = NULL, *at, *end;
	size_t size = 0;
	long pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)process, (int)thread);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	if (getdelim(&line, &size, '\0', file) != -1)
		for (at = line; (pid = strtol(at, &end, 10)) > 0; at = end)
			add(list, (pid_t)pid, process);
	free(line);
	fclose(file);
}

/* False: this kernel does not tell. */
static bool
children_of(struct descendants *list, pid_t parent)
{
	static int is_told = -1;
	char path[64];

	if (is_told == -1) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
		is_told = access(path, R_OK) == 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
	if (is_told)
		each_number(path, children_of_thread, list, parent);
	return is_told;
}

/* The long way. */

static void
add_with_parent(struct descendants *list, pid_t pid, pid_t unused)
{
	pid_t parent = descend_parent(pid);

	(void)unused;
	if (parent > 0)
		add(list, pid, parent);
}

static void
look_for(struct descendants *list, bool children_only)
{
	struct descendants host = {0};
	pid_t us = getpid();
	size_t before;

	each_number("/proc", add_with_parent, &host, 0);
	do {
		before = list->n;
		for (size_t i = 0; i < host.n; i++) {
			const struct descendant *process = &host.all[i];

			if ((process->parent == us ||
				(!children_only && descend_has(list, process->parent))) &&
			    !descend_has(list, process->pid))
				add(list, process->pid, process->parent);
		}
	} while (list->n > before);
	free(host.all);
}

void
descend_children(struct descendants *list)
{
	if (!children_of(list, getpid()))
		look_for(list, true);
}

void
descend_all(struct descendants *list)
{
	size_t next = list->n;

	if (!children_of(list, getpid())) {
		look_for(list, false);
		return;
	}
	for (; next < list->n; next++)
		children_of(list, list->all[next].pid);
}
