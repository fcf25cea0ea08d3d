/* SPDX-License-Identifier: ISC */
/*
 * A configuration file as lines. Only a regular file is opened, so that a wrong path never makes
 * the daemon wait; whatever is in it, no more memory is used than the caller's buffer has and no
 * more than CONFIG_FILE_MAX bytes are read. Lines end with LF or CR LF, the last one may lack it.
 */
#include "config_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a pipe";
	return "a device";
}

FILE *
config_lines_open(const char *path, char *reason)
{
	/* O_NONBLOCK: opening a FIFO that nobody writes to would block. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	FILE *in = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		snprintf(
		    reason, CONFIG_REASON_SIZE, "is %s, not a regular file", kind_of(st.st_mode));
	else if (fd < 0 || !(in = fdopen(fd, "r")))
		snprintf(reason, CONFIG_REASON_SIZE, "cannot open: %s", strerror(errno));
	if (fd >= 0 && !in)
		close(fd);
	return in;
}

/* A byte, or EOF with RESULT saying why. */
static int
next_byte(struct config_lines *lines, enum config_line *result)
{
	int byte = getc_unlocked(lines->in);

	if (byte == EOF)
		*result = ferror(lines->in) ? CONFIG_LINE_ERROR : CONFIG_LINE_END;
	else if (byte == '\0')
		*result = CONFIG_LINE_NUL;
	else if (++lines->bytes > CONFIG_FILE_MAX)
		*result = CONFIG_LINE_FLOOD;
	else
		return byte;
	return EOF;
}

enum config_line
config_lines_next(struct config_lines *lines, char *buf, size_t room, size_t *len)
{
	enum config_line result = CONFIG_LINE_READ;
	int byte, last = EOF;

	lines->number++;
	for (*len = 0; (byte = next_byte(lines, &result)) != EOF && byte != '\n'; last = byte)
		if ((*len)++ < room)
			buf[*len - 1] = (char)byte;
	if (result != CONFIG_LINE_READ && (result != CONFIG_LINE_END || *len == 0))
		return result;
	if (last == '\r')
		--*len;
	buf[*len <= room ? *len : 0] = '\0';
	return *len <= room ? CONFIG_LINE_READ : CONFIG_LINE_LONG;
}
