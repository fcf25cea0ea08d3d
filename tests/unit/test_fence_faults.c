/* SPDX-License-Identifier: ISC */
/*
 * Fencing tokens where a call fails, where the process dies at any call, where the power is lost as
 * well; and what is reserved while running.
 */
#include "fence_faults.h"
#include "fence_helpers.h"

#include <sched.h>
#include <sys/mman.h>

static int
setup_faults(void **state)
{
	faults_reset();
	return setup(state);
}

static void
wait_for_thread(struct fence *f)
{
	while (!atomic_load(&f->finished))
		sched_yield();
}

/* More, while running. */

static void
count(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
half_way_more_is_reserved_and_nobody_waits(void **state)
{
	static atomic_int done;

	(void)state;
	assert_int_equal(fence_open(&fence, dir, &then, count, &done), 0);
	fence.last = THEN * BLOCK + HALF - 2;
	assert_true(fence_next(&fence) == THEN * BLOCK + HALF - 1);
	assert_int_equal(fence.state, FENCE_IDLE);
	assert_true(fence_next(&fence) == THEN * BLOCK + HALF);
	assert_int_equal(fence.state, FENCE_RESERVING);
	assert_true(fence_next(&fence) == THEN * BLOCK + HALF + 1);
	wait_for_thread(&fence);
	while (atomic_load(&done) == 0)
		sched_yield();
	assert_int_equal(block_in_file(), THEN + 2);
	assert_int_equal(fence_settle(&fence), 0);
	assert_int_equal(fence_settle(&fence), 0);
	assert_int_equal(fence.state, FENCE_IDLE);
	fence.last = (THEN + 1) * BLOCK - 2;
	for (int i = -1; i < 5; i++)
		assert_true(fence_next(&fence) == (THEN + 1) * BLOCK + (uint64_t)i);
	assert_int_equal(atomic_load(&done), 1);
	/* And again. */
	fence.last = fence.mark;
	fence_next(&fence);
	wait_for_thread(&fence);
	assert_int_equal(fence_settle(&fence), 0);
	assert_int_equal(block_in_file(), THEN + 3);
	fence_close(&fence);
	start(&then);
	assert_true(fence_next(&fence) == (THEN + 3) * BLOCK + 1);
}

static void
what_was_reserved_is_there_at_the_end_before_anybody_settled(void **state)
{
	(void)state;
	start(&then);
	fence.last = fence.mark;
	fence_next(&fence);
	wait_for_thread(&fence);
	fence.last = fence.end;
	assert_true(fence_next(&fence) == (THEN + 1) * BLOCK);
	assert_int_equal(fence_settle(&fence), 0);
}

static void
a_close_waits_for_the_thread(void **state)
{
	(void)state;
	start(&then);
	fence.last = fence.mark;
	fence_next(&fence);
	fence_close(&fence);
	assert_int_equal(block_in_file(), THEN + 2);
	assert_int_equal(fence_next(&fence), 0);
}

/* It has failed: tokens go on to the end of what there is, and after another try beyond it. */
static void
fails_and_recovers(const char *reason)
{
	wait_for_thread(&fence);
	assert_int_equal(fence_settle(&fence), -1);
	assert_non_null(strstr(fence.reason, reason));
	assert_int_equal(fence_settle(&fence), 0);
	fence.last = fence.end - 1;
	assert_true(fence_next(&fence) == fence.end);
	assert_int_equal(fence_next(&fence), 0);
	assert_int_equal(fence_next(&fence), 0);
	assert_int_equal(block_in_file(), fence.block);
	faults_reset();
	fence_retry(&fence);
	wait_for_thread(&fence);
	assert_int_equal(fence_settle(&fence), 0);
	fence_retry(&fence);
	assert_int_equal(fence.state, FENCE_IDLE);
	uint64_t last = fence.last;
	assert_true(fence_next(&fence) == last + 1);
	assert_true(block_in_file() > last >> 32);
}

static void
where_reserving_fails_it_can_be_tried_again(void **state)
{
	(void)state;
	start(&then);
	faults.room = 10;
	fence.last = fence.mark;
	fence_next(&fence);
	fails_and_recovers("No space left on device: make room there");
	faults.no_threads = true;
	fence.last = fence.mark;
	fence_next(&fence);
	fails_and_recovers("cannot start a thread");
}

static void
a_failure_at_the_very_end_is_not_lost(void **state)
{
	(void)state;
	start(&then);
	faults.room = 0;
	fence.last = fence.mark;
	fence_next(&fence);
	wait_for_thread(&fence);
	fence.last = fence.end;
	assert_int_equal(fence_next(&fence), 0);
	assert_int_equal(fence_settle(&fence), -1);
}

static void
the_last_block_of_all_has_an_end(void **state)
{
	(void)state;
	put_block(BLOCK - 1);
	start(&then);
	assert_true(fence_next(&fence) == (BLOCK - 1) * BLOCK + 1);
	fence.last = UINT64_MAX - 1;
	assert_true(fence_next(&fence) == UINT64_MAX);
	assert_int_equal(fence_next(&fence), 0);
	assert_int_equal(fence_settle(&fence), -1);
	assert_non_null(strstr(fence.reason, "has no block left"));
	fence_close(&fence);
	assert_refused(EX_CONFIG, "has no block left");
}

/* Each call that fails. */

static void
every_call_may_fail(int error, uint64_t before)
{
	int n = 0;

	do {
		remove_all();
		if (before > 0)
			put_block(before);
		faults_reset();
		faults.fault = FAULT_ERROR;
		faults.error = error;
		faults.at = ++n;
		int status = fence_open(&fence, dir, &then, NULL, NULL);
		const char *failed = faults.failed;

		faults_reset();
		uint64_t after = block_in_file();
		if (status == 0) {
			/* Only what was read, or did not exist, can be closed in vain. */
			assert_true(failed == NULL || strcmp(failed, "close") == 0);
			assert_int_equal(after, THEN + 1);
		} else {
			assert_non_null(failed);
			assert_non_null(strstr(fence.reason, dir));
			assert_non_null(strstr(fence.reason, strerror(error)));
			assert_int_equal(fence_next(&fence), 0);
			/* Of the last call, the sync of the directory, both may come. */
			assert_true(
			    after == before || (after == THEN + 1 && strcmp(failed, "fsync") == 0));
		}
		fence_close(&fence);
		if (failed == NULL)
			break;
		start(&never);
		assert_true(fence_next(&fence) > before * BLOCK);
		fence_close(&fence);
	} while (n < 100);
	assert_in_range(n, 10, 30);
}

static void
a_call_that_fails_leaves_the_old_file(void **state)
{
	(void)state;
	every_call_may_fail(EIO, 0);
	every_call_may_fail(EIO, THEN - 5);
	every_call_may_fail(ENOSPC, THEN - 5);
	every_call_may_fail(EROFS, THEN - 5);
	every_call_may_fail(EMFILE, THEN - 5);
}

static void
a_disk_that_takes_a_part_is_full(void **state)
{
	char line[FENCE_LINE_SIZE];
	int len = fence_line(line, THEN + 1);

	(void)state;
	put_block(THEN);
	for (int room = 0; room < len; room++) {
		faults_reset();
		faults.room = room;
		faults.chunk = room % 3;
		assert_refused(EX_OSERR, "No space left on device: make room there");
		assert_int_equal(block_in_file(), THEN);
	}
	faults_reset();
	faults.room = len;
	faults.chunk = 1;
	start(&then);
	assert_int_equal(block_in_file(), THEN + 1);
}

/* Each call that is the last. */

/* What all lives together have given. */
struct given {
	uint64_t last;
	int tokens, wrong, calls;
};

static void
give(struct given *given, uint64_t token)
{
	if (token <= given->last)
		given->wrong++;
	given->last = token;
	given->tokens++;
}

/* A start, some tokens, the way to the end of the block and beyond it, and an orderly end. */
static void
live(struct given *given, const struct timespec *now)
{
	if (fence_open(&fence, dir, now, NULL, NULL) != 0)
		_exit(2);
	for (int i = 0; i < 3; i++)
		give(given, fence_next(&fence));
	fence.last = fence.mark;
	give(given, fence_next(&fence));
	wait_for_thread(&fence);
	if (fence_settle(&fence) != 0)
		_exit(3);
	fence.last = (fence.last | UINT32_MAX) - 1;
	for (int i = 0; i < 4; i++)
		give(given, fence_next(&fence));
	fence_close(&fence);
	given->calls = atomic_load(&faults.calls);
	_exit(0);
}

/* Lives in a process that makes FAULT its end at the call AT. Its wait status. */
static int
life(struct given *given, const struct timespec *now, enum fault fault, int at, enum loss loss)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		faults_reset();
		faults.fault = fault;
		faults.at = at;
		faults.loss = loss;
		live(given, now);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* BEFORE lives, one that dies, and one whose clock was set back. */
static void
dies(struct given *given, int before, enum fault fault, int at, enum loss loss)
{
	remove_all();
	memset(given, 0, sizeof(*given));
	for (int i = 0; i < before; i++)
		assert_int_equal(life(given, &then, FAULT_NONE, 0, LOSS_NONE), 0);
	int status = life(given, &then, fault, at, loss);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	uint64_t block = block_in_file();
	int tokens = given->tokens;

	assert_true(block << 32 >= given->last || (block == 0 && tokens == 0));
	status = life(given, &never, FAULT_NONE, 0, LOSS_NONE);
	if (status != 0 || given->wrong != 0 || given->tokens != tokens + 8)
		fail_msg("death at call %d: the next life ended with %d, %d of %d tokens wrong", at,
		    status, given->wrong, given->tokens);
}

static void
wherever_a_process_dies_no_token_comes_twice(void **state)
{
	struct given *given =
	    mmap(NULL, sizeof(*given), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(given != MAP_FAILED);
	for (int before = 0; before < 2; before++) {
		remove_all();
		memset(given, 0, sizeof(*given));
		for (int i = 0; i <= before; i++)
			assert_int_equal(life(given, &then, FAULT_NONE, 0, LOSS_NONE), 0);
		int calls = given->calls;

		assert_in_range(calls, 15, 40);
		for (int at = 1; at <= calls; at++)
			for (enum loss loss = LOSS_NONE; loss < LOSSES; loss++) {
				dies(given, before, FAULT_DIE_BEFORE, at, loss);
				dies(given, before, FAULT_DIE_AFTER, at, loss);
			}
	}
	munmap(given, sizeof(*given));
}

#define FAULTS(name) cmocka_unit_test_setup_teardown(name, setup_faults, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FAULTS(half_way_more_is_reserved_and_nobody_waits),
	    FAULTS(what_was_reserved_is_there_at_the_end_before_anybody_settled),
	    FAULTS(a_close_waits_for_the_thread),
	    FAULTS(where_reserving_fails_it_can_be_tried_again),
	    FAULTS(a_failure_at_the_very_end_is_not_lost),
	    FAULTS(the_last_block_of_all_has_an_end),
	    FAULTS(a_call_that_fails_leaves_the_old_file),
	    FAULTS(a_disk_that_takes_a_part_is_full),
	    FAULTS(wherever_a_process_dies_no_token_comes_twice),
	};

	return cmocka_run_group_tests_name("fencing tokens and faults", tests, NULL, NULL);
}
