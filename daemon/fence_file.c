/* SPDX-License-Identifier: ISC */
/* See fence_file.h. */
#include "fence_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char HEAD[] = "latchd-fence ";
static const char HEAD_1[] = "latchd-fence 1 ";

enum {
	CHECKSUM_BYTES = 16, /* crypto_generichash_BYTES_MIN */
	/* Never to wait for the other end of a pipe, nor to leave the directory. */
	OPEN_FLAGS = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
	FILE_MODE = 0644,
};

__attribute__((format(printf, 3, 4))) static int
fail(int status, char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, FENCE_REASON_SIZE, format, args);
	va_end(args);
	return status;
}

/* What may be otherwise at the next try, without anybody changing the configuration, is EX_OSERR.
 */
static int
status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case EACCES:
	case EPERM:
	case EROFS:
	case ENAMETOOLONG:
		return EX_CONFIG;
	default:
		return EX_OSERR;
	}
}

static const char *
advice(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "make room there";
	case EACCES:
	case EPERM:
	case EROFS:
		return "latchd has to be able to write to its state_dir";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files";
	default:
		return "see to that, or set another state_dir";
	}
}

static int
fail_errno(const struct fence_dir *dir, const char *what, const char *name, char *reason)
{
	int error = errno;

	return fail(status_of(error), reason, "cannot %s %s%s%s: %s: %s", what, dir->path,
	    *name ? "/" : "", name, strerror(error), advice(error));
}

int
fence_dir_open(struct fence_dir *dir, const char *path, char *reason)
{
	int status = 0;

	*dir = (struct fence_dir){.fd = -1, .lock_fd = -1, .path = path};
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd != -1)
		dir->lock_fd =
		    openat(dir->fd, FENCE_FILE_LOCK, O_RDWR | O_CREAT | OPEN_FLAGS, FILE_MODE);
	if (dir->fd == -1)
		status = fail_errno(dir, "open", "", reason);
	else if (dir->lock_fd == -1)
		status = fail_errno(dir, "open", FENCE_FILE_LOCK, reason);
	else if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) == -1)
		status = errno != EWOULDBLOCK
			     ? fail_errno(dir, "lock", FENCE_FILE_LOCK, reason)
			     : fail(EX_OSERR, reason,
				   "%s is in use by another process: each latchd needs a state_dir "
				   "of its own",
				   path);
	if (status != 0)
		fence_dir_close(dir);
	return status;
}

void
fence_dir_close(struct fence_dir *dir)
{
	if (dir->path == NULL)
		return;
	if (dir->lock_fd != -1)
		close(dir->lock_fd);
	if (dir->fd != -1)
		close(dir->fd);
	dir->path = NULL;
}

int
fence_line(char *buf, uint64_t block)
{
	unsigned char hash[CHECKSUM_BYTES];
	char hex[2 * CHECKSUM_BYTES + 1];
	int n = snprintf(buf, FENCE_LINE_SIZE, "%s%" PRIu64 " ", HEAD_1, block);

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)buf, (size_t)n, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	return n + snprintf(buf + n, FENCE_LINE_SIZE - (size_t)n, "%s\n", hex);
}

/* Reading. */

/* All that is there, up to SIZE bytes; -1 with errno. */
static ssize_t
read_whole(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - len);
		len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && len < size) || (n == -1 && errno == EINTR));
	return n == -1 ? -1 : (ssize_t)len;
}

/* What is wrong with what was read, or NULL. TEXT has a NUL behind its LEN bytes. */
static const char *
parse(const char *text, size_t len, uint64_t *block)
{
	char line[FENCE_LINE_SIZE];

	if (len == 0)
		return "is empty";
	if (len >= FENCE_LINE_SIZE - 1 || strncmp(text, HEAD, strlen(HEAD)) != 0)
		return "is not what latchd has written there";
	if (strncmp(text, HEAD_1, strlen(HEAD_1)) != 0)
		return "has a format that this version of latchd does not know";
	*block = strtoull(text + strlen(HEAD_1), NULL, 10);
	/* There is one way to write a number. */
	if ((size_t)fence_line(line, *block) != len || memcmp(line, text, len) != 0)
		return "is damaged, its checksum is wrong";
	return *block > 0 && *block <= FENCE_BLOCKS ? NULL : "has a number that is out of range";
}

static const char *
parse_fd(int fd, uint64_t *block)
{
	char text[FENCE_LINE_SIZE] = "";
	struct stat st;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	ssize_t len = read_whole(fd, text, sizeof(text) - 1);
	return len == -1 ? strerror(errno) : parse(text, (size_t)len, block);
}

int
fence_file_read(const struct fence_dir *dir, uint64_t *block, char *reason)
{
	int fd = openat(dir->fd, FENCE_FILE, O_RDONLY | OPEN_FLAGS);

	*block = 0;
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1 && errno != ELOOP)
		return fail_errno(dir, "open", FENCE_FILE, reason);
	const char *wrong = fd == -1 ? "is a symbolic link" : parse_fd(fd, block);
	if (fd != -1)
		close(fd);
	if (wrong == NULL)
		return 0;
	return fail(EX_CONFIG, reason,
	    "%s/" FENCE_FILE " %s: put back a copy of it, or remove it: fencing tokens then begin "
	    "with the wall clock, which is above all that were given unless it was set back",
	    dir->path, wrong);
}

/* Writing. */

static bool
write_whole(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		} else if (n == 0) {
			errno = EIO;
			return false;
		} else if (errno != EINTR)
			return false;
	}
	return true;
}

/* A complete file under the other name, on the disk. */
static int
write_new(const struct fence_dir *dir, uint64_t block, char *reason)
{
	char line[FENCE_LINE_SIZE];
	int len = fence_line(line, block), status = 0;

	/* What a process that died has left there, or somebody else: never into that. */
	if (unlinkat(dir->fd, FENCE_FILE_NEW, 0) == -1 && errno != ENOENT)
		return fail_errno(dir, "remove", FENCE_FILE_NEW, reason);
	int fd =
	    openat(dir->fd, FENCE_FILE_NEW, O_WRONLY | O_CREAT | O_EXCL | OPEN_FLAGS, FILE_MODE);
	if (fd == -1)
		return fail_errno(dir, "create", FENCE_FILE_NEW, reason);
	if (!write_whole(fd, line, (size_t)len))
		status = fail_errno(dir, "write", FENCE_FILE_NEW, reason);
	else if (fsync(fd) == -1)
		status = fail_errno(dir, "sync", FENCE_FILE_NEW, reason);
	if (close(fd) == -1 && errno != EINTR && status == 0)
		status = fail_errno(dir, "close", FENCE_FILE_NEW, reason);
	return status;
}

int
fence_file_write(const struct fence_dir *dir, uint64_t block, char *reason)
{
	int status = write_new(dir, block, reason);

	if (status == 0 && renameat(dir->fd, FENCE_FILE_NEW, dir->fd, FENCE_FILE) == -1)
		status = fail_errno(dir, "replace", FENCE_FILE, reason);
	if (status != 0) {
		unlinkat(dir->fd, FENCE_FILE_NEW, 0);
		return status;
	}
	/* Else the name might lead to the old file again after a loss of power. */
	return fsync(dir->fd) == 0 ? 0 : fail_errno(dir, "sync", "", reason);
}
