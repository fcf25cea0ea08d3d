/* SPDX-License-Identifier: ISC */
/* What the keeper says, on standard error: what has happened, where, and what to do about it. */
#ifndef LATCH_KEEPER_SAY_H
#define LATCH_KEEPER_SAY_H

#include "run.h"

/* These two return the exit status. */
int keeper_say_refused(const struct run *, const struct line *);
int keeper_say_unreachable(const struct run *, const char *why, bool was_up);
void keeper_say_lost(const struct run *, const char *why, const char *then);
void keeper_say_not_given_back(const struct run *);
void keeper_say_news(const struct run *, const char *text);
void keeper_say_waiting(const struct run *, const struct line *);

#endif
