/* SPDX-License-Identifier: ISC */
/* Runs: their beginning and end, their seeds, and what is told when one fails. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALARM_S = 300 };

static struct {
	bool running;
	uint64_t seed;
	uint64_t digest;
	unsigned calls[SIM_CALLS];
	unsigned wrong;
	long allocated; /* when it began */
	char text[256]; /* of its failure */
} run;

static bool tracing;

const char *const sim_call_names[SIM_CALLS] = {
    [SIM_ALLOC] = "malloc",
    [SIM_RECV] = "recv",
    [SIM_SEND] = "send",
    [SIM_WRITE_PIPE] = "write to a pipe",
    [SIM_ACCEPT] = "accept4",
    [SIM_SOCKET] = "socket",
    [SIM_BIND] = "bind",
    [SIM_LISTEN] = "listen",
    [SIM_CONNECT] = "connect",
    [SIM_PIPE] = "pipe",
    [SIM_GETSOCKOPT] = "getsockopt",
    [SIM_SETSOCKOPT] = "setsockopt",
    [SIM_GETSOCKNAME] = "getsockname",
    [SIM_GETPEERNAME] = "getpeername",
    [SIM_SHUTDOWN] = "shutdown",
    [SIM_CLOSE] = "close",
    [SIM_EPOLL_CREATE] = "epoll_create1",
    [SIM_EPOLL_ADD] = "epoll_ctl ADD",
    [SIM_EPOLL_MOD] = "epoll_ctl MOD",
    [SIM_EPOLL_WAIT] = "epoll_wait",
    [SIM_POLL] = "poll",
    [SIM_SIGNALFD] = "signalfd",
};

bool
sim_running(void)
{
	return run.running;
}

bool
sim_tracing(void)
{
	return tracing;
}

void
sim_begin(uint64_t seed)
{
	assert_false(run.running);
	memset(&run, 0, sizeof(run));
	run.seed = seed;
	sim_faults_begin(seed);
	sim_clock_begin();
	sim_fds_begin();
	sim_peers_begin();
	sim_services_begin();
	sim_epolls_begin();
	sim_signals_begin();
	run.allocated = sim_allocated();
	sim_describe_run();
	run.running = true;
}

void
sim_end(void)
{
	long left = sim_allocated() - run.allocated;

	if (sim_open_fds() != 0)
		fail_msg("descriptors left open: %zu", sim_open_fds());
	if (left != 0)
		fail_msg("allocations that were not freed: %ld", left);
	if (run.wrong != 0)
		fail_msg("calls that are wrong: %u", run.wrong);
	run.running = false;
}

ssize_t
sim_note(enum sim_call call, int fd, ssize_t result)
{
	int error = errno;
	uint64_t words[] = {
	    call, (uint64_t)fd, (uint64_t)result, result == -1 ? (uint64_t)error : 0};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		run.digest = (run.digest ^ words[i]) * UINT64_C(0x100000001b3); /* FNV-1a's prime */
	run.calls[call]++;
	if (tracing && call != SIM_ALLOC)
		fprintf(stderr, "%9.3f ms  %s %d = %zd%s%s\n", (double)sim_now() / (double)SIM_MS,
		    sim_call_names[call], fd, result, result == -1 ? " " : "",
		    result == -1 ? strerrorname_np(error) : "");
	errno = error;
	return result;
}

uint64_t
sim_digest(void)
{
	return run.digest;
}

unsigned
sim_calls(enum sim_call call)
{
	return run.calls[call];
}

void
sim_wrong(const char *format, ...)
{
	va_list args;

	run.wrong++;
	fputs("wrong: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void
sim_stuck(const char *why)
{
	fail_msg("%s", why);
	abort();
}

/* What is told of a run that failed. */

/* Written in advance: it may have to be told from a signal handler. */
void
sim_describe_run(void)
{
	const char *backend = getenv("DSOCK_BACKEND");
	char failure[96];

	sim_describe_failure(failure, sizeof(failure));
	snprintf(run.text, sizeof(run.text),
	    "# failed with seed %llu%s; again: %s%s SIM_SEED=%llu %s\n",
	    (unsigned long long)run.seed, failure, backend != NULL ? "DSOCK_BACKEND=" : "",
	    backend != NULL ? backend : "", (unsigned long long)run.seed, program_invocation_name);
}

static void
tell_seed(void)
{
	/* It is write(2). NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c) */
	if (run.running && __real_write(STDERR_FILENO, run.text, strlen(run.text)) == -1)
		return;
}

static void
on_fatal(int signo)
{
	tell_seed();
	signal(signo, SIG_DFL);
	raise(signo);
}

/* Of the sanitizers, where there are any. */
void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

int
sim_setup(void **state)
{
	(void)state;
	tracing = getenv("SIM_TRACE") != NULL;
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(tell_seed);
	signal(SIGABRT, on_fatal);
	signal(SIGALRM, on_fatal);
	alarm(ALARM_S);
	return 0;
}

int
sim_teardown(void **state)
{
	(void)state;
	alarm(0);
	tell_seed();
	run.running = false;
	return 0;
}

/* Seeds. */

static unsigned long long
number_of(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

void
sim_choose_tests(void)
{
	const char *pattern = getenv("SIM_TEST");

	if (pattern != NULL)
		cmocka_set_test_filter(pattern);
}

/* The seeds of a test that has N of its own. */
static void
choose_seeds(unsigned n, unsigned long long *first, unsigned long long *count)
{
	*first = number_of("SIM_SEED", 1);
	*count = number_of("SIM_RUNS", 0) * n;
	if (*count == 0)
		*count = getenv("SIM_SEED") != NULL ? 1 : n;
}

static const char *const backends[] = {"epoll", "poll"};

void
sim_runs(unsigned n, void (*fn)(uint64_t seed))
{
	bool chosen = getenv("DSOCK_BACKEND") != NULL;
	unsigned long long first, count;

	choose_seeds(n, &first, &count);
	for (unsigned long long seed = first; seed < first + count; seed++) {
		if (!chosen)
			setenv("DSOCK_BACKEND", backends[seed % 2], 1);
		fn(seed);
	}
	if (!chosen)
		unsetenv("DSOCK_BACKEND");
}

static unsigned
fail_each_nth(uint64_t seed, enum sim_call call, int error, void (*fn)(void))
{
	for (unsigned nth = 1;; nth++) {
		sim_begin(seed);
		sim_fail(call, nth, error);
		fn();
		bool met = sim_failed();
		sim_end();
		if (!met)
			return nth - 1;
	}
}

static unsigned
fail_each_call(uint64_t seed, void (*fn)(void))
{
	unsigned met = 0;
	int error;

	for (enum sim_call call = 0; call < SIM_CALLS; call++)
		for (unsigned i = 0; (error = sim_error_of(call, i)) != 0; i++)
			met += fail_each_nth(seed, call, error, fn);
	return met;
}

unsigned
sim_fail_each(unsigned n, void (*fn)(void))
{
	bool chosen = getenv("DSOCK_BACKEND") != NULL;
	unsigned long long first, count;
	unsigned met = 0;

	choose_seeds(n, &first, &count);
	for (unsigned long long seed = first; seed < first + count; seed++)
		for (int backend = 0; backend < (chosen ? 1 : 2); backend++) {
			if (!chosen)
				setenv("DSOCK_BACKEND", backends[backend], 1);
			met += fail_each_call(seed, fn);
		}
	if (!chosen)
		unsetenv("DSOCK_BACKEND");
	return met;
}
