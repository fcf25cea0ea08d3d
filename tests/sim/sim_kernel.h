/* SPDX-License-Identifier: ISC */
/*
 * Inside the simulated kernel. Arrows: sim_io, sim_socket, sim_connect, sim_pipe, sim_epoll,
 * sim_poll, sim_signal and sim_alloc are the calls; they use sim_fd (descriptors), sim_stream
 * (connections), sim_clock (time), sim_faults (chance) and sim_run (the run). It allocates nothing,
 * so that what the program allocates can be counted.
 */
#ifndef SIM_KERNEL_H
#define SIM_KERNEL_H

#include "sim.h"

#include <errno.h>
#include <signal.h>

enum { SIM_FDS = 128, SIM_PEERS = 64, SIM_BACKLOG = 64 };

/* The run. */

bool sim_running(void);
bool sim_tracing(void);
/* True, with errno set, when this call is the one that is to fail. To be asked once a call. */
bool sim_fails(enum sim_call);
/* Notes a call and its result; returns RESULT with errno as it was. */
ssize_t sim_note(enum sim_call, int fd, ssize_t result);
/* Something that a program must never do: printed, and sim_end fails. */
void sim_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the test at once: the program will never come to an end. */
void sim_stuck(const char *why) __attribute__((noreturn));
/* The end of a call that fails. */
static inline int
sim_refuse(int error)
{
	errno = error;
	return -1;
}
extern const char *const sim_call_names[SIM_CALLS];
long sim_allocated(void); /* blocks that the program has now */

/* Chance, faults and failures. */

void sim_faults_begin(uint64_t seed);
/* The errors of a kind of call, one after the other; 0: no more. */
int sim_error_of(enum sim_call, unsigned i);
/* Writes what will be told if the run fails; the part of it that is about a failure asked for. */
void sim_describe_run(void);
void sim_describe_failure(char *buf, size_t size);
uint32_t sim_chance(uint32_t below);
bool sim_happens(unsigned per_mille);
/* EAGAIN or EINTR out of the blue: true, with errno set. */
bool sim_disturbed(void);
bool sim_interrupted(void);
/* How many of N bytes a call handles, at least one of any. */
size_t sim_some(size_t n);

/* Time. */

void sim_clock_begin(void);
/*
 * Waits up to TIMEOUT_MS (-1: for ever) until LOOK finds something: its result, if not 0. Plays the
 * world meanwhile.
 */
int sim_wait(int (*look)(void *arg), void *arg, int timeout_ms);

/* Connections: the program's side. */

struct sim_buffer {
	unsigned char data[SIM_BUFFER_MAX];
	size_t len, size;
	uint64_t total; /* bytes that ever went in */
};

struct sim_peer {
	struct sim_buffer in, out; /* to the program, from the program */
	uint16_t port;
	bool connecting;	  /* the program waits for the peer to accept it */
	bool in_ended, out_ended; /* no more will come */
	bool in_shut;		  /* the program will not read */
	bool left;     /* the peer has closed: what is sent to it is answered by a reset */
	bool forsaken; /* the program has closed */
	bool reset;
	int error, peer_error; /* pending: the program's, the peer's */
};

void sim_peers_begin(void);
void sim_services_begin(void);
struct sim_peer *sim_peer_new(void);
/* The oldest attempt to connect to PORT that was not accepted; NULL: none. */
struct sim_peer *sim_peer_connecting(uint16_t port);
/* What the program reads, writes, may expect of a wait (EPOLLIN …), and its end. */
ssize_t sim_stream_recv(struct sim_peer *, void *buf, size_t len);
ssize_t sim_stream_send(struct sim_peer *, const void *data, size_t len);
unsigned sim_stream_events(const struct sim_peer *);
void sim_stream_close(struct sim_peer *);
int sim_take_error(int *error);

/* Descriptors. */

enum sim_kind {
	SIM_FREE,
	SIM_UNBOUND,
	SIM_LISTENER,
	SIM_STREAM,
	SIM_PIPE_IN,
	SIM_PIPE_OUT,
	SIM_EPOLL,
	SIM_SIGNALS
};

struct sim_fd {
	enum sim_kind kind;
	bool nonblock;
	uint16_t port;			     /* of a bound socket */
	struct sim_peer *peer;		     /* of a stream */
	struct sim_peer *queue[SIM_BACKLOG]; /* of a listener, oldest first */
	size_t queued, backlog;
	sigset_t mask; /* of a signalfd */
};

void sim_fds_begin(void);
/* The lowest free number, as a kernel gives them; -1 with EMFILE. */
int sim_fd_new(enum sim_kind);
/* True for a number that only simulated descriptors have. */
bool sim_is_ours(int fd);
/* NULL with EBADF, which is wrong of a program, where FD is not open. */
struct sim_fd *sim_fd_of(int fd);
struct sim_fd *sim_listener_on(uint16_t port);
/* What a wait would tell: EPOLLIN … */
unsigned sim_fd_events(int fd);
void sim_fd_release(int fd);

/* False for a descriptor of which no kernel tells what is not so: one that is being connected. */
bool sim_fd_may_surprise(int fd);

ssize_t sim_pipe_send(struct sim_peer *pipe, const void *data, size_t len);
unsigned sim_pipe_events(const struct sim_fd *);
void sim_pipe_close(const struct sim_fd *);

unsigned sim_signal_events(const struct sim_fd *);
ssize_t sim_signal_read(struct sim_fd *, void *buf, size_t len);
void sim_signals_begin(void);

void sim_epolls_begin(void);
void sim_epoll_forget(int fd); /* FD is closed: it leaves every set, and its own is emptied */

#endif
