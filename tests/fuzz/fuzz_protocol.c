/* SPDX-License-Identifier: ISC */
/*
 * Bytes of two connections, in pieces, through the lines and the commands to the lock table. The
 * first byte of each piece says whose it is and how long. Any crash is a find, and so is a reply
 * that forges a line, or a lock that is left when both have gone.
 */
#include "commands.h"
#include "lines.h"
#include "listing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LINE = 256, MAX_NAME = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
	struct session session;
	struct lines lines;
	struct service *service;
};

static void
describe(const struct lock_owner *owner, char *buf, size_t size)
{
	(void)owner;
	snprintf(buf, size, "somebody");
}

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[CHAR_BIT * MAX_NAME];
	struct service service = {.max_name = MAX_NAME, .name = name, .describe = describe};
	struct realm realms[2] = {
	    {.prefix = "", .quota.max = 10}, {.prefix = "team/", .prefix_len = 5}};
	struct peer peers[2] = {{.service = &service}, {.service = &service}};

	service.locks = locks_new();
	stats_init(&service.stats, 0);
	if (service.locks == NULL || reply_init(&service.reply, 4096, 4096) == -1)
		return 0;
	locks_set_limits(service.locks, 20, 15);
	for (int i = 0; i < 2; i++)
		session_init(&peers[i].session, &realms[i]);
	while (size > 1) {
		size_t n = data[0] >> 1;
		n = n < size - 1 ? n : size - 1;
		feed(&peers[data[0] & 1], data + 1, n);
		data += 1 + n;
		size -= 1 + n;
	}
	for (int i = 0; i < 2; i++) {
		session_fini(&peers[i].session, &service);
		lines_fini(&peers[i].lines);
	}
	if (locks_count(service.locks) != 0 || service.listing_bytes != 0)
		abort();
	locks_free(service.locks);
	reply_fini(&service.reply);
	return 0;
}
