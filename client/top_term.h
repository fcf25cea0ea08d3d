/* SPDX-License-Identifier: ISC */
/* What TERM names, looked up before the screen is taken. */
#ifndef LATCH_TOP_TERM_H
#define LATCH_TOP_TERM_H

/* NULL: it can be drawn on. Else why not, static. */
const char *term_wrong(void);

#endif
