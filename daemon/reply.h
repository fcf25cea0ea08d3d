/* SPDX-License-Identifier: ISC */
/*
 * The output of one pass over a connection's input: one buffer, filled by the commands, sent with
 * one write. Always true: there is room for the longest reply, since whoever dispatches keeps
 * reply_is_full away (see reply_init); what would not fit is cut, never written beyond the end.
 */
#ifndef LATCHD_REPLY_H
#define LATCHD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reply {
	char *buf;
	size_t len;
	size_t full; /* from here on the buffer is to be sent before more is produced */
	size_t size; /* beyond FULL there is room for the longest single reply or line of one */
};

/* FULL bytes, and room for one more line of LINE bytes. An initialised one may be resized while it
 * is empty. -1: no memory, nothing changed. */
int reply_init(struct reply *, size_t full, size_t line);
void reply_fini(struct reply *);

void reply_printf(struct reply *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* NAME as `locks` prints it: raw, but control bytes and `%` become %XX, so that none forges a line.
 */
void reply_name(struct reply *, const char *name, size_t len);
/* Words for people: as reply_name, and no C1 control in UTF-8 either. */
void reply_prose(struct reply *, const char *text, size_t len);
/* URL-encoded, so that it is one value of one pair whatever it holds. */
void reply_encoded(struct reply *, const char *text, size_t len);
void reply_number(struct reply *, uint64_t);
/* The same of a number that is little above the one before: only its last digit is written anew.
 * A zeroed one has had none. */
struct reply_counter {
	uint64_t number;
	size_t len;
	char digits[20];
};
void reply_count(struct reply *, struct reply_counter *, uint64_t);
/* Seconds, to the millisecond: `312`, `2.5`. Less than none is 0. */
void reply_seconds(struct reply *, int64_t ns);
/* The same for people: `800ms`, `5m12s`, `3h05m`, `2d4h`. */
void reply_duration(struct reply *, int64_t ns);
/* RFC 3339, UTC, of nanoseconds since 1970. */
void reply_time(struct reply *, int64_t wall_ns);

/* Fills what room there is, which is less than is wanted. */
void reply_add_cut(struct reply *, const char *data);

static inline void
reply_add(struct reply *reply, const char *data, size_t len)
{
	if (len <= reply->size - reply->len) { /* a literal's copy keeps its constant length */
		memcpy(reply->buf + reply->len, data, len);
		reply->len += len;
	} else {
		reply_add_cut(reply, data);
	}
}

#define REPLY_LITERAL(reply, text) reply_add(reply, text, sizeof(text) - 1)

static inline void
reply_text(struct reply *reply, const char *text)
{
	reply_add(reply, text, strlen(text));
}

static inline size_t
reply_room(const struct reply *reply)
{
	return reply->size - reply->len;
}

static inline bool
reply_is_full(const struct reply *reply)
{
	return reply->len >= reply->full;
}

#endif
