/* SPDX-License-Identifier: ISC */
/* Starting the command: with the signals that latch was started with, and what it may want to know
 * of its lock in the environment. */
#ifndef LATCH_COMMAND_H
#define LATCH_COMMAND_H

#include "hold.h"

#include <sys/types.h>

struct command {
	pid_t pid;  /* 0: there is none, or it has ended */
	int report; /* that it could not be run comes from here, and where it was, nothing */
	const char *name;
};

/* Notes how signals are dealt with, for the command. To be called first. */
void command_save_signals(void);
/* Forgets SIGINT or SIGQUIT that is pending here, blocked. Whether it is one of a terminal's, which
 * goes to all of the foreground: whoever is not there yet misses it. */
bool command_missed(int signo);
/* What the caller has pending of that kind is passed on to the command, which was not there yet.
 * -1, after it was said: there is no process. It does not wait for anything. */
int command_start(struct command *, char **argv, const struct hold *);
/* Its exit status, 128 and the signal where it was one, from that of waitpid. That it could not be
 * run is said. */
int command_ended(struct command *, int status);

#endif
