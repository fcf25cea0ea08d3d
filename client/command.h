/* SPDX-License-Identifier: ISC */
/* Starting the command: with the signals that latch was started with, and what it may want to know
 * of its lock in the environment. */
#ifndef LATCH_COMMAND_H
#define LATCH_COMMAND_H

#include "hold.h"

#include <sys/types.h>

/* Notes how signals are dealt with, for the command. To be called first. */
void command_save_signals(void);
/* The process, or -1 and in *STATUS the exit status that says why, after it was said. */
pid_t command_start(char **argv, const struct hold *, int *status);

#endif
