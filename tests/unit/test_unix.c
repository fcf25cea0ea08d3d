/* SPDX-License-Identifier: ISC */
/* Listening on unix paths: what is taken over, what is not, and the mode. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of its own, with room for a path in it. */
struct place {
	char dir[32], path[64];
	struct ds_addr addr;
};

static struct place
make_place(void)
{
	struct place place = {.dir = "/tmp/dsock-XXXXXX"};
	char text[80];

	assert_non_null(mkdtemp(place.dir));
	snprintf(place.path, sizeof(place.path), "%s/s", place.dir);
	snprintf(text, sizeof(text), "unix:%s", place.path);
	assert_null(ds_addr_parse(&place.addr, text));
	return place;
}

static void
remove_place(const struct place *place)
{
	unlink(place->path);
	assert_int_equal(rmdir(place->dir), 0);
}

static void
keep_peer(struct ds_listener *listener, int fd, const struct ds_peer *peer, void *arg)
{
	(void)listener;
	*(struct ds_peer *)arg = *peer;
	close(fd);
}

static void
a_unix_path_is_served_and_gets_its_mode(void **state)
{
	static struct ds_listener listener;
	struct ds_peer peer = {.family = AF_UNSPEC};
	struct place place = make_place();
	struct stat st;
	mode_t before = umask(0777);
	int fd = ds_listen(&place.addr, 5, 0662);

	umask(before);
	assert_int_not_equal(fd, -1);
	assert_int_equal(stat(place.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0662);
	assert_int_equal(ds_listener_init(&listener, *state, fd, keep_peer, NULL, NULL, &peer), 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(client, &place.addr.u.sa, place.addr.len), 0);
	step(*state, 1);
	assert_int_equal(peer.family, AF_UNIX);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.u.uid, getuid());
	close(client);
	remove_place(&place);
}

static void
a_stale_unix_path_is_taken_over_and_a_live_one_is_not(void **state)
{
	struct place place = make_place();
	int first = ds_listen(&place.addr, 5, 0600);

	(void)state;
	assert_int_not_equal(first, -1);
	assert_int_equal(ds_listen(&place.addr, 5, 0600), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(first);
	int second = ds_listen(&place.addr, 5, 0600);
	assert_int_not_equal(second, -1);
	close(second);
	remove_place(&place);
}

static void
a_live_unix_path_whose_backlog_is_full_is_not_taken_over(void **state)
{
	struct place place = make_place();
	int fd = ds_listen(&place.addr, 0, 0600), client[8];

	(void)state;
	assert_int_not_equal(fd, -1);
	for (int i = 0; i < 8; i++) {
		client[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(client[i], &place.addr.u.sa, place.addr.len) == -1)
			assert_int_equal(errno, EAGAIN);
	}
	assert_int_equal(ds_listen(&place.addr, 5, 0600), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(access(place.path, F_OK), 0);
	for (int i = 0; i < 8; i++)
		close(client[i]);
	close(fd);
	remove_place(&place);
}

static void
check_survives(const struct place *place, mode_t type)
{
	struct stat st;

	assert_int_equal(ds_listen(&place->addr, 5, 0600), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(lstat(place->path, &st), 0);
	assert_int_equal(st.st_mode & S_IFMT, type);
}

static void
what_is_no_socket_at_a_unix_path_is_not_removed(void **state)
{
	struct place place = make_place();

	(void)state;
	close(creat(place.path, 0600));
	check_survives(&place, S_IFREG);
	unlink(place.path);
	assert_int_equal(symlink("/nonexistent", place.path), 0);
	check_survives(&place, S_IFLNK);
	remove_place(&place);
	assert_int_equal(ds_listen(&place.addr, 5, 0600), -1); /* in a directory that is gone */
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(a_unix_path_is_served_and_gets_its_mode),
	    UNIT(a_stale_unix_path_is_taken_over_and_a_live_one_is_not),
	    UNIT(a_live_unix_path_whose_backlog_is_full_is_not_taken_over),
	    UNIT(what_is_no_socket_at_a_unix_path_is_not_removed),
	};

	return cmocka_run_group_tests_name("unix", tests, NULL, NULL);
}
