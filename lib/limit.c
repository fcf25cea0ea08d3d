/* SPDX-License-Identifier: ISC */
/* What bounds a socket: silence (idle timeout), queued output (watermarks), bytes read in a turn
 * (budget). */
#include "loop.h"

#include <errno.h>

enum { NS_PER_MS = 1000000 };

/* The timer is not moved with every byte: it finds out, when it runs, what it should have been. */
static void
idle_check(struct ds_timer *timer, void *arg)
{
	struct ds_sock *sock = arg;
	int64_t due = sock->extra->active_ns + sock->extra->idle_ns;

	if (ds_loop_now(sock->loop) < due) {
		if (ds_timer_add_at(timer, due) == -1)
			ds_close_errno(sock, ENOMEM);
		return;
	}
	sock->extra->active_ns = ds_loop_now(sock->loop);
	if (sock->ops->event_idle == NULL) {
		ds_close(sock, "idle");
		return;
	}
	sock->ops->event_idle(sock);
	if (!ds_is_closed(sock) && sock->extra->idle_ns > 0 && !ds_timer_pending(timer) &&
	    ds_timer_add_at(timer, sock->extra->active_ns + sock->extra->idle_ns) == -1)
		ds_close_errno(sock, ENOMEM);
}

int
ds_set_idle_timeout(struct ds_sock *sock, int64_t timeout_ms)
{
	struct ds_extra *extra = ds_is_closed(sock) ? NULL : ds_extra_of(sock);

	if (extra == NULL)
		return ds_is_closed(sock) ? 0 : -1;
	if (timeout_ms > INT64_MAX / 2 / NS_PER_MS)
		timeout_ms = 0; /* longer than anybody lives */
	extra->idle_ns = timeout_ms > 0 ? timeout_ms * NS_PER_MS : 0;
	extra->active_ns = ds_clock_ns();
	if (ds_is_connecting(sock) && ds_timer_pending(&extra->timer))
		return 0; /* the deadline comes first; connecting ends with this timer armed */
	ds_timer_cancel(&extra->timer);
	return ds_idle_start(sock);
}

int
ds_idle_start(struct ds_sock *sock)
{
	struct ds_extra *extra = sock->extra;

	if (extra == NULL || extra->idle_ns == 0)
		return 0;
	ds_timer_init(&extra->timer, sock->loop, idle_check, sock);
	return ds_timer_add_at(&extra->timer, extra->active_ns + extra->idle_ns);
}

int
ds_set_watermark(struct ds_sock *sock, size_t high, size_t low, ds_watermark_fn fn, void *arg)
{
	if (ds_is_closed(sock))
		return 0;
	struct ds_extra *extra = ds_extra_of(sock);
	if (extra == NULL)
		return -1;
	extra->high = high;
	extra->low = low < high ? low : high;
	extra->on_watermark = fn;
	extra->watermark_arg = arg;
	extra->above = false;
	ds_watermark_check(sock);
	return 0;
}

void
ds_watermark_check(struct ds_sock *sock)
{
	struct ds_extra *extra = sock->extra;
	size_t queued = sock->out_bytes;

	if (extra == NULL || extra->on_watermark == NULL)
		return;
	if (extra->above ? queued > extra->low : queued < extra->high)
		return;
	extra->above = !extra->above;
	extra->on_watermark(sock, extra->above, extra->watermark_arg);
}

void
ds_set_read_budget(struct ds_sock *sock, size_t bytes)
{
	sock->read_budget = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

void
ds_loop_set_read_budget(struct ds_loop *loop, size_t bytes)
{
	loop->read_budget = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}
