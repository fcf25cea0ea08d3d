/* SPDX-License-Identifier: ISC */
/* Post-loop callbacks, of sockets and of the loop: what runs when a turn has done everything else.
 */
#include "loop.h"

void
ds_loop_set_post(struct ds_loop *loop, ds_post_fn fn, void *arg)
{
	loop->post = fn;
	loop->post_arg = arg;
}

int
ds_set_post(struct ds_sock *sock, ds_sock_post_fn fn, void *arg)
{
	if (ds_is_closed(sock))
		return 0;
	struct ds_extra *extra = ds_extra_of(sock);
	if (extra == NULL)
		return -1;
	ds_post_drop(sock);
	extra->post = fn;
	extra->post_arg = arg;
	extra->post_round = sock->loop->post_round;
	if (fn != NULL)
		TAILQ_INSERT_TAIL(&sock->loop->posts, extra, post_link);
	return 0;
}

void
ds_post_drop(struct ds_sock *sock)
{
	if (sock->extra == NULL || sock->extra->post == NULL)
		return;
	sock->extra->post = NULL;
	TAILQ_REMOVE(&sock->loop->posts, sock->extra, post_link);
}

/* Each callback that there was at the start once, while none has said false. */
bool
ds_posts_run(struct ds_loop *loop)
{
	struct ds_extra *extra;

	loop->post_round++;
	/* A callback may take any of them away, so always start from the head. */
	while (
	    (extra = TAILQ_FIRST(&loop->posts)) != NULL && extra->post_round != loop->post_round) {
		extra->post_round = loop->post_round;
		TAILQ_REMOVE(&loop->posts, extra, post_link);
		TAILQ_INSERT_TAIL(&loop->posts, extra, post_link);
		if (!extra->post(extra->sock, extra->post_arg))
			return false;
	}
	return loop->post == NULL || loop->post(loop, loop->post_arg);
}
