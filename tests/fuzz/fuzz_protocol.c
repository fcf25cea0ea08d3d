/* SPDX-License-Identifier: ISC */
/*
 * Bytes of two connections, in pieces, through the lines and the commands to the lock table. The
 * first byte of each piece says whose it is and how long. Any crash is a find, and so is a reply
 * that forges a line, or a lock that is left when both have gone.
 */
#include "commands.h"
#include "lines.h"
#include "listing.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 256, MAX_NAME = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
	struct session session;
	struct lines lines;
	struct service *service;
};

static struct peer *peers;

static void
info(const struct session *session, struct session_info *info)
{
	*info = (struct session_info){
	    .client = session == &peers[0].session ? 1 : 2, .peer = "somebody", .listener = "here"};
}

static struct session *
above(struct service *service, uint64_t after)
{
	(void)service;
	return after < 2 ? &peers[after].session : NULL;
}

static struct session *
next(struct session *session)
{
	return session == &peers[0].session ? &peers[1].session : NULL;
}

static void
counts(struct service *service, struct service_counts *counts)
{
	(void)service;
	*counts = (struct service_counts){.clients = 2};
}

static void
audit(struct service *service, const struct session *session, const char *words)
{
	(void)service;
	(void)session;
	if (strlen(words) == 0)
		abort();
}

static const struct host host = {info, above, next, counts, audit};

/* Only printable text and line ends ever leave. */
static void
check_reply(struct reply *reply)
{
	for (size_t i = 0; i < reply->len; i++) {
		unsigned char c = (unsigned char)reply->buf[i];
		if ((c < 0x20 && c != '\r' && c != '\n') || c == 0x7f)
			abort();
	}
	reply->len = 0;
}

static bool
run_line(void *arg, char *line, size_t len)
{
	struct peer *peer = arg;

	if (len == 0 || len > MAX_LINE)
		abort();
	if (peer->session.owner.blocked != NULL) {
		if (commands_is_urgent(line, len))
			commands_run(peer->service, &peer->session, line, len);
		check_reply(&peer->service->reply);
		return true;
	}
	commands_run(peer->service, &peer->session, line, len);
	while (peer->session.listing != NULL) {
		check_reply(&peer->service->reply);
		listing_continue(peer->service, &peer->session);
	}
	check_reply(&peer->service->reply);
	return true;
}

static void
feed(struct peer *peer, const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	memcpy(copy, data, size);
	if (lines_feed(&peer->lines, copy, size, MAX_LINE, run_line, peer) != LINES_OK)
		lines_fini(&peer->lines);
	if (peer->lines.len > MAX_LINE + 1)
		abort();
	free(copy);
}

/* As the daemon does at the end of a turn: news are told, mail is read. */
static void
deliver(struct service *service)
{
	struct lock_owner *owner;
	struct mailbox *box;

	while ((owner = locks_news(service->locks)) != NULL) {
		while (!session_tell_news(service, session_of(owner)))
			check_reply(&service->reply);
		check_reply(&service->reply);
	}
	while ((box = TAILQ_FIRST(&service->post.boxes)) != NULL) {
		struct reply mail = {.buf = box->text, .len = box->len};

		check_reply(&mail);
		mail_clear(&service->post, box);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct service service = {.max_name = MAX_NAME,
	    .max_note = 20,
	    .max_lease_ms = 5000,
	    .name = malloc(LOCK_NAMES_MAX * 2 * MAX_NAME)};
	struct realm realms[2] = {{.prefix = "", .quota = {.max = 10, .max_detached = 3}},
	    {.prefix = "team/", .prefix_len = 5, .quota.max_detached = 3, .admin = true}};
	struct peer both[2] = {{.service = &service}, {.service = &service}};

	peers = both;
	stats_init(&service.stats, 0);
	if (service_init(&service, &host) == -1 || reply_init(&service.reply, 4096, 8192) == -1 ||
	    reply_init(&service.event, 0, 8192) == -1 || history_resize(service.history, 50) == -1)
		return 0;
	service.post.max = 4096;
	locks_set_limits(service.locks, &(struct lock_limits){20, 15, 10, 5});
	for (int i = 0; i < 2; i++)
		session_init(&peers[i].session, &realms[i]);
	while (size > 1) {
		size_t n = data[0] >> 1;
		n = n < size - 1 ? n : size - 1;
		feed(&peers[data[0] & 1], data + 1, n);
		service.now_ns += n * INT64_C(20000000);
		locks_due(service.locks, service.now_ns, service.now_ns, 100);
		deliver(&service);
		data += 1 + n;
		size -= 1 + n;
	}
	for (int i = 0; i < 2; i++) {
		session_fini(&peers[i].session, &service);
		lines_fini(&peers[i].lines);
	}
	service.now_ns += INT64_C(6000000000);
	locks_due(service.locks, service.now_ns, service.now_ns, 100);
	if (locks_count(service.locks) != 0 || locks_count_names(service.locks) != 0 ||
	    service.listing_bytes != 0 || service.watches.count != 0)
		abort();
	service_fini(&service);
	return 0;
}
