/* SPDX-License-Identifier: ISC */
/*
 * Connections, as Linux does TCP: bounded buffers, an end of file each way, and resets, which are
 * told once (ECONNRESET, or EPIPE after an end of file) to whichever call comes first, but that
 * reading knows only the end of file once there was one; after that writing gives EPIPE. Nothing is
 * ever under way: what one side has sent can be received.
 */
#include "sim_kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

enum { FIRST_PORT = 40000 };

static struct sim_peer peers[SIM_PEERS];
static size_t n_peers;

void
sim_peers_begin(void)
{
	n_peers = 0;
}

static void
buffer_init(struct sim_buffer *buffer)
{
	buffer->len = 0;
	buffer->total = 0;
	buffer->size = sim_faults()->buffer;
}

struct sim_peer *
sim_peer_new(void)
{
	if (n_peers == SIM_PEERS)
		sim_stuck("more connections than the simulated kernel has");
	struct sim_peer *peer = &peers[n_peers];

	buffer_init(&peer->in);
	buffer_init(&peer->out);
	peer->port = (uint16_t)(FIRST_PORT + n_peers++);
	peer->in_ended = peer->out_ended = peer->in_shut = false;
	peer->left = peer->forsaken = peer->reset = peer->connecting = false;
	peer->error = peer->peer_error = 0;
	return peer;
}

struct sim_peer *
sim_peer_connecting(uint16_t port)
{
	for (size_t i = 0; i < n_peers; i++)
		if (peers[i].connecting && peers[i].port == port)
			return &peers[i];
	return NULL;
}

int
sim_take_error(int *error)
{
	int taken = *error;

	*error = 0;
	return taken;
}

static size_t
put(struct sim_buffer *buffer, const void *data, size_t len)
{
	size_t room = buffer->size - buffer->len;

	if (len > room)
		len = room;
	if (len > 0)
		memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	buffer->total += len;
	return len;
}

static size_t
take(struct sim_buffer *buffer, void *data, size_t len)
{
	if (len > buffer->len)
		len = buffer->len;
	memcpy(data, buffer->data, len);
	buffer->len -= len;
	memmove(buffer->data, buffer->data + len, buffer->len);
	return len;
}

/* A reset reaches the program's side; what it has not read may be gone with it. */
static void
reset_program(struct sim_peer *peer)
{
	if (peer->reset || peer->forsaken)
		return;
	peer->error = peer->in_ended ? EPIPE : ECONNRESET;
	peer->reset = true;
	if (sim_chance(2))
		peer->in.len = 0;
}

static void
reset_peer(struct sim_peer *peer)
{
	if (peer->reset || peer->left)
		return;
	peer->peer_error = ECONNRESET;
	peer->reset = true;
	if (sim_chance(2))
		peer->out.len = 0;
}

/* The program's side. */

ssize_t
sim_stream_recv(struct sim_peer *peer, void *buf, size_t len)
{
	if (peer->in.len > 0 && !peer->in_shut)
		return (ssize_t)take(
		    &peer->in, buf, sim_some(len < peer->in.len ? len : peer->in.len));
	if (peer->in_ended || peer->in_shut)
		return 0;
	if (peer->error != 0)
		return sim_refuse(sim_take_error(&peer->error));
	return peer->reset ? 0 : sim_refuse(EAGAIN);
}

ssize_t
sim_stream_send(struct sim_peer *peer, const void *data, size_t len)
{
	size_t room = peer->out.size - peer->out.len;

	if (peer->error != 0)
		return sim_refuse(sim_take_error(&peer->error));
	if (peer->connecting)
		return sim_refuse(EAGAIN);
	if (peer->out_ended || peer->reset)
		return sim_refuse(EPIPE);
	if (len == 0)
		return 0;
	if (peer->left) { /* it goes out; the answer is a reset */
		reset_program(peer);
		return (ssize_t)sim_some(len);
	}
	if (room == 0)
		return sim_refuse(EAGAIN);
	return (ssize_t)put(&peer->out, data, sim_some(len < room ? len : room));
}

/* Writable again when a third is free, so that not every byte wakes the writer. */
unsigned
sim_stream_events(const struct sim_peer *peer)
{
	unsigned events = 0;

	if (peer->connecting)
		return 0;
	if (peer->in.len > 0 || peer->in_ended || peer->in_shut || peer->reset)
		events |= EPOLLIN;
	if (peer->out_ended || peer->reset || peer->out.len * 3 <= peer->out.size * 2)
		events |= EPOLLOUT;
	if (peer->error != 0)
		events |= EPOLLERR;
	if (peer->reset || (peer->out_ended && (peer->in_ended || peer->in_shut)))
		events |= EPOLLHUP;
	return events;
}

void
sim_stream_close(struct sim_peer *peer)
{
	if (peer->in.len > 0)
		reset_peer(peer);
	peer->forsaken = peer->out_ended = true;
	peer->connecting = false;
}

/* The other side. */

uint16_t
sim_peer_port(const struct sim_peer *peer)
{
	return peer->port;
}

size_t
sim_peer_send(struct sim_peer *peer, const void *data, size_t len)
{
	if (peer->in_ended || peer->reset || peer->left)
		return 0;
	if (peer->forsaken) {
		reset_peer(peer);
		return len;
	}
	return put(&peer->in, data, len);
}

ssize_t
sim_peer_recv(struct sim_peer *peer, void *buf, size_t len)
{
	if (peer->out.len > 0)
		return (ssize_t)take(&peer->out, buf, len);
	if (peer->peer_error != 0)
		return sim_refuse(sim_take_error(&peer->peer_error));
	return peer->out_ended || peer->reset ? 0 : sim_refuse(EAGAIN);
}

void
sim_peer_shutdown(struct sim_peer *peer)
{
	peer->in_ended = true;
}

void
sim_peer_close(struct sim_peer *peer)
{
	if (peer->out.len > 0)
		reset_program(peer);
	else
		peer->in_ended = true;
	peer->left = true;
}

void
sim_peer_reset(struct sim_peer *peer)
{
	reset_program(peer);
	peer->left = true;
}

uint64_t
sim_peer_incoming(const struct sim_peer *peer)
{
	return peer->out.total;
}

size_t
sim_peer_unread(const struct sim_peer *peer)
{
	return peer->in.len;
}
