/* SPDX-License-Identifier: ISC */
/* See top.h: from argv to a running screen, and back from it, however it ends. */
#include "top.h"

#include "commands.h"
#include "duration.h"
#include "exits.h"
#include "options.h"
#include "say.h"
#include "top_keys.h"
#include "top_screen.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIGNALS = 5, TICK_MS = 1000 };

static const char help[] =
    "usage: latch top [-d TIME] [PREFIX]\n"
    "\n"
    "  -d TIME                  ask the server so often; default: 2s\n" OPTIONS_HELP "\n"
    "PREFIX: only locks whose names begin so. On the screen ? shows the keys.\n";

/* What belongs to the process and not to what is shown. */
struct session {
	struct top top;
	struct ds_signal signals[SIGNALS];
	struct ds_timer tick; /* ages go on where nothing else happens */
	int ended_by;	      /* a signal, or 0 */
	bool hung_up;	      /* there is no terminal any more */
};

/* -1 to go on, or the exit status. */
static int
parse(struct top *top, int argc, char **argv)
{
	static const struct option longs[] = {OPTIONS_LONG};
	struct options options = {.help = help, .shorts = ":d:" OPTIONS_SHORT, .longs = longs};
	int option;

	top->interval_ms = 2000;
	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option != 'd')
			return options.status;
		if (!duration_parse(optarg, &top->interval_ms) || top->interval_ms < 100 ||
		    top->interval_ms > 3600000)
			return options_wrong(argv[0], "-d: expected a time from 100ms to 1h");
	}
	if (options.json)
		return options_wrong(
		    argv[0], "a screen is not JSON: list, clients and stats have --json");
	int status = options_args(argc, argv, 0, 1, NULL);
	if (status != 0)
		return status;
	if (optind < argc && *argv[optind] != '\0')
		top->prefix = argv[optind];
	status = server_find(&top->server, options.server);
	return status != 0 ? status : -1;
}

static void
on_change(void *arg)
{
	struct top *top = arg;

	top->is_dirty = true;
}

static void
on_tick(struct ds_timer *timer, void *arg)
{
	on_change(arg);
	ds_timer_add(timer, TICK_MS);
}

/* The terminal is not there any more, and will be readable for ever. */
static bool
is_hung_up(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void
on_input(struct ds_loop *loop, int fd, unsigned events, void *arg)
{
	struct session *session = arg;
	bool is_code;
	wint_t key;

	if ((events & (DS_ERR | DS_HUP)) || is_hung_up(fd)) {
		session->hung_up = true;
		ds_loop_stop(loop);
		return;
	}
	while (!session->top.quits && screen_key(&is_code, &key))
		keys_press(&session->top, is_code, key);
	if (session->top.quits)
		ds_loop_stop(loop);
	else
		fetch_queues(&session->top.fetch);
}

static void
stop_for_a_while(struct top *top)
{
	struct sigaction by_default = {.sa_handler = SIG_DFL}, old;
	sigset_t stop;

	/* By the signal's own way, since the kernel does not stop whom no shell would continue. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	screen_suspend();
	sigaction(SIGTSTP, &by_default, &old);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	sigaction(SIGTSTP, &old, NULL);
	screen_resume();
	top->is_dirty = true;
}

static void
on_signal(struct ds_signal *signal, int signo, void *arg)
{
	struct session *session = arg;

	switch (signo) {
	case SIGWINCH:
		screen_resize();
		session->top.is_dirty = true;
		break;
	case SIGTSTP:
		stop_for_a_while(&session->top);
		break;
	default:
		session->ended_by = signo;
		ds_loop_stop(signal->loop);
	}
}

static int
add_signals(struct session *session)
{
	static const int signos[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGTSTP, SIGWINCH};

	for (size_t i = 0; i < SIGNALS; i++)
		if (ds_signal_add(&session->signals[i], session->top.loop, signos[i], on_signal,
			session) == -1)
			return -1;
	return 0;
}

/* One drawing a turn, however much has happened in it. */
static bool
at_end_of_turn(struct ds_loop *loop, void *arg)
{
	struct top *top = arg;

	(void)loop;
	if (top->is_dirty) {
		top->is_dirty = false;
		screen_draw(top);
		fetch_queues(&top->fetch);
	}
	return true;
}

static void
begin(struct session *session)
{
	struct top *top = &session->top;

	model_init(&top->model, MODEL_ROWS_MAX, MODEL_TEXT_MAX);
	view_init(&top->view, &top->model);
	fetch_init(&top->fetch, top->loop, &top->server.addr, top->interval_ms);
	top->fetch.model = &top->model;
	top->fetch.view = &top->view;
	top->fetch.detail = &top->detail;
	top->fetch.prefix = top->prefix;
	top->fetch.changed = on_change;
	top->fetch.arg = top;
	ds_timer_init(&session->tick, top->loop, on_tick, top);
}

static void
end(struct session *session)
{
	struct top *top = &session->top;

	ds_timer_cancel(&session->tick);
	fetch_fini(&top->fetch);
	ds_loop_free(top->loop);
	detail_close(&top->detail);
	view_fini(&top->view);
	model_fini(&top->model);
}

static int
run(struct session *session)
{
	struct top *top = &session->top;
	int result = -1, error = 0;

	/* Signals first: they are events from now on, and none finds a screen half-way. */
	if (add_signals(session) == -1) {
		say("top: %s", strerror(errno));
		return LATCH_TROUBLE;
	}
	int status = screen_begin();
	if (status != 0)
		return status;
	top->is_dirty = true;
	ds_loop_set_post(top->loop, at_end_of_turn, top);
	fetch_start(&top->fetch);
	if (ds_timer_add(&session->tick, TICK_MS) == 0 &&
	    ds_fd_add(top->loop, STDIN_FILENO, DS_READ, on_input, session) == 0)
		result = ds_loop_run(top->loop);
	error = errno;
	screen_end();
	if (result == -1) {
		say("top: %s", strerror(error));
		return LATCH_TROUBLE;
	}
	return session->hung_up ? LATCH_TROUBLE : 0;
}

int
cmd_top(int argc, char **argv)
{
	static struct session session;
	int status = parse(&session.top, argc, argv);

	if (status != -1)
		return status;
	setlocale(LC_CTYPE, "");
	session.top.loop = ds_loop_new();
	if (session.top.loop == NULL) {
		say("top: %s", strerror(errno));
		return LATCH_TROUBLE;
	}
	begin(&session);
	status = run(&session);
	end(&session);
	if (session.ended_by != 0) {
		signal(session.ended_by, SIG_DFL);
		raise(session.ended_by); /* so that who waits for it sees why */
	}
	return status;
}
