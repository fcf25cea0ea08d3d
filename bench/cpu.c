/* SPDX-License-Identifier: ISC */
/*
 * The scheduler adds to a thread's schedstat when it leaves the CPU and at each tick, so the number
 * is exact for a process that sleeps and up to a tick old for one that runs.
 */
#include "cpu.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The beginning of a file as a string; empty where it cannot be read. */
static void
read_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f) {
		n = fread(text, 1, size - 1, f);
		fclose(f);
	}
	text[n] = '\0';
}

static uint64_t
ticks_ns(pid_t pid)
{
	char path[64], text[1024], *field, *end;
	uint64_t ticks;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	read_text(path, text, sizeof(text));
	field = strrchr(text, ')'); /* the end of field 2; user and system time are 14 and 15 */
	for (i = 2; field && i < 14; i++)
		field = strchr(field + 1, ' ');
	if (!field)
		errx(1, "%s: no CPU time in it", path);
	ticks = strtoull(field, &end, 10);
	ticks += strtoull(end, NULL, 10);
	return ticks * 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t
cpu_ns(pid_t pid)
{
	char path[320], text[64];
	struct dirent *entry;
	uint64_t sum = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		err(1, "%s", path);
	while ((entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, entry->d_name);
		read_text(path, text, sizeof(text));
		sum += strtoull(text, NULL, 10);
	}
	closedir(dir);
	return sum ? sum : ticks_ns(pid);
}
