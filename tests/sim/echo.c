/* SPDX-License-Identifier: ISC */
/* See echo.h. */
#include "echo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 600, INPUT = 256, QUEUE_MAX = 2000, TICK_MS = 7, IDLE_MS = 3600 * 1000 };

struct echo {
	struct ds_sock sock;
	struct echo_server *server;
	unsigned lines;
	size_t len;
	bool ended;
	char line[LINE_MAX_LEN];
};

static struct echo *
echo_of(struct ds_sock *sock)
{
	return (struct echo *)sock;
}

static void
free_lent(struct ds_sock *sock, void *arg)
{
	(void)sock;
	free(arg);
}

static void
close_written(struct ds_sock *sock, void *arg)
{
	(void)arg;
	ds_close(sock, "end of file");
}

/* Lines with an odd number are lent to the library, the others copied by it. */
static void
answer(struct echo *echo)
{
	char head[16];
	int n = snprintf(head, sizeof(head), "%u:", ++echo->lines);

	ds_write(&echo->sock, head, (size_t)n);
	if (echo->lines % 2 == 0) {
		ds_write(&echo->sock, echo->line, echo->len);
	} else {
		char *lent = malloc(echo->len);

		if (lent == NULL) {
			ds_close(&echo->sock, "ENOMEM");
			return;
		}
		memcpy(lent, echo->line, echo->len);
		ds_write_ref(&echo->sock, lent, echo->len, free_lent, lent);
	}
	echo->len = 0;
}

static void
take(struct echo *echo, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !ds_is_closed(&echo->sock); i++) {
		assert_true(echo->len < sizeof(echo->line));
		echo->line[echo->len++] = data[i];
		if (data[i] == '\n')
			answer(echo);
	}
}

static void
echo_read(struct ds_sock *sock)
{
	struct echo *echo = echo_of(sock);
	char buf[INPUT];
	ssize_t n = ds_read(sock, buf, sizeof(buf));

	if (n > 0) {
		size_t back = echo->server->push_back && sim_random(8) == 0 ? (size_t)n / 2 : 0;

		if (back > 0 && ds_push_back(sock, buf + (size_t)n - back, back) == -1) {
			ds_close(sock, "ENOMEM");
			return;
		}
		take(echo, buf, (size_t)n - back);
	} else if (n == 0) {
		echo->ended = true;
		ds_watch_read(sock, false);
		ds_write_call(sock, close_written, NULL);
	} else if (errno != EAGAIN) {
		ds_close(sock, "read");
	}
}

/* Who does not read is not read from. */
static void
on_watermark(struct ds_sock *sock, bool above, void *arg)
{
	(void)arg;
	ds_watch_read(sock, !above && !echo_of(sock)->ended);
}

static void
echo_on_close(struct ds_sock *sock, const char *reason)
{
	assert_non_null(reason);
	echo_of(sock)->server->connections--;
}

static void
echo_destroy(struct ds_sock *sock)
{
	free(sock);
}

static const struct ds_ops echo_ops = {
    .name = "echo",
    .event_read = echo_read,
    .on_close = echo_on_close,
    .destroy = echo_destroy,
};

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	struct echo_server *server = arg;
	struct echo *echo = calloc(1, sizeof(*echo));

	assert_ptr_equal(listener, &server->listener);
	assert_int_equal(peer->family, AF_INET);
	server->accepted++;
	if (echo == NULL || ds_sock_init(&echo->sock, server->loop, &echo_ops, fd, DS_READ) == -1) {
		free(echo);
		close(fd);
		return;
	}
	echo->server = server;
	server->connections++;
	if (ds_set_idle_timeout(&echo->sock, IDLE_MS) == -1 ||
	    ds_set_watermark(&echo->sock, QUEUE_MAX, QUEUE_MAX / 2, on_watermark, NULL) == -1)
		ds_close(&echo->sock, "ENOMEM");
}

static void
on_pause(struct ds_listener *listener, int error, void *arg)
{
	(void)listener;
	((struct echo_server *)arg)->pauses += error != 0;
}

static void
on_tick(struct ds_timer *timer, void *arg)
{
	((struct echo_server *)arg)->ticks++;
	ds_timer_add(timer, TICK_MS);
}

int
echo_open(struct echo_server *server)
{
	struct ds_addr addr;
	bool push_back = server->push_back;

	*server = (struct echo_server){.push_back = push_back};
	assert_null(ds_addr_parse(&addr, "127.0.0.1:7000"));
	server->loop = ds_loop_new();
	if (server->loop == NULL)
		return -1;
	ds_timer_init(&server->tick, server->loop, on_tick, server);
	int fd = ds_listen(&addr, 16, 0);
	if (fd == -1 || ds_timer_add(&server->tick, TICK_MS) == -1 ||
	    ds_listener_init(
		&server->listener, server->loop, fd, on_accept, on_pause, NULL, server) == -1) {
		if (fd != -1)
			close(fd);
		ds_loop_free(server->loop);
		return -1;
	}
	return 0;
}

void
echo_close(struct echo_server *server)
{
	ds_loop_free(server->loop);
	assert_int_equal(server->connections, 0);
}

void
echo_script(struct echo_world *world, size_t index, unsigned lines)
{
	struct talk *talk = &world->talks[index];
	char *expected = world->expected[index];
	char line[LINE_MAX_LEN];

	talk_init(talk, ECHO_PORT, TALK_HALF_CLOSE);
	*expected = '\0';
	for (unsigned i = 1; i <= lines; i++) {
		size_t len = sim_random(sim_random(4) == 0 ? LINE_MAX_LEN - 2 : 20);

		for (size_t c = 0; c < len; c++)
			line[c] = (char)('a' + (c + i) % 26);
		line[len] = '\0';
		talk_add(talk, "%s\n", line);
		expected += sprintf(expected, "%u:%s\n", i, line);
	}
}

int64_t
echo_play(void *arg)
{
	struct echo_world *world = arg;
	int64_t next = talk_step_all(world->talks, world->n);

	if (talk_all_over(world->talks, world->n))
		ds_loop_stop(world->server.loop);
	return next;
}

void
echo_run(uint64_t seed)
{
	static struct echo_world world;

	sim_begin(seed);
	world.n = 1 + sim_random(ECHO_TALKS);
	for (size_t i = 0; i < world.n; i++)
		echo_script(&world, i, sim_random(10));
	world.server.push_back = true;
	sim_random_faults();
	assert_int_equal(echo_open(&world.server), 0);
	ds_loop_set_read_budget(world.server.loop, sim_random(2) ? 0 : 1 + sim_random(100));
	sim_set_world(echo_play, &world);
	assert_int_equal(ds_loop_run(world.server.loop), 0);
	for (size_t i = 0; i < world.n; i++) {
		assert_int_equal(world.talks[i].error, 0);
		assert_string_equal(world.talks[i].in, world.expected[i]);
	}
	echo_close(&world.server);
	sim_end();
}
