/* SPDX-License-Identifier: ISC */
/*
 * See history.h. The ring is an array of entries; a head, and an entry's link to the one before it
 * in its bucket, is the entry's place in it plus one. Neither is mended when an entry is
 * overwritten. A link is known to be stale from what it leads to: of another bucket, or newer than
 * where it comes from. For an entry that is older and of the same bucket has not been overwritten
 * since, or the head would have led to what did it.
 */
#include "history.h"

#include "who.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a search reads of the others comes first: in one cache line, wherever the array begins. */
struct entry {
	uint64_t hash;
	uint32_t before; /* in the bucket; 0: none */
	uint32_t waited_ms;
	struct who *who;
	uint64_t token;
	int64_t from_ns, to_ns;
	uint32_t len;
	uint16_t slot;
	uint8_t mode, end;
	union {
		char here[HISTORY_NAME_INLINE];
		char *there; /* where len is above that */
	} name;
};

_Static_assert(sizeof(struct entry) == 96 || sizeof(void *) != 8, "a cache line and a half");

struct history {
	struct entry *ring;
	uint32_t *heads;
	uint32_t mask; /* buckets - 1 */
	uint32_t max, count;
	uint32_t at;	/* where the next one goes */
	uint64_t added; /* ever: the number of the newest, which begin with 1 */
};

static bool
is_long(const struct entry *entry)
{
	return entry->len > HISTORY_NAME_INLINE;
}

static const char *
name_of(const struct entry *entry)
{
	return is_long(entry) ? entry->name.there : entry->name.here;
}

static void
drop(struct entry *entry)
{
	if (is_long(entry))
		free(entry->name.there);
	who_unref(entry->who);
}

/* How many are newer than what is at PLACE. */
static uint32_t
age_of(const struct history *history, uint32_t place)
{
	return history->at > place ? history->at - 1 - place
				   : history->at + (history->max - 1 - place);
}

static uint32_t
place_of(const struct history *history, uint32_t age)
{
	return history->at > age ? history->at - 1 - age : history->at + (history->max - 1 - age);
}

/* Puts what is at PLACE in front of its bucket. */
static void
chain(struct history *history, uint32_t place)
{
	struct entry *entry = &history->ring[place];
	uint32_t *head = &history->heads[entry->hash & history->mask];

	entry->before = *head;
	*head = place + 1;
}

/* -1: no memory. Touches none of it. */
static int
allocate(struct history *history, size_t max)
{
	size_t buckets = 1;

	*history = (struct history){.max = (uint32_t)max};
	if (max == 0)
		return 0;
	if (max > INT32_MAX) {
		errno = ENOMEM;
		return -1;
	}
	while (buckets < max)
		buckets *= 2;
	history->mask = (uint32_t)(buckets - 1);
	history->ring = calloc(max, sizeof(*history->ring));
	history->heads = calloc(buckets, sizeof(*history->heads));
	if (history->ring != NULL && history->heads != NULL)
		return 0;
	free(history->ring);
	free(history->heads);
	return -1;
}

struct history *
history_new(size_t max)
{
	struct history *history = malloc(sizeof(*history));

	if (history != NULL && allocate(history, max) < 0) {
		free(history);
		return NULL;
	}
	return history;
}

void
history_free(struct history *history)
{
	if (history == NULL)
		return;
	for (uint32_t age = 0; age < history->count; age++)
		drop(&history->ring[place_of(history, age)]);
	free(history->ring);
	free(history->heads);
	free(history);
}

int
history_resize(struct history *history, size_t max)
{
	struct history next;

	if (max == history->max)
		return 0;
	if (allocate(&next, max) < 0)
		return -1;
	next.added = history->added;
	next.count = history->count < next.max ? history->count : next.max;
	next.at = next.count == next.max ? 0 : next.count;
	for (uint32_t age = history->count; age-- > 0;) {
		struct entry *entry = &history->ring[place_of(history, age)];

		if (age >= next.count) {
			drop(entry);
			continue;
		}
		next.ring[next.count - 1 - age] = *entry;
		chain(&next, next.count - 1 - age);
	}
	free(history->ring);
	free(history->heads);
	*history = next;
	return 0;
}

void
history_add(struct history *history, const struct history_record *record)
{
	char *there = NULL;

	if (history->max == 0)
		return;
	assert(record->len <= UINT32_MAX);
	if (record->len > HISTORY_NAME_INLINE) {
		there = malloc(record->len);
		if (there == NULL)
			return;
	}
	struct entry *entry = &history->ring[history->at];
	struct who *who = who_ref(record->who);

	/* A page that was never used is not even read. */
	if (history->count == history->max)
		drop(entry);
	else
		history->count++;
	entry->hash = record->hash;
	entry->waited_ms = record->waited_ms;
	entry->who = who;
	entry->token = record->token;
	entry->from_ns = record->from_ns;
	entry->to_ns = record->to_ns;
	entry->len = (uint32_t)record->len;
	entry->slot = record->slot;
	entry->mode = record->mode;
	entry->end = (uint8_t)record->end;
	if (there != NULL) {
		entry->name.there = there;
		memcpy(there, record->name, record->len);
	} else if (record->len > 0) {
		memcpy(entry->name.here, record->name, record->len);
	}
	chain(history, history->at);
	history->at = history->at + 1 == history->max ? 0 : history->at + 1;
	history->added++;
	/* The next one's place was last touched a whole ring ago. */
	__builtin_prefetch(&history->ring[history->at], 1);
}

size_t
history_count(const struct history *history)
{
	return history->count;
}

static void
lend(const struct entry *entry, struct history_record *out)
{
	*out = (struct history_record){
	    .name = name_of(entry),
	    .len = entry->len,
	    .hash = entry->hash,
	    .token = entry->token,
	    .who = entry->who,
	    .waited_ms = entry->waited_ms,
	    .from_ns = entry->from_ns,
	    .to_ns = entry->to_ns,
	    .end = (enum history_end)entry->end,
	    .mode = entry->mode,
	    .slot = entry->slot,
	};
}

/* What is in the bucket of HASH before the number CURSOR, or its newest for 0; NULL: nothing. */
static const struct entry *
step(const struct history *history, uint64_t hash, uint64_t cursor)
{
	uint32_t link, least_age = 0;

	if (history->count == 0)
		return NULL;
	if (cursor == 0) {
		link = history->heads[hash & history->mask];
	} else {
		if (history->added - cursor >= history->count)
			return NULL;
		uint32_t age = (uint32_t)(history->added - cursor);
		link = history->ring[place_of(history, age)].before;
		least_age = age + 1;
	}
	if (link == 0 || age_of(history, link - 1) < least_age)
		return NULL;
	const struct entry *entry = &history->ring[link - 1];
	return ((entry->hash ^ hash) & history->mask) == 0 ? entry : NULL;
}

/* The next of a name, and *CURSOR its number; *FOREIGN is how many others may still be passed. */
static const struct entry *
search(const struct history *history, uint64_t hash, const char *name, size_t len, uint64_t *cursor,
    int *foreign)
{
	const struct entry *entry;
	uint64_t number = *cursor;

	while ((entry = step(history, hash, number)) != NULL) {
		number = history->added - age_of(history, (uint32_t)(entry - history->ring));
		if (entry->hash == hash && entry->len == len &&
		    (len == 0 || memcmp(name_of(entry), name, len) == 0)) {
			*cursor = number;
			return entry;
		}
		if ((*foreign)-- == 0)
			return NULL;
	}
	return NULL;
}

bool
history_next(const struct history *history, uint64_t hash, const char *name, size_t len,
    uint64_t *cursor, struct history_record *out)
{
	int foreign = HISTORY_FOREIGN_MAX;
	const struct entry *entry = search(history, hash, name, len, cursor, &foreign);

	if (entry == NULL)
		return false;
	lend(entry, out);
	return true;
}

bool
history_next_any(const struct history *history, uint64_t *cursor, struct history_record *out)
{
	uint64_t number = *cursor == 0 ? history->added : *cursor - 1;

	/* A number that is 0, or older than the ring, is not below the count. */
	if (history->added - number >= history->count)
		return false;
	lend(&history->ring[place_of(history, (uint32_t)(history->added - number))], out);
	*cursor = number;
	return true;
}

bool
history_mean_hold_ns(
    const struct history *history, uint64_t hash, const char *name, size_t len, int64_t *mean_ns)
{
	const struct entry *entry;
	uint64_t cursor = 0;
	int foreign = HISTORY_FOREIGN_MAX;
	int64_t sum_ns = 0, n = 0;

	while (n < HISTORY_MEAN_OF &&
	       (entry = search(history, hash, name, len, &cursor, &foreign)) != NULL) {
		sum_ns += entry->to_ns - entry->from_ns;
		n++;
	}
	if (n == 0)
		return false;
	*mean_ns = sum_ns / n;
	return true;
}
