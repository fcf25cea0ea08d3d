/* SPDX-License-Identifier: ISC */
/* What the keys do. */
#ifndef LATCH_TOP_KEYS_H
#define LATCH_TOP_KEYS_H

#include "top.h"

#include <wchar.h>

/* IS_CODE: KEY is one of the library's names for keys that are no characters. */
void keys_press(struct top *, bool is_code, wint_t key);

#endif
