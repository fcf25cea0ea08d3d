/* SPDX-License-Identifier: ISC */
/* See log.h. */
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 2048 }; /* below PIPE_BUF, so that a pipe takes a line whole */

static struct {
	enum log_level level;
	bool journal;
} log_state = {.level = LOG_INFO};

static const struct {
	int priority; /* syslog(3)'s */
	const char *name;
} levels[] = {
    [LOG_ERROR] = {3, "error"},
    [LOG_WARNING] = {4, "warning"},
    [LOG_INFO] = {6, "info"},
    [LOG_DEBUG] = {7, "debug"},
};

/* systemd.exec(5): $JOURNAL_STREAM names the device and inode of the journal's stream. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char *colon;
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	return strtoull(stream, &colon, 10) == st.st_dev && *colon == ':' &&
	       strtoull(colon + 1, NULL, 10) == st.st_ino;
}

void
log_open(void)
{
	log_state.journal = stderr_is_journal();
}

bool
log_is_journal(void)
{
	return log_state.journal;
}

void
log_set_level(enum log_level level)
{
	log_state.level = level;
}

bool
log_enabled(enum log_level level)
{
	return level <= log_state.level;
}

static size_t
write_head(char *line, size_t size, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char when[32];
	int n;

	if (log_state.journal) {
		n = snprintf(line, size, "<%d>", levels[level].priority);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
		n = snprintf(line, size, "%s.%03ldZ latchd[%d] %s: ", when, now.tv_nsec / 1000000,
		    (int)getpid(), levels[level].name);
	}
	return (size_t)n;
}

/* A pipe whose reader hangs must not stop the locks: what cannot be written at once is lost. */
static void
put(const char *line, size_t len)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) && write(STDERR_FILENO, line, len) == -1)
		return; /* there is nobody to tell */
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *format, va_list args)
{
	char line[LINE_SIZE];

	if (!log_enabled(level))
		return;
	size_t used = write_head(line, sizeof(line), level);
	int n = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	if (n < 0)
		return;
	used = used + (size_t)n < sizeof(line) - 2 ? used + (size_t)n : sizeof(line) - 2;
	line[used++] = '\n';
	put(line, used);
}

#define DEFINE_LOG(name, level)                                                                    \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		write_line(level, format, args);                                                   \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)

void
log_limited(struct log_limit *limit, int64_t now_ns, const char *format, ...)
{
	va_list args;

	if (limit->lines == 0 || now_ns - limit->window_ns >= LOG_WINDOW_S * INT64_C(1000000000)) {
		if (limit->held_back > 0)
			log_warning("%u more like the next one were held back", limit->held_back);
		*limit = (struct log_limit){.window_ns = now_ns};
	}
	if (limit->lines >= LOG_BURST) {
		limit->held_back++;
		return;
	}
	limit->lines++;
	va_start(args, format);
	write_line(LOG_WARNING, format, args);
	va_end(args);
}
