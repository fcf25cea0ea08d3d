/* SPDX-License-Identifier: ISC */
/*
 * Foreign words on a terminal. Whatever a name, a note or a holder has in it, what comes out here
 * moves no cursor and is as wide as it says: what is no printable character of the locale becomes
 * %XX, as in the server's own lists.
 */
#ifndef LATCH_TOP_CELL_H
#define LATCH_TOP_CELL_H

#include <stddef.h>
#include <stdint.h>

enum { CELL_DURATION = 16 };

/*
 * TEXT in exactly COLUMNS columns: padded with blanks, or cut, which a `>` in the last one says.
 * SIZE of OUT is more than COLUMNS; combining characters that find no room there are left out.
 */
void cell_fit(char *out, size_t size, const char *text, int columns);
/* How many columns the whole of it takes. */
int cell_width(const char *text);
/* `7s`, `5m12s`, `3h04m`, `12d3h`, `1200d`: seven columns at most. */
void cell_duration(char out[CELL_DURATION], int64_t ms);

#endif
