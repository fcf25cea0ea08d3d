/* SPDX-License-Identifier: ISC */
/* Fencing tokens: where they begin, what a start is refused with, and two processes at a time. */
#include "fence_helpers.h"

#include <signal.h>

/* Where tokens begin. */

static void
the_first_start_begins_with_the_wall_clock(void **state)
{
	(void)state;
	start(&then);
	assert_true(fence.is_new);
	assert_true(fence_next(&fence) == THEN * BLOCK + 1);
	assert_true(fence_next(&fence) == THEN * BLOCK + 2);
	assert_int_equal(block_in_file(), THEN + 1);
}

static void
a_restart_begins_with_the_next_block(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5; i++) {
		start(&then);
		assert_true(fence.is_new == (i == 0));
		assert_true(fence_next(&fence) == (THEN + i) * BLOCK + 1);
		fence_close(&fence);
		assert_int_equal(fence_next(&fence), 0);
		assert_int_equal(block_in_file(), THEN + i + 1);
	}
}

static void
a_clock_that_was_set_back_does_not_matter(void **state)
{
	const struct timespec clocks[] = {{THEN - 1, 0}, {1, 5}, {0, 0}, {-1, 0}, {INT64_MIN, 0},
	    {(time_t)BLOCK, 0}, {INT64_MAX, 999999999}};

	(void)state;
	start(&then);
	fence_close(&fence);
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		start(&clocks[i]);
		assert_true(fence_next(&fence) == (THEN + 1 + i) * BLOCK + 1);
		fence_close(&fence);
	}
}

static void
a_clock_that_is_ahead_is_followed(void **state)
{
	const struct timespec later = {.tv_sec = THEN + 1000};

	(void)state;
	start(&then);
	fence_close(&fence);
	start(&later);
	assert_true(fence_next(&fence) == (THEN + 1000) * BLOCK + 1);
	assert_int_equal(block_in_file(), THEN + 1001);
}

static void
without_any_clock_the_first_block_is_1(void **state)
{
	(void)state;
	start(&never);
	assert_true(fence_next(&fence) == BLOCK + 1);
	assert_int_equal(block_in_file(), 2);
}

/* A life with no file, and then another, or one with a file: in whatever fraction of a second. */
static void
tokens_follow_the_clock_within_a_second(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (long ns = 0; ns < 1000000000; ns += 37000000) {
		const struct timespec now = {THEN, ns};

		remove_all();
		assert_int_equal(
		    fence_open(&fence, (ns / 37000000) % 2 ? dir : NULL, &now, NULL, NULL), 0);
		uint64_t token = fence_next(&fence);
		assert_true(token > last);
		assert_int_equal(token >> 32, THEN);
		assert_true(fence.end - token >= HALF - 1);
		last = token + 1000000;
		fence_close(&fence);
	}
}

static void
without_a_directory_tokens_begin_with_the_clock_and_never_end(void **state)
{
	(void)state;
	assert_int_equal(fence_open(&fence, NULL, &then, NULL, NULL), 0);
	assert_true(fence_next(&fence) == THEN * BLOCK + 1);
	fence.last = (THEN + 1) * BLOCK - 1;
	assert_true(fence_next(&fence) == (THEN + 1) * BLOCK);
	fence_close(&fence);
	assert_int_equal(fence_open(&fence, NULL, &never, NULL, NULL), 0);
	assert_true(fence_next(&fence) == BLOCK + 1);
	fence.last = UINT64_MAX - 1;
	assert_true(fence_next(&fence) == UINT64_MAX);
	assert_int_equal(fence_next(&fence), 0);
	assert_int_equal(fence_next(&fence), 0);
}

static void
one_that_was_never_opened_has_no_tokens_and_can_be_closed(void **state)
{
	(void)state;
	memset(&fence, 0, sizeof(fence));
	assert_int_equal(fence_next(&fence), 0);
	assert_int_equal(fence_settle(&fence), 0);
	fence_close(&fence);
}

/* What is refused. */

static void
every_byte_of_the_file_counts(void **state)
{
	char line[FENCE_LINE_SIZE];
	size_t len = (size_t)fence_line(line, THEN);

	(void)state;
	for (size_t i = 0; i < len; i++)
		for (int flip = 1; flip < 256; flip++) {
			char bad[FENCE_LINE_SIZE];

			memcpy(bad, line, len);
			bad[i] = (char)(bad[i] ^ flip);
			put_bytes(bad, len);
			assert_refused(EX_CONFIG, FENCE_FILE);
		}
}

static void
so_does_every_length(void **state)
{
	char line[2 * FENCE_LINE_SIZE];
	size_t len = (size_t)fence_line(line, THEN);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		put_bytes(line, i);
		assert_refused(
		    EX_CONFIG, i > 0 ? "put back a copy of it, or remove it" : "is empty");
	}
	memset(line + len, 0, sizeof(line) - len);
	for (size_t i = len + 1; i <= sizeof(line); i++) {
		put_bytes(line, i);
		assert_refused(EX_CONFIG, "put back a copy of it, or remove it");
	}
	memcpy(line + len, line, len);
	put_bytes(line, 2 * len);
	assert_refused(EX_CONFIG, "put back a copy of it, or remove it");
}

static void
a_file_of_somebody_else_is_left_alone(void **state)
{
	static char zeros[1 << 20];
	char line[FENCE_LINE_SIZE];

	(void)state;
	put_bytes("root:x:0:0\n", 11);
	assert_refused(EX_CONFIG, "is not what latchd has written there");
	put_bytes(zeros, sizeof(zeros));
	assert_refused(EX_CONFIG, "is not what latchd has written there");
	memset(zeros, '\n', sizeof(zeros));
	memcpy(zeros, line, (size_t)fence_line(line, THEN));
	put_bytes(zeros, sizeof(zeros));
	assert_refused(EX_CONFIG, "is not what latchd has written there");
	memset(zeros, 0, sizeof(zeros));
	put_bytes("latchd-fence 2 1 0\n", 19);
	assert_refused(EX_CONFIG, "has a format that this version of latchd does not know");
	put_bytes(line, (size_t)fence_line(line, THEN) - 3);
	assert_refused(EX_CONFIG, "is damaged, its checksum is wrong");
}

static void
a_number_that_no_block_can_have_is_refused(void **state)
{
	(void)state;
	put_block(0);
	assert_refused(EX_CONFIG, "has a number that is out of range");
	put_block(BLOCK + 1);
	assert_refused(EX_CONFIG, "has a number that is out of range");
	put_block(UINT64_MAX);
	assert_refused(EX_CONFIG, "has a number that is out of range");
	put_block(BLOCK);
	assert_refused(EX_CONFIG, "has no block left");
}

static void
what_is_not_a_regular_file_is_refused(void **state)
{
	char path[100], other[100];

	(void)state;
	path_of(FENCE_FILE, path);
	path_of("other", other);
	put_block(THEN);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink("other", path), 0);
	assert_refused(EX_CONFIG, "is a symbolic link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(EX_CONFIG, "is not a regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(EX_CONFIG, "is not a regular file");
}

static void
a_directory_that_cannot_be_used_is_refused(void **state)
{
	static const struct {
		const char *path, *reason;
		int status;
	} rows[] = {
	    {"/nonexistent/latchd", "cannot open /nonexistent/latchd: No such file", EX_CONFIG},
	    {"/etc/passwd", "cannot open /etc/passwd: Not a directory", EX_CONFIG},
	    {"/etc/passwd/x", "Not a directory", EX_CONFIG},
	    {"/proc", "cannot open /proc/fence.lock: ", EX_CONFIG},
	    {"/dev/null", "Not a directory", EX_CONFIG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    fence_open(&fence, rows[i].path, &then, NULL, NULL), rows[i].status);
		assert_non_null(strstr(fence.reason, rows[i].reason));
	}
}

static void
what_lies_in_the_way_is_refused_or_removed(void **state)
{
	char path[100];

	(void)state;
	path_of(FENCE_FILE_NEW, path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(EX_CONFIG, "cannot remove");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	start(&then);
	assert_int_equal(block_in_file(), THEN + 1);
	assert_int_equal(access(path, F_OK), -1);
}

/* Two at a time. */

static void
a_directory_is_one_processs_only(void **state)
{
	int pipes[2][2];
	char byte;

	(void)state;
	assert_int_equal(pipe(pipes[0]) | pipe(pipes[1]), 0);
	pid_t child = fork();
	if (child == 0) {
		bool good = fence_open(&fence, dir, &then, NULL, NULL) == 0;

		good = good && write(pipes[0][1], "", 1) == 1 && read(pipes[1][0], &byte, 1) == 1;
		_exit(!good);
	}
	assert_int_equal(read(pipes[0][0], &byte, 1), 1);
	uint64_t block = block_in_file();
	assert_refused(EX_OSERR, "is in use by another process");
	assert_int_equal(block_in_file(), block);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	start(&then);
	assert_true(fence_next(&fence) == (THEN + 1) * BLOCK + 1);
	for (int i = 0; i < 4; i++)
		close(pipes[i / 2][i % 2]);
}

static void
nor_is_it_two_fences_of_one_process(void **state)
{
	struct fence second;

	(void)state;
	start(&then);
	assert_int_equal(fence_open(&second, dir, &then, NULL, NULL), EX_OSERR);
	assert_non_null(strstr(second.reason, "is in use"));
	fence_close(&second);
	assert_true(fence_next(&fence) == THEN * BLOCK + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_start_begins_with_the_wall_clock),
	    TEST(a_restart_begins_with_the_next_block),
	    TEST(a_clock_that_was_set_back_does_not_matter),
	    TEST(a_clock_that_is_ahead_is_followed),
	    TEST(without_any_clock_the_first_block_is_1),
	    TEST(tokens_follow_the_clock_within_a_second),
	    TEST(without_a_directory_tokens_begin_with_the_clock_and_never_end),
	    TEST(one_that_was_never_opened_has_no_tokens_and_can_be_closed),
	    TEST(every_byte_of_the_file_counts),
	    TEST(so_does_every_length),
	    TEST(a_file_of_somebody_else_is_left_alone),
	    TEST(a_number_that_no_block_can_have_is_refused),
	    TEST(what_is_not_a_regular_file_is_refused),
	    TEST(a_directory_that_cannot_be_used_is_refused),
	    TEST(what_lies_in_the_way_is_refused_or_removed),
	    TEST(a_directory_is_one_processs_only),
	    TEST(nor_is_it_two_fences_of_one_process),
	};

	return cmocka_run_group_tests_name("fencing tokens", tests, NULL, NULL);
}
