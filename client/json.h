/* SPDX-License-Identifier: ISC */
/* Pairs of the server as JSON: what is a number there is one here, but for tokens, which have 64
 * bits, more than a double has room for. */
#ifndef LATCH_JSON_H
#define LATCH_JSON_H

#include "pairs.h"

#include <jansson.h>

/* All members are new references. Out of memory ends the program. */
json_t *json_of_pairs(const struct pairs *);
/* Text of others; bytes that are no UTF-8 are written %XX, as text_safe does. */
json_t *json_of_text(const char *);
json_t *json_of_value(const char *key, const char *value);
/* An array of all values of KEY. */
json_t *json_values(const struct pairs *, const char *key);
/* Prints it on one line without its end, and lets it go. */
void json_print(json_t *);
/* The object itself, to go on with: VALUE is taken. */
json_t *json_with(json_t *object, const char *key, json_t *value);

#endif
