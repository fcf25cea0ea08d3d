/* SPDX-License-Identifier: ISC */
/* What somebody may have meant. */
#ifndef LATCH_NEAREST_H
#define LATCH_NEAREST_H

#include <stddef.h>

/* The one of N names that is fewest changed letters away from WORD, at most half of its letters, or
 * begins with it; NULL where none is near. */
const char *nearest(const char *word, const char *const *names, size_t n);

#endif
