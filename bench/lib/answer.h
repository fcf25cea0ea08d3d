/* SPDX-License-Identifier: ISC */
/*
 * What the line servers of this benchmark share: counting lines, and replies that lie ready in
 * memory. What differs, and is measured, is how each library gets the bytes in and out.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum { INPUT_SIZE = 65536, REPLY_LEN = 5 /* OK, blank, CR, LF */ };

extern char answer_input[INPUT_SIZE];
extern char answer_replies[INPUT_SIZE * REPLY_LEN];

void answer_init(void);
/* How many bytes of answer_replies answer N bytes of input. */
size_t answer_len(const char *bytes, size_t n);
/* A listening socket on 127.0.0.1, non-blocking; exits where there is none. */
int answer_listen(const char *port);
/* Accepts one; TCP_NODELAY, non-blocking; -1: none is there. */
int answer_accept(int listener);

#endif
