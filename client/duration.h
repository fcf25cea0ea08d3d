/* SPDX-License-Identifier: ISC */
/* Times as people write them, which is how the server reads them: 2.5 (seconds), 500ms, 30s, 5m,
 * 1h, 2d. */
#ifndef LATCH_DURATION_H
#define LATCH_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is less than a millisecond, and not nothing, is one. False: no time, or over 100 years. */
bool duration_parse(const char *text, int64_t *ms);
/* For people, in two units at most: 40ms, 7s, 5m12s, 3h07m, 2d4h. Returns BUF. */
char *duration_format(int64_t ms, char *buf, size_t size);
/* Now, by a clock that only goes forward. */
int64_t monotonic_ms(void);

#endif
