/* SPDX-License-Identifier: ISC */
/*
 * A chat room: chat [ADDRESS]. What one says goes to all others. The first line is the speaker's
 * name. Whoever does not read is dropped at a megabyte, and whoever says nothing for an hour.
 */
#include "lineserver.h"

#include <stdio.h>
#include <sys/queue.h>

enum { SLOW_BYTES = 1 << 20, IDLE_MS = 3600 * 1000 };

struct guest {
	struct line_sock line; /* first */
	char name[32];
	LIST_ENTRY(guest) link;
};

static LIST_HEAD(, guest) room = LIST_HEAD_INITIALIZER(room);

static void
say(const struct guest *from, const char *verb, const char *text)
{
	char message[1200];
	struct guest *guest, *next;
	int len = snprintf(message, sizeof(message), "%s%s%s\r\n", from->name, verb, text);

	for (guest = LIST_FIRST(&room); guest != NULL; guest = next) {
		next =
		    LIST_NEXT(guest, link); /* a write may close the guest, which leaves the room */
		if (guest != from)
			ds_write(&guest->line.sock, message, (size_t)len);
	}
}

static void
on_line(struct line_sock *line, char *text)
{
	struct guest *guest = (struct guest *)line;

	if (guest->name[0] != '\0') {
		say(guest, ": ", text);
	} else if (text[0] != '\0') {
		snprintf(guest->name, sizeof(guest->name), "%.31s", text);
		say(guest, " has come", "");
	}
}

static void
guest_read(struct ds_sock *sock)
{
	line_read((struct line_sock *)sock, on_line);
}

static void
guest_close(struct ds_sock *sock, const char *reason)
{
	struct guest *guest = (struct guest *)sock;

	LIST_REMOVE(guest, link);
	if (guest->name[0] != '\0')
		say(guest, " has gone: ", reason);
}

static const struct ds_ops guest_ops = {
    .name = "guest", .event_read = guest_read, .on_close = guest_close, .destroy = line_destroy};

static void
too_slow(struct ds_sock *sock, bool above, void *arg)
{
	(void)arg;
	if (above)
		ds_close(sock, "too slow");
}

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	struct line_sock *line = line_accept(listener, fd, &guest_ops, sizeof(struct guest));

	(void)peer;
	(void)arg;
	if (line == NULL)
		return;
	LIST_INSERT_HEAD(&room, (struct guest *)line, link);
	if (ds_set_watermark(&line->sock, SLOW_BYTES, 0, too_slow, NULL) == -1 ||
	    ds_set_idle_timeout(&line->sock, IDLE_MS) == -1)
		ds_close(&line->sock, "out of memory");
}

int
main(int argc, char **argv)
{
	return line_serve(argc, argv, "127.0.0.1:7001", on_accept);
}
