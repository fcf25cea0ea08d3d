/* SPDX-License-Identifier: ISC */
/* Every exit status of latch that is not 0 and not that of a command it ran; latch(1) has the same
 * table. */
#ifndef LATCH_EXITS_H
#define LATCH_EXITS_H

enum {
	LATCH_USAGE = 64,     /* the command line is wrong; EX_USAGE */
	LATCH_NO_SERVER = 69, /* not reached, or lost before it answered; EX_UNAVAILABLE */
	LATCH_REFUSED = 75, /* taken, timed out, or refused otherwise; EX_TEMPFAIL; -E changes it */
	LATCH_CONFIG = 78,  /* the configuration cannot be read; EX_CONFIG */
	LATCH_TROUBLE = 71, /* latch itself failed: no memory, no process; EX_OSERR */
	LATCH_TIMEOUT = 124, /* the command took longer than --timeout */
	LATCH_LOST = 125,    /* the lock was lost, or a guard was killed, while the command ran */
	LATCH_NOT_RUNNABLE = 126, /* the command cannot be run */
	LATCH_NOT_FOUND = 127,	  /* there is no such command */
};

#endif
