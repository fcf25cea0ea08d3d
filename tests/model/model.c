/* SPDX-License-Identifier: ISC */
/*
 * The command line of the model test. With a seed one run; without, a few fixed ones and fresh ones
 * until all steps are done.
 *
 *	model [--seed S] [--steps N] [--clients C] [-c N] [-v] [--break RULE] [--breaks]
 *
 * Everything is compared after each step, or with -c after every Nth only. --break: with a rule of
 * the reference switched off. --breaks: each of them in turn, each has to be found.
 */
#include "run.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

enum { RUN_STEPS = 50000, FIXED_SEEDS = 8, SHRUNK_MAX = 30, BREAK_STEPS = 20000, BREAK_RUNS = 100 };
/* After so many all has happened. */
enum { ENOUGH_STEPS = 5000000 };

static struct {
	struct run run;
	bool one, breaks, verbose;
	size_t steps;
} options = {.run = {.compare_every = 1}, .steps = 200000};

static void
print_failure(const struct run *run)
{
	printf("seed %llu fails after %zu steps: %s\n", (unsigned long long)run->seed,
	    report->n_ops, report->text);
	run_shrink(run);
	run_print();
	printf("again: %s --seed %llu --steps %zu --clients %u -c %zu%s%s\n",
	    program_invocation_name, (unsigned long long)run->seed, run->steps, run->owners,
	    run->compare_every, run->broken ? " --break " : "",
	    run->broken ? ref_break_names[run->broken] : "");
}

static bool
one_run(void)
{
	struct run run = options.run;

	run.steps = options.steps < OPS_MAX ? options.steps : OPS_MAX;
	printf("seed %llu, %zu steps\n", (unsigned long long)run.seed, run.steps);
	bool passed = run_random(&run);
	if (!passed)
		print_failure(&run);
	printf("%d passed, %d failed\n", passed, !passed);
	return passed;
}

static bool
all_has_happened(void)
{
	bool all = true;

	for (unsigned i = 0; i < HAPPENINGS; i++) {
		if (options.verbose)
			printf("%12llu %s\n", (unsigned long long)report->happened[i],
			    happened_names[i]);
		if (report->happened[i] > 0)
			continue;
		printf("never happened: %s\n", happened_names[i]);
		all = false;
	}
	return all;
}

/* The fixed seeds first, then fresh ones. */
static bool
all_runs(void)
{
	unsigned passed = 0, failed = 0;
	uint64_t first = (uint64_t)arc4random() << 20;

	printf("seeds 1 to %d, then from %llu on\n", FIXED_SEEDS, (unsigned long long)first);
	for (size_t done = 0; done < options.steps && failed < 3; done += RUN_STEPS) {
		struct run run = options.run;
		unsigned n = passed + failed;

		run.seed = n < FIXED_SEEDS ? n + 1 : first + n;
		run.steps = options.steps - done < RUN_STEPS ? options.steps - done : RUN_STEPS;
		if (run_random(&run)) {
			passed++;
			continue;
		}
		failed++;
		print_failure(&run);
	}
	if (options.steps >= ENOUGH_STEPS && options.run.owners == 0 && failed == 0)
		failed += all_has_happened() ? 0 : 1;
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0;
}

/* Whether a rule that is broken on purpose is found, and by few operations. */
static bool
find_break(enum ref_break broken)
{
	size_t steps = 0;

	for (unsigned i = 0; i < BREAK_RUNS; i++) {
		struct run run = options.run;

		run.seed = i + 1;
		run.steps = BREAK_STEPS;
		run.broken = broken;
		if (run_random(&run)) {
			steps += BREAK_STEPS;
			continue;
		}
		steps += report->n_ops;
		run_shrink(&run);
		bool shrunk = report->failed && report->n_ops < SHRUNK_MAX;
		printf("%s %s: after %zu steps, by %zu operations: %s\n", shrunk ? "ok" : "not ok",
		    ref_break_names[broken], steps, report->n_ops, report->text);
		if (!shrunk)
			run_print();
		return shrunk;
	}
	printf("not ok %s: not found in %zu steps\n", ref_break_names[broken], steps);
	return false;
}

static bool
all_breaks(void)
{
	unsigned passed = 0;

	for (enum ref_break broken = BREAK_NOTHING + 1; broken < BREAKS; broken++)
		passed += find_break(broken);
	printf("%u passed, %u failed\n", passed, BREAKS - 1 - passed);
	return passed == BREAKS - 1;
}

static enum ref_break
break_named(const char *name)
{
	for (enum ref_break broken = BREAK_NOTHING; broken < BREAKS; broken++)
		if (strcmp(ref_break_names[broken], name) == 0)
			return broken;
	errx(2, "no such rule: %s", name);
}

static size_t
number(const char *text, unsigned long long max)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n > max)
		errx(2, "%s: not a number, or too large", text);
	return (size_t)n;
}

static void
read_options(int argc, char **argv)
{
	static const struct option longs[] = {{"seed", required_argument, NULL, 's'},
	    {"steps", required_argument, NULL, 'n'}, {"clients", required_argument, NULL, 'o'},
	    {"break", required_argument, NULL, 'b'}, {"breaks", no_argument, NULL, 'a'},
	    {NULL, 0, NULL, 0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:v", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			options.run.seed = number(optarg, UINT64_MAX);
			options.one = true;
			break;
		case 'n':
			options.steps = number(optarg, SIZE_MAX);
			break;
		case 'o':
			options.run.owners = (unsigned)number(optarg, MODEL_OWNERS);
			break;
		case 'b':
			options.run.broken = break_named(optarg);
			break;
		case 'a':
			options.breaks = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'c':
			options.run.compare_every = number(optarg, SIZE_MAX);
			break;
		default:
			exit(2);
		}
	}
	if (options.run.compare_every == 0 || optind != argc)
		errx(2, "usage: model [--seed S] [--steps N] [--clients C] [-c N] [--breaks]");
}

/* The same addresses in each run, so that a seed means the same. */
static void
without_random_addresses(char **argv)
{
	int now = personality(0xffffffff);

	if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0)
		return;
	if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) != -1)
		execv("/proc/self/exe", argv);
}

int
main(int argc, char **argv)
{
	without_random_addresses(argv);
	read_options(argc, argv);
	report =
	    mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		err(1, "mmap");
	if (options.breaks)
		return !all_breaks();
	return !(options.one ? one_run() : all_runs());
}
