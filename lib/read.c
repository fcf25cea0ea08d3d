/* SPDX-License-Identifier: ISC */
/*
 * Reading, and bytes that were given back. Always true: a socket is in the loop's list of
 * pushed-back ones exactly while it is open and has pushed-back bytes.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
ds_has_pushed(const struct ds_sock *sock)
{
	return sock->extra != NULL && sock->extra->pushed_first != NULL;
}

static void
pop_pushed(struct ds_extra *extra)
{
	struct ds_pushed *pushed = extra->pushed_first;

	extra->pushed_first = pushed->next;
	free(pushed);
	if (extra->pushed_first == NULL)
		TAILQ_REMOVE(&extra->sock->loop->pushed, extra, pushed_link);
}

static ssize_t
read_pushed(struct ds_extra *extra, void *buf, size_t len)
{
	struct ds_pushed *pushed = extra->pushed_first;
	size_t n = pushed->len - pushed->off;

	if (n > len)
		n = len;
	memcpy(buf, pushed->data + pushed->off, n);
	pushed->off += n;
	if (pushed->off == pushed->len)
		pop_pushed(extra);
	return (ssize_t)n;
}

/* recv(2) spares the kernel what read(2) does for files. */
static ssize_t
read_raw(struct ds_sock *sock, void *buf, size_t len)
{
	if (sock->extra != NULL && sock->extra->reader != NULL)
		return sock->extra->reader(sock, buf, len, sock->extra->reader_arg);
	if (!(sock->flags & DS_F_NOT_SOCKET)) {
		ssize_t n = recv(sock->fd, buf, len, 0);
		if (n != -1 || errno != ENOTSOCK)
			return n;
		sock->flags |= DS_F_NOT_SOCKET;
	}
	return read(sock->fd, buf, len);
}

/* How much of LEN the budget of this turn leaves. */
static size_t
within_budget(struct ds_sock *sock, size_t len)
{
	uint32_t budget = sock->read_budget != 0 ? sock->read_budget : sock->loop->read_budget;

	if (budget == 0)
		return len;
	if (sock->read_turn != sock->loop->turn) {
		sock->read_turn = sock->loop->turn;
		sock->read_used = 0;
	}
	size_t left = budget > sock->read_used ? budget - sock->read_used : 0;
	return len < left ? len : left;
}

ssize_t
ds_read(struct ds_sock *sock, void *buf, size_t len)
{
	ssize_t n;

	if (ds_is_closed(sock))
		return 0;
	if (ds_has_pushed(sock) && len > 0)
		return read_pushed(sock->extra, buf, len);
	size_t most = within_budget(sock, len);
	if (most == 0 && len > 0) {
		errno = EAGAIN;
		return -1;
	}
	do
		n = read_raw(sock, buf, most);
	while (n == -1 && errno == EINTR && !ds_is_closed(sock));
	if (ds_is_closed(sock)) /* by a reader of the class's own */
		return n == -1 ? 0 : n;
	if (n > 0) {
		sock->read_used += (uint32_t)n;
		if (sock->extra != NULL)
			sock->extra->active_ns = sock->loop->now_ns;
	}
	return n;
}

int
ds_push_back(struct ds_sock *sock, const void *data, size_t len)
{
	if (ds_is_closed(sock) || len == 0)
		return 0;

	struct ds_extra *extra = ds_extra_of(sock);
	struct ds_pushed *pushed = extra != NULL ? malloc(sizeof(*pushed) + len) : NULL;
	if (pushed == NULL)
		return -1;
	*pushed = (struct ds_pushed){.len = len};
	memcpy(pushed->data, data, len);
	if (extra->pushed_first == NULL) {
		extra->pushed_first = pushed;
		TAILQ_INSERT_TAIL(&sock->loop->pushed, extra, pushed_link);
	} else {
		extra->pushed_last->next = pushed;
	}
	extra->pushed_last = pushed;
	return 0;
}

int
ds_set_reader(struct ds_sock *sock, ds_reader_fn fn, void *arg)
{
	if (ds_is_closed(sock))
		return 0;
	struct ds_extra *extra = ds_extra_of(sock);
	if (extra == NULL)
		return -1;
	extra->reader = fn;
	extra->reader_arg = arg;
	return 0;
}

static bool
wants_pushed(const struct ds_sock *sock)
{
	return (sock->want & DS_READ) && !ds_is_connecting(sock);
}

bool
ds_pushed_ready(const struct ds_loop *loop)
{
	const struct ds_extra *extra;

	TAILQ_FOREACH (extra, &loop->pushed, pushed_link)
		if (wants_pushed(extra->sock))
			return true;
	return false;
}

void
ds_pushed_drop(struct ds_sock *sock)
{
	while (ds_has_pushed(sock))
		pop_pushed(sock->extra);
}

/* One event_read for each that has bytes now and wants them. False when there was none. */
static bool
pushed_pass(struct ds_loop *loop)
{
	struct ds_extra *extra;
	size_t left = 0;
	bool any = false;

	TAILQ_FOREACH (extra, &loop->pushed, pushed_link)
		left++;
	/* A callback may take any socket out of the list, so always start from its head. */
	while (left-- > 0 && (extra = TAILQ_FIRST(&loop->pushed)) != NULL) {
		TAILQ_REMOVE(&loop->pushed, extra, pushed_link);
		TAILQ_INSERT_TAIL(&loop->pushed, extra, pushed_link);
		if (!wants_pushed(extra->sock))
			continue;
		any = true;
		extra->sock->ops->event_read(extra->sock);
	}
	return any;
}

void
ds_pushed_run(struct ds_loop *loop)
{
	for (int pass = 0; pass < DS_PUSH_BACK_PASSES && !TAILQ_EMPTY(&loop->pushed); pass++)
		if (!pushed_pass(loop))
			return;
}
