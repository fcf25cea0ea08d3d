/* SPDX-License-Identifier: ISC */
/*
 * Inside the library: the loop's struct, and what its parts call of each other. Nothing here is
 * installed. Arrows: loop.c uses poller, timer and sock; they use only what this header declares.
 */
#ifndef DSOCK_LOOP_H
#define DSOCK_LOOP_H

#include "dsock.h"
#include "peer.h"
#include "poller.h"

#include <sys/queue.h>

enum {
	DS_BATCH = 512,		 /* events of one wait */
	DS_PUSH_BACK_PASSES = 16 /* of pushed-back reads a turn; what is left waits for the next */
};

/* ds_sock.flags */
enum {
	DS_F_CLOSED = 1 << 0,
	DS_F_BORROWED = 1 << 1,	   /* the descriptor is not ours to close */
	DS_F_FLUSHING = 1 << 2,	   /* inside ds_flush: what callbacks write is queued */
	DS_F_QUEUE_WATCH = 1 << 3, /* the library watches for writing, because of its queue */
	DS_F_NOT_SOCKET = 1 << 4,  /* send(2) said ENOTSOCK: a pipe or the like */
	DS_F_CORKED = 1 << 5,
	DS_F_CONNECTING = 1 << 6,
	DS_F_INTERNAL = 1 << 7 /* the library's own: not counted, not walked */
};

struct ds_timer_node {
	int64_t due_ns;
	uint64_t seq; /* first come first on ties */
	struct ds_timer *timer;
};

struct ds_loop {
	const struct ds_poller *poller;
	void *poller_state;
	struct ds_event *events; /* DS_BATCH, filled by the poller */
	int64_t now_ns;
	int timeout_ms;
	bool may_be_more; /* than the last wait brought: it was full, or interrupted */
	bool stopping;
	bool in_turn;
	bool freeing; /* nothing new begins */

	struct ds_sock **map; /* by descriptor */
	size_t map_size;
	size_t watched;
	struct ds_sock *reap_first, *reap_last;
	TAILQ_HEAD(, ds_extra) pushed; /* of the sockets with pushed-back bytes */

	struct ds_timer_node *heap; /* 4-ary, in heap[1] to heap[heap_len] */
	uint32_t heap_len, heap_cap;
	uint64_t timer_seq;

	ds_post_fn post;
	void *post_arg;
	TAILQ_HEAD(, ds_extra) posts; /* of the sockets with a post-loop callback */
	uint32_t post_round;

	uint32_t turn; /* counts them, for the read budgets */
	uint32_t read_budget;

	bool profiling;
	struct ds_profile *profile;
	size_t n_profile;

	ds_debug_fn debug;
	void *debug_arg;

	struct ds_signals *signals; /* NULL until the first one */
};

/* Bytes that were given back, oldest first. */
struct ds_pushed {
	struct ds_pushed *next;
	size_t len, off;
	char data[];
};

struct ds_extra {
	struct ds_sock *sock;
	struct ds_pushed *pushed_first, *pushed_last;
	TAILQ_ENTRY(ds_extra) pushed_link;
	ds_reader_fn reader;
	void *reader_arg;
	ds_writer_fn writer;
	void *writer_arg;
	ds_sock_post_fn post;
	void *post_arg;
	TAILQ_ENTRY(ds_extra) post_link;
	uint32_t post_round;	    /* in which it ran last, or came */
	struct ds_timer timer;	    /* the deadline of connecting, then the idle timeout */
	int64_t idle_ns, active_ns; /* the timeout, 0: none; when bytes last came or went */
	size_t high, low;	    /* watermarks of the queue */
	ds_watermark_fn on_watermark;
	void *watermark_arg;
	bool above; /* what on_watermark was last told */
};

/* sock.c */
void ds_arm(struct ds_sock *);			/* tells the back end what is wanted now */
struct ds_extra *ds_extra_of(struct ds_sock *); /* made on demand; NULL with ENOMEM */
void ds_close_errno(struct ds_sock *, int error);
void ds_sock_abandon(struct ds_sock *); /* undoes ds_sock_init; the descriptor is the caller's */
void ds_close_all(struct ds_loop *, const char *reason);
void ds_dispatch(struct ds_sock *, unsigned events);
void ds_reap(struct ds_loop *);

/* post.c */
bool ds_posts_run(struct ds_loop *);
void ds_post_drop(struct ds_sock *);

/* connect.c */
void ds_connect_event(struct ds_sock *);

/* limit.c */
int ds_idle_start(struct ds_sock *);
void ds_watermark_check(struct ds_sock *);

/* profile.c: calls FN, the event's function, and counts it */
enum ds_event_index { DS_EVENT_READ, DS_EVENT_WRITE, DS_EVENT_ERR, DS_EVENT_HUP };
void ds_profile_call(struct ds_sock *, enum ds_event_index, void (*fn)(struct ds_sock *));

/* read.c */
bool ds_has_pushed(const struct ds_sock *);
bool ds_pushed_ready(
    const struct ds_loop *); /* a socket that watches reading has pushed-back bytes */
void ds_pushed_run(struct ds_loop *);
void ds_pushed_drop(struct ds_sock *);

/* write.c */
void ds_queue_drop(struct ds_sock *);

/* timer.c */
int ds_timers_wait_ms(const struct ds_loop *); /* until the first is due; -1: none */
void ds_timers_run(struct ds_loop *);

/* signal.c */
void ds_signals_free(struct ds_loop *);

/* loop.c */
int64_t ds_clock_ns(void);

#endif
