/* SPDX-License-Identifier: ISC */
/*
 * What happens in the lock table, told to those whom it concerns: the one who lost a lock, those
 * who watch the name, and the history. It runs inside the table's calls, so it only writes things
 * down.
 */
#include "events.h"

#include "request.h"

static const char *const end_words[] = {
    [LOCK_END_RELEASE] = "released",
    [LOCK_END_LEASE] = "expired",
    [LOCK_END_CLOSE] = "released",
    [LOCK_END_REVOKE] = "revoked",
};

static const enum history_end history_ends[] = {
    [LOCK_END_RELEASE] = HISTORY_RELEASED,
    [LOCK_END_LEASE] = HISTORY_EXPIRED,
    [LOCK_END_CLOSE] = HISTORY_CLOSED,
    [LOCK_END_REVOKE] = HISTORY_REVOKED,
};

/* One event while it is written for one session after the other. */
struct event {
	struct service *service;
	uint64_t number; /* see mail_is_new */
	const char *what;
	const struct lock *lock;
	const struct lock_owner *owner;
	const struct who *who;
	uint64_t token;	 /* 0: none */
	size_t position; /* of one who waits; 0: it does not */
	bool closed;
};

static void
write_event(const struct event *event, const struct session *reader)
{
	struct answer answer = {.reply = &event->service->event};
	const char *name = "";
	size_t len = 0;

	answer.reply->len = 0;
	realm_name(reader->realm, event->lock, &name, &len);
	answer_event(&answer, event->what);
	answer_text(&answer, "lock", name, len);
	if (event->token != 0)
		answer_number(&answer, "token", event->token);
	if (event->position != 0)
		answer_number(&answer, "position", event->position);
	answer_who(event->service, &answer, "who", event->owner, event->who);
	if (event->closed)
		answer_word(&answer, "by", "close");
	answer_end(&answer);
}

static void
mail(const struct event *event, struct session *reader, bool must)
{
	const struct reply *text = &event->service->event;

	mail_add(&event->service->post, &reader->mailbox, text->buf, text->len, must);
}

static void
tell_watcher(struct session *watcher, void *arg)
{
	const struct event *event = arg;
	const char *name;
	size_t len;

	if (!realm_name(watcher->realm, event->lock, &name, &len) ||
	    !mail_is_new(&watcher->mailbox, event->number))
		return;
	write_event(event, watcher);
	mail(event, watcher, false);
}

static void
tell_watchers(struct event *event)
{
	size_t len;
	const char *name;

	if (event->service->watches.count == 0)
		return;
	name = lock_name(event->lock, &len);
	watches_each(&event->service->watches, name, len, tell_watcher, event);
}

static void
record(struct service *service, const struct grant_view *view, enum lock_end how, int64_t now_ns)
{
	struct history_record record = {.hash = lock_place(view->lock),
	    .token = view->token,
	    .who = view->owner != NULL ? session_who(service, session_of(view->owner))
				       : (struct who *)view->who,
	    .waited_ms = view->waited_ms,
	    .from_ns = view->since_ns,
	    .to_ns = now_ns,
	    .end = history_ends[how],
	    .mode = (uint8_t)view->mode,
	    .slot = view->slot >= 0 ? (uint16_t)view->slot : HISTORY_NO_SLOT};

	record.name = lock_name(view->lock, &record.len);
	history_add(service->history, &record);
}

/* The one who had it did not give it back. A connection that knows no events is closed. */
static void
tell_loser(struct event *event, struct session *session)
{
	if (!session->native) {
		mail_doom(&event->service->post, &session->mailbox, event->what);
		return;
	}
	mail_is_new(&session->mailbox, event->number);
	write_event(event, session);
	mail(event, session, true);
}

static void
on_ended(void *arg, const struct grant *grant, enum lock_end how, int64_t now_ns)
{
	struct service *service = arg;
	struct grant_view view;

	grant_view(grant, &view);
	record(service, &view, how, now_ns);
	bool lost = (how == LOCK_END_LEASE || how == LOCK_END_REVOKE) && view.owner != NULL;
	if (service->watches.count == 0 && !lost)
		return;
	struct event event = {.service = service,
	    .number = ++service->post.events,
	    .what = end_words[how],
	    .lock = view.lock,
	    .owner = view.owner,
	    .who = view.who,
	    .token = view.token,
	    .closed = how == LOCK_END_CLOSE};
	if (lost) /* before it is told as a watcher, which may come to nothing */
		tell_loser(&event, session_of(view.owner));
	tell_watchers(&event);
}

static void
on_granted(void *arg, const struct grant *grant, int64_t now_ns)
{
	struct service *service = arg;
	struct grant_view view;

	(void)now_ns;
	grant_view(grant, &view);
	tell_watchers(&(struct event){.service = service,
	    .number = ++service->post.events,
	    .what = "granted",
	    .lock = view.lock,
	    .owner = view.owner,
	    .who = view.who,
	    .token = view.token});
}

static void
on_queued(void *arg, const struct claim *claim, int64_t now_ns)
{
	struct service *service = arg;
	struct claim_view view;

	(void)now_ns;
	claim_view(claim, &view);
	tell_watchers(&(struct event){.service = service,
	    .number = ++service->post.events,
	    .what = "queued",
	    .lock = view.lock,
	    .owner = view.owner,
	    .position = claim_position(claim)});
}

static void
on_beat(void *arg, const struct claim *claim, int64_t now_ns)
{
	struct service *service = arg;
	struct claim_view view;
	const char *name = "";
	size_t len = 0, position = claim_position(claim);
	int64_t expect;

	(void)now_ns;
	claim_view(claim, &view);
	struct session *session = session_of(view.owner);
	struct answer answer = {.reply = &service->event};
	answer.reply->len = 0;
	realm_name(session->realm, view.lock, &name, &len);
	answer_event(&answer, "waiting");
	answer_text(&answer, "lock", name, len);
	answer_number(&answer, "position", position);
	if (expect_ns(service, view.lock, position, &expect))
		answer_seconds(&answer, "expect", expect);
	answer.id = (struct text){(char *)view.tag.at, view.tag.len};
	answer_end(&answer);
	mail_add(&service->post, &session->mailbox, answer.reply->buf, answer.reply->len, false);
}

static struct who *
on_who(void *arg, struct lock_owner *owner)
{
	return session_who(arg, session_of(owner));
}

/* The table has come to the mark of the fence, which has something to decide there. */
static uint64_t
on_tokens(void *arg)
{
	struct service *service = arg;
	struct fence *fence = &service->fence;

	fence->last = locks_last_token(service->locks);
	uint64_t token = fence_more(fence);
	if (token != 0)
		events_tokens(service);
	return token;
}

void
events_tokens(struct service *service)
{
	const struct fence *fence = &service->fence;

	locks_set_tokens(service->locks, fence->last, fence->mark);
}

void
events_init(struct service *service)
{
	service->observer = (struct lock_observer){
	    .arg = service,
	    .who = on_who,
	    .ended = on_ended,
	    .beat = on_beat,
	    .tokens = on_tokens,
	};
	locks_set_observer(service->locks, &service->observer);
}

void
events_watched(struct service *service)
{
	bool watched = service->watches.count > 0;

	service->observer.granted = watched ? on_granted : NULL;
	service->observer.queued = watched ? on_queued : NULL;
}
