/* SPDX-License-Identifier: ISC */
/* See systemd.h. */
#include "systemd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBSYSTEMD

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

int
systemd_inherited(struct inherited_sock **socks)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	*socks = n > 0 ? calloc((size_t)n, sizeof(**socks)) : NULL;
	if (*socks == NULL)
		n = 0;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i, flags = fcntl(fd, F_GETFL);

		if (flags != -1)
			fcntl(fd, F_SETFL, flags | O_NONBLOCK);
		(*socks)[i] = (struct inherited_sock){
		    .fd = fd,
		    .name = names[i],
		    .listening = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0,
		};
	}
	free(names); /* the strings go with systemd_inherited_free */
	return n;
}

void
systemd_inherited_free(struct inherited_sock *socks, int n)
{
	for (int i = 0; i < n; i++)
		free((char *)socks[i].name);
	free(socks);
}

void
systemd_notify(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sd_notify(0, text);
}

void
systemd_notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

int64_t
systemd_watchdog_ms(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 2000) : 0;
}

#else

int
systemd_inherited(struct inherited_sock **socks)
{
	*socks = NULL;
	return 0;
}

void
systemd_inherited_free(struct inherited_sock *socks, int n)
{
	(void)socks;
	(void)n;
}

void
systemd_notify(const char *format, ...)
{
	(void)format;
}

void
systemd_notify_reloading(void)
{
}

int64_t
systemd_watchdog_ms(void)
{
	return 0;
}

#endif

bool
systemd_listens(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

const char *
systemd_state_dir(char *buf, size_t size)
{
	const char *dirs = getenv("STATE_DIRECTORY");
	size_t len = dirs != NULL ? strcspn(dirs, ":") : 0;

	if (len == 0 || len >= size)
		return NULL;
	memcpy(buf, dirs, len);
	buf[len] = '\0';
	return buf;
}
