/* SPDX-License-Identifier: ISC */
/* Connections that the program makes, and who is there to accept them. */
#include "sim_kernel.h"

#include "sim_wrap.h"

#include <netinet/in.h>

enum { SERVICES = 8 };

static uint16_t services[SERVICES]; /* ports that somebody serves; 0: free */

void
sim_services_begin(void)
{
	for (int i = 0; i < SERVICES; i++)
		services[i] = 0;
}

static uint16_t *
service_on(uint16_t port)
{
	for (int i = 0; i < SERVICES; i++)
		if (services[i] == port)
			return &services[i];
	return NULL;
}

void
sim_serve(uint16_t port, bool on)
{
	uint16_t *service = service_on(port);

	if (on && service == NULL) {
		service = service_on(0);
		assert_non_null(service);
		*service = port;
	} else if (!on && service != NULL) {
		*service = 0;
	}
}

struct sim_peer *
sim_accept(uint16_t port)
{
	struct sim_peer *peer = sim_peer_connecting(port);

	if (peer != NULL)
		peer->connecting = false;
	return peer;
}

/* A refusal may come at once or later. */
static int
attempt(struct sim_fd *entry, uint16_t port)
{
	bool served = service_on(port) != NULL;

	if (!served && sim_chance(2))
		return sim_refuse(ECONNREFUSED);
	entry->kind = SIM_STREAM;
	entry->peer = sim_peer_new();
	entry->peer->port = port;
	entry->peer->connecting = served;
	if (!served) {
		entry->peer->error = ECONNREFUSED;
		entry->peer->reset = true;
	}
	/* One that is interrupted goes on all the same. */
	return sim_interrupted() ? -1 : sim_refuse(EINPROGRESS);
}

static int
connect_to(int fd, const struct sockaddr *addr)
{
	uint16_t port = ntohs(((const struct sockaddr_in *)(const void *)addr)->sin_port);
	struct sim_fd *entry = sim_fd_of(fd);

	if (entry == NULL || sim_fails(SIM_CONNECT))
		return -1;
	if (entry->kind == SIM_STREAM && entry->peer->error != 0)
		return sim_refuse(sim_take_error(&entry->peer->error));
	if (entry->kind == SIM_STREAM)
		return sim_refuse(entry->peer->connecting ? EALREADY : EISCONN);
	if (entry->kind != SIM_UNBOUND)
		return sim_refuse(EOPNOTSUPP);
	if (!entry->nonblock)
		sim_wrong("connect on descriptor %d would block", fd);
	return attempt(entry, port);
}

int
__wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (!sim_is_ours(fd))
		return __real_connect(fd, addr, len);
	return (int)sim_note(SIM_CONNECT, fd, connect_to(fd, addr));
}
