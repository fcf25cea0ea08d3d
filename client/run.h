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

#include <stdatomic.h>
#include <sys/types.h>

enum on_loss { ON_LOSS_KILL, ON_LOSS_TERM, ON_LOSS_IGNORE };

/* Memory of both processes. */
struct shared {
	/* When the lock may be another's, on the clock of ds_loop_now; 0: it is not held, or the
	 * keeper is about to end the command; INT64_MAX: it is held with the connection. */
	_Atomic int64_t deadline_ns;
	atomic_bool is_stopped; /* the command, by its terminal */
};

struct run {
	struct terms terms;
	struct server server;
	char **argv;	    /* the command */
	int64_t timeout_ms; /* 0: as long as it takes */
	enum on_loss on_loss;
	bool elect;	 /* after a loss it stands for election again */
	char label[512]; /* the names, for people */
	struct shared *shared;
};

/*
 * How the front speaks to the keeper: one byte, a signal's number; the end of file is its death.
 * The keeper tells the front of each connection, with its descriptor, so that that outlives it; and
 * that the command has stopped itself. Until when the lock is held it writes where both can see it:
 * nothing that the front has not read yet, since it was stopped, is then out of date.
 */
enum { SIGNAL_TO_ALL = 0x80 }; /* with the number: a terminal has sent it to the command as well */
enum word { WORD_NONE, WORD_END, WORD_CONNECTION, WORD_STOPPED };

/* Both return the exit status. CHANNEL is theirs. */
int front_run(const struct run *, pid_t keeper, int channel);
int keeper_run(const struct run *, int channel);

/* FD goes with it, -1: none. False: not now. */
bool channel_tell(int channel, enum word, int fd);
/* WORD_END: there is nobody any more. */
enum word channel_hear(int channel, int *fd);

/* How long a command may take to end after SIGTERM where no lease says otherwise. */
enum { GRACE_MS = 5000 };
int64_t run_grace_ms(const struct run *);

#endif
