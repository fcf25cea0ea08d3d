/* SPDX-License-Identifier: ISC */
/* Text of others, made safe to print: what is not to be seen, or moves what is, becomes %XX, its
 * bytes in hexadecimal. Locks and notes may have any bytes. */
#ifndef LATCH_TEXT_H
#define LATCH_TEXT_H

#include <stddef.h>

enum { TEXT_PROSE = 1 }; /* %XX in it was written by somebody who did the same */

/* For main, once: what is printed is UTF-8, in every locale. */
void text_init(void);
/* To be freed. Never NULL: out of memory ends the program. */
char *text_safe(const char *text, unsigned flags);
/* How many columns of a terminal a safe text takes. */
size_t text_width(const char *text);
/* Cuts a safe text that takes more, in place, with `…` or dots at its end where there is room. */
void text_cut(char *text, size_t width);

/* Each character that needs no escape at AT: its bytes, and the columns it takes; 0: it needs one.
 */
size_t text_plain(const char *at, int *width);

#endif
