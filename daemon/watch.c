/* SPDX-License-Identifier: ISC */
/* See watch.h. A topic is in the table exactly while somebody watches it. */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

struct topic {
	struct table_entry entry; /* first */
	struct watch_list watches;
	uint32_t len;
	bool is_prefix;
	char text[];
};

struct watch {
	struct topic *topic;
	struct session *session;
	LIST_ENTRY(watch) of_topic, of_session;
};

int
watches_init(struct watches *watches)
{
	memset(watches, 0, sizeof(*watches));
	arc4random_buf(watches->key, sizeof(watches->key));
	return table_init(&watches->topics);
}

void
watches_fini(struct watches *watches)
{
	table_fini(&watches->topics);
}

static uint64_t
hash(const struct watches *watches, const char *text, size_t len, bool is_prefix)
{
	return siphash13(text, len, watches->key) ^ is_prefix;
}

static struct topic *
find(const struct watches *watches, const char *text, size_t len, bool is_prefix)
{
	uint64_t number = hash(watches, text, len, is_prefix);
	struct table_entry *entry = table_chain(&watches->topics, number);

	for (; entry != NULL; entry = entry->next) {
		struct topic *topic = (struct topic *)entry;

		if (entry->hash == number && topic->len == len && topic->is_prefix == is_prefix &&
		    memcmp(topic->text, text, len) == 0)
			return topic;
	}
	return NULL;
}

static struct topic *
topic_new(struct watches *watches, const char *text, size_t len, bool is_prefix)
{
	struct topic *topic = malloc(sizeof(*topic) + len);

	if (topic == NULL)
		return NULL;
	topic->entry.hash = hash(watches, text, len, is_prefix);
	LIST_INIT(&topic->watches);
	topic->len = (uint32_t)len;
	topic->is_prefix = is_prefix;
	memcpy(topic->text, text, len);
	table_insert(&watches->topics, &topic->entry);
	watches->lengths[is_prefix ? len : 0] += is_prefix;
	return topic;
}

static void
topic_tidy(struct watches *watches, struct topic *topic)
{
	if (!LIST_EMPTY(&topic->watches))
		return;
	watches->lengths[topic->is_prefix ? topic->len : 0] -= topic->is_prefix;
	table_remove(&watches->topics, &topic->entry);
	free(topic);
}

static struct watch *
find_own(const struct watch_list *own, const struct topic *topic)
{
	struct watch *watch;

	LIST_FOREACH (watch, own, of_session)
		if (watch->topic == topic)
			return watch;
	return NULL;
}

enum watch_result
watch_add(struct watches *watches, struct session *session, struct watch_list *own,
    const char *text, size_t len, bool is_prefix)
{
	struct topic *topic = find(watches, text, len, is_prefix);

	if (topic != NULL && find_own(own, topic) != NULL)
		return WATCH_EXISTS;
	struct watch *watch = malloc(sizeof(*watch));
	if (watch == NULL)
		return WATCH_NO_MEMORY;
	if (topic == NULL && (topic = topic_new(watches, text, len, is_prefix)) == NULL) {
		free(watch);
		return WATCH_NO_MEMORY;
	}
	watch->topic = topic;
	watch->session = session;
	LIST_INSERT_HEAD(&topic->watches, watch, of_topic);
	LIST_INSERT_HEAD(own, watch, of_session);
	watches->count++;
	return WATCH_OK;
}

static void
watch_end(struct watches *watches, struct watch *watch)
{
	struct topic *topic = watch->topic;

	LIST_REMOVE(watch, of_topic);
	LIST_REMOVE(watch, of_session);
	free(watch);
	watches->count--;
	topic_tidy(watches, topic);
}

bool
watch_remove(
    struct watches *watches, struct watch_list *own, const char *text, size_t len, bool is_prefix)
{
	struct topic *topic = find(watches, text, len, is_prefix);
	struct watch *watch = topic != NULL ? find_own(own, topic) : NULL;

	if (watch == NULL)
		return false;
	watch_end(watches, watch);
	return true;
}

void
watch_remove_all(struct watches *watches, struct watch_list *own)
{
	while (!LIST_EMPTY(own))
		watch_end(watches, LIST_FIRST(own)); /* NOLINT: what is freed has left the list */
}

static void
tell(const struct topic *topic, watch_fn fn, void *arg)
{
	const struct watch *watch;

	if (topic == NULL)
		return;
	LIST_FOREACH (watch, &topic->watches, of_topic)
		fn(watch->session, arg);
}

void
watches_each(const struct watches *watches, const char *name, size_t len, watch_fn fn, void *arg)
{
	tell(find(watches, name, len, false), fn, arg);
	for (size_t n = 0; n <= len && n <= WATCH_PREFIX_MAX; n++)
		if (watches->lengths[n] > 0)
			tell(find(watches, name, n, true), fn, arg);
}
