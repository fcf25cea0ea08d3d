/* SPDX-License-Identifier: ISC */
/* All pages of an answer that the server gives a page at a time. */
#ifndef LATCH_PAGES_H
#define LATCH_PAGES_H

#include "output.h"
#include "talk.h"

/* REQUEST is without its end. SUBJECT is what it is about, or NULL. FN gets each row. An exit
 * status; 0 after the last page. */
int pages_each(
    struct talk *, const struct request *, const char *subject, talk_pairs_fn, void *arg);
/* As rows of an output. */
int pages_print(struct talk *, const struct request *, const char *subject, struct output *);

#endif
