/* SPDX-License-Identifier: ISC */
/* What the tests of the fencing tokens share: a fence, and a directory for each test. */
#ifndef TESTS_FENCE_HELPERS_H
#define TESTS_FENCE_HELPERS_H

#include "../../daemon/fence.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define BLOCK (UINT64_C(1) << 32)
#define HALF (BLOCK / 2)
#define THEN UINT64_C(1800000000) /* the wall clock of these tests */

static const struct timespec then = {.tv_sec = THEN}, never = {.tv_sec = 0};

static char dir[] = "/tmp/test_fence.XXXXXX";
static struct fence fence;

static inline void
path_of(const char *name, char *path)
{
	snprintf(path, 100, "%s/%s", dir, name);
}

static inline void
remove_all(void)
{
	static const char *const names[] = {FENCE_FILE, FENCE_FILE_NEW, FENCE_FILE_LOCK, "other"};
	char path[100];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(names[i], path);
		if (unlink(path) == -1)
			rmdir(path);
	}
}

static inline int
setup(void **state)
{
	(void)state;
	alarm(120);
	strcpy(strrchr(dir, '.'), ".XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static inline int
teardown(void **state)
{
	(void)state;
	fence_close(&fence);
	remove_all();
	return rmdir(dir);
}

static inline void
put_bytes(const char *text, size_t len)
{
	char path[100];

	path_of(FENCE_FILE, path);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static inline void
put_block(uint64_t block)
{
	char line[FENCE_LINE_SIZE];

	put_bytes(line, (size_t)fence_line(line, block));
}

/* The block in the file, which has to be a good one; 0 where there is none. */
static inline uint64_t
block_in_file(void)
{
	char text[FENCE_LINE_SIZE] = "", line[FENCE_LINE_SIZE], path[100];
	uint64_t block = 0;

	path_of(FENCE_FILE, path);
	FILE *in = fopen(path, "r");
	if (in == NULL)
		return 0;
	size_t len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	assert_int_equal(sscanf(text, "latchd-fence 1 %" SCNu64, &block), 1);
	assert_int_equal(fence_line(line, block), len);
	assert_string_equal(text, line);
	return block;
}

static inline void
start(const struct timespec *now)
{
	if (fence_open(&fence, dir, now, NULL, NULL) != 0)
		fail_msg("%s", fence.reason);
}

/* All that a start is refused with; nothing that is there has changed. */
static inline void
assert_refused(int status, const char *reason)
{
	assert_int_equal(fence_open(&fence, dir, &then, NULL, NULL), status);
	if (strstr(fence.reason, reason) == NULL || strstr(fence.reason, dir) == NULL)
		fail_msg("\"%s\" does not have \"%s\"", fence.reason, reason);
	assert_int_equal(fence_next(&fence), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
