/* SPDX-License-Identifier: ISC */
/* See support.h. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ALARM_S = 60 };

static int fds_before;
static struct seen *all_seen;

static int
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

int
unit_setup(void **state)
{
	struct ds_loop *loop;

	fds_before = count_fds();
	alarm(ALARM_S);
	loop = ds_loop_new();
	if (loop == NULL)
		return -1;
	ds_loop_set_timeout(loop, 0);
	*state = loop;
	return 0;
}

int
unit_teardown(void **state)
{
	ds_loop_free(*state);
	alarm(0);
	while (all_seen != NULL) {
		struct seen *seen = all_seen;

		all_seen = seen->next;
		free(seen);
	}

	int left = count_fds() - fds_before;
	if (left != 0)
		fprintf(stderr, "descriptors left open: %d\n", left);
	return left == 0 ? 0 : -1;
}

static int
child_main(void (*fn)(struct ds_loop *))
{
	struct rlimit limit;

	alarm(ALARM_S);
	struct ds_loop *loop = ds_loop_new();
	CHECK(loop != NULL);
	ds_loop_set_timeout(loop, 0);
	fn(loop);
	ds_loop_free(loop);
	/* What looks for leaks at exit needs descriptors. */
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

void
in_child(void (*fn)(struct ds_loop *))
{
	int status;

	fflush(NULL);
	pid_t pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		exit(child_main(fn)); /* and not _exit: leaks and coverage count */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void
step(struct ds_loop *loop, int turns)
{
	ds_loop_set_timeout(loop, 0);
	while (turns-- > 0)
		assert_int_not_equal(ds_loop_turn(loop), -1);
}

int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

void
unix_pair(int fds[2])
{
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

void
tcp_pair(int fds[2])
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listening, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&in, &len), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&in, len), 0);
	fds[0] = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
	assert_int_not_equal(fds[0], -1);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	close(listening);
}

void
pipe_pair(int fds[2])
{
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
}

void
await(int fd, short poll_events)
{
	struct pollfd wanted = {.fd = fd, .events = poll_events};

	assert_int_equal(poll(&wanted, 1, 10000), 1);
}

void
put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

size_t
drain(int fd, void *buf, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len && (n = read(fd, (char *)buf + got, len - got)) > 0)
		got += (size_t)n;
	return got;
}

void
fill(int fd)
{
	static const char block[4096];

	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
}

static struct rec *
rec_of(struct ds_sock *sock)
{
	return (struct rec *)sock;
}

static void
note(struct rec *rec, int *count, char letter)
{
	size_t len = strlen(rec->seen->order);

	++*count;
	if (len + 1 < sizeof(rec->seen->order))
		rec->seen->order[len] = letter;
}

ssize_t
rec_read(struct rec *rec)
{
	struct seen *seen = rec->seen;
	char buf[4096];
	ssize_t n = ds_read(&rec->sock, buf, rec->read_size);

	for (ssize_t i = 0; i < n; i++, seen->in_len++)
		if (seen->in_len < sizeof(seen->in))
			seen->in[seen->in_len] = buf[i];
	if (n == 0)
		ds_close(&rec->sock, "eof");
	else if (n == -1 && errno != EAGAIN)
		ds_close(&rec->sock, "read failed");
	return n;
}

static void
rec_event_read(struct ds_sock *sock)
{
	struct rec *rec = rec_of(sock);

	note(rec, &rec->seen->reads, 'r');
	if (rec->on_read != NULL)
		rec->on_read(rec);
	else
		rec_read(rec);
}

static void
rec_event_write(struct ds_sock *sock)
{
	struct rec *rec = rec_of(sock);

	note(rec, &rec->seen->writes, 'w');
	if (rec->on_write != NULL)
		rec->on_write(rec);
	else
		ds_flush(sock);
}

static void
rec_event_err(struct ds_sock *sock)
{
	struct rec *rec = rec_of(sock);

	note(rec, &rec->seen->errs, 'e');
	if (rec->on_err != NULL)
		rec->on_err(rec);
}

static void
rec_event_hup(struct ds_sock *sock)
{
	struct rec *rec = rec_of(sock);

	note(rec, &rec->seen->hups, 'h');
	if (rec->on_hup != NULL)
		rec->on_hup(rec);
}

static void
rec_on_close(struct ds_sock *sock, const char *reason)
{
	struct rec *rec = rec_of(sock);

	note(rec, &rec->seen->closes, 'c');
	snprintf(rec->seen->reason, sizeof(rec->seen->reason), "%s", reason);
	if (rec->on_close != NULL)
		rec->on_close(rec);
}

static void
rec_destroy(struct ds_sock *sock)
{
	struct rec *rec = rec_of(sock);

	note(rec, &rec->seen->destroys, 'd');
	if (rec->on_destroy != NULL)
		rec->on_destroy(rec);
	free(rec);
}

static const struct ds_ops plain_ops = {
    .name = "plain",
    .event_read = rec_event_read,
    .on_close = rec_on_close,
    .destroy = rec_destroy,
};

static const struct ds_ops full_ops = {
    .name = "full",
    .event_read = rec_event_read,
    .event_write = rec_event_write,
    .event_err = rec_event_err,
    .event_hup = rec_event_hup,
    .on_close = rec_on_close,
    .destroy = rec_destroy,
};

static struct rec *
make(struct ds_loop *loop, const struct ds_ops *ops, int fd, unsigned watch)
{
	struct rec *rec = calloc(1, sizeof(*rec));
	struct seen *seen = calloc(1, sizeof(*seen));

	assert_non_null(rec);
	assert_non_null(seen);
	seen->next = all_seen;
	all_seen = rec->seen = seen;
	rec->read_size = 1024;
	assert_int_equal(ds_sock_init(&rec->sock, loop, ops, fd, watch), 0);
	return rec;
}

struct rec *
rec_new(struct ds_loop *loop, int fd, unsigned watch)
{
	return make(loop, &plain_ops, fd, watch);
}

struct rec *
rec_new_full(struct ds_loop *loop, int fd, unsigned watch)
{
	return make(loop, &full_ops, fd, watch);
}

struct rec *
rec_on_pair(struct ds_loop *loop, int *peer, unsigned watch)
{
	int fds[2];

	unix_pair(fds);
	*peer = fds[1];
	return rec_new(loop, fds[0], watch);
}
