/* SPDX-License-Identifier: ISC */
/* See pipes.h. pipes_LIBRARY PIPES ACTIVE WRITES: prints nanoseconds an event, setup of a pipe
 * first. */
#include "pipes.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int n_pipes, writes_left, to_read;
static int (*fds)[2];

static double
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

void
pipes_event(int i)
{
	char c;

	if (read(fds[i][0], &c, 1) != 1)
		return;
	to_read--;
	if (writes_left > 0) {
		writes_left--;
		to_read++;
		if (write(fds[(i + 1) % n_pipes][1], "x", 1) != 1)
			err(1, "write");
	}
}

static int
number(const char *text, int max)
{
	const char *error;
	int n = (int)strtonum(text, 1, max, &error);

	if (error != NULL)
		errx(2, "%s: %s", text, error);
	return n;
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: pipes PIPES ACTIVE WRITES");
	n_pipes = number(argv[1], 1000000);
	int active = number(argv[2], n_pipes), writes = number(argv[3], 100000000);
	fds = calloc((size_t)n_pipes, sizeof(*fds));
	if (fds == NULL)
		err(1, "calloc");
	for (int i = 0; i < n_pipes; i++)
		if (pipe2(fds[i], O_NONBLOCK | O_CLOEXEC) == -1)
			err(1, "pipe2");
	double begun = now_ns();
	pipes_open(n_pipes);
	for (int i = 0; i < n_pipes; i++)
		pipes_watch(i, fds[i][0]);
	double setup = (now_ns() - begun) / n_pipes;

	for (int i = 0; i < active; i++)
		if (write(fds[i * (n_pipes / active)][1], "x", 1) != 1)
			err(1, "write");
	to_read = active;
	writes_left = writes;
	begun = now_ns();
	while (to_read > 0)
		pipes_turn();
	printf("setup=%.0f event=%.0f\n", setup, (now_ns() - begun) / (writes + active));
	return 0;
}
