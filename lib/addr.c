/* SPDX-License-Identifier: ISC */
/* Addresses from text and to text. */
#include "loop.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 256 };

static const char host_chars[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

static const char bad_form[] = "expected HOST:PORT, [V6]:PORT, *:PORT or unix:PATH";

static const char *
parse_unix(struct ds_addr *addr, const char *path)
{
	if (*path == '\0')
		return "the path after unix: is missing";
	if (strlcpy(addr->u.un.sun_path, path, sizeof(addr->u.un.sun_path)) >=
	    sizeof(addr->u.un.sun_path))
		return "the path is too long for a unix socket (107 bytes)";
	addr->u.un.sun_family = AF_UNIX;
	addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	return NULL;
}

/* Splits TEXT at its last colon; takes the brackets off an IPv6 address. */
static const char *
split(const char *text, char *host, in_port_t *port, bool *bracketed)
{
	const char *colon = strrchr(text, ':'), *error;

	if (colon == NULL || colon == text)
		return bad_form;
	size_t len = (size_t)(colon - text);
	*bracketed = text[0] == '[';
	if (*bracketed) {
		if (text[len - 1] != ']' || len < 3)
			return bad_form;
		text++;
		len -= 2;
	}
	if (len >= HOST_MAX)
		return "the host name is too long";
	memcpy(host, text, len);
	host[len] = '\0';
	if (!*bracketed && strchr(host, ':') != NULL)
		return "an IPv6 address has to stand in brackets, [V6]:PORT";
	*port = htons((in_port_t)strtonum(colon + 1, 1, 65535, &error));
	/* strtonum skips blanks and takes a sign. */
	if (error != NULL || colon[1] < '0' || colon[1] > '9')
		return "the port has to be a number from 1 to 65535";
	return NULL;
}

static void
set_in(struct ds_addr *addr, struct in_addr in, in_port_t port)
{
	addr->u.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr = in};
	addr->len = sizeof(addr->u.in);
}

static void
set_in6(struct ds_addr *addr, struct in6_addr in6, in_port_t port)
{
	addr->u.in6 =
	    (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = in6};
	addr->len = sizeof(addr->u.in6);
}

static const char *
look_up(struct ds_addr *addr, const char *host, in_port_t port)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;

	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return "the host name could not be looked up";
	memcpy(&addr->u, found->ai_addr, found->ai_addrlen);
	addr->len = found->ai_addrlen;
	if (found->ai_family == AF_INET)
		addr->u.in.sin_port = port;
	else
		addr->u.in6.sin6_port = port;
	freeaddrinfo(found);
	return NULL;
}

static const char *
parse(struct ds_addr *addr, const char *text, bool may_look_up)
{
	char host[HOST_MAX];
	in_port_t port;
	bool bracketed;
	struct in_addr in;
	struct in6_addr in6;

	memset(addr, 0, sizeof(*addr));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(addr, text + 5);
	const char *reason = split(text, host, &port, &bracketed);
	if (reason != NULL)
		return reason;
	if (bracketed) {
		if (inet_pton(AF_INET6, host, &in6) != 1)
			return "that is no IPv6 address between the brackets";
		set_in6(addr, in6, port);
	} else if (strcmp(host, "*") == 0) {
		set_in6(addr, in6addr_any, port);
		addr->every_family = true;
	} else if (inet_pton(AF_INET, host, &in) == 1) {
		set_in(addr, in, port);
	} else if (host[strspn(host, host_chars)] != '\0') {
		return "a host name has only letters, digits, dots, dashes and underscores";
	} else if (may_look_up) {
		return look_up(addr, host, port);
	}
	return NULL;
}

const char *
ds_addr_parse(struct ds_addr *addr, const char *text)
{
	return parse(addr, text, true);
}

const char *
ds_addr_check(const char *text)
{
	struct ds_addr unused;

	return parse(&unused, text, false);
}

char *
ds_addr_format(const struct ds_addr *addr, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];
	const struct in6_addr *in6 = &addr->u.in6.sin6_addr;

	switch (addr->u.sa.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &addr->u.in.sin_addr, ip, sizeof(ip));
		snprintf(buf, size, "%s:%u", ip, ntohs(addr->u.in.sin_port));
		break;
	case AF_INET6:
		if (addr->every_family) {
			snprintf(buf, size, "*:%u", ntohs(addr->u.in6.sin6_port));
		} else if (IN6_IS_ADDR_V4MAPPED(in6)) {
			inet_ntop(AF_INET, in6->s6_addr + 12, ip, sizeof(ip));
			snprintf(buf, size, "%s:%u", ip, ntohs(addr->u.in6.sin6_port));
		} else {
			inet_ntop(AF_INET6, in6, ip, sizeof(ip));
			snprintf(buf, size, "[%s]:%u", ip, ntohs(addr->u.in6.sin6_port));
		}
		break;
	case AF_UNIX:
		if (addr->len > offsetof(struct sockaddr_un, sun_path) &&
		    addr->u.un.sun_path[0] != '\0')
			snprintf(buf, size, "unix:%.*s", (int)sizeof(addr->u.un.sun_path),
			    addr->u.un.sun_path); /* the longest path has no NUL */
		else
			snprintf(buf, size, "unix:");
		break;
	default:
		snprintf(buf, size, "unknown");
	}
	return buf;
}
