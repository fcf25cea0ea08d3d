/* SPDX-License-Identifier: ISC */
/* What happens in the lock table, on its way to the history and to those whom it concerns. */
#ifndef LATCHD_EVENTS_H
#define LATCHD_EVENTS_H

struct service;

void events_init(struct service *);
/* The fence has tokens for the table. */
void events_tokens(struct service *);
/* Somebody has begun or ended to watch. */
void events_watched(struct service *);

#endif
