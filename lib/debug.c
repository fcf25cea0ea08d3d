/* SPDX-License-Identifier: ISC */
/* Debug messages: the library prints nothing, it hands lines to whom they were asked for by. */
#include "loop.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_SIZE = 512 };

void
ds_loop_set_debug(struct ds_loop *loop, ds_debug_fn fn, void *arg)
{
	loop->debug = fn;
	loop->debug_arg = arg;
}

void
ds_debug(struct ds_loop *loop, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;

	if (loop->debug == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	loop->debug(line, loop->debug_arg);
}

void
ds_dump_error(struct ds_sock *sock, const char *message)
{
	char text[LINE_SIZE / 2];

	ds_debug(sock->loop, "ERROR: %s; %s", message, ds_sock_string(sock, text, sizeof(text)));
}
