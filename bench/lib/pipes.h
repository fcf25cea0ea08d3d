/* SPDX-License-Identifier: ISC */
/*
 * The classic pipe benchmark: so many pipes are watched, some are active; whoever can read takes
 * the byte and writes one into the next pipe, until all writes are spent. pipes.c drives it, a file
 * a library implements this.
 */
#ifndef BENCH_PIPES_H
#define BENCH_PIPES_H

void pipes_open(int n);		 /* a loop for N pipes */
void pipes_watch(int i, int fd); /* pipe I, for reading, on the loop */
void pipes_turn(void);		 /* waits and dispatches once */
void pipes_event(int i);	 /* called by it for each that can be read */

#endif
