/* SPDX-License-Identifier: ISC */
/*
 * The CPU time of another process, from /proc: what the scheduler counts in nanoseconds where the
 * kernel was built to show it, else the clock ticks that every kernel counts.
 */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds that all threads of the process together spent on a CPU. Exits where it is gone. */
uint64_t cpu_ns(pid_t pid);

#endif
