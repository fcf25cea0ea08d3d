/* SPDX-License-Identifier: ISC */
/*
 * What the tests of the Danga::Socket distribution expect, expected of libdsock: the timing of the
 * post-loop callback and of timers, callbacks of sockets, a conversation with the three cases of
 * pushed-back bytes, and the close race.
 */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Post-loop timing. */

static bool
four(struct ds_loop *loop, void *n)
{
	(void)loop;
	return ++*(int *)n < 4;
}

/* The machine may be late once or twice, the loop never. */
enum { TRIES = 10 };

static void
four_turns_of_a_quarter_of_a_second_take_a_second(void **state)
{
	int64_t took = INT64_MAX;

	ds_loop_set_timeout(*state, 250);
	for (int tries = 0; tries < TRIES && took > 2000; tries++) {
		int64_t begun = clock_ms();
		int turns = 0;

		ds_loop_set_post(*state, four, &turns);
		assert_int_equal(ds_loop_run(*state), 0);
		assert_int_equal(turns, 4);
		took = clock_ms() - begun;
		assert_true(took >= 1000);
	}
	assert_true(took <= 2000);
}

enum { TIMERS = 6, STEP_MS = 100, SLACK_MS = 1000 };

struct timing {
	struct ds_timer timer;
	int64_t begun;
	int n;
	int *left;
	int64_t *latest; /* how late one of them was at most */
};

static void
check_time(struct ds_timer *timer, void *arg)
{
	struct timing *timing = arg;

	(void)timer;
	int64_t late = clock_ms() - (timing->begun + timing->n * STEP_MS);
	assert_true(late >= 0);
	if (*timing->latest < late)
		*timing->latest = late;
	--*timing->left;
}

static bool
any_left(struct ds_loop *loop, void *left)
{
	(void)loop;
	return *(int *)left > 0;
}

static int64_t
run_timers(struct ds_loop *loop)
{
	static const int order[TIMERS] = {3, 0, 5, 1, 4, 2};
	struct timing timings[TIMERS];
	int64_t latest = 0;
	int left = TIMERS;

	for (int i = 0; i < TIMERS; i++) {
		timings[i] = (struct timing){
		    .begun = clock_ms(), .n = order[i], .left = &left, .latest = &latest};
		ds_timer_init(&timings[i].timer, loop, check_time, &timings[i]);
		assert_int_equal(ds_timer_add(&timings[i].timer, order[i] * STEP_MS), 0);
	}
	ds_loop_set_timeout(loop, -1);
	ds_loop_set_post(loop, any_left, &left);
	assert_int_equal(ds_loop_run(loop), 0);
	assert_int_equal(left, 0);
	return latest;
}

static void
timers_added_in_any_order_run_when_they_are_due(void **state)
{
	int64_t latest = INT64_MAX;

	for (int tries = 0; tries < TRIES && latest > SLACK_MS; tries++)
		latest = run_timers(*state);
	assert_true(latest <= SLACK_MS);
}

struct fired {
	int reader, writer;
};

static bool
note_reader(struct ds_sock *sock, void *arg)
{
	struct fired *fired = arg;

	(void)sock;
	fired->reader++;
	return !(fired->reader && fired->writer);
}

static bool
note_writer(struct ds_sock *sock, void *arg)
{
	struct fired *fired = arg;

	(void)sock;
	fired->writer++;
	return !(fired->reader && fired->writer);
}

static void
post_loop_callbacks_of_two_sockets_both_fire(void **state)
{
	struct fired fired = {0};
	int fds[2];

	unix_pair(fds);
	assert_int_equal(ds_set_post(&rec_new(*state, fds[0], 0)->sock, note_reader, &fired), 0);
	assert_int_equal(ds_set_post(&rec_new(*state, fds[1], 0)->sock, note_writer, &fired), 0);
	assert_int_equal(ds_loop_run(*state), 0);
	assert_int_equal(fired.reader, 1);
	assert_int_equal(fired.writer, 1);
}

/* The conversation: a server, a client that says Hello!, and a connection that reads it in four
 * steps. */

struct talk {
	struct ds_sock out;
	struct rec *in;
	int listener_fd, port, step;
	bool connected, done;
	char got[16];
};

static struct talk talk;

static void
in_read(struct rec *rec)
{
	char buf[512] = "";

	switch (talk.step++) {
	case 0:
		assert_int_equal(ds_read(&rec->sock, buf, 5), 5);
		assert_string_equal(buf, "Hello");
		assert_int_equal(ds_push_back(&rec->sock, "lo", 2), 0);
		break;
	case 1: /* more than was pushed back */
		assert_int_equal(ds_read(&rec->sock, buf, 3), 2);
		assert_string_equal(buf, "lo");
		assert_int_equal(ds_push_back(&rec->sock, "Hello", 5), 0);
		break;
	case 2: /* less than was pushed back */
		assert_int_equal(ds_read(&rec->sock, buf, 3), 3);
		assert_string_equal(buf, "Hel");
		strcpy(talk.got, buf);
		break;
	default:
		if (ds_read(&rec->sock, buf, 500) > 0)
			snprintf(talk.got + strlen(talk.got), sizeof(talk.got) - strlen(talk.got),
			    "%.8s", buf);
		if (strcmp(talk.got, "Hello!\n") == 0) {
			ds_watch_read(&rec->sock, false);
			talk.done = true;
		}
	}
}

static void
out_write(struct ds_sock *sock)
{
	talk.connected = true;
	ds_write(sock, "Hello!\n", 7);
	ds_watch_write(sock, false);
}

static const struct ds_ops out_ops = {.name = "out", .event_write = out_write};

static void
on_accept(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	char text[DS_ADDR_STRLEN];

	(void)arg;
	assert_memory_equal(ds_peer_format(peer, text, sizeof(text)), "127.0.0.1:", 10);
	talk.in = rec_new(listener->sock.loop, fd, DS_READ);
	talk.in->on_read = in_read;
	assert_memory_equal(ds_local_string(&talk.in->sock, text, sizeof(text)), "127.0.0.1:", 10);
}

static void
connect_out(struct ds_loop *loop, struct ds_addr *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_true(connect(fd, &addr->u.sa, addr->len) == 0 || errno == EINPROGRESS);
	assert_int_equal(ds_sock_init(&talk.out, loop, &out_ops, fd, DS_WRITE), 0);
}

static void
a_conversation_with_three_cases_of_pushed_back_bytes(void **state)
{
	struct ds_loop *loop = *state;
	struct ds_listener listener;
	struct ds_addr addr;
	int turns = 0;

	memset(&talk, 0, sizeof(talk));
	assert_int_equal(ds_loop_watched(loop), 0);
	assert_null(ds_addr_parse(&addr, "127.0.0.1:1"));
	addr.u.in.sin_port = 0;
	int fd = ds_listen(&addr, 5, 0);
	assert_int_equal(ds_listener_init(&listener, loop, fd, on_accept, NULL, NULL, NULL), 0);
	addr.len = sizeof(addr.u);
	assert_int_equal(getsockname(fd, &addr.u.sa, &addr.len), 0);
	connect_out(loop, &addr);
	assert_int_equal(ds_loop_watched(loop), 2);
	ds_loop_set_timeout(loop, 150);
	while (!talk.done && turns++ < 100)
		assert_int_equal(ds_loop_turn(loop), 1);
	assert_true(talk.connected);
	assert_true(talk.done);
	assert_int_equal(ds_loop_watched(loop), 3);
	ds_loop_reset(loop);
	assert_int_equal(ds_loop_watched(loop), 0);
	ds_loop_set_timeout(loop, 0);
}

/* The close race: both are writable in one wait, and the first that is served closes the other. */

static struct rec *brothers[2]; /* NULL once closed: the memory goes at the end of the turn */
static int history[2];

static void
close_brother(struct rec *rec)
{
	int self = rec == brothers[1];

	history[self]++;
	if (brothers[!self] != NULL)
		ds_close(&brothers[!self]->sock, "by its brother");
	brothers[!self] = NULL;
}

static void
of_two_that_close_each_other_only_one_is_ever_served(void **state)
{
	int peers[2];

	history[0] = history[1] = 0;
	for (int i = 0; i < 2; i++) {
		int fds[2];

		tcp_pair(fds);
		brothers[i] = rec_new_full(*state, fds[0], DS_READ | DS_WRITE);
		brothers[i]->on_write = close_brother;
		peers[i] = fds[1];
	}
	step(*state, 11);
	assert_int_equal(history[0] + history[1], 11);
	assert_true(history[0] == 0 || history[1] == 0);
	assert_int_equal(ds_loop_watched(*state), 1);
	close(peers[0]);
	close(peers[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(four_turns_of_a_quarter_of_a_second_take_a_second),
	    UNIT(timers_added_in_any_order_run_when_they_are_due),
	    UNIT(post_loop_callbacks_of_two_sockets_both_fire),
	    UNIT(a_conversation_with_three_cases_of_pushed_back_bytes),
	    UNIT(of_two_that_close_each_other_only_one_is_ever_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
