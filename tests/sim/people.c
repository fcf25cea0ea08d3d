/* SPDX-License-Identifier: ISC */
/* See people.h. */
#include "people.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { PORT = 7002, ROOM = 400 };

void
people_begin(struct people *all, const struct moment *moments, size_t n)
{
	memset(all, 0, sizeof(*all));
	all->moments = moments;
	all->n = n;
	all->begun = sim_now();
}

/* Connects who was silent so far. */
void
person_says(struct people *all, size_t who, const char *text)
{
	struct person *person = &all->person[who];
	size_t len = strlen(text);

	if (person->peer == NULL) {
		person->peer = sim_connect(PORT);
		assert_non_null(person->peer);
	}
	assert_true(person->out_len + len <= sizeof(person->out));
	memcpy(person->out + person->out_len, text, len);
	person->out_len += len;
	size_t sent = sim_peer_send(person->peer, person->out, person->out_len);
	person->out_len -= sent;
	memmove(person->out, person->out + sent, person->out_len);
}

static void
listen_to(struct person *person)
{
	while (!person->ended && !person->deaf) {
		ssize_t n = sim_peer_recv(person->peer, person->in + person->in_len,
		    sizeof(person->in) - 1 - person->in_len);

		if (n == -1 && errno == EAGAIN)
			return;
		if (n > 0) {
			person->in_len += (size_t)n;
			continue;
		}
		person->ended = true;
		person->ended_ns = sim_now();
		sim_peer_close(person->peer);
	}
}

static int64_t
play(void *arg)
{
	struct people *all = arg;

	while (
	    all->next < all->n && sim_now() >= all->begun + all->moments[all->next].ms * SIM_MS) {
		all->moments[all->next++].act(all);
		sim_shift_wall(all->wall_ns);
		all->wall_ns = 0;
	}
	for (size_t i = 0; i < PEOPLE; i++)
		if (all->person[i].peer != NULL) {
			listen_to(&all->person[i]);
			person_says(all, i, "");
		}
	if (all->next < all->n)
		return all->begun + all->moments[all->next].ms * SIM_MS;
	if (!all->told_to_stop) {
		sim_raise(SIGTERM);
		all->told_to_stop = true;
	}
	return SIM_NEVER;
}

/* Only before it serves, and only what was told to fail may end it. */
static bool
may_have_failed(void)
{
	return sim_failed() && sim_calls(SIM_EPOLL_WAIT) + sim_calls(SIM_POLL) == 0;
}

void
people_live(struct people *all)
{
	static const struct options options;
	struct config *config = config_new();

	log_set_level(LOG_ERROR);
	all->server = config != NULL ? server_new(config, &options) : NULL;
	if (all->server == NULL) {
		assert_true(may_have_failed());
		return;
	}
	sim_set_world(play, all);
	int status = server_run(all->server);
	all->over_ns = sim_now();
	server_free(all->server);
	if (status != 0) {
		assert_true(may_have_failed());
		return;
	}
	play(all); /* for what was sent at the end, and the end itself */
	sim_set_world(NULL, NULL);
	assert_int_equal(all->next, all->n);
}

void
people_run(struct people *all, uint64_t seed, const struct moment *moments, size_t n, bool faults,
    int64_t wall_ns)
{
	struct sim_faults set = {.buffer = ROOM};

	sim_begin(seed);
	people_begin(all, moments, n);
	if (faults) {
		sim_random_faults();
		set = *sim_faults();
		set.accept = 0;
		set.buffer = set.buffer < ROOM ? set.buffer : ROOM;
	}
	sim_set_faults(&set);
	/* Bytes that come one by one, and signals all the time, take a while. */
	all->slack = faults ? 15 * SIM_S : 2 * SIM_MS;
	all->wall_ns = wall_ns;
	people_live(all);
	sim_end();
}
