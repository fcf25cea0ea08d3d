/* SPDX-License-Identifier: ISC */
/*
 * `latch run` and `latch elect`: a command under a lock. Two processes stand guard. The front is
 * what the user has started: it waits, passes signals on, and exits with the command's status. The
 * keeper is its child: it has the connection and the command. Both are subreapers, so whichever of
 * the two is killed, the other one ends all processes of the command, and only then is the lock
 * given back.
 */
#ifndef LATCH_RUN_H
#define LATCH_RUN_H

#include "server.h"
#include "terms.h"

#include <sys/types.h>

enum on_loss { ON_LOSS_KILL, ON_LOSS_TERM, ON_LOSS_IGNORE };

struct run {
	struct terms terms;
	struct server server;
	char **argv;	    /* the command */
	int64_t timeout_ms; /* 0: as long as it takes */
	enum on_loss on_loss;
	bool elect; /* after a loss it stands for election again */
	char key[33];
	char label[512]; /* the names, for people */
};

/* How the front speaks to the keeper: one byte, a signal's number; the end of file is its death.
 * The keeper passes the descriptor of each connection back, so that that outlives it. */
enum { SIGNAL_TO_ALL = 0x80 }; /* with the number: a terminal has sent it to the command as well */

/* Both return the exit status. CHANNEL is theirs. */
int front_run(const struct run *, pid_t keeper, int channel);
int keeper_run(const struct run *, int channel);

/* A descriptor over a socket; -1: there is none. */
void channel_pass_fd(int channel, int fd);
int channel_take_fd(int channel, bool *ended);

/* How long a command may take to end after SIGTERM where no lease says otherwise. */
enum { GRACE_MS = 5000 };
int64_t run_grace_ms(const struct run *);

#endif
