/* SPDX-License-Identifier: ISC */
/* See mail.h. */
#include "mail.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_MIN = 512 };

void
post_init(struct post *post, size_t max)
{
	TAILQ_INIT(&post->boxes);
	post->max = max;
}

static void
put(struct post *post, struct mailbox *box)
{
	if (box->is_posted)
		return;
	box->is_posted = true;
	TAILQ_INSERT_TAIL(&post->boxes, box, link);
}

static int
grow(struct mailbox *box, size_t wanted)
{
	size_t size = wanted < SIZE_MIN ? SIZE_MIN : wanted + wanted / 2;
	char *text = realloc(box->text, size);

	if (text == NULL)
		return -1;
	box->text = text;
	box->size = (uint32_t)size;
	return 0;
}

void
mail_add(struct post *post, struct mailbox *box, const char *event, size_t len, bool must)
{
	size_t wanted = box->len + len;

	if (len == 0)
		return;
	put(post, box);
	if (!must && (box->lost > 0 || wanted > post->max)) {
		box->lost++;
		return;
	}
	if (wanted > box->size && (wanted > UINT32_MAX / 2 || grow(box, wanted) == -1)) {
		if (must)
			box->doom = "no memory for an event";
		else
			box->lost++;
		return;
	}
	memcpy(box->text + box->len, event, len);
	box->len = (uint32_t)wanted;
}

bool
mail_is_new(struct mailbox *box, uint64_t event)
{
	bool is_new = box->told != event;

	box->told = event;
	return is_new;
}

void
mail_doom(struct post *post, struct mailbox *box, const char *why)
{
	put(post, box);
	box->doom = why;
}

void
mail_take(struct post *post, struct mailbox *box)
{
	if (box->is_posted)
		TAILQ_REMOVE(&post->boxes, box, link);
	box->is_posted = false;
}

void
mail_clear(struct post *post, struct mailbox *box)
{
	mail_take(post, box);
	free(box->text);
	*box = (struct mailbox){0};
}
