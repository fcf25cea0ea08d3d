/* SPDX-License-Identifier: ISC */
/* See conn.h. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	IN_FIRST = 4096,
	IN_MAX = 1 << 20, /* of one line; a lock server's are shorter by far */
	KEEPALIVE_S = 10,
};

static struct conn *
conn_of(struct ds_sock *sock)
{
	return (struct conn *)sock;
}

static int
make_room(struct conn *conn)
{
	if (conn->in_size - conn->in_len >= IN_FIRST)
		return 0;
	size_t size = conn->in_size + conn->in_size / 2 + IN_FIRST;
	char *in = size <= IN_MAX ? realloc(conn->in, size) : NULL;

	if (in == NULL)
		return -1;
	conn->in = in;
	conn->in_size = size;
	return 0;
}

static void
hand_out_lines(struct conn *conn)
{
	char *at = conn->in, *end;

	while (conn->is_up &&
	       (end = memchr(at, '\n', conn->in_len - (size_t)(at - conn->in))) != NULL) {
		char *line = at;

		at = end + 1;
		if (end > line && end[-1] == '\r')
			end--;
		*end = '\0';
		conn->ops->line(conn, line);
	}
	if (!conn->is_up)
		return;
	conn->in_len -= (size_t)(at - conn->in);
	memmove(conn->in, at, conn->in_len);
}

static void
on_read(struct ds_sock *sock)
{
	struct conn *conn = conn_of(sock);

	if (make_room(conn) == -1) {
		ds_close(sock, "a line of the server is too long");
		return;
	}
	ssize_t n = ds_read(sock, conn->in + conn->in_len, conn->in_size - conn->in_len);
	if (n > 0) {
		conn->in_len += (size_t)n;
		hand_out_lines(conn);
	} else if (n == 0) {
		ds_close(sock, "the server has closed the connection");
	} else if (errno != EAGAIN) {
		ds_close(sock, strerror(errno));
	}
}

static void
on_connect(struct ds_sock *sock)
{
	struct conn *conn = conn_of(sock);

	ds_tcp_nodelay(sock, true);
	ds_tcp_keepalive(sock, KEEPALIVE_S, KEEPALIVE_S / 2, 3);
	conn->is_up = true;
	conn->ops->opened(conn);
}

static void
on_close(struct ds_sock *sock, const char *reason)
{
	struct conn *conn = conn_of(sock);

	conn->is_up = false;
	if (reason != NULL && conn->ops->lost != NULL)
		conn->ops->lost(conn, reason);
}

static void
destroy(struct ds_sock *sock)
{
	conn_of(sock)->is_open = false;
}

static const struct ds_ops sock_ops = {
    .name = "server",
    .event_read = on_read,
    .event_connect = on_connect,
    .on_close = on_close,
    .destroy = destroy,
};

void
conn_init(struct conn *conn, struct ds_loop *loop, const struct conn_ops *ops, void *arg)
{
	*conn = (struct conn){.loop = loop, .ops = ops, .arg = arg};
}

int
conn_open(struct conn *conn, const struct ds_addr *addr, int timeout_ms)
{
	conn->in_len = 0;
	if (ds_connect(&conn->sock, conn->loop, &sock_ops, addr, DS_READ, timeout_ms) == -1)
		return -1;
	conn->is_open = true;
	return 0;
}

void
conn_send(struct conn *conn, const char *text, size_t len)
{
	if (conn->is_up)
		ds_write(&conn->sock, text, len);
}

void
conn_close(struct conn *conn)
{
	if (!conn->is_open)
		return;
	if (conn->is_up) /* another process may have it, too */
		shutdown(ds_fd(&conn->sock), SHUT_RDWR);
	ds_close(&conn->sock, NULL);
}

void
conn_fini(struct conn *conn)
{
	conn_close(conn);
	free(conn->in);
	conn->in = NULL;
}
