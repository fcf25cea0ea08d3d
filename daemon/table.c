/* SPDX-License-Identifier: ISC */
/*
 * See table.h. With n buckets and 2^k <= n < 2^(k+1), a hash belongs to bucket hash mod 2^(k+1)
 * where that is below n, else to hash mod 2^k. Growing splits bucket n - 2^k into itself and n.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 1 << TABLE_FIRST_BITS };

static unsigned
bits_of(size_t n)
{
	return 64u - (unsigned)__builtin_clzll(n);
}

static struct table_entry **
slot(const struct table *table, size_t bucket)
{
	if (bucket < FIRST)
		return &table->segments[0][bucket];
	unsigned bits = bits_of(bucket);
	return &table->segments[bits - TABLE_FIRST_BITS][bucket - ((size_t)1 << (bits - 1))];
}

/* The largest power of two that is not above the number of buckets. */
static size_t
level_of(const struct table *table)
{
	return (size_t)1 << (bits_of(table->buckets) - 1);
}

static size_t
bucket_of(const struct table *table, uint64_t hash)
{
	size_t level = level_of(table), bucket = hash & (2 * level - 1);

	return bucket < table->buckets ? bucket : hash & (level - 1);
}

int
table_init(struct table *table)
{
	memset(table, 0, sizeof(*table));
	table->segments[0] = calloc(FIRST, sizeof(struct table_entry *));
	table->buckets = FIRST;
	return table->segments[0] == NULL ? -1 : 0;
}

void
table_fini(struct table *table)
{
	for (int i = 0; i < TABLE_SEGMENTS; i++)
		free(table->segments[i]);
}

struct table_entry *
table_chain(const struct table *table, uint64_t hash)
{
	return *slot(table, bucket_of(table, hash));
}

/* Makes bucket n out of n - 2^k. Where n begins a segment, calloc hands out pages untouched as yet.
 */
static void
grow(struct table *table)
{
	size_t level = level_of(table), added = table->buckets;

	if (added == level) {
		unsigned segment = bits_of(added) - TABLE_FIRST_BITS;
		if (segment >= TABLE_SEGMENTS)
			return;
		table->segments[segment] = calloc(level, sizeof(struct table_entry *));
		if (table->segments[segment] == NULL)
			return;
	}
	struct table_entry **keep = slot(table, added - level), **move = slot(table, added), *entry;

	table->buckets++;
	while ((entry = *keep) != NULL) {
		if ((entry->hash & (2 * level - 1)) != added) {
			keep = &entry->next;
			continue;
		}
		*keep = entry->next;
		entry->next = *move;
		*move = entry;
	}
}

/* Undoes the last growth. */
static void
shrink(struct table *table)
{
	size_t gone = --table->buckets, level = level_of(table);
	struct table_entry **from = slot(table, gone), **into = slot(table, gone - level);

	while (*into != NULL)
		into = &(*into)->next;
	*into = *from;
	*from = NULL;
	if (gone == level) {
		unsigned segment = bits_of(gone) - TABLE_FIRST_BITS;
		free(table->segments[segment]);
		table->segments[segment] = NULL;
	}
}

void
table_insert(struct table *table, struct table_entry *entry)
{
	struct table_entry **head = slot(table, bucket_of(table, entry->hash));

	entry->next = *head;
	*head = entry;
	if (++table->count > table->buckets)
		grow(table);
}

void
table_remove(struct table *table, struct table_entry *entry)
{
	struct table_entry **link = slot(table, bucket_of(table, entry->hash));

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	/*
	 * Well below the point of growth, so that one lock coming and going does not split and
	 * merge; two at a time, so that an emptied table has given all its memory back.
	 */
	table->count--;
	for (int i = 0; i < 2 && table->count < table->buckets / 2 && table->buckets > FIRST; i++)
		shrink(table);
}

static uint64_t
reverse_bits(uint64_t x)
{
	x = (x >> 1 & UINT64_C(0x5555555555555555)) | (x & UINT64_C(0x5555555555555555)) << 1;
	x = (x >> 2 & UINT64_C(0x3333333333333333)) | (x & UINT64_C(0x3333333333333333)) << 2;
	x = (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
	return __builtin_bswap64(x);
}

bool
table_walk(const struct table *table, uint64_t *cursor, table_visit_fn visit, void *arg)
{
	size_t level = level_of(table), bucket = bucket_of(table, reverse_bits(*cursor));
	/* How many low bits the hashes of this bucket share: the split ones share one more. */
	bool split = bucket >= level || bucket + level < table->buckets;
	unsigned shared = bits_of(level) - 1 + split;

	for (struct table_entry *entry = *slot(table, bucket); entry != NULL; entry = entry->next)
		if (reverse_bits(entry->hash) >= *cursor)
			visit(entry, arg);
	/* The next bucket begins where these SHARED high bits of the reversed hash go up by one. */
	uint64_t step = UINT64_C(1) << (64 - shared);
	*cursor = (*cursor & ~(step - 1)) + step;
	return *cursor != 0;
}
