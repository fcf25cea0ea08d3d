/* SPDX-License-Identifier: ISC */
/* See nearest.h. */
#include "nearest.h"

#include <string.h>

enum { WORD_MAX = 16, FAR = 3 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein, Binary codes capable of correcting deletions, insertions, and reversals, 1966. */
static size_t
distance(const char *from, const char *to)
{
	size_t row[WORD_MAX + 1], len = strlen(to);

	if (len > WORD_MAX)
		return FAR;
	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (size_t i = 1; *from != '\0'; from++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t changed = diagonal + (*from == to[j - 1] ? 0 : 1);

			diagonal = row[j];
			row[j] = least(changed, 1 + least(row[j], row[j - 1]));
		}
	}
	return row[len];
}

const char *
nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t best_distance = FAR;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(word), far = distance(word, names[i]);

		if (len >= 2 && strncmp(word, names[i], len) == 0)
			far = 0;
		if (far < best_distance && 2 * far <= len) {
			best = names[i];
			best_distance = far;
		}
	}
	return best;
}
