/* SPDX-License-Identifier: ISC */
/*
 * The simulated kernel itself: it does with a connection what the real one does, and the same seed
 * gives the same run.
 */
#include "echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One connection, simulated or real: the program's descriptor and the other end. */
struct pair {
	int fd;
	struct sim_peer *peer; /* NULL: the other end is PEER_FD */
	int peer_fd;
	char story[512]; /* what was seen */
};

static void
open_real(struct pair *pair)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listening, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&in, &len), 0);
	pair->peer = NULL;
	pair->peer_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(pair->peer_fd, (struct sockaddr *)&in, len), 0);
	pair->fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
	assert_int_not_equal(pair->fd, -1);
	close(listening);
}

static void
tell(struct pair *pair, const char *what, ssize_t result)
{
	size_t used = strlen(pair->story);

	snprintf(pair->story + used, sizeof(pair->story) - used, " %s=%s", what,
	    result == -1  ? strerrorname_np(errno)
	    : result == 0 ? "0"
			  : "n");
}

/* What a wait says. On the real kernel what the other side did has to arrive first. */
static void
look(struct pair *pair)
{
	struct pollfd fd = {.fd = pair->fd, .events = POLLIN | POLLOUT};
	size_t used = strlen(pair->story);

	if (pair->peer == NULL)
		nanosleep(&(struct timespec){.tv_nsec = 3 * SIM_MS}, NULL);
	poll(&fd, 1, 0);
	snprintf(pair->story + used, sizeof(pair->story) - used, " [%s%s%s%s]",
	    fd.revents & POLLIN ? "i" : "", fd.revents & POLLOUT ? "o" : "",
	    fd.revents & POLLERR ? "e" : "", fd.revents & POLLHUP ? "h" : "");
}

static void
program_receives(struct pair *pair)
{
	char buf[100];

	tell(pair, "recv", recv(pair->fd, buf, sizeof(buf), 0));
}

static void
program_sends(struct pair *pair)
{
	tell(pair, "send", send(pair->fd, "hello", 5, MSG_NOSIGNAL));
	look(pair);
}

static void
program_ends(struct pair *pair)
{
	tell(pair, "shutdown", shutdown(pair->fd, SHUT_WR));
	look(pair);
}

static void
program_asks(struct pair *pair)
{
	int error = -1;
	socklen_t len = sizeof(error);

	getsockopt(pair->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	errno = error;
	tell(pair, "error", error == 0 ? 0 : -1);
}

static void
peer_sends(struct pair *pair)
{
	if (pair->peer != NULL)
		sim_peer_send(pair->peer, "hello", 5);
	else
		assert_int_equal(send(pair->peer_fd, "hello", 5, MSG_NOSIGNAL), 5);
	look(pair);
}

static void
peer_ends(struct pair *pair)
{
	if (pair->peer != NULL)
		sim_peer_shutdown(pair->peer);
	else
		shutdown(pair->peer_fd, SHUT_WR);
	look(pair);
}

static void
peer_closes(struct pair *pair)
{
	if (pair->peer != NULL)
		sim_peer_close(pair->peer);
	else
		close(pair->peer_fd);
	pair->peer_fd = -1;
	look(pair);
}

static void
peer_resets(struct pair *pair)
{
	struct linger now = {.l_onoff = 1};

	if (pair->peer != NULL)
		sim_peer_reset(pair->peer);
	else
		setsockopt(pair->peer_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (pair->peer == NULL)
		close(pair->peer_fd);
	pair->peer_fd = -1;
	look(pair);
}

typedef void (*act_fn)(struct pair *);

enum { ACTS = 8 };

static const act_fn scenes[][ACTS] = {
    {peer_sends, program_receives, program_receives},
    {peer_sends, peer_ends, program_receives, program_receives, program_sends},
    {peer_ends, program_ends, program_receives, program_sends},
    {program_ends, program_sends, program_receives},
    {peer_closes, program_receives, program_sends, program_sends, program_receives},
    {peer_closes, program_sends, program_asks, program_sends},
    {peer_closes, program_sends, program_receives, program_receives, program_sends},
    {program_sends, peer_closes, program_receives, program_receives, program_sends},
    {peer_resets, program_receives, program_receives, program_sends},
    {peer_resets, program_sends, program_receives, program_sends},
    {peer_resets, program_asks, program_sends, program_receives},
    {peer_ends, peer_resets, program_receives, program_receives, program_sends},
    {peer_resets, program_ends, program_receives},
};

static void
play(struct pair *pair, const act_fn scene[ACTS])
{
	pair->story[0] = '\0';
	look(pair);
	for (int i = 0; i < ACTS && scene[i] != NULL; i++)
		scene[i](pair);
	close(pair->fd);
	if (pair->peer == NULL && pair->peer_fd != -1)
		close(pair->peer_fd);
}

static void
a_connection_lives_and_dies_as_on_the_real_kernel(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		struct pair real, simulated = {.peer_fd = -1};

		open_real(&real);
		play(&real, scenes[i]);
		sim_begin(i);
		simulated.peer = sim_pair(&simulated.fd);
		play(&simulated, scenes[i]);
		sim_end();
		assert_string_equal(simulated.story, real.story);
	}
}

static void
a_wait_for_nothing_takes_its_time_and_no_more(void **state)
{
	struct pollfd fd = {.events = POLLIN};
	struct timespec ts;

	(void)state;
	sim_begin(1);
	int64_t begun = sim_now();
	struct sim_peer *peer = sim_pair(&fd.fd);
	assert_int_equal(poll(&fd, 1, 250), 0);
	assert_int_equal(sim_now() - begun, 250 * SIM_MS);
	sim_peer_send(peer, "x", 1);
	assert_int_equal(poll(&fd, 1, 250), 1);
	assert_int_equal(sim_now() - begun, 250 * SIM_MS);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	assert_int_equal(ts.tv_sec * SIM_S + ts.tv_nsec, sim_now());
	close(fd.fd);
	sim_end();
}

static void
writing_stops_when_the_buffer_is_full(void **state)
{
	struct pollfd fd = {.events = POLLOUT};
	char buf[100] = "";

	(void)state;
	sim_begin(1);
	sim_set_faults(&(struct sim_faults){.buffer = 150});
	struct sim_peer *peer = sim_pair(&fd.fd);
	assert_int_equal(send(fd.fd, buf, 100, MSG_NOSIGNAL), 100);
	assert_int_equal(poll(&fd, 1, 0), 1);
	assert_int_equal(send(fd.fd, buf, 100, MSG_NOSIGNAL), 50);
	assert_int_equal(send(fd.fd, buf, 100, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_int_equal(sim_peer_recv(peer, buf, 100), 100);
	assert_int_equal(poll(&fd, 1, 0), 1);
	sim_peer_close(peer);
	close(fd.fd);
	sim_end();
}

static uint64_t digests[2];

static void
note_digest(uint64_t seed)
{
	for (int i = 0; i < 2; i++) {
		echo_run(seed);
		digests[i] = sim_digest();
	}
	assert_int_equal(digests[0], digests[1]);
}

static void
a_seed_replays_exactly(void **state)
{
	(void)state;
	sim_runs(50, note_digest);
	uint64_t last = digests[0];
	echo_run(1000001);
	assert_int_not_equal(sim_digest(), last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIM_TEST(a_connection_lives_and_dies_as_on_the_real_kernel),
	    SIM_TEST(a_wait_for_nothing_takes_its_time_and_no_more),
	    SIM_TEST(writing_stops_when_the_buffer_is_full),
	    SIM_TEST(a_seed_replays_exactly),
	};

	return SIM_MAIN("simulated kernel", tests);
}
