/* SPDX-License-Identifier: ISC */
/*
 * Files of every kind: what is no text, no configuration or no file at all is refused in words that
 * say so, in bounded time and memory.
 */
#include "config_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static void
what_is_no_text_is_refused_at_its_first_nul(void **state)
{
	static const char binary[] = "[listen a]\n\0\nadd\0ress\n";
	static const char utf16[] = "\xFF\xFE[\0l\0o\0g\0]\0";
	struct reports reports;

	(void)state;
	assert_null(parse_bytes(binary, sizeof(binary), &reports));
	assert_string_equal(reports.text, "f:2: a NUL byte: this is not a text file\n");
	assert_null(parse_bytes(utf16, sizeof(utf16), &reports));
	assert_string_equal(reports.text, "f:1: a NUL byte: this is not a text file\n");
}

static void
a_file_that_is_too_large_is_not_read_to_its_end(void **state)
{
	size_t len = CONFIG_FILE_MAX + 1;
	char *text = malloc(len);
	struct reports reports;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', len);
	config_free(parse_bytes(text, len - 1, &reports));
	assert_int_equal(reports.n, 0);
	assert_null(parse_bytes(text, len, &reports));
	assert_string_equal(
	    reports.text, "f: has more than 1048576 bytes: this is not a configuration\n");
	memset(text, 'x', len);
	assert_null(parse_bytes(text, len, &reports));
	assert_string_equal(
	    reports.text, "f: has more than 1048576 bytes: this is not a configuration\n");
	free(text);
}

static ssize_t
fail_to_read(void *cookie, char *buf, size_t size)
{
	(void)cookie;
	(void)buf;
	(void)size;
	errno = EIO;
	return -1;
}

static void
a_file_that_cannot_be_read_to_its_end_is_refused(void **state)
{
	struct reports reports = {.n = 0};
	struct config_hooks hooks = hooks_of(&reports);
	FILE *in = fopencookie(NULL, "r", (cookie_io_functions_t){.read = fail_to_read});

	(void)state;
	assert_non_null(in);
	assert_null(config_parse(in, "f", &hooks));
	fclose(in);
	assert_string_equal(reports.text, "f: cannot read: Input/output error\n");
}

/* Files in a directory of their own. */

static char directory[] = "/tmp/test-config-XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static const char *
write_file(const char *name, const char *text)
{
	FILE *out = fopen(path_of(name), "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
	return path_of(name);
}

static void
assert_not_loaded(const char *path, const char *reason)
{
	struct reports reports = {.n = 0};
	struct config_hooks hooks = hooks_of(&reports);
	char expected[600];

	assert_null(config_load(path, &hooks));
	snprintf(expected, sizeof(expected), "%s%s\n", path, reason);
	assert_string_equal(reports.text, expected);
}

static void
a_regular_file_is_loaded_also_through_a_link(void **state)
{
	struct reports reports = {.n = 0};
	struct config_hooks hooks = hooks_of(&reports);
	struct config *cfg;

	(void)state;
	cfg = config_load(write_file("good.ini", "[log]\nlevel = debug\n"), &hooks);
	assert_non_null(cfg);
	config_free(cfg);
	assert_int_equal(symlink("good.ini", path_of("link")), 0);
	cfg = config_load(path_of("link"), &hooks);
	assert_non_null(cfg);
	config_free(cfg);
	assert_int_equal(reports.n, 0);
	assert_not_loaded(write_file("bad.ini", "[log]\nlevel = loud\n"),
	    ":2: level must be error, warning, info or debug, not loud");
}

static void
only_a_regular_file_is_read_and_a_pipe_does_not_block(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_not_loaded(path_of("pipe"), ": is a pipe, not a regular file");
	assert_not_loaded(directory, ": is a directory, not a regular file");
	assert_not_loaded("/dev/null", ": is a device, not a regular file");
	assert_not_loaded(path_of("missing"), ": cannot open: No such file or directory");
	assert_not_loaded("", ": cannot open: No such file or directory");
}

static void
a_file_that_may_not_be_read_says_so(void **state)
{
	const char *path = write_file("secret.ini", "");
	bool root = geteuid() == 0;

	(void)state;
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(root ? seteuid(65534) : 0, 0);
	assert_not_loaded(path, ": cannot open: Permission denied");
	assert_int_equal(root ? seteuid(0) : 0, 0);
}

static void
no_descriptor_is_left_open(void **state)
{
	struct reports reports = {.n = 0};
	struct config_hooks hooks = hooks_of(&reports);
	int before = open("/dev/null", O_RDONLY), after;

	(void)state;
	close(before);
	config_free(config_load(write_file("good.ini", ""), &hooks));
	config_load(write_file("bad.ini", "x\n"), &hooks);
	config_load(directory, &hooks);
	config_load("/dev/null", &hooks);
	after = open("/dev/null", O_RDONLY);
	close(after);
	assert_int_equal(before, after);
}

static int
make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int
remove_directory(void **state)
{
	static const char *const names[] = {"good.ini", "link", "bad.ini", "pipe", "secret.ini"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_no_text_is_refused_at_its_first_nul),
	    cmocka_unit_test(a_file_that_is_too_large_is_not_read_to_its_end),
	    cmocka_unit_test(a_file_that_cannot_be_read_to_its_end_is_refused),
	    cmocka_unit_test(a_regular_file_is_loaded_also_through_a_link),
	    cmocka_unit_test(only_a_regular_file_is_read_and_a_pipe_does_not_block),
	    cmocka_unit_test(a_file_that_may_not_be_read_says_so),
	    cmocka_unit_test(no_descriptor_is_left_open),
	};

	alarm(60); /* for what must not block */
	return cmocka_run_group_tests_name("config lines", tests, make_directory, remove_directory);
}
