/* SPDX-License-Identifier: ISC */
/*
 * The file `fence` in a directory: one line, `latchd-fence 1 BLOCK CHECKSUM`, that says of which
 * blocks of fencing tokens some may have been given: all below BLOCK. Always true: what is there
 * under that name is an old line or a new one, whole, whenever the process or the host dies. A
 * leaf, and what is called for one directory may be called from any thread.
 */
#ifndef LATCHD_FENCE_FILE_H
#define LATCHD_FENCE_FILE_H

#include <stdint.h>

#define FENCE_FILE "fence"
#define FENCE_FILE_NEW "fence.new"   /* until it is complete */
#define FENCE_FILE_LOCK "fence.lock" /* whose lock says that the directory is in use */

enum {
	FENCE_REASON_SIZE = 1024, /* of a buffer for what is wrong; it is about one line of a log */
	FENCE_LINE_SIZE = 96,	  /* longer than any line, with its NUL */
};

/* What no block reaches: the upper half of a token has 32 bits. */
#define FENCE_BLOCKS (UINT64_C(1) << 32)

struct fence_dir {
	const char *path; /* NULL: not open */
	int fd, lock_fd;
};

/*
 * Opens the directory PATH (lent for as long as it is open) and takes its lock, which nobody else
 * gets before fence_dir_close or the end of the process. Returns 0, or an exit status of
 * sysexits(3) and a REASON that names the path and says what to do.
 */
int fence_dir_open(struct fence_dir *, const char *path, char *reason);
void fence_dir_close(struct fence_dir *);

/* Reads the file: *BLOCK, 0 where there is no file. Likewise. */
int fence_file_read(const struct fence_dir *, uint64_t *block, char *reason);
/*
 * Puts a file with BLOCK in the place of the old one. Where it returns 0 that is on the disk. Where
 * not, likewise, the old one may still be there.
 */
int fence_file_write(const struct fence_dir *, uint64_t block, char *reason);

/* The line of BLOCK, with its end, in BUF of FENCE_LINE_SIZE bytes. Returns its length. */
int fence_line(char *buf, uint64_t block);

#endif
