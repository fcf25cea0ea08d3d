/* SPDX-License-Identifier: ISC */
/* `key=value&key=value…` as the server writes it, decoded in place. */
#ifndef LATCH_PAIRS_H
#define LATCH_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

enum { PAIRS_MAX = 64 }; /* of one line; what is beyond is left out */

struct pair {
	const char *key, *value; /* NUL-terminated; a value may have no NUL of its own */
};

struct pairs {
	size_t n;
	struct pair pair[PAIRS_MAX];
};

/* TEXT is overwritten and lent to the pairs. `-` is none. */
void pairs_parse(struct pairs *, char *text);
/* The first value of KEY, or NULL. */
const char *pairs_get(const struct pairs *, const char *key);

/* One line of the server, taken apart in place. */
enum line_kind { LINE_OK, LINE_ERR, LINE_EVENT, LINE_OTHER };

struct line {
	enum line_kind kind;
	const char *code;  /* of LINE_ERR */
	const char *prose; /* of LINE_ERR, for people; may be "" */
	struct pairs pairs;
};

/* LINE_OTHER: all of it is pairs, as in a list. */
void line_parse(struct line *, char *text);

/* A request under construction: words, and values that are URL-encoded. Cut where it is too long,
 * which request_is_whole tells. */
struct request {
	char text[8192];
	size_t len;
	bool cut;
};

void request_begin(struct request *, const char *verb);
/* ` KEY=VALUE`; a KEY of NULL: ` VALUE`, whose `=` are encoded too. */
void request_add(struct request *, const char *key, const char *value);
void request_end(struct request *); /* the end of the line */

#endif
