/* SPDX-License-Identifier: ISC */
/*
 * One scripted scenario on libdsock; scenario.pl is the same on Danga::Socket. Both print what
 * happens, a line an event, and the two transcripts have to be the same.
 */
#include <assert.h>
#include <dsock.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
	struct ds_sock sock; /* first */
	const char *name;
	void (*on_read)(struct peer *);
	struct peer *other;
	int events;
};

static struct ds_loop *loop;
static char *got; /* all that was read in the first part */
static size_t got_len;

static void
say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void
event_read(struct ds_sock *sock)
{
	((struct peer *)sock)->on_read((struct peer *)sock);
}

static void
on_close(struct ds_sock *sock, const char *reason)
{
	(void)reason;
	if (((struct peer *)sock)->name != NULL)
		say("close %s", ((struct peer *)sock)->name);
}

static const struct ds_ops ops = {.name = "Sock", .event_read = event_read, .on_close = on_close};

static void
pair(struct peer *x, struct peer *y, void (*on_x)(struct peer *), void (*on_y)(struct peer *))
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1 ||
	    ds_sock_init(&x->sock, loop, &ops, fds[0], 0) == -1 ||
	    ds_sock_init(&y->sock, loop, &ops, fds[1], 0) == -1)
		abort();
	x->name = "a";
	y->name = "b";
	x->on_read = on_x;
	y->on_read = on_y;
	x->other = y;
	y->other = x;
	x->events = y->events = 0;
}

static bool
count_down(struct ds_loop *unused, void *left)
{
	(void)unused;
	return --*(int *)left > 0;
}

static void
turns(int most)
{
	ds_loop_set_post(loop, count_down, &most);
	ds_loop_set_timeout(loop, 20);
	if (ds_loop_run(loop) == -1)
		abort();
}

static void
close_both(struct peer *x, struct peer *y)
{
	ds_close(&x->sock, "done");
	ds_close(&y->sock, "done");
	turns(1);
}

static void
part(const char *name)
{
	say("-- %s", name);
}

/* writes */

static void
collect(struct peer *self)
{
	ssize_t n = ds_read(&self->sock, got + got_len, 1 << 20);

	if (n > 0)
		got_len += (size_t)n;
}

static void
called(struct ds_sock *sock, void *arg)
{
	(void)arg;
	say("called");
	ds_write(sock, "tail", 4);
}

static void
set_flag(struct ds_sock *sock, void *flag)
{
	(void)sock;
	*(int *)flag = 1;
}

static void
writes(void)
{
	struct peer x, y;
	const size_t big_len = 3000000;
	char *big = malloc(big_len);
	int now = 0;

	part("writes");
	got = malloc(big_len + (2 << 20));
	pair(&x, &y, NULL, collect);
	say("small %d", ds_write(&x.sock, "hello ", 6));
	memset(big, 'x', big_len);
	say("big %d", ds_write(&x.sock, big, big_len));
	say("callback %d", ds_write_call(&x.sock, called, NULL));
	say("after %d", ds_write(&x.sock, "after ", 6));
	say("nothing %d", ds_flush(&x.sock));
	ds_watch_read(&y.sock, true);
	turns(200);
	say("length %zu", got_len);
	say("begin %.8s", got);
	say("end %.11s", got + got_len - 11);
	say("empty queue %d", ds_flush(&x.sock));
	int result = ds_write_call(&x.sock, set_flag, &now);
	say("at once %d %d", result, now);
	ds_close(&x.sock, "done");
	result = ds_write(&x.sock, "lost", 4);
	say("closed %d %d", result, ds_write_call(&x.sock, called, NULL));
	ds_close(&y.sock, "done");
	turns(1);
	free(big);
	free(got);
}

/* pushed back */

static void
read_four(struct peer *self)
{
	char buf[4];
	ssize_t n = ds_read(&self->sock, buf, sizeof(buf));

	say("read %.*s", n > 0 ? (int)n : 3, n > 0 ? buf : "end");
}

static void
pushed_back(void)
{
	struct peer x, y;

	part("pushed back");
	pair(&x, &y, NULL, read_four);
	ds_watch_read(&y.sock, true);
	ds_push_back(&y.sock, "one", 3);
	ds_push_back(&y.sock, "second", 6);
	ds_push_back(&y.sock, "3", 1);
	ds_write(&x.sock, "net", 3);
	turns(6);
	close_both(&x, &y);
}

static void
read_one_and_rest(struct peer *self)
{
	char c;

	if (ds_read(&self->sock, &c, 1) == 1)
		self->events++;
	ds_watch_read(&self->sock, false);
}

static void
unwatched(void)
{
	struct peer x, y;

	part("unwatched");
	pair(&x, &y, NULL, read_one_and_rest);
	ds_watch_read(&y.sock, true);
	ds_write(&x.sock, "abc", 3);
	turns(4);
	say("events %d", y.events);
	ds_watch_read(&y.sock, true);
	turns(4);
	say("events %d", y.events);
	close_both(&x, &y);
}

static void
close_other(struct peer *self)
{
	char c;
	ssize_t n = ds_read(&self->sock, &c, 1);

	say(n > 0 ? "read" : "end");
	ds_close(n > 0 ? &self->other->sock : &self->sock, "other");
}

static void
closing_each_other(void)
{
	struct peer x, y;

	part("closing each other");
	pair(&x, &y, close_other, close_other);
	ds_write(&x.sock, "!", 1);
	ds_write(&y.sock, "!", 1);
	ds_watch_read(&x.sock, true);
	ds_watch_read(&y.sock, true);
	turns(3);
	say("left %d", !ds_is_closed(&x.sock) + !ds_is_closed(&y.sock));
	close_both(&x, &y);
}

static void
read_to_the_end(struct peer *self)
{
	char buf[100];
	ssize_t n = ds_read(&self->sock, buf, sizeof(buf));

	if (n > 0) {
		say("read %.*s", (int)n, buf);
		return;
	}
	say("end");
	ds_close(&self->sock, "end");
}

static void
end_of_file(void)
{
	struct peer x, y;

	part("end of file");
	pair(&x, &y, NULL, read_to_the_end);
	ds_watch_read(&y.sock, true);
	ds_write(&x.sock, "last words", 10);
	shutdown(ds_fd(&x.sock), SHUT_WR);
	turns(4);
	ds_close(&x.sock, "done");
	turns(1);
}

/* timers */

static void
tell(struct ds_timer *timer, void *text)
{
	(void)timer;
	say("%s", (const char *)text);
}

static void
tell_and_cancel(struct ds_timer *timer, void *victim)
{
	(void)timer;
	say("third");
	ds_timer_cancel(victim);
}

static void
timers(void)
{
	struct ds_timer cancelled, third, second, first, fourth;

	part("timers");
	ds_timer_init(&cancelled, loop, tell, "never");
	ds_timer_init(&third, loop, tell_and_cancel, &cancelled);
	ds_timer_init(&second, loop, tell, "second");
	ds_timer_init(&first, loop, tell, "first");
	ds_timer_init(&fourth, loop, tell, "fourth");
	ds_timer_add(&cancelled, 30);
	ds_timer_add(&third, 20);
	ds_timer_add(&second, 10);
	ds_timer_add(&first, 0);
	ds_timer_add(&fourth, 40);
	turns(10);
}

static void
steal(void)
{
	struct peer x, y;
	char buf[10];

	part("steal");
	pair(&x, &y, NULL, NULL);
	x.name = NULL; /* Danga::Socket does not call close here; ours tells on_close, so that
			  memory can go */
	int fd = ds_steal_fd(&x.sock);
	say("closed %d", ds_is_closed(&x.sock));
	turns(1);
	ssize_t n = write(fd, "mine", 4);
	n = n == 4 ? read(ds_fd(&y.sock), buf, sizeof(buf)) : 0;
	say("still open %.*s", (int)n, buf);
	close(fd);
	ds_close(&y.sock, "done");
	turns(1);
}

/* strings */

static void
say_stripped(char *text, int here, int there)
{
	char *colon = strrchr(text, ':');
	int port = colon != NULL ? atoi(colon + 1) : 0;

	if (port == here || port == there)
		say("%.*s:%s", (int)(colon - text), text, port == here ? "HERE" : "THERE");
	else
		say("%s", text);
}

static int
port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	getsockname(fd, (struct sockaddr *)&in, &len);
	return ntohs(in.sin_port);
}

static void
strings(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	struct peer s = {.name = "s"};
	char text[DS_ADDR_STRLEN * 2];

	part("strings");
	if (bind(server, (struct sockaddr *)&in, len) == -1 || listen(server, 1) == -1 ||
	    getsockname(server, (struct sockaddr *)&in, &len) == -1 ||
	    connect(client, (struct sockaddr *)&in, len) == -1 ||
	    ds_sock_init(&s.sock, loop, &ops, accept4(server, NULL, NULL, SOCK_NONBLOCK), 0) == -1)
		abort();
	s.name = "s";
	int here = port_of(server), there = port_of(client);
	say_stripped(ds_peer_ip_string(&s.sock, text, sizeof(text)), here, there);
	say_stripped(ds_peer_string(&s.sock, text, sizeof(text)), here, there);
	say_stripped(ds_local_ip_string(&s.sock, text, sizeof(text)), here, there);
	say_stripped(ds_local_string(&s.sock, text, sizeof(text)), here, there);
	ds_watch_read(&s.sock, true);
	say_stripped(ds_sock_string(&s.sock, text, sizeof(text)), here, there);
	ds_close(&s.sock, "done");
	turns(1);
	close(server);
	close(client);
}

static bool
three_times(struct ds_sock *sock, void *n)
{
	(void)sock;
	return ++*(int *)n < 3;
}

static void
post_loop(void)
{
	struct peer x, y;
	int n = 0;

	part("post-loop");
	pair(&x, &y, NULL, NULL);
	ds_set_post(&x.sock, three_times, &n);
	ds_loop_set_post(loop, NULL, NULL);
	ds_loop_set_timeout(loop, 1);
	ds_loop_run(loop);
	say("turns %d", n);
	say("watched %zu", ds_loop_watched(loop));
	close_both(&x, &y);
	say("watched %zu", ds_loop_watched(loop));
}

int
main(void)
{
	loop = ds_loop_new();
	if (loop == NULL)
		return 1;
	writes();
	pushed_back();
	unwatched();
	closing_each_other();
	end_of_file();
	timers();
	steal();
	strings();
	post_loop();
	ds_loop_free(loop);
	return 0;
}
