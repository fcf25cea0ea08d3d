/* SPDX-License-Identifier: ISC */
/* The terminal: taken, drawn on, given back. It only looks at what is to be shown. */
#ifndef LATCH_TOP_SCREEN_H
#define LATCH_TOP_SCREEN_H

#include "top.h"

#include <wchar.h>

/* 0, or an exit status after the reason was printed. */
int screen_begin(void);
/* As it was before. Harmless when repeated. */
void screen_end(void);
void screen_draw(struct top *);
/* The terminal has another size. */
void screen_resize(void);
/* Gives the terminal back for a while; screen_resume takes it again. */
void screen_suspend(void);
void screen_resume(void);
/* A key that was pressed; false: none is left. Never waits but for the rest of one that has begun.
 */
bool screen_key(bool *is_code, wint_t *key);

#endif
