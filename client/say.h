/* SPDX-License-Identifier: ISC */
/* What latch says of itself: one line, to standard error. */
#ifndef LATCH_SAY_H
#define LATCH_SAY_H

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
