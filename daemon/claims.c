/* SPDX-License-Identifier: ISC */
/*
 * The life of a claim: its texts, its ring, and its key, which finds it through a table of its own,
 * so that an acquire can be repeated and a grant be renewed from anywhere.
 */
#include "locks_internal.h"

#include <stdlib.h>

/* Keys. */

static uint64_t
key_hash(const struct locks *locks, const struct lock *lock, const char *key, size_t len)
{
	/* Two keyed hashes: nobody can choose either. */
	return lock->entry.hash * UINT64_C(0x9e3779b97f4a7c15) ^ lock_hash(locks, key, len);
}

static bool
has_key(const struct claim *claim, const char *key, size_t len)
{
	return claim->key_len == len && sodium_memcmp(claim->text, key, len) == 0;
}

struct claim *
claim_by_key(const struct locks *locks, const struct lock *lock, const char *key, size_t len)
{
	uint64_t hash = key_hash(locks, lock, key, len);
	struct table_entry *entry = table_chain(&locks->keys, hash);

	for (; entry != NULL; entry = entry->next) {
		struct claim *claim = ((struct keyed *)entry)->claim;

		if (entry->hash == hash && claim->grant.lock == lock && has_key(claim, key, len))
			return claim;
	}
	return NULL;
}

int
claim_remember_key(struct locks *locks, struct claim *claim)
{
	struct keyed *keyed = malloc(sizeof(*keyed));

	if (keyed == NULL)
		return -1;
	keyed->claim = claim;
	keyed->entry.hash = key_hash(locks, claim->grant.lock, claim->text, claim->key_len);
	table_insert(&locks->keys, &keyed->entry);
	claim->keyed = true;
	return 0;
}

void
claim_forget_key(struct locks *locks, struct claim *claim)
{
	if (!claim->keyed)
		return;
	struct table_entry *entry = table_chain(
	    &locks->keys, key_hash(locks, claim->grant.lock, claim->text, claim->key_len));

	while (((struct keyed *)entry)->claim != claim)
		entry = entry->next;
	table_remove(&locks->keys, entry);
	free(entry);
	claim->keyed = false;
}

/* Life. */

struct claim *
claim_first(const struct claim *claim)
{
	while (!claim->leads)
		claim = claim->ring;
	return (struct claim *)claim;
}

unsigned
claim_ring_size(const struct claim *first)
{
	const struct claim *claim = first;
	unsigned n = 0;

	do {
		n++;
		claim = claim->ring;
	} while (claim != first);
	return n;
}

void
claim_free(struct claim *claim)
{
	struct claim *before = claim->ring;

	while (before->ring != claim)
		before = before->ring;
	before->ring = claim->ring;
	if (claim->leads)
		claim->ring->leads = true;
	sodium_memzero(claim->text, claim->key_len);
	free(claim);
}

void
claims_free(struct locks *locks, struct claim *claim)
{
	struct claim *next;

	do {
		struct lock *lock = claim->grant.lock;

		next = claim->ring;
		claim_forget_key(locks, claim);
		if (claim->pinned)
			lock->crowd->pins--;
		bool last = next == claim;
		claim_free(claim);
		lock_tidy(locks, lock);
		if (last)
			next = NULL;
	} while ((claim = next) != NULL);
}

/* Room for as many slots as are asked for. */
static int
make_slots(struct crowd *crowd, unsigned slots)
{
	uint32_t words = (slots + 63) / 64;

	if (words <= crowd->slot_words)
		return 0;
	uint64_t *bigger = recallocarray(crowd->slots, crowd->slot_words, words, sizeof(*bigger));
	if (bigger == NULL)
		return -1;
	crowd->slots = bigger;
	crowd->slot_words = words;
	return 0;
}

static char *
append(char *to, const struct lock_text *text)
{
	return text->len > 0 ? mempcpy(to, text->at, text->len) : to;
}

/* Zeroes, but for its texts. */
static struct claim *
allocate(const struct lock_request *request)
{
	size_t size =
	    offsetof(struct claim, text) + request->key.len + request->tag.len + request->note.len;
	struct claim *claim = calloc(1, size > sizeof(*claim) ? size : sizeof(*claim));

	if (claim == NULL)
		return NULL;
	claim->key_len = (uint16_t)request->key.len;
	claim->tag_len = (uint16_t)request->tag.len;
	claim->note_len = (uint16_t)request->note.len;
	append(append(append(claim->text, &request->key), &request->tag), &request->note);
	return claim;
}

struct claim *
claim_new(
    struct lock *lock, struct lock_owner *owner, const struct lock_request *request, int64_t now_ns)
{
	struct crowd *crowd = lock_crowd(lock);

	if (crowd == NULL ||
	    (request->mode == LOCK_SLOTS && make_slots(crowd, request->slots) == -1))
		return NULL;
	struct claim *claim = allocate(request);
	if (claim == NULL)
		return NULL;
	claim->grant.lock = lock;
	claim->grant.owner = owner;
	claim->grant.since_ns = now_ns;
	claim->due.when_ns = LOCK_FOREVER;
	claim->ring = claim;
	claim->deadline_ns =
	    request->wait_ns > LOCK_FOREVER - now_ns ? LOCK_FOREVER : now_ns + request->wait_ns;
	claim->lease_ms = request->lease_ms;
	claim->atleast_ms = request->atleast_ms;
	claim->beat_ms = request->beat_ms;
	claim->mode = (uint8_t)request->mode;
	claim->slots = (uint16_t)request->slots;
	claim->state = CLAIM_OVER;
	claim->tagged = request->tag.len > 0;
	return claim;
}

struct claim *
claim_from_plain(struct locks *locks, struct lock *lock)
{
	const struct lock_request plain = {.mode = LOCK_EXCLUSIVE};
	const struct grant grant = lock->plain;
	struct claim *claim = claim_new(lock, grant.owner, &plain, grant.since_ns);

	if (claim == NULL)
		return NULL;
	claim->leads = true;
	plain_remove(locks, lock);
	claim->grant.token = grant.token;
	holder_add(locks, claim);
	return claim;
}
