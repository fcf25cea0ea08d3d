/* SPDX-License-Identifier: ISC */
/* See run.h and report.h. */
#include "run.h"

#include "drive.h"
#include "generate.h"

#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of processor time, after which a run is taken to hang. */
enum { START_US = 200000, STEP_US = 50 };
enum { SHRINK_S = 60 };

#define HAPPENED_NAME(name) #name,
const char *const happened_names[HAPPENINGS] = {HAPPENED(HAPPENED_NAME)};

struct report *report;

void
note(enum happened happened)
{
	report->happened[happened]++;
}

void
fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(report->text, sizeof(report->text), fmt, args);
	va_end(args);
	report->failed = true;
	_exit(1);
}

/* What ended a child that did not say so itself. */
static void
note_status(int status)
{
	if (report->failed)
		return;
	report->failed = status != 0;
	if (WIFSIGNALED(status))
		snprintf(report->text, sizeof(report->text), "%s", strsignal(WTERMSIG(status)));
	else
		snprintf(report->text, sizeof(report->text), "exit status %d", WEXITSTATUS(status));
}

/* True: this is the child. False: it has ended. */
static bool
in_child(size_t steps, bool quiet)
{
	size_t us = START_US + steps * STEP_US;
	struct itimerval limit = {
	    .it_value = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)}};
	int status;
	pid_t pid;

	report->failed = false;
	report->text[0] = '\0';
	fflush(NULL);
	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		if (quiet)
			dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		setitimer(ITIMER_VIRTUAL, &limit, NULL);
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		return true;
	}
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	note_status(status);
	return false;
}

static void
run_ops(const struct run *run, struct generator *gen)
{
	static struct drive drive;

	drive_init(&drive, gen->names, gen->owners, run->broken);
	report->n_ops = 0;
	for (size_t i = 0; i < run->steps; i++) {
		struct op *op = &report->ops[i];

		generate(gen, &drive.ref, i, op);
		report->n_ops = i + 1;
		drive_step(&drive, op, (i + 1) % run->compare_every == 0);
	}
	drive_fini(&drive);
}

bool
run_random(struct run *run)
{
	struct generator gen;

	generator_init(&gen, run->seed, run->owners);
	run->names = gen.names;
	run->owners = gen.owners;
	if (in_child(run->steps, run->broken != BREAK_NOTHING)) {
		run_ops(run, &gen);
		exit(0);
	}
	return !report->failed;
}

/* Shrinking. */

/* What is tried: the operations without those from FROM on, N of them. */
struct attempt {
	struct op *ops;
	size_t n_ops, from, n;
	time_t until; /* for how long to go on */
};

/* Whether what is left still fails; it is then what there is, up to where it failed. */
static bool
still_fails(const struct run *run, struct attempt *attempt)
{
	static struct drive drive;
	size_t n = 0;

	if (in_child(attempt->n_ops, true)) {
		drive_init(&drive, run->names, run->owners, run->broken);
		report->n_ops = 0;
		for (size_t i = 0; i < attempt->n_ops; i++) {
			if (i >= attempt->from && i < attempt->from + attempt->n)
				continue;
			report->n_ops = i + 1;
			drive_step(&drive, &attempt->ops[i], true);
		}
		drive_fini(&drive);
		exit(0);
	}
	if (!report->failed)
		return false;
	for (size_t i = 0; i < report->n_ops; i++)
		if (i < attempt->from || i >= attempt->from + attempt->n)
			attempt->ops[n++] = attempt->ops[i];
	attempt->n_ops = n;
	return true;
}

/* Whether it fails with one operation as OP. */
static bool
try_simpler(const struct run *run, struct attempt *attempt, size_t at, const struct op *op)
{
	struct op old = attempt->ops[at];

	if (memcmp(&old, op, sizeof(old)) == 0)
		return false;
	attempt->ops[at] = *op;
	attempt->from = attempt->n_ops;
	attempt->n = 0;
	if (still_fails(run, attempt))
		return true;
	attempt->ops[at] = old;
	return false;
}

/* Each of its terms left out, one after the other. */
static void
simplify(const struct run *run, struct attempt *attempt, size_t at)
{
	enum { FEWER_NAMES, NO_KEY, NO_TAG, NO_NOTE, NO_LEASE, NO_ATLEAST, NO_BEAT, WAYS };

	for (int way = 0; way < WAYS && at < attempt->n_ops && time(NULL) < attempt->until; way++) {
		struct op op = attempt->ops[at];

		op.n_names -= way == FEWER_NAMES && op.n_names > 1;
		op.key = way == NO_KEY ? 0 : op.key;
		op.tag = way == NO_TAG ? 0 : op.tag;
		op.note = way == NO_NOTE ? 0 : op.note;
		op.lease_ms = way == NO_LEASE ? 0 : op.lease_ms;
		op.atleast_ms = way == NO_ATLEAST ? 0 : op.atleast_ms;
		op.beat_ms = way == NO_BEAT ? 0 : op.beat_ms;
		if (try_simpler(run, attempt, at, &op) && way == FEWER_NAMES)
			way--;
	}
	for (unsigned i = 0; i < OP_LIMITS_N && at < attempt->n_ops; i++) {
		struct op op = attempt->ops[at];

		op.limits[i] = 0;
		try_simpler(run, attempt, at, &op);
	}
}

/* Chunks of half of it, of a quarter, ... of one operation. */
static void
leave_out(const struct run *run, struct attempt *attempt)
{
	for (size_t n = (attempt->n_ops + 1) / 2; n > 0; n /= 2) {
		/* from the end, where the failure is */
		size_t from = attempt->n_ops;

		while (from > 0 && time(NULL) < attempt->until) {
			from = from > n ? from - n : 0;
			if (from >= attempt->n_ops)
				continue;
			attempt->from = from;
			attempt->n = n;
			still_fails(run, attempt);
		}
	}
}

void
run_shrink(const struct run *run)
{
	struct attempt attempt = {.n_ops = report->n_ops, .until = time(NULL) + SHRINK_S};
	size_t before;

	attempt.ops = calloc(attempt.n_ops, sizeof(attempt.ops[0]));
	if (attempt.ops == NULL)
		err(1, "calloc");
	memcpy(attempt.ops, report->ops, attempt.n_ops * sizeof(attempt.ops[0]));
	if (still_fails(run, &attempt)) {
		do {
			before = attempt.n_ops;
			leave_out(run, &attempt);
			for (size_t i = 0; i < attempt.n_ops; i++)
				simplify(run, &attempt, i);
		} while (attempt.n_ops < before && time(NULL) < attempt.until);
	}
	attempt.from = attempt.n = 0;
	still_fails(run, &attempt); /* for what it says */
	report->n_ops = attempt.n_ops;
	memcpy(report->ops, attempt.ops, attempt.n_ops * sizeof(attempt.ops[0]));
	free(attempt.ops);
}

void
run_print(void)
{
	for (size_t i = 0; i < report->n_ops; i++) {
		printf("%4zu: ", i + 1);
		op_print(stdout, &report->ops[i]);
		printf("\n");
	}
	printf("%s\n", report->text);
}
