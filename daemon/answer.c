/* SPDX-License-Identifier: ISC */
/* See answer.h. */
#include "answer.h"

enum { HEAD_SIZE = 1024 }; /* of a list: a few numbers, a cursor and an id */

void
answer_error(struct answer *answer, enum refusal refusal)
{
	REPLY_LITERAL(answer->reply, "ERR ");
	reply_text(answer->reply, protocol_code(refusal));
	REPLY_LITERAL(answer->reply, " ");
	answer->pairs = false;
}

void
answer_event(struct answer *answer, const char *what)
{
	REPLY_LITERAL(answer->reply, "EVENT what=");
	reply_text(answer->reply, what);
	answer->pairs = true;
	answer->id.len = 0;
}

void
answer_pair(struct answer *answer, const char *key)
{
	if (answer->pairs)
		REPLY_LITERAL(answer->reply, "&");
	answer->pairs = true;
	reply_text(answer->reply, key);
	REPLY_LITERAL(answer->reply, "=");
}

void
answer_text(struct answer *answer, const char *key, const char *text, size_t len)
{
	answer_pair(answer, key);
	reply_encoded(answer->reply, text, len);
}

void
answer_word(struct answer *answer, const char *key, const char *word)
{
	answer_pair(answer, key);
	reply_text(answer->reply, word);
}

void
answer_number(struct answer *answer, const char *key, uint64_t number)
{
	answer_pair(answer, key);
	reply_number(answer->reply, number);
}

void
answer_seconds(struct answer *answer, const char *key, int64_t ns)
{
	answer_pair(answer, key);
	reply_seconds(answer->reply, ns);
}

void
answer_time(struct answer *answer, const char *key, int64_t wall_ns)
{
	answer_pair(answer, key);
	reply_time(answer->reply, wall_ns);
}

void
answer_id(struct answer *answer)
{
	answer_text(answer, "id", answer->id.at, answer->id.len);
	answer->id.len = 0;
}

void
answer_prose(struct answer *answer)
{
	if (answer->id.len > 0)
		answer_id(answer);
	if (!answer->pairs)
		REPLY_LITERAL(answer->reply, "-");
	REPLY_LITERAL(answer->reply, " ");
}

void
answer_refuse(struct answer *answer, enum refusal refusal)
{
	answer_error(answer, refusal);
	answer_prose(answer);
	reply_text(answer->reply, protocol_prose(refusal));
	answer_end(answer);
}

void
answer_list_begin(struct answer_list *list, struct reply *reply, struct text id)
{
	*list = (struct answer_list){.head = {.reply = reply, .id = id}, .begin = reply->len};
}

bool
answer_list_has_room(const struct answer_list *list)
{
	return list->lines == 0 || !reply_is_full(list->head.reply);
}

struct answer
answer_list_line(struct answer_list *list)
{
	list->lines++;
	return (struct answer){.reply = list->head.reply};
}

void
answer_list_end(struct answer_list *list, void (*write)(struct answer *, void *arg), void *arg)
{
	char buf[HEAD_SIZE];
	struct reply *reply = list->head.reply, head = {.buf = buf, .size = sizeof(buf)};

	list->head.reply = &head;
	answer_ok(&list->head);
	answer_number(&list->head, "lines", list->lines);
	if (write != NULL)
		write(&list->head, arg);
	answer_end(&list->head);
	if (head.len > reply_room(reply)) /* there is always room for it: see reply_init */
		return;
	memmove(reply->buf + list->begin + head.len, reply->buf + list->begin,
	    reply->len - list->begin);
	memcpy(reply->buf + list->begin, buf, head.len);
	reply->len += head.len;
}
