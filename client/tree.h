/* SPDX-License-Identifier: ISC */
/*
 * The processes below this one: all that the command has started, whatever they did to leave. It
 * takes a subreaper, whose children those become whose parent has gone, so no descendant is out of
 * reach.
 */
#ifndef LATCH_TREE_H
#define LATCH_TREE_H

#include <dsock.h>
#include <sys/types.h>

/* This process is a subreaper from now on. Children that it has already are none of the tree, as
 * where a shell with jobs has become latch. -1 with errno. */
int tree_adopt(void);

struct tree_found {
	size_t alive;  /* descendants that have not ended */
	pid_t refused; /* one of them that may not be signalled; 0: none */
};

/* Sends SIGNO to every descendant. What starts while it looks is seen by the next call. */
struct tree_found tree_signal(int signo);
/* Reaps every child that has ended, and notes each that has stopped or goes on, with a call of
 * CHANGED.
 * True: there is no child left, and so no descendant. */
bool tree_reap(void (*changed)(void *arg, pid_t pid, int status), void *arg);

/* The end of a tree: SIGTERM, then, when its time is over, SIGKILL again and again until it is
 * cancelled, since nobody is left. */
struct tree_end {
	struct ds_timer timer;
	int64_t hard_ns; /* when it becomes hard; INT64_MAX: never */
	int pause_ms;	 /* between two looks */
	size_t alive;	 /* at the last one */
	bool begun, told;
};

void tree_end_init(struct tree_end *, struct ds_loop *);
/* TERM now, KILL after GRACE_MS (less than 0: never). Begun already: only a shorter grace counts.
 */
void tree_end_begin(struct tree_end *, int64_t grace_ms);
void tree_end_cancel(struct tree_end *);

#endif
