/* SPDX-License-Identifier: ISC */
/* See reply.h. */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int
reply_init(struct reply *reply, size_t full, size_t line)
{
	char *buf = realloc(reply->buf, full + line);

	if (buf == NULL)
		return -1;
	*reply = (struct reply){.buf = buf, .full = full, .size = full + line};
	return 0;
}

void
reply_fini(struct reply *reply)
{
	free(reply->buf);
	*reply = (struct reply){0};
}

void
reply_add_cut(struct reply *reply, const char *data)
{
	memcpy(reply->buf + reply->len, data, reply->size - reply->len);
	reply->len = reply->size;
}

void
reply_printf(struct reply *reply, const char *format, ...)
{
	size_t room = reply->size - reply->len;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(reply->buf + reply->len, room, format, args);
	va_end(args);
	if (n > 0)
		reply->len += (size_t)n < room ? (size_t)n : room;
}

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '%';
}

/* The controls from U+0080 to U+009F, which some terminals obey. */
static bool
is_c1(const char *text, size_t left)
{
	return left > 1 && (unsigned char)text[0] == 0xc2 &&
	       ((unsigned char)text[1] & 0xe0) == 0x80;
}

static const char hex[] = "0123456789ABCDEF";

static void
add_escaped(struct reply *reply, unsigned char c)
{
	char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};

	reply_add(reply, escaped, sizeof(escaped));
}

static void
add_readable(struct reply *reply, const char *text, size_t len, bool c1_too)
{
	size_t plain = 0; /* where the bytes that need no escape begin */

	for (size_t i = 0; i < len; i++) {
		bool c1 = c1_too && is_c1(text + i, len - i);

		if (!c1 && !is_control((unsigned char)text[i]))
			continue;
		reply_add(reply, text + plain, i - plain);
		add_escaped(reply, (unsigned char)text[i]);
		if (c1)
			add_escaped(reply, (unsigned char)text[++i]);
		plain = i + 1;
	}
	reply_add(reply, text + plain, len - plain);
}

void
reply_name(struct reply *reply, const char *name, size_t len)
{
	add_readable(reply, name, len, false);
}

void
reply_prose(struct reply *reply, const char *text, size_t len)
{
	add_readable(reply, text, len, true);
}

#define RANGE(from, to) [from... to] = true

/* What stands for itself in a value of ours. */
static const bool unreserved[256] = {
    RANGE('a', 'z'),
    RANGE('A', 'Z'),
    RANGE('0', '9'),
    ['-'] = true,
    ['.'] = true,
    ['_'] = true,
    ['~'] = true,
    ['/'] = true,
    [':'] = true,
    ['@'] = true,
};

/* For each byte of EIGHT, all below 0x80: its highest bit, where it is from FROM to TO. */
static inline uint64_t
in_range(uint64_t eight, uint64_t from, uint64_t to)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	return (eight + ones * (0x80 - from)) & ~(eight + ones * (0x7f - to));
}

/* Whether all eight bytes at AT are unreserved ones that have another beside them in ASCII: `-` to
 * `:`, letters. A quick look ahead of what goes byte by byte. */
static inline bool
eight_unreserved(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = 0x80 * ones;
	uint64_t eight;

	memcpy(&eight, at, sizeof(eight));
	uint64_t in = in_range(eight, '-', ':') | in_range(eight | ' ' * ones, 'a', 'z');
	return (eight & high) == 0 && (in & high) == high;
}

/* Copies what stands for itself from the beginning of TEXT; returns how much that is. */
static inline size_t
copy_unreserved(char *to, const char *text, size_t len)
{
	size_t n = 0;

	for (; len - n >= 8 && eight_unreserved(text + n); n += 8)
		memcpy(to + n, text + n, 8);
	for (; n < len && unreserved[(unsigned char)text[n]]; n++)
		to[n] = text[n];
	return n;
}

/* From the first byte on that does not stand for itself. */
static __attribute__((noinline)) void
encode_rest(struct reply *reply, const char *text, size_t len)
{
	for (const char *end = text + len; text < end; text++) {
		unsigned char c = (unsigned char)*text;

		if (unreserved[c])
			reply_add(reply, text, 1);
		else if (c == ' ')
			REPLY_LITERAL(reply, "+");
		else
			add_escaped(reply, c);
	}
}

void
reply_encoded(struct reply *reply, const char *text, size_t len)
{
	size_t room = reply_room(reply);
	size_t n = copy_unreserved(reply->buf + reply->len, text, len < room ? len : room);

	reply->len += n;
	if (n < len)
		encode_rest(reply, text + n, len - n);
}

#define TENS(d) d "0" d "1" d "2" d "3" d "4" d "5" d "6" d "7" d "8" d "9"
static const char pairs[] = TENS("0") TENS("1") TENS("2") TENS("3") TENS("4") TENS("5") TENS("6")
    TENS("7") TENS("8") TENS("9");

static inline void
write_pair(char *to, uint32_t number)
{
	memcpy(to, pairs + 2 * number, 2);
}

/* Writes a number up to its END; returns where it begins. Eight digits at once, whose divisions do
 * not wait for each other: a token has twenty. */
static char *
write_number(char *end, uint64_t number)
{
	for (; number >= 100000000; number /= 100000000) {
		uint32_t eight = (uint32_t)(number % 100000000);
		uint32_t high = eight / 10000, low = eight % 10000;

		end -= 8;
		write_pair(end, high / 100);
		write_pair(end + 2, high % 100);
		write_pair(end + 4, low / 100);
		write_pair(end + 6, low % 100);
	}
	uint32_t rest = (uint32_t)number;
	for (; rest >= 100; rest /= 100)
		write_pair(end -= 2, rest % 100);
	if (rest >= 10)
		write_pair(end -= 2, rest);
	else
		*--end = (char)('0' + rest);
	return end;
}

void
reply_number(struct reply *reply, uint64_t number)
{
	char digits[20], *end = digits + sizeof(digits), *at = write_number(end, number);

	reply_add(reply, at, (size_t)(end - at));
}

void
reply_count(struct reply *reply, struct reply_counter *counter, uint64_t number)
{
	uint64_t more = number - counter->number;
	char *last = counter->digits + counter->len - 1;

	if (counter->len == 0 || more > (uint64_t)('9' - *last)) { /* less is much more, too */
		char *end = counter->digits + sizeof(counter->digits);
		char *at = write_number(end, number);

		counter->len = (size_t)(end - at);
		memmove(counter->digits, at, counter->len);
	} else {
		*last = (char)(*last + (char)more);
	}
	counter->number = number;
	if (reply_room(reply) < sizeof(counter->digits)) {
		reply_add(reply, counter->digits, counter->len);
		return;
	}
	memcpy(reply->buf + reply->len, counter->digits, sizeof(counter->digits));
	reply->len += counter->len; /* the rest is no part of it: a copy of a constant length */
}

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

void
reply_seconds(struct reply *reply, int64_t ns)
{
	uint64_t ms = ns > 0 ? (uint64_t)(ns / NS_PER_MS) : 0;
	unsigned rest = ms % 1000;

	reply_number(reply, ms / 1000);
	if (rest == 0)
		return;
	char fraction[4] = {
	    '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)};
	size_t len = rest % 10 != 0 ? 4 : rest % 100 != 0 ? 3 : 2;
	reply_add(reply, fraction, len);
}

void
reply_duration(struct reply *reply, int64_t ns)
{
	int64_t s = ns > 0 ? ns / NS_PER_S : 0;
	int minutes = (int)(s / 60 % 60);

	if (s == 0)
		reply_printf(reply, "%dms", ns > 0 ? (int)(ns / NS_PER_MS) : 0);
	else if (s < 60)
		reply_printf(reply, "%ds", (int)s);
	else if (s < 3600)
		reply_printf(reply, "%dm%02ds", minutes, (int)(s % 60));
	else if (s < 86400)
		reply_printf(reply, "%dh%02dm", (int)(s / 3600), minutes);
	else
		reply_printf(reply, "%lldd%dh", (long long)(s / 86400), (int)(s / 3600 % 24));
}

void
reply_time(struct reply *reply, int64_t wall_ns)
{
	time_t seconds = wall_ns / NS_PER_S;
	struct tm utc;
	char text[64];

	if (gmtime_r(&seconds, &utc) == NULL)
		memset(&utc, 0, sizeof(utc));
	reply_add(reply, text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc));
}
