/* SPDX-License-Identifier: ISC */
/*
 * SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein: SipHash: a fast short-input PRF, INDOCRYPT 2012;
 * SipHash-c-d has c rounds a word and d at its end): for hash tables whose keys others choose. One
 * and three rounds are what Rust, Python and Ruby take for theirs; libsodium has two and four only.
 */
#ifndef LATCHD_SIPHASH_H
#define LATCHD_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

uint64_t siphash13(const void *data, size_t len, const unsigned char key[SIPHASH_KEY_BYTES]);

#endif
