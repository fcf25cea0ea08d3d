/* SPDX-License-Identifier: ISC */
/* See listing.h. */
#include "listing.h"

#include "request.h"

#include <stdlib.h>

/* Of one piece: some tenths of a millisecond. */
enum { PIECE_BYTES = 32 << 10, PIECE_STEPS = 2048 };

struct listing {
	uint64_t cursor; /* in table order */
	size_t n, next;	 /* sorted: of places */
	size_t size;	 /* of this struct, for service->listing_bytes */
	bool sorted;
	uint64_t places[]; /* sorted by the names that were there */
};

struct output {
	struct service *service;
	const struct realm *realm;
};

/* As ddlockd names a holder. */
static void
write_holder(struct service *service, const struct grant *grant)
{
	struct session_info info = {.peer = "detached"};
	struct grant_view view;

	grant_view(grant, &view);
	if (view.owner != NULL)
		service->host->info(session_of(view.owner), &info);
	REPLY_LITERAL(&service->reply, "DDLockd::Client::Internal(R): open to ");
	reply_text(&service->reply, info.peer);
}

/* A line a holder; of more than a reply has room for, the rest is left out. */
static void
write_lock(const struct lock *lock, void *arg)
{
	const struct output *output = arg;
	struct service *service = output->service;
	const char *name;
	size_t len;

	if (!realm_name(output->realm, lock, &name, &len))
		return;
	for (const struct grant *grant = lock_first_holder(lock);
	     grant != NULL && reply_room(&service->reply) > 3 * len + HOLDER_SIZE;
	     grant = lock_next_holder(grant)) {
		REPLY_LITERAL(&service->reply, "  ");
		reply_name(&service->reply, name, len);
		REPLY_LITERAL(&service->reply, " = ");
		write_holder(service, grant);
		REPLY_LITERAL(&service->reply, "\n");
	}
}

/* What is to be sorted: the locks themselves, which cannot go while the notes are made. */
struct notes {
	const struct realm *realm;
	const struct lock **locks;
	size_t n;
};

static void
note_lock(const struct lock *lock, void *arg)
{
	struct notes *notes = arg;
	const char *name;
	size_t len;

	if (realm_name(notes->realm, lock, &name, &len))
		notes->locks[notes->n++] = lock;
}

static int
compare_names(const void *a, const void *b)
{
	size_t a_len, b_len;
	const char *a_name = lock_name(*(const struct lock *const *)a, &a_len);
	const char *b_name = lock_name(*(const struct lock *const *)b, &b_len);
	int order = memcmp(a_name, b_name, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* NULL where there are too many locks, or no memory, for sorting. */
static struct listing *
sorted_listing(struct service *service, const struct realm *realm)
{
	size_t count = locks_count_names(service->locks);
	size_t size = sizeof(struct listing) + count * sizeof(uint64_t);
	uint64_t cursor = 0;

	if (count > LISTING_SORTED || service->listing_bytes + size > LISTING_BYTES_MAX)
		return NULL;
	struct listing *listing = calloc(1, size);
	struct notes notes = {.realm = realm, .locks = calloc(count + 1, sizeof(struct lock *))};
	if (listing == NULL || notes.locks == NULL) {
		free(notes.locks);
		free(listing);
		return NULL;
	}
	while (locks_walk(service->locks, &cursor, note_lock, &notes))
		;
	qsort(notes.locks, notes.n, sizeof(struct lock *), compare_names);
	for (size_t i = 0; i < notes.n; i++)
		listing->places[i] = lock_place(notes.locks[i]);
	free(notes.locks);
	listing->sorted = true;
	listing->n = notes.n;
	listing->size = size;
	return listing;
}

static struct listing *
table_listing(void)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (listing != NULL)
		listing->size = sizeof(*listing);
	return listing;
}

/* One step; false when that was the last one. */
static bool
step(struct listing *listing, struct output *output)
{
	if (!listing->sorted)
		return locks_walk(output->service->locks, &listing->cursor, write_lock, output);
	if (listing->next < listing->n) {
		const struct lock *lock =
		    locks_at(output->service->locks, listing->places[listing->next]);

		if (lock != NULL)
			write_lock(lock, output);
		listing->next++;
	}
	return listing->next < listing->n;
}

void
listing_begin(struct service *service, struct session *session)
{
	struct listing *listing = sorted_listing(service, session->realm);

	if (listing == NULL)
		listing = table_listing();
	if (listing == NULL) {
		protocol_refuse(&service->reply, REFUSE_NO_MEMORY);
		return;
	}
	session->listing = listing;
	service->listing_bytes += listing->size;
	REPLY_LITERAL(&service->reply, "LOCKS:\n");
	listing_continue(service, session);
}

void
listing_continue(struct service *service, struct session *session)
{
	struct output output = {service, session->realm};
	size_t begun = service->reply.len;

	for (int i = 0; i < PIECE_STEPS; i++) {
		if (reply_is_full(&service->reply) || service->reply.len - begun > PIECE_BYTES)
			return;
		if (!step(session->listing, &output)) {
			REPLY_LITERAL(&service->reply, "\n");
			listing_end(service, session);
			return;
		}
	}
}

void
listing_end(struct service *service, struct session *session)
{
	if (session->listing == NULL)
		return;
	service->listing_bytes -= session->listing->size;
	free(session->listing);
	session->listing = NULL;
}
