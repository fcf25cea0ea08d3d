/* SPDX-License-Identifier: ISC */
/* See talk.h. */
#include "talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 400, REST_MS = 50 };

void
talk_init(struct talk *talk, uint16_t port, enum talk_end end)
{
	memset(talk, 0, offsetof(struct talk, out));
	talk->port = port;
	talk->end = end;
	talk->out[0] = talk->in[0] = '\0';
}

void
talk_add(struct talk *talk, const char *format, ...)
{
	size_t room = sizeof(talk->out) - talk->out_len;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(talk->out + talk->out_len, room, format, args);
	va_end(args);
	assert_true(n >= 0 && (size_t)n < room);
	talk->out_len += (size_t)n;
}

static size_t
piece(size_t len)
{
	size_t most = sim_random(4) == 0 ? 3 : PIECE;

	return 1 + sim_random((uint32_t)(len < most ? len : most));
}

static void
end(struct talk *talk, int error)
{
	talk->error = error;
	talk->state = TALK_OVER;
	sim_peer_close(talk->peer);
}

/* True when something came, the end too. */
static bool
receive(struct talk *talk)
{
	size_t room = TALK_IN - talk->in_len;

	assert_true(room > 0);
	ssize_t n = sim_peer_recv(talk->peer, talk->in + talk->in_len, piece(room));
	if (n == -1 && errno == EAGAIN)
		return false;
	if (n > 0) {
		talk->in_len += (size_t)n;
		talk->in[talk->in_len] = '\0';
	} else {
		end(talk, n == 0 ? 0 : errno);
	}
	return true;
}

/* True when something went. */
static bool
transmit(struct talk *talk)
{
	size_t left = talk->out_len - talk->sent;
	size_t n = left > 0 ? sim_peer_send(talk->peer, talk->out + talk->sent, piece(left)) : 0;

	talk->sent += n;
	return n > 0;
}

static void
finish_sending(struct talk *talk)
{
	if (talk->end == TALK_HALF_CLOSE) {
		sim_peer_shutdown(talk->peer);
		talk->state = TALK_ENDING;
	} else if (talk->end == TALK_RESET) {
		sim_peer_reset(talk->peer);
		talk->state = TALK_OVER;
	} else {
		end(talk, 0);
	}
}

static bool
act(struct talk *talk)
{
	switch (talk->state) {
	case TALK_NEW:
		talk->peer = sim_connect(talk->port);
		if (talk->peer != NULL)
			talk->state = TALK_OPEN;
		return talk->peer != NULL;
	case TALK_OPEN:
		if (talk->sent == talk->out_len) {
			finish_sending(talk);
			return true;
		}
		return sim_random(2) == 0 ? transmit(talk) || receive(talk)
					  : receive(talk) || transmit(talk);
	case TALK_ENDING:
		return receive(talk);
	default:
		return false;
	}
}

int64_t
talk_step(struct talk *talk)
{
	if (talk->state == TALK_OVER)
		return SIM_NEVER;
	if (sim_now() < talk->next_ns)
		return talk->next_ns;
	bool acted = false;
	for (uint32_t i = 1 + sim_random(3); i > 0 && act(talk); i--)
		acted = true;
	if (!acted)
		return SIM_NEVER; /* it is the program's turn */
	talk->next_ns = sim_now() + (sim_random(4) == 0 ? sim_random(REST_MS * SIM_MS) : 0);
	return talk->next_ns;
}

int64_t
talk_step_all(struct talk *talks, size_t n)
{
	int64_t next = SIM_NEVER;
	size_t first = sim_random((uint32_t)n);

	for (size_t i = 0; i < n; i++) {
		int64_t then = talk_step(&talks[(first + i) % n]);

		next = then < next ? then : next;
	}
	return next;
}

bool
talk_all_over(const struct talk *talks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (talks[i].state != TALK_OVER)
			return false;
	return true;
}
