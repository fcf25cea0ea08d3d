/* SPDX-License-Identifier: ISC */
/*
 * A simulated kernel, linked under the unmodified library and daemon with the linker's --wrap.
 * While a run lasts (sim_begin to sim_end) every socket, epoll set and signalfd that the program
 * makes is simulated, time is virtual, and all chance comes from the run's seed: the same seed
 * gives the same calls with the same results. Descriptors that are not simulated go to the real
 * kernel.
 *
 * The program under test runs as it always does. What is around it, the other ends of its
 * connections above all, is a world: a function that each wait of the program calls before it looks
 * for events. Time stands still but for waits, which jump to the next deadline of the program or of
 * the world where nothing is ready, and for sim_advance.
 *
 * Environment: SIM_RUNS=N (N times as many seeds), SIM_SEED=S (begin with this one; without
 * SIM_RUNS it is the only one), SIM_TEST (tests whose name matches this pattern), SIM_TRACE (tell
 * every call, and let the program talk to standard error).
 */
#ifndef SIM_H
#define SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

enum { SIM_FD_BASE = 1000, SIM_BUFFER_MAX = 8192 };

#define SIM_MS INT64_C(1000000)
#define SIM_S (1000 * SIM_MS)
#define SIM_NEVER INT64_MAX

/* Runs. */

/* A kernel with no descriptor, no fault and a clock that starts somewhere. */
void sim_begin(uint64_t seed);
/* Fails the test where the program left a descriptor or memory, or made a call that is wrong. */
void sim_end(void);
/* Calls RUN for N seeds, the back ends taking turns. */
void sim_runs(unsigned n, void (*run)(uint64_t seed));
/* A number that every simulated call and its result went into. */
uint64_t sim_digest(void);

/* A row of a test table: fails a hanging test, tells the seed of a failed one. */
#define SIM_TEST(test) cmocka_unit_test_setup_teardown(test, sim_setup, sim_teardown)
int sim_setup(void **state);
int sim_teardown(void **state);
/* In the place of cmocka_run_group_tests_name. */
#define SIM_MAIN(name, tests)                                                                      \
	(sim_choose_tests(), cmocka_run_group_tests_name(name, tests, NULL, NULL))
void sim_choose_tests(void);

/* A number below BELOW (0 where that is 0): the script's chance, apart from the kernel's. */
uint32_t sim_random(uint32_t below);

/*
 * What a kernel may do at any time, each as so many in 1,000 of the calls where it could. Where all
 * calls did, nothing would ever go on.
 */
struct sim_faults {
	unsigned short_io;  /* fewer bytes than there are, or than there is room for: down to one */
	unsigned again;	    /* EAGAIN though something is there */
	unsigned interrupt; /* EINTR */
	unsigned spurious;  /* a wait tells of events that are none */
	unsigned accept;    /* accept fails: an aborted connection, no descriptor, no memory */
	bool shuffle;	    /* events come in any order */
	size_t buffer;	    /* bytes of each direction of a new connection; 0: SIM_BUFFER_MAX */
};

void sim_set_faults(const struct sim_faults *);
const struct sim_faults *sim_faults(void);
/* Any mix of them, by the seed: each absent, rare or frequent. */
void sim_random_faults(void);

/* Calls that fail. */

enum sim_call {
	SIM_ALLOC,
	SIM_RECV, /* read and readv too */
	SIM_SEND, /* sendmsg, write and writev too */
	SIM_WRITE_PIPE,
	SIM_ACCEPT,
	SIM_SOCKET,
	SIM_BIND,
	SIM_LISTEN,
	SIM_CONNECT,
	SIM_PIPE,
	SIM_GETSOCKOPT,
	SIM_SETSOCKOPT,
	SIM_GETSOCKNAME,
	SIM_GETPEERNAME,
	SIM_SHUTDOWN,
	SIM_CLOSE, /* the descriptor is gone all the same */
	SIM_EPOLL_CREATE,
	SIM_EPOLL_ADD,
	SIM_EPOLL_MOD,
	SIM_EPOLL_WAIT,
	SIM_POLL,
	SIM_SIGNALFD,
	SIM_CALLS
};

/* The NTH call of this kind from now on fails with ERROR; later ones do not. */
void sim_fail(enum sim_call, unsigned nth, int error);
bool sim_failed(void); /* it has */
/*
 * Begins and ends a run for the first, the second … call of each kind and each error it may fail
 * with, until the run meets no failure; for N seeds, with both back ends. Returns how many failures
 * were met.
 */
unsigned sim_fail_each(unsigned n, void (*run)(void));
/* How many calls of this kind there were. */
unsigned sim_calls(enum sim_call);

/* Time. */

int64_t sim_now(void);		 /* the monotonic clock, nanoseconds */
void sim_advance(int64_t ns);	 /* the program stalls */
void sim_shift_wall(int64_t ns); /* the wall clock alone */

/* Plays what is around the program; says when it wants to be called again at the latest. */
typedef int64_t (*sim_world_fn)(void *arg);
void sim_set_world(sim_world_fn, void *arg);
/* Sends the program a signal, which it has to take from a signalfd. */
void sim_raise(int signo);
bool sim_pending(int signo); /* it has not taken it */
size_t sim_open_fds(void);

/* The other end of a connection; valid until the next run. */
struct sim_peer;

/* A connected descriptor for the program. */
struct sim_peer *sim_pair(int *fd);
/* Connects to who listens on PORT. NULL: nobody, or its backlog is full. */
struct sim_peer *sim_connect(uint16_t port);
/*
 * The other way round: somebody out there listens on PORT (or does so no more), whom the program
 * connects to. A connection lasts as an attempt until it is accepted. NULL: there is none.
 */
void sim_serve(uint16_t port, bool on);
struct sim_peer *sim_accept(uint16_t port);
/* Where it connects from, on 127.0.0.1; where it listens. */
uint16_t sim_peer_port(const struct sim_peer *);
/* How many bytes were taken; 0 where there is no room or the connection is broken. */
size_t sim_peer_send(struct sim_peer *, const void *data, size_t len);
/* n > 0; 0: end of file; -1 with EAGAIN or ECONNRESET. */
ssize_t sim_peer_recv(struct sim_peer *, void *buf, size_t len);
void sim_peer_shutdown(struct sim_peer *); /* sends no more */
void sim_peer_close(struct sim_peer *);	   /* a reset where something was not received */
void sim_peer_reset(struct sim_peer *);
/* How many bytes the program's side has sent so far. */
uint64_t sim_peer_incoming(const struct sim_peer *);
/* How many bytes of those that the peer sent were not read as yet. */
size_t sim_peer_unread(const struct sim_peer *);

#endif
