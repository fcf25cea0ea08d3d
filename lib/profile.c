/* SPDX-License-Identifier: ISC */
/*
 * Where the time goes: calls and processor time for each class and event, while it is asked for. It
 * costs two system calls an event then, and a branch otherwise.
 */
#include "loop.h"
#include "os.h"

#include <stdlib.h>
#include <string.h>

static const char *const event_names[] = {"read", "write", "err", "hup"};

/* The row of a class and an event, made on demand; NULL: no memory, not counted. */
static struct ds_profile *
row_of(struct ds_loop *loop, const char *class_name, const char *event)
{
	for (size_t i = 0; i < loop->n_profile; i++)
		if (loop->profile[i].class_name == class_name && loop->profile[i].event == event)
			return &loop->profile[i];
	struct ds_profile *rows =
	    reallocarray(loop->profile, loop->n_profile + 1, sizeof(*loop->profile));
	if (rows == NULL)
		return NULL;
	loop->profile = rows;
	rows[loop->n_profile] = (struct ds_profile){.class_name = class_name, .event = event};
	return &rows[loop->n_profile++];
}

void
ds_profile_call(struct ds_sock *sock, unsigned event_index, void (*fn)(struct ds_sock *))
{
	struct ds_loop *loop = sock->loop;
	const char *class_name = sock->ops->name;
	int64_t user_before, system_before, user, system;

	ds_os_cpu_time(&user_before, &system_before);
	fn(sock);
	ds_os_cpu_time(&user, &system);
	struct ds_profile *row = row_of(loop, class_name, event_names[event_index]);
	if (row == NULL)
		return;
	row->calls++;
	row->user_ns += user - user_before;
	row->system_ns += system - system_before;
}

void
ds_loop_set_profiling(struct ds_loop *loop, bool on)
{
	if (on)
		loop->n_profile = 0;
	loop->profiling = on;
}

void
ds_loop_each_profile(const struct ds_loop *loop, ds_profile_fn fn, void *arg)
{
	for (size_t i = 0; i < loop->n_profile; i++)
		fn(&loop->profile[i], arg);
}
