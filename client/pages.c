/* SPDX-License-Identifier: ISC */
/* See pages.h. */
#include "pages.h"

#include <string.h>

int
pages_each(struct talk *talk, const struct request *request, const char *subject, talk_pairs_fn fn,
    void *arg)
{
	char after[64] = "";

	for (;;) {
		struct request page = *request;

		if (*after != '\0')
			request_add(&page, "after", after);
		enum talk_result result = talk_ask(talk, &page, fn, arg);
		if (result != TALK_OK)
			return talk_say(talk, result, subject);
		const char *next = pairs_get(&talk->reply.pairs, "after");
		if (next == NULL)
			return 0;
		strlcpy(after, next, sizeof(after));
	}
}

static void
on_row(const struct pairs *pairs, void *output)
{
	output_row(output, pairs);
}

int
pages_print(
    struct talk *talk, const struct request *request, const char *subject, struct output *output)
{
	return pages_each(talk, request, subject, on_row, output);
}
