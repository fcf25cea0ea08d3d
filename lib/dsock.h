/* SPDX-License-Identifier: ISC */
/*
 * libdsock: an event loop and a base class for event-driven sockets.
 *
 * This header is the manual of the library; dsock(3) is the same by topic. The ideas and most names
 * are those of Perl's Danga::Socket: a connection type "derives" from struct ds_sock by having it
 * as its first member, and overrides a const table of functions.
 *
 * Conventions. Calls return 0, or -1 with errno; what makes an object returns NULL with errno. The
 * library never prints, never exits and never raises SIGPIPE. A loop and all that belongs to it is
 * used by one thread; there may be any number of loops. Members of the structs below are the
 * library's: read them with the functions, embed them freely.
 */
#ifndef DSOCK_H
#define DSOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DS_API __attribute__((visibility("default")))
#define DS_PRINTF(n) __attribute__((format(printf, n, n + 1)))
#else
#define DS_API
#define DS_PRINTF(n)
#endif

struct ds_loop;
struct ds_sock;
struct ds_timer;
struct ds_signal;
struct ds_waker;
struct ds_listener;
struct ds_addr;

/*
 * The loop.
 *
 * A turn: wait; dispatch (read, write, err, hup, each skipped once the socket is closed);
 * pushed-back reads; due timers; reap (close descriptors, call destroy); post-loop callbacks.
 * Neither memory nor a descriptor number is reused inside a turn, so an event that was fetched
 * before its socket was closed finds a closed socket and never a stranger.
 */
typedef bool (*ds_post_fn)(struct ds_loop *, void *arg); /* false: leave the loop */
typedef void (*ds_fd_fn)(struct ds_loop *, int fd, unsigned events, void *arg);

/* What to watch for, and what happened. ERR and HUP are always watched for. */
enum { DS_READ = 1, DS_WRITE = 2, DS_ERR = 4, DS_HUP = 8 };

/*
 * Makes a loop. The back end is the best of the platform, or the one that the environment variable
 * DSOCK_BACKEND names (epoll, poll, kqueue; EINVAL where there is none of that name here).
 */
DS_API struct ds_loop *ds_loop_new(void);
/* Closes every socket that is still open (reason "loop freed"), destroys them, frees; what they
 * would begin meanwhile fails with ECANCELED. NULL is fine. Not from inside a turn. */
DS_API void ds_loop_free(struct ds_loop *);
/* Turns until ds_loop_stop or until a post-loop callback returns false: 0. -1: waiting failed. */
DS_API int ds_loop_run(struct ds_loop *);
/* One turn; waits no longer than the loop's timeout and the next timer. 1: go on; 0: asked to stop,
 * which is told once. */
DS_API int ds_loop_turn(struct ds_loop *);
/* Leaves ds_loop_run at the end of this turn. */
DS_API void ds_loop_stop(struct ds_loop *);
/* The longest wait of a turn in milliseconds; -1, the default: as long as it takes. */
DS_API void ds_loop_set_timeout(struct ds_loop *, int timeout_ms);
/* Called at the end of each turn; NULL for none. */
DS_API void ds_loop_set_post(struct ds_loop *, ds_post_fn, void *arg);
/* The monotonic time in nanoseconds as it was when this turn's events were fetched (cheap). */
DS_API int64_t ds_loop_now(const struct ds_loop *);
/*
 * Whether this turn's wait brought as many events as fit, or was interrupted (as by a stop and a
 * continuation of the process), or bytes were pushed back: then more may be ready that was not
 * dispatched. What comes while a turn goes on is the next one's. So a deadline that must not
 * overtake input is judged in a turn after the one that finds it due, in which this is false.
 */
DS_API bool ds_loop_is_behind(const struct ds_loop *);
/* "epoll", "poll" or "kqueue". */
DS_API const char *ds_loop_backend(const struct ds_loop *);
/* Closes all sockets (reason "reset") and destroys them, forgets timers, signals and callbacks: as
 * new. Not from inside a turn. */
DS_API void ds_loop_reset(struct ds_loop *);
/* The number of open sockets, other descriptors included; the socket on FD, or NULL. */
DS_API size_t ds_loop_watched(const struct ds_loop *);
DS_API struct ds_sock *ds_loop_sock(const struct ds_loop *, int fd);
/* Calls FN for each open socket, by descriptor; for each that is closed and not destroyed yet. FN
 * may close any. */
typedef void (*ds_sock_fn)(struct ds_sock *, void *arg);
DS_API void ds_loop_each(struct ds_loop *, ds_sock_fn, void *arg);
DS_API void ds_loop_each_closed(struct ds_loop *, ds_sock_fn, void *arg);

/*
 * Profiling: calls and processor time a class and event, while it is on. Turning it on begins anew,
 * turning it off keeps what there is. Names are the class's and "read", "write", "err", "hup".
 */
struct ds_profile {
	const char *class_name, *event;
	uint64_t calls;
	int64_t user_ns, system_ns;
};
typedef void (*ds_profile_fn)(const struct ds_profile *, void *arg);
DS_API void ds_loop_set_profiling(struct ds_loop *, bool on);
DS_API void ds_loop_each_profile(const struct ds_loop *, ds_profile_fn, void *arg);

/* Debug messages, one line without its end each, the library's and those of ds_debug: off until FN
 * is set. */
typedef void (*ds_debug_fn)(const char *line, void *arg);
DS_API void ds_loop_set_debug(struct ds_loop *, ds_debug_fn, void *arg);
DS_API void ds_debug(struct ds_loop *, const char *format, ...) DS_PRINTF(2);
/* The same with a description of the socket. */
DS_API void ds_dump_error(struct ds_sock *, const char *message);

/*
 * Other descriptors, at any time: FN is called when one of EVENTS (DS_READ | DS_WRITE) is there.
 * The descriptor stays the caller's and is never closed here. EEXIST: it is watched already.
 */
DS_API int ds_fd_add(struct ds_loop *, int fd, unsigned events, ds_fd_fn, void *arg);
/* Ends that, before the caller closes FD. Also from inside FN. ENOENT: not watched. */
DS_API int ds_fd_cancel(struct ds_loop *, int fd);

/*
 * Addresses.
 *
 * Text forms: `192.0.2.1:7002`, `[2001:db8::1]:7002`, `name:7002` (looked up, which may block; the
 * first result counts), `*:7002` (every address of the host, IPv4 and IPv6), `unix:/path`.
 */
struct ds_addr {
	socklen_t len;
	bool every_family; /* `*`: IPv4 and IPv6 alike */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
};

enum { DS_ADDR_STRLEN = 128 }; /* enough for any address below, its NUL included */

/* Parses TEXT. Returns NULL, or a plain reason why not (static). */
DS_API const char *ds_addr_parse(struct ds_addr *, const char *text);
/* The same reasons, but never looks a name up: what a syntax check wants. */
DS_API const char *ds_addr_check(const char *text);
/* Writes the text form to BUF and returns BUF. An IPv4 address mapped into IPv6 prints as IPv4. */
DS_API char *ds_addr_format(const struct ds_addr *, char *buf, size_t size);

/* Who is at the other end, in 24 bytes: kept in every socket, so that it is known after the end. */
struct ds_peer {
	uint16_t family; /* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: not known */
	uint16_t port;	 /* host order */
	int32_t pid;	 /* AF_UNIX: by the kernel's word, 0 where it has none */
	union {
		uint8_t ip[16]; /* AF_INET: the first four */
		uint32_t uid;	/* AF_UNIX, with pid */
	} u;
};

/* `192.0.2.1:4711`, `[2001:db8::1]:4711`, `unix:PID`, `unknown`; the address without its port. BUF.
 */
DS_API char *ds_peer_format(const struct ds_peer *, char *buf, size_t size);
DS_API char *ds_peer_format_ip(const struct ds_peer *, char *buf, size_t size);

/*
 * Sockets.
 *
 * A class is one const table. NULL members have the default that their comment gives. Every
 * function may close any socket, its own too; the memory stays until destroy.
 */
struct ds_ops {
	const char *name;
	void (*event_read)(struct ds_sock *); /* NULL: nothing may be watched for reading */
	void (*event_write)(
	    struct ds_sock *);		     /* NULL: ds_flush. One of your own calls it as well. */
	void (*event_err)(struct ds_sock *); /* NULL: close, the pending error is the reason */
	void (*event_hup)(struct ds_sock *); /* NULL: close, reason "hangup"; see below */
	void (*event_connect)(struct ds_sock *); /* of ds_connect; NULL: none */
	void (*event_idle)(struct ds_sock *);	 /* NULL: close, reason "idle" */
	/* A write left something queued. The library watches for writing by itself; NULL: none. */
	void (*on_incomplete_write)(struct ds_sock *);
	void (*on_close)(
	    struct ds_sock *, const char *reason); /* once, inside ds_close; NULL: none */
	void (*destroy)(struct ds_sock *);	   /* at reap: the memory may go; NULL: none */
};

/*
 * A hang-up is dispatched when nothing is left to read, or when reading is not watched: what the
 * peer wrote before it went is read first, however much it is.
 */

struct ds_chunk;
struct ds_extra;

struct ds_sock {
	const struct ds_ops *ops;
	struct ds_loop *loop;
	int fd;
	uint16_t flags;
	uint8_t want;  /* the class's interest: DS_READ | DS_WRITE */
	uint8_t armed; /* what the back end watches */
	struct ds_peer peer;
	struct ds_chunk *out_first, *out_last; /* the write queue */
	size_t out_bytes;
	struct ds_sock *next_reap;
	struct ds_extra *extra; /* what few sockets need, made on demand */
	void *data;		/* the application's */
	uint32_t slot;		/* the back end's */
	uint32_t read_budget;	/* bytes a turn; 0: the loop's */
	uint32_t read_turn;	/* the turn that read_used belongs to */
	uint32_t read_used;
};

/* Replacements of read and write: as read(2) and write(2), on a socket that does not block. */
typedef ssize_t (*ds_reader_fn)(struct ds_sock *, void *buf, size_t len, void *arg);
typedef ssize_t (*ds_writer_fn)(struct ds_sock *, const void *buf, size_t len, void *arg);

/*
 * Puts FD, which must not block, under LOOP's care; watches for WATCH (0, DS_READ, DS_WRITE). On
 * success FD is the socket's and is closed with it; on failure (-1) it is still the caller's, and
 * neither on_close nor destroy will be called.
 */
DS_API int ds_sock_init(
    struct ds_sock *, struct ds_loop *, const struct ds_ops *, int fd, unsigned watch);
/*
 * Ends a socket: final, and harmless when repeated. It is closed for every call from now on, what
 * is queued is dropped, on_close is called with REASON (borrowed; for logs). The descriptor is
 * closed and destroy called at the end of the turn.
 */
DS_API void ds_close(struct ds_sock *, const char *reason);
/* The same, but the descriptor is handed to the caller, who has to close it. -1: closed already. */
DS_API int ds_steal_fd(struct ds_sock *);
DS_API bool ds_is_closed(const struct ds_sock *);
/* The descriptor; -1 once closed. */
DS_API int ds_fd(const struct ds_sock *);

/* A pointer that the library keeps and does not use. */
DS_API void ds_set_data(struct ds_sock *, void *data);
DS_API void *ds_data(const struct ds_sock *);

/*
 * Connects to ADDR and puts the descriptor under LOOP's care, as ds_sock_init does. What is written
 * waits in the queue, and nothing is read, until event_connect; WATCH holds from then on. A refusal
 * closes the socket with its errno's name as the reason, TIMEOUT_MS (0: the kernel's) with "connect
 * timeout".
 */
DS_API int ds_connect(struct ds_sock *, struct ds_loop *, const struct ds_ops *,
    const struct ds_addr *, unsigned watch, int timeout_ms);
DS_API bool ds_is_connecting(const struct ds_sock *);

/*
 * Limits of a socket. Silence, no byte read or written for TIMEOUT_MS, is event_idle; 0 turns it
 * off. -1: ENOMEM.
 */
DS_API int ds_set_idle_timeout(struct ds_sock *, int64_t timeout_ms);
/* FN(sock, true) when HIGH bytes or more are queued, FN(sock, false) when it is LOW or fewer again.
 */
typedef void (*ds_watermark_fn)(struct ds_sock *, bool above, void *arg);
DS_API int ds_set_watermark(struct ds_sock *, size_t high, size_t low, ds_watermark_fn, void *arg);
/*
 * How many bytes a socket, or each socket of a loop, may read in a turn, so that a busy peer does
 * not starve the others: ds_read then says EAGAIN until the next turn, which comes at once. 0: no
 * bound.
 */
DS_API void ds_set_read_budget(struct ds_sock *, size_t bytes);
DS_API void ds_loop_set_read_budget(struct ds_loop *, size_t bytes);

/* Called at the end of each turn, before the loop's own; the first false ends the loop and the
 * calls. */
typedef bool (*ds_sock_post_fn)(struct ds_sock *, void *arg);
DS_API int ds_set_post(struct ds_sock *, ds_sock_post_fn, void *arg); /* NULL: none; -1: ENOMEM */

/* Turn interest on and off. The library's own interest in writing, while it has a queue, is
 * separate. */
DS_API void ds_watch_read(struct ds_sock *, bool on);
DS_API void ds_watch_write(struct ds_sock *, bool on);

/*
 * Reads up to LEN bytes, what was pushed back first. n > 0; 0: end of file (or closed); -1 with
 * errno, where EAGAIN means nothing now. EINTR is never seen. Does not close.
 */
DS_API ssize_t ds_read(struct ds_sock *, void *buf, size_t len);
/*
 * Gives a copy of bytes back, to be read again, first in first out, never merged; event_read is
 * called for them in this turn, or in the next if it leaves them. 0, or -1 with ENOMEM.
 */
DS_API int ds_push_back(struct ds_sock *, const void *data, size_t len);

/*
 * Writing. All return 1 when everything is with the kernel, 0 when something is queued, and 1 for a
 * socket that is closed. A failure closes the socket: EPIPE, ECONNRESET or another error's name is
 * the reason ("ENOMEM" where the queue cannot grow), and the result is 1.
 *
 * ds_write copies what it has to keep. ds_write_ref lends DATA until DONE(sock, arg) is called,
 * once: when it is written, or dropped by ds_close. ds_write_call calls FN when all before it is
 * written; what FN writes goes to the tail; a closed socket never calls it.
 */
DS_API int ds_write(struct ds_sock *, const void *data, size_t len);
DS_API int ds_write_ref(struct ds_sock *, const void *data, size_t len, ds_sock_fn done, void *arg);
DS_API int ds_write_call(struct ds_sock *, ds_sock_fn, void *arg);
/* Tries to write what is queued now: Danga::Socket's write(undef). */
DS_API int ds_flush(struct ds_sock *);
/* Bytes in the queue; callbacks count as none. */
DS_API size_t ds_queued(const struct ds_sock *);
/* True while anything, callbacks included, waits in the queue. */
DS_API bool ds_has_queue(const struct ds_sock *);
/* Put functions of your own under ds_read and ds_write (TLS, tests); NULL restores. -1: ENOMEM. */
DS_API int ds_set_reader(struct ds_sock *, ds_reader_fn, void *arg);
DS_API int ds_set_writer(struct ds_sock *, ds_writer_fn, void *arg);

/* TCP_CORK and TCP_NODELAY. No error where the descriptor is no TCP socket. */
DS_API int ds_tcp_cork(struct ds_sock *, bool on);
DS_API int ds_tcp_nodelay(struct ds_sock *, bool on);
/*
 * Keepalive: the first probe after IDLE_S seconds of silence, COUNT probes INTERVAL_S apart, and
 * TCP_USER_TIMEOUT to match, so that a peer that vanished is known after idle + count * interval
 * also while data is unacknowledged. IDLE_S 0 turns it off. No error where it is no TCP socket.
 */
DS_API int ds_tcp_keepalive(struct ds_sock *, int idle_s, int interval_s, int count);

/* The peer, and its text. Asks the kernel once, unless a listener knew it; works after the end. */
DS_API const struct ds_peer *ds_sock_peer(struct ds_sock *);
/* For who knows it already, as a ds_accept_fn does. */
DS_API void ds_sock_set_peer(struct ds_sock *, const struct ds_peer *);
DS_API char *ds_peer_string(struct ds_sock *, char *buf, size_t size);
DS_API char *ds_peer_ip_string(struct ds_sock *, char *buf, size_t size);
DS_API char *ds_local_string(struct ds_sock *, char *buf, size_t size);
DS_API char *ds_local_ip_string(struct ds_sock *, char *buf, size_t size);
/* For debugging: `NAME(RW): open to 127.0.0.1:4711`. Returns BUF. */
DS_API char *ds_sock_string(struct ds_sock *, char *buf, size_t size);

/*
 * Timers: on the monotonic clock; in order of time, first come first on ties. Each runs at most
 * once a turn, also one that adds itself again with no delay. The struct is the caller's and may be
 * freed when it is not pending.
 */
typedef void (*ds_timer_fn)(struct ds_timer *, void *arg);

struct ds_timer {
	ds_timer_fn fn;
	void *arg;
	struct ds_loop *loop;
	uint32_t slot; /* in the heap; 0: not pending */
};

DS_API void ds_timer_init(struct ds_timer *, struct ds_loop *, ds_timer_fn, void *arg);
/* To run in DELAY_MS (0 or less: as soon as possible). A pending one is moved. -1: ENOMEM. */
DS_API int ds_timer_add(struct ds_timer *, int64_t delay_ms);
/* To run at a time of the clock of ds_loop_now. */
DS_API int ds_timer_add_at(struct ds_timer *, int64_t when_ns);
/* Not pending any more; harmless when it was not. From anywhere, its own callback too. */
DS_API void ds_timer_cancel(struct ds_timer *);
DS_API bool ds_timer_pending(const struct ds_timer *);

/*
 * Signals as events of the loop: many that arrive together may count as one. The signal is blocked
 * in the calling thread, so start threads afterwards, and unblock in children (a child inherits the
 * mask). One loop a signal.
 */
typedef void (*ds_signal_fn)(struct ds_signal *, int signo, void *arg);

struct ds_signal {
	ds_signal_fn fn;
	void *arg;
	struct ds_loop *loop;
	struct ds_signal *next;
	int signo;
	/* For the callback: the last one came from a process, as by kill(2), and not from the
	 * kernel, as from a terminal. False where the platform does not tell. */
	bool is_sent;
};

DS_API int ds_signal_add(struct ds_signal *, struct ds_loop *, int signo, ds_signal_fn, void *arg);
/* Unblocks it again. Harmless when it was not added. */
DS_API void ds_signal_cancel(struct ds_signal *);

/*
 * Wake-ups: ds_wake may be called from any thread and any signal handler, as long as the waker is
 * open; FN runs in the loop's thread, once for all wake-ups that came together. ds_close(&w->sock,
 * …) ends it.
 */
typedef void (*ds_waker_fn)(struct ds_waker *, void *arg);

struct ds_waker {
	struct ds_sock sock;
	ds_waker_fn fn;
	void *arg;
	int write_fd;
};

DS_API int ds_waker_init(struct ds_waker *, struct ds_loop *, ds_waker_fn, void *arg);
DS_API void ds_wake(const struct ds_waker *);

/*
 * Listeners: a socket class that accepts. ON_ACCEPT gets each new descriptor (non-blocking,
 * close-on-exec), which is then its own, and who is at the other end. When there is no descriptor
 * or memory left, accepting pauses and tries again, ON_PAUSE is told the errno (0: it goes on
 * again), and connections wait in the backlog meanwhile.
 */
typedef void (*ds_accept_fn)(struct ds_listener *, int fd, const struct ds_peer *, void *arg);
typedef void (*ds_pause_fn)(struct ds_listener *, int error, void *arg);

struct ds_listener {
	struct ds_sock sock; /* ds_close(&l->sock, …) ends it */
	struct ds_timer retry;
	ds_accept_fn on_accept;
	ds_pause_fn on_pause;
	ds_sock_fn on_destroy;
	void *arg;
	bool paused;
};

/*
 * A listening descriptor on ADDR (non-blocking, close-on-exec, SO_REUSEADDR). A unix path that a
 * dead server left is taken over, one that lives is EADDRINUSE; it gets MODE. -1 with errno.
 */
DS_API int ds_listen(const struct ds_addr *, int backlog, unsigned mode);
/* Accepts on FD, which is then the listener's. ON_PAUSE and ON_DESTROY (the memory may go) may be
 * NULL. */
DS_API int ds_listener_init(struct ds_listener *, struct ds_loop *, int fd, ds_accept_fn on_accept,
    ds_pause_fn on_pause, ds_sock_fn on_destroy, void *arg);

#ifdef __cplusplus
}
#endif
#endif
