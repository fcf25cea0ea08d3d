/* SPDX-License-Identifier: ISC */
/*
 * The system calls of the fence's file, by the linker's --wrap: the n-th of them can fail, or be
 * the last that the process lives to see. A disk that forgets what was not synced comes with it:
 * where the power is lost, too, unsynced data and an unsynced rename are undone.
 */
#ifndef TESTS_FENCE_FAULTS_H
#define TESTS_FENCE_FAULTS_H

#include "../../daemon/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_DIE_BEFORE, FAULT_DIE_AFTER };

enum loss { LOSS_NONE, LOSS_NAME, LOSS_DATA, LOSSES };

static struct {
	enum fault fault;
	int at;		/* the call, from 1 */
	int error;	/* of FAULT_ERROR */
	enum loss loss; /* of power, at death */
	int room;	/* bytes that can be written before the disk is full; -1: any number */
	int chunk;	/* bytes that one write takes at most; 0: any number */
	bool no_threads;

	atomic_int calls;
	const char *failed; /* the call that did */
	/* What the disk has not got yet. */
	bool data, name;
	bool renamed;
	int dir;
	char old[FENCE_LINE_SIZE]; /* what the name led to before */
	ssize_t old_len;	   /* -1: there was no file */
} faults;

/* The calls that follow are counted from 1. */
static inline void
faults_reset(void)
{
	memset(&faults, 0, sizeof(faults));
	faults.room = -1;
}

#define REAL(result, name, ...)                                                                    \
	result __real_##name(__VA_ARGS__);                                                         \
	result __wrap_##name(__VA_ARGS__)

REAL(int, openat, int dir, const char *path, int flags, mode_t mode);
REAL(int, open, const char *path, int flags, mode_t mode);
REAL(ssize_t, read, int fd, void *buf, size_t len);
REAL(ssize_t, write, int fd, const void *buf, size_t len);
REAL(int, close, int fd);
REAL(int, unlinkat, int dir, const char *path, int flags);
REAL(int, renameat, int dir, const char *from, int to_dir, const char *to);

/* What lies on the disk after the power was lost now. A name may have come there before the data.
 */
static inline void
forget(void)
{
	int fd;

	if (faults.name && faults.loss == LOSS_NAME) {
		__real_unlinkat(faults.dir, FENCE_FILE, 0);
		if (faults.old_len < 0)
			return;
		fd = __real_openat(faults.dir, FENCE_FILE, O_WRONLY | O_CREAT, 0644);
		if (__real_write(fd, faults.old, (size_t)faults.old_len) != faults.old_len)
			abort();
	} else if (faults.data) {
		fd = __real_openat(
		    faults.dir, faults.renamed ? FENCE_FILE : FENCE_FILE_NEW, O_WRONLY, 0);
		if (fd != -1 && ftruncate(fd, 3) == -1)
			abort();
	}
}

static inline void
die(void)
{
	if (faults.loss != LOSS_NONE)
		forget();
	kill(getpid(), SIGKILL);
}

/* True where call NAME is to fail. */
static inline bool
fault_before(const char *name, int *call)
{
	*call = atomic_fetch_add(&faults.calls, 1) + 1;
	if (*call != faults.at)
		return false;
	if (faults.fault == FAULT_DIE_BEFORE)
		die();
	if (faults.fault != FAULT_ERROR)
		return false;
	faults.failed = name;
	errno = faults.error;
	return true;
}

static inline void
fault_after(int call)
{
	if (call == faults.at && faults.fault == FAULT_DIE_AFTER)
		die();
}

/* `result` of CALL, unless it fails; AFTERWARDS is what the disk remembers of it. */
#define THROUGH(type, name, call, afterwards)                                                      \
	int number;                                                                                \
	if (fault_before(name, &number))                                                           \
		return -1;                                                                         \
	type result = call;                                                                        \
	int error = errno;                                                                         \
	if (result != -1) {                                                                        \
		afterwards;                                                                        \
	}                                                                                          \
	fault_after(number);                                                                       \
	errno = error;                                                                             \
	return result

int
__wrap_open(const char *path, int flags, mode_t mode)
{
	THROUGH(int, "open", __real_open(path, flags, mode), );
}

int
__wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
	THROUGH(int, "openat", __real_openat(dir, path, flags, mode), faults.dir = dir);
}

ssize_t
__wrap_read(int fd, void *buf, size_t len)
{
	THROUGH(ssize_t, "read", __real_read(fd, buf, len), );
}

ssize_t __wrap___read_chk(int fd, void *buf, size_t len, size_t room);
ssize_t
__wrap___read_chk(int fd, void *buf, size_t len, size_t room)
{
	(void)room;
	return __wrap_read(fd, buf, len);
}

static inline ssize_t
write_some(int fd, const void *buf, size_t len)
{
	if (faults.chunk > 0 && len > (size_t)faults.chunk)
		len = (size_t)faults.chunk;
	if (faults.room == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (faults.room > 0 && len > (size_t)faults.room)
		len = (size_t)faults.room;
	ssize_t n = __real_write(fd, buf, len);
	if (faults.room > 0)
		faults.room -= (int)n;
	return n;
}

ssize_t
__wrap_write(int fd, const void *buf, size_t len)
{
	THROUGH(ssize_t, "write", write_some(fd, buf, len), faults.data = true;
		faults.renamed = false);
}

/* Nothing waits for a disk here: it is this one. */
int __wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	struct stat st;

	THROUGH(int, "fsync", fstat(fd, &st),
	    *(S_ISDIR(st.st_mode) ? &faults.name : &faults.data) = false);
}

int
__wrap_close(int fd)
{
	int number;
	bool fails = fault_before("close", &number);
	int result = __real_close(fd);

	fault_after(number);
	if (fails)
		errno = faults.error;
	return fails ? -1 : result;
}

int
__wrap_unlinkat(int dir, const char *path, int flags)
{
	THROUGH(int, "unlinkat", __real_unlinkat(dir, path, flags), );
}

static inline void
remember_old(int dir)
{
	int fd = __real_openat(dir, FENCE_FILE, O_RDONLY, 0);

	faults.old_len = fd == -1 ? -1 : __real_read(fd, faults.old, sizeof(faults.old));
	if (fd != -1)
		__real_close(fd);
}

int
__wrap_renameat(int dir, const char *from, int to_dir, const char *to)
{
	remember_old(dir);
	THROUGH(int, "renameat", __real_renameat(dir, from, to_dir, to),
	    faults.name = faults.renamed = true);
}

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int
__wrap_flock(int fd, int operation)
{
	THROUGH(int, "flock", __real_flock(fd, operation), );
}

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int
__wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
	return faults.no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, arg);
}

#endif
