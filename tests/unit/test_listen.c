/* SPDX-License-Identifier: ISC */
/* Listeners: accepting, and the pause when no descriptor is left. */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a listener did, and what its callbacks shall do. */
struct taken {
	struct ds_listener listener;
	int fds[256], count;
	char peer[DS_ADDR_STRLEN]; /* of the last one */
	int pauses, resumes, error, destroys;
	bool close_on_accept, close_on_pause, close_on_resume;
};

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	struct taken *taken = arg;

	taken->fds[taken->count++] = fd;
	ds_peer_format(peer, taken->peer, sizeof(taken->peer));
	if (taken->close_on_accept)
		ds_close(&listener->sock, "enough");
}

static void
on_pause(struct ds_listener *listener, int error, void *arg)
{
	struct taken *taken = arg;

	if (error == 0) {
		taken->resumes++;
	} else {
		taken->pauses++;
		taken->error = error;
	}
	if (error == 0 ? taken->close_on_resume : taken->close_on_pause)
		ds_close(&listener->sock, "paused");
}

static void
on_destroy(struct ds_sock *sock, void *arg)
{
	(void)sock;
	((struct taken *)arg)->destroys++;
}

/* The listeners live here, since the loop still has them when a test ends. */
static struct taken taken;

static int
listen_with(struct ds_loop *loop, const struct ds_addr *addr)
{
	int fd = ds_listen(addr, 512, 0600);

	memset(&taken, 0, sizeof(taken));
	if (fd == -1 || ds_listener_init(&taken.listener, loop, fd, on_accept, on_pause, on_destroy,
			    &taken) == -1)
		return -1;
	return fd;
}

/* Where clients go: the address of a listening descriptor, on the loopback interface. */
static struct sockaddr_in
port_of(int fd)
{
	struct ds_addr addr = {.len = sizeof(addr.u)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

	getsockname(fd, &addr.u.sa, &addr.len);
	in.sin_port = addr.u.in.sin_port; /* at the same place for IPv6 */
	return in;
}

static int
dial(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd != -1 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* An address with a free port, which no text form has. */
static struct ds_addr
any_port(const char *text)
{
	struct ds_addr addr;

	assert_null(ds_addr_parse(&addr, text));
	addr.u.in.sin_port = 0;
	return addr;
}

static void
a_flood_is_accepted_in_bounded_turns(void **state)
{
	enum { CLIENTS = 150 };
	int client[CLIENTS];
	struct ds_addr addr = any_port("127.0.0.1:1");
	int fd = listen_with(*state, &addr);
	struct sockaddr_in to = port_of(fd);

	for (int i = 0; i < CLIENTS; i++)
		client[i] = dial(&to);
	await(fd, POLLIN);
	step(*state, 1);
	assert_in_range(taken.count, 1, CLIENTS - 1);
	ds_loop_set_timeout(*state, 1000);
	while (taken.count < CLIENTS && ds_loop_turn(*state) == 1)
		;
	assert_int_equal(taken.count, CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		assert_true(fcntl(taken.fds[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(taken.fds[i], F_GETFD) & FD_CLOEXEC);
	}
	assert_memory_equal(taken.peer, "127.0.0.1:", 10);
	close_all(client, CLIENTS);
	close_all(taken.fds, CLIENTS);
}

static void
a_peer_that_is_mapped_into_ipv6_prints_as_ipv4(void **state)
{
	struct ds_addr addr = any_port("*:1");
	int fd = listen_with(*state, &addr);
	struct sockaddr_in to = port_of(fd), own = {.sin_family = AF_INET};
	socklen_t len = sizeof(own);
	char expected[32];

	int client = dial(&to);
	getsockname(client, (struct sockaddr *)&own, &len);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(own.sin_port));
	await(fd, POLLIN);
	step(*state, 1);
	assert_int_equal(taken.count, 1);
	assert_string_equal(taken.peer, expected);
	close(client);
	close(taken.fds[0]);
}

static void
a_peer_over_ipv6_prints_in_brackets(void **state)
{
	struct ds_addr addr = any_port("[::1]:1");
	int fd = listen_with(*state, &addr);

	if (fd == -1 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
		skip(); /* a host without it */
	assert_int_equal(getsockname(fd, &addr.u.sa, &addr.len), 0);
	int client = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(connect(client, &addr.u.sa, addr.len), 0);
	await(fd, POLLIN);
	step(*state, 1);
	assert_int_equal(taken.count, 1);
	assert_memory_equal(taken.peer, "[::1]:", 6);
	close(client);
	close(taken.fds[0]);
}

static void
a_listener_closed_in_its_callback_accepts_no_more(void **state)
{
	struct ds_addr addr = any_port("127.0.0.1:1");
	int fd = listen_with(*state, &addr), client[2];
	struct sockaddr_in to = port_of(fd);

	taken.close_on_accept = true;
	client[0] = dial(&to);
	client[1] = dial(&to);
	await(fd, POLLIN);
	step(*state, 3);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.destroys, 1);
	assert_int_equal(dial(&to), -1);
	close_all(client, 2);
	close(taken.fds[0]);
}

static void
a_port_in_use_is_an_error(void **state)
{
	struct ds_addr addr = any_port("127.0.0.1:1");
	int fd = listen_with(*state, &addr);

	addr.u.in = port_of(fd);
	assert_int_equal(ds_listen(&addr, 1, 0), -1);
	assert_int_equal(errno, EADDRINUSE);
}

/* Leaves this process, a child, without a free descriptor; says which one to close to have one. */
static int
use_up_descriptors(void)
{
	struct rlimit limit = {.rlim_cur = 0};
	int last = -1, fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 100;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	while ((fd = dup(0)) != -1)
		last = fd;
	CHECK(errno == EMFILE && last != -1);
	return last;
}

static void
stop_loop(struct ds_timer *timer, void *arg)
{
	(void)arg;
	ds_loop_stop(timer->loop);
}

/* Runs for a while and says in how many turns. */
static int
turns_within(struct ds_loop *loop, int ms)
{
	static struct ds_timer end;
	int turns = 1;

	ds_timer_init(&end, loop, stop_loop, NULL);
	ds_timer_add(&end, ms);
	ds_loop_set_timeout(loop, -1);
	while (ds_loop_turn(loop) == 1)
		turns++;
	return turns;
}

static struct sockaddr_in
listen_in_child(struct ds_loop *loop)
{
	struct ds_addr addr;

	CHECK(ds_addr_parse(&addr, "127.0.0.1:1") == NULL);
	addr.u.in.sin_port = 0;
	int fd = listen_with(loop, &addr);
	CHECK(fd != -1);
	return port_of(fd);
}

static void
run_dry(struct ds_loop *loop)
{
	const struct sockaddr_in to = listen_in_child(loop);

	CHECK(dial(&to) != -1);
	int spare = use_up_descriptors();
	CHECK(turns_within(loop, 350) < 12); /* a few retries, each of two turns */
	CHECK(taken.pauses == 1 && taken.error == EMFILE);
	CHECK(taken.count == 0 && taken.resumes == 0);
	close(spare);
	close(spare - 1); /* with one only, it would pause again after taking it */
	CHECK(turns_within(loop, 250) < 12);
	CHECK(taken.count == 1 && taken.resumes == 1 && taken.pauses == 1);
}

static void
accepting_pauses_without_a_free_descriptor_and_goes_on_with_one(void **state)
{
	(void)state;
	in_child(run_dry);
}

static void
close_on_pause(struct ds_loop *loop)
{
	const struct sockaddr_in to = listen_in_child(loop);

	taken.close_on_pause = true;
	CHECK(dial(&to) != -1);
	use_up_descriptors();
	turns_within(loop, 20);
	CHECK(taken.pauses == 1 && taken.destroys == 1 && taken.count == 0);
	CHECK(!ds_timer_pending(&taken.listener.retry)); /* the memory may go */
}

static void
close_on_resume(struct ds_loop *loop)
{
	const struct sockaddr_in to = listen_in_child(loop);

	taken.close_on_resume = true;
	CHECK(dial(&to) != -1);
	int spare = use_up_descriptors();
	turns_within(loop, 20);
	CHECK(taken.pauses == 1 && taken.destroys == 0);
	close(spare);
	turns_within(loop, 150);
	CHECK(taken.resumes == 1 && taken.destroys == 1 && taken.count == 0);
	CHECK(!is_open(spare)); /* the connection that nobody was given */
}

static void
a_listener_may_be_closed_as_it_pauses_or_resumes(void **state)
{
	(void)state;
	in_child(close_on_pause);
	in_child(close_on_resume);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(a_flood_is_accepted_in_bounded_turns),
	    UNIT(a_peer_that_is_mapped_into_ipv6_prints_as_ipv4),
	    UNIT(a_peer_over_ipv6_prints_in_brackets),
	    UNIT(a_listener_closed_in_its_callback_accepts_no_more),
	    UNIT(a_port_in_use_is_an_error),
	    UNIT(accepting_pauses_without_a_free_descriptor_and_goes_on_with_one),
	    UNIT(a_listener_may_be_closed_as_it_pauses_or_resumes),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
