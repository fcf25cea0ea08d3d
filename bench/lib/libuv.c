/* SPDX-License-Identifier: ISC */
/* The line server on libuv: one buffer to read into, uv_try_write, and uv_write for what that
 * leaves. */
#include "answer.h"

#include <err.h>
#include <stdlib.h>
#include <uv.h>

struct client {
	uv_tcp_t tcp;
	uv_write_t write;
};

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(answer_input, sizeof(answer_input));
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
end(uv_stream_t *stream)
{
	if (!uv_is_closing((uv_handle_t *)stream))
		uv_close((uv_handle_t *)stream, on_closed);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void
on_written(uv_write_t *write, int status)
{
	if (status < 0)
		end(write->handle);
	else
		uv_read_start(write->handle, on_alloc, on_read);
}

static void
answer(uv_stream_t *stream, size_t len)
{
	struct client *client = stream->data;
	uv_buf_t out = uv_buf_init(answer_replies, (unsigned)len);
	int n = uv_try_write(stream, &out, 1);

	if (n < 0 && n != UV_EAGAIN) {
		end(stream);
		return;
	}
	n = n < 0 ? 0 : n;
	if ((size_t)n == len)
		return;
	out = uv_buf_init(answer_replies + n % REPLY_LEN, (unsigned)(len - (size_t)n));
	uv_read_stop(stream);
	if (uv_write(&client->write, stream, &out, 1, on_written) < 0)
		end(stream);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	size_t len = n > 0 ? answer_len(buf->base, (size_t)n) : 0;

	if (n < 0)
		end(stream);
	else if (len > 0)
		answer(stream, len);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL || status < 0)
		errx(1, "accept");
	uv_tcp_init(listener->loop, &client->tcp);
	client->tcp.data = client;
	if (uv_accept(listener, (uv_stream_t *)&client->tcp) < 0) {
		end((uv_stream_t *)&client->tcp);
		return;
	}
	uv_tcp_nodelay(&client->tcp, 1);
	uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

int
main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	uv_tcp_t listener;

	if (argc != 2)
		errx(2, "usage: libuv PORT");
	answer_init();
	uv_tcp_init(loop, &listener);
	if (uv_tcp_open(&listener, answer_listen(argv[1])) < 0 ||
	    uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection) < 0)
		errx(1, "uv_listen");
	return uv_run(loop, UV_RUN_DEFAULT);
}
