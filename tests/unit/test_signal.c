/* SPDX-License-Identifier: ISC */
/* Signals as events. Where one could end the process, the test runs in a child. */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct counter {
	struct ds_signal signal;
	int calls, signo;
	struct ds_signal *cancel; /* by the callback */
};

static void
count(struct ds_signal *signal, int signo, void *arg)
{
	struct counter *counter = arg;

	assert_ptr_equal(signal, &counter->signal);
	counter->calls++;
	counter->signo = signo;
	if (counter->cancel != NULL)
		ds_signal_cancel(counter->cancel);
}

static bool
is_blocked(int signo)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, signo) == 1;
}

static void
add(struct counter *counter, struct ds_loop *loop, int signo)
{
	assert_int_equal(ds_signal_add(&counter->signal, loop, signo, count, counter), 0);
}

static void
a_storm_of_one_signal_counts_as_one(void **state)
{
	static struct counter usr1;

	add(&usr1, *state, SIGUSR1);
	assert_true(is_blocked(SIGUSR1));
	for (int i = 0; i < 1000; i++)
		raise(SIGUSR1);
	step(*state, 3);
	assert_int_equal(usr1.calls, 1);
	assert_int_equal(usr1.signo, SIGUSR1);
	raise(SIGUSR1);
	step(*state, 2);
	assert_int_equal(usr1.calls, 2);
	ds_signal_cancel(&usr1.signal);
	assert_false(is_blocked(SIGUSR1));
}

static void
two_signals_reach_their_own_callbacks(void **state)
{
	static struct counter usr1, usr2;

	add(&usr1, *state, SIGUSR1);
	add(&usr2, *state, SIGUSR2);
	raise(SIGUSR2);
	raise(SIGUSR1);
	step(*state, 1);
	assert_int_equal(usr1.calls, 1);
	assert_int_equal(usr2.calls, 1);
	assert_int_equal(usr2.signo, SIGUSR2);
	ds_signal_cancel(&usr1.signal);
	assert_true(is_blocked(SIGUSR2));
	raise(SIGUSR2);
	step(*state, 1);
	assert_int_equal(usr1.calls, 1);
	assert_int_equal(usr2.calls, 2);
	ds_signal_cancel(&usr2.signal);
}

static void
a_callback_may_cancel_itself_and_its_sibling(void **state)
{
	static struct counter usr1, usr2;

	add(&usr1, *state, SIGUSR1);
	add(&usr2, *state, SIGUSR2);
	usr1.cancel = &usr2.signal;
	usr2.cancel = &usr1.signal;
	raise(SIGUSR1);
	raise(SIGUSR2);
	step(*state, 2);
	assert_int_equal(usr1.calls + usr2.calls, 1);

	struct counter *left = usr1.calls == 1 ? &usr1 : &usr2;
	left->cancel = &left->signal;
	raise(left->signo);
	step(*state, 2);
	assert_int_equal(left->calls, 2);
	assert_false(is_blocked(SIGUSR1));
	assert_false(is_blocked(SIGUSR2));
}

static void
cancelling_twice_and_adding_again_is_fine(void **state)
{
	static struct counter usr1;

	ds_signal_cancel(&usr1.signal); /* never added, and zero */
	add(&usr1, *state, SIGUSR1);
	ds_signal_cancel(&usr1.signal);
	ds_signal_cancel(&usr1.signal);
	add(&usr1, *state, SIGUSR1);
	raise(SIGUSR1);
	step(*state, 1);
	assert_int_equal(usr1.calls, 1);
	ds_signal_cancel(&usr1.signal);
}

static void
a_signal_is_taken_once_and_has_to_exist(void **state)
{
	static struct counter usr1, again;

	add(&usr1, *state, SIGUSR1);
	assert_int_equal(ds_signal_add(&again.signal, *state, SIGUSR1, count, &again), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(ds_signal_add(&again.signal, *state, 4711, count, &again), -1);
	assert_int_equal(errno, EINVAL);
	ds_signal_cancel(&usr1.signal);
}

static void
freeing_the_loop_unblocks_and_forgets(void **state)
{
	struct ds_loop *loop = ds_loop_new();
	static struct counter usr1;

	(void)state;
	add(&usr1, loop, SIGUSR1);
	ds_loop_free(loop);
	assert_false(is_blocked(SIGUSR1));
	ds_signal_cancel(&usr1.signal);
}

static void
storm_forever(pid_t target)
{
	alarm(30);
	while (kill(target, SIGHUP) == 0)
		;
	_exit(0);
}

/* A child's process: another one sends it SIGHUP without an end, and one SIGTERM. */
static void
survive_storm(struct ds_loop *loop)
{
	static struct counter hup, term;
	pid_t self = getpid();

	CHECK(ds_signal_add(&hup.signal, loop, SIGHUP, count, &hup) == 0);
	CHECK(ds_signal_add(&term.signal, loop, SIGTERM, count, &term) == 0);
	pid_t stormer = fork();
	if (stormer == 0)
		storm_forever(self);
	ds_loop_set_timeout(loop, 100);
	while (hup.calls < 50)
		CHECK(ds_loop_turn(loop) == 1);
	kill(self, SIGTERM);
	for (int turns = 0; term.calls == 0 && turns < 100000; turns++)
		CHECK(ds_loop_turn(loop) == 1);
	kill(stormer, SIGKILL);
	waitpid(stormer, NULL, 0);
	CHECK(term.calls == 1);
	CHECK(hup.calls >= 50);
	CHECK(ds_loop_turn(loop) == 1); /* what is still pending would end the process */
	ds_signal_cancel(&hup.signal);
	ds_signal_cancel(&term.signal);
}

static void
sigterm_is_not_lost_in_a_storm_of_sighup(void **state)
{
	(void)state;
	in_child(survive_storm);
}

static void
close_it(struct ds_sock *sock, void *arg)
{
	(void)arg;
	ds_close(sock, "all of them");
}

static void
note_signal(struct ds_signal *signal, int signo, void *arg)
{
	(void)signal;
	*(int *)arg = signo;
}

static void
closing_every_socket_leaves_the_signals_alone(void **state)
{
	struct ds_signal usr1, usr2;
	int peer, got = 0;

	assert_int_equal(ds_signal_add(&usr1, *state, SIGUSR1, note_signal, &got), 0);
	assert_int_equal(ds_loop_watched(*state), 0);
	rec_on_pair(*state, &peer, 0);
	ds_loop_each(*state, close_it, NULL);
	assert_int_equal(ds_loop_watched(*state), 0);
	assert_int_equal(ds_signal_add(&usr2, *state, SIGUSR2, note_signal, &got), 0);
	raise(SIGUSR1);
	step(*state, 1);
	assert_int_equal(got, SIGUSR1);
	ds_signal_cancel(&usr1);
	ds_signal_cancel(&usr2);
	close(peer);
}

static void
note_sender(struct ds_signal *signal, int signo, void *arg)
{
	(void)signo;
	*(int *)arg = signal->is_sent;
}

static void
it_is_told_whether_a_process_has_sent_it(void **state)
{
	const struct itimerval soon = {.it_value.tv_usec = 1};
	struct ds_signal alarm;
	int is_sent = -1;

	assert_int_equal(ds_signal_add(&alarm, *state, SIGALRM, note_sender, &is_sent), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	while (is_sent == -1)
		step(*state, 1);
	assert_int_equal(is_sent, false);
#ifdef __linux__ /* kqueue does not tell */
	kill(getpid(), SIGALRM);
	step(*state, 1);
	assert_int_equal(is_sent, true);
	raise(SIGALRM);
	step(*state, 1);
	assert_int_equal(is_sent, true);
#endif
	ds_signal_cancel(&alarm);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(closing_every_socket_leaves_the_signals_alone),
	    UNIT(it_is_told_whether_a_process_has_sent_it),
	    UNIT(a_storm_of_one_signal_counts_as_one),
	    UNIT(two_signals_reach_their_own_callbacks),
	    UNIT(a_callback_may_cancel_itself_and_its_sibling),
	    UNIT(cancelling_twice_and_adding_again_is_fine),
	    UNIT(a_signal_is_taken_once_and_has_to_exist),
	    UNIT(freeing_the_loop_unblocks_and_forgets),
	    UNIT(sigterm_is_not_lost_in_a_storm_of_sighup),
	};

	return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
