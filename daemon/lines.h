/* SPDX-License-Identifier: ISC */
/*
 * From bytes to lines, whatever pieces they come in: lines are handled in place in the buffer of
 * whoever read them; only an unfinished one, and what comes while the reader of the lines wants no
 * more, is kept.
 */
#ifndef LATCHD_LINES_H
#define LATCHD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed it is empty, and an empty one has no memory. */
struct lines {
	char *held;
	uint32_t len, size;
	uint32_t scanned; /* bytes of whole lines that lines_urgent has passed over */
};

enum lines_result { LINES_OK, LINES_TOO_LONG, LINES_NO_MEMORY };

/*
 * Gets each line without its LF and one CR before that; blank ones are left out. It may overwrite
 * the line. False: no more now; the rest is kept for lines_resume.
 */
typedef bool (*line_fn)(void *arg, char *line, size_t len);

/* More bytes have come. Nothing may be kept but an unfinished line: resume first. */
enum lines_result lines_feed(
    struct lines *, char *buf, size_t len, size_t max_line, line_fn, void *arg);
/* Goes on with what is kept. */
enum lines_result lines_resume(struct lines *, size_t max_line, line_fn, void *arg);
/* More bytes have come, and no line is to be handled now: all is kept. */
enum lines_result lines_hold(struct lines *, const char *buf, size_t len);
/*
 * Hands out lines that are kept and that were not handed out by it before, while AGAIN is true.
 * Those for which FN says true are done with, the others stay, in their order.
 */
void lines_urgent(struct lines *, line_fn, bool (*again)(void *arg), void *arg);
void lines_fini(struct lines *);

#endif
