/* SPDX-License-Identifier: ISC */
/* What hold.c, the connection and the deadlines, and hold_talk.c, what is said, share. */
#ifndef LATCH_HOLD_PARTS_H
#define LATCH_HOLD_PARTS_H

#include "hold.h"

#define NS_PER_MS INT64_C(1000000)

/* What is left of the time to wait; TERMS_FOREVER. */
int64_t hold_left_ms(const struct hold *);
/* The connection is no use any more, though it has not ended. */
void hold_reconnect(struct hold *, const char *why);
/* Nobody will ever answer there as a server does. */
void hold_unreachable(struct hold *, const char *why);
void hold_lost(struct hold *, const char *why, int64_t grace_ms);
/* All renewals that were under way were granted. */
void hold_renewed(struct hold *);
/* It is ours with the connection. */
void hold_granted(struct hold *);
/* There is no more to be waited for. */
void hold_released(struct hold *, bool is_given_back);

/* What is to be said on a new connection. */
void hold_greet(struct hold *);
void hold_send_acquire(struct hold *);
void hold_send_renewals(struct hold *);
void hold_send_release(struct hold *);
/* The acquire that may be waiting is withdrawn. */
void hold_send_cancel(struct hold *);
void hold_hear(struct hold *, char *text);

#endif
