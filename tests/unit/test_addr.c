/* SPDX-License-Identifier: ISC */
/* Addresses from text and to text, who a peer is, and the strings for logs. */
#include "support.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct ds_peer) == 24, "as the header says");

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* Stands before the C library's, and counts who asks. */
static int look_ups;

int
getaddrinfo(const char *restrict node, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	static struct sockaddr_in four = {.sin_family = AF_INET};
	static struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	static struct addrinfo info[2] = {
	    {.ai_family = AF_INET, .ai_addr = (void *)&four, .ai_addrlen = sizeof(four)},
	    {.ai_family = AF_INET6, .ai_addr = (void *)&six, .ai_addrlen = sizeof(six)}};

	(void)service, (void)hints;
	look_ups++;
	inet_pton(AF_INET, "192.0.2.7", &four.sin_addr);
	inet_pton(AF_INET6, "2001:db8::7", &six.sin6_addr);
	*found = strcmp(node, "six.test") == 0 ? &info[1] : &info[0];
	return strcmp(node, "none.test") == 0 ? EAI_NONAME : 0;
}

void
freeaddrinfo(struct addrinfo *info)
{
	(void)info;
}

static void
good_forms_are_parsed_and_print_as_they_were(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *again; /* NULL: the same */
	} rows[] = {
	    {"127.0.0.1:7002", AF_INET, NULL},
	    {"0.0.0.0:1", AF_INET, NULL},
	    {"255.255.255.255:65535", AF_INET, NULL},
	    {"[::1]:7002", AF_INET6, NULL},
	    {"[2001:db8::1]:80", AF_INET6, NULL},
	    {"[2001:DB8:0:0::1]:80", AF_INET6, "[2001:db8::1]:80"},
	    {"[::]:9", AF_INET6, NULL},
	    {"[::ffff:192.0.2.1]:80", AF_INET6, "192.0.2.1:80"},
	    {"*:7002", AF_INET6, NULL},
	    {"unix:/run/x.sock", AF_UNIX, NULL},
	    {"unix:relative", AF_UNIX, NULL},
	    {"unix:/a:b", AF_UNIX, NULL},
	    {"unix:" HUNDRED "1234567", AF_UNIX, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ds_addr addr;
		char buf[DS_ADDR_STRLEN];

		assert_null(ds_addr_parse(&addr, rows[i].text));
		assert_null(ds_addr_check(rows[i].text));
		assert_int_equal(addr.u.sa.sa_family, rows[i].family);
		assert_int_equal(addr.every_family, rows[i].text[0] == '*');
		assert_ptr_equal(ds_addr_format(&addr, buf, sizeof(buf)), buf);
		assert_string_equal(buf, rows[i].again != NULL ? rows[i].again : rows[i].text);
	}
}

static void
bad_forms_get_a_reason(void **state)
{
	static const char *const texts[] = {"", ":", ":7002", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
	    "127.0.0.1: 1", "127.0.0.1:1x", "127.0.0.1:x", "127.0.0.1:99999999999999999999", "*",
	    "*:", "*:0", "::1:7002", "2001:db8::1:80", "[::1]", "[::1]:", "[::1]7002", "[::1:7002",
	    "[]:7002", "[]", "[", "]:1", "[127.0.0.1]:80", "[localhost]:80", "[::1]x:80",
	    "[::1%lo]:80", "unix:", "unix:" HUNDRED "12345678", HUNDRED HUNDRED HUNDRED ":80",
	    " :80", "a b:80", "a\n:80"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ds_addr addr;

		const char *reason = ds_addr_check(texts[i]);
		if (reason == NULL)
			fail_msg("\"%s\" passed", texts[i]);
		assert_string_equal(ds_addr_parse(&addr, texts[i]), reason);
	}
}

static void
names_are_looked_up_by_parse(void **state)
{
	struct ds_addr addr;
	char buf[DS_ADDR_STRLEN];

	(void)state;
	look_ups = 0;
	assert_null(ds_addr_parse(&addr, "four.test:7002"));
	assert_string_equal(ds_addr_format(&addr, buf, sizeof(buf)), "192.0.2.7:7002");
	assert_null(ds_addr_parse(&addr, "six.test:7002"));
	assert_string_equal(ds_addr_format(&addr, buf, sizeof(buf)), "[2001:db8::7]:7002");
	assert_non_null(ds_addr_parse(&addr, "none.test:7002"));
	assert_int_equal(look_ups, 3);
	assert_non_null(ds_addr_parse(&addr, "a b:7002"));
	assert_int_equal(look_ups, 3);
}

static void
check_looks_no_name_up(void **state)
{
	(void)state;
	look_ups = 0;
	assert_null(ds_addr_check("four.test:7002"));
	assert_null(ds_addr_check("none.test:7002"));
	assert_null(ds_addr_check("under_score-1.test:7002"));
	assert_int_equal(look_ups, 0);
}

static void
small_buffers_cut_the_text(void **state)
{
	struct ds_addr addr;
	char buf[6] = "zzzzz";

	(void)state;
	ds_addr_parse(&addr, "127.0.0.1:7002");
	assert_string_equal(ds_addr_format(&addr, buf, sizeof(buf)), "127.0");
}

static void
what_has_no_text_form_still_prints(void **state)
{
	struct ds_addr addr;
	char buf[DS_ADDR_STRLEN];

	(void)state;
	memset(&addr, 0, sizeof(addr));
	assert_string_equal(ds_addr_format(&addr, buf, sizeof(buf)), "unknown");
	addr.u.sa.sa_family = AF_UNIX;
	addr.len = sizeof(sa_family_t);
	assert_string_equal(ds_addr_format(&addr, buf, sizeof(buf)), "unix:");
	/* The kernel's longest path has no NUL. */
	memset(&addr.u, 'x', sizeof(addr.u));
	addr.u.sa.sa_family = AF_UNIX;
	addr.len = sizeof(addr.u.un);
	ds_addr_format(&addr, buf, sizeof(buf));
	assert_int_equal(strlen(buf), strlen("unix:") + sizeof(addr.u.un.sun_path));
}

static void
a_tcp_peer_and_the_own_side_have_names_after_the_end_too(void **state)
{
	char buf[DS_ADDR_STRLEN], expected[64];
	int fds[2];
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);

	tcp_pair(fds);
	getsockname(fds[1], (struct sockaddr *)&in, &len);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(in.sin_port));
	struct rec *rec = rec_new(*state, fds[0], DS_READ);
	assert_string_equal(ds_peer_string(&rec->sock, buf, sizeof(buf)), expected);
	getpeername(fds[1], (struct sockaddr *)&in, &len);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(in.sin_port));
	assert_string_equal(ds_local_string(&rec->sock, buf, sizeof(buf)), expected);
	ds_close(&rec->sock, "done");
	assert_memory_equal(ds_peer_string(&rec->sock, buf, sizeof(buf)), "127.0.0.1:", 10);
	assert_string_equal(ds_local_string(&rec->sock, buf, sizeof(buf)), "unknown");
	close(fds[1]);
}

static void
a_unix_peer_is_known_by_its_process(void **state)
{
	char buf[DS_ADDR_STRLEN], expected[64];
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	snprintf(expected, sizeof(expected), "unix:%d", (int)getpid());
	assert_string_equal(ds_peer_string(&rec->sock, buf, sizeof(buf)), expected);
	assert_int_equal(ds_sock_peer(&rec->sock)->u.uid, getuid());
	assert_string_equal(ds_local_string(&rec->sock, buf, sizeof(buf)), "unix:");
	close(peer);
}

static void
peers_are_printed_by_family(void **state)
{
	struct ds_peer peer = {.family = AF_INET, .port = 4711, .u.ip = {192, 0, 2, 1}};
	char buf[DS_ADDR_STRLEN];

	(void)state;
	assert_string_equal(ds_peer_format(&peer, buf, sizeof(buf)), "192.0.2.1:4711");
	peer.family = AF_INET6;
	inet_pton(AF_INET6, "2001:db8::1", peer.u.ip);
	assert_string_equal(ds_peer_format(&peer, buf, sizeof(buf)), "[2001:db8::1]:4711");
	peer.family = AF_UNSPEC;
	assert_string_equal(ds_peer_format(&peer, buf, sizeof(buf)), "unknown");
}

static void
a_peer_that_is_known_is_not_asked_for(void **state)
{
	struct ds_peer known = {.family = AF_INET, .port = 4711, .u.ip = {192, 0, 2, 1}};
	char buf[DS_ADDR_STRLEN];
	int peer;
	struct rec *rec = rec_on_pair(*state, &peer, DS_READ);

	ds_sock_set_peer(&rec->sock, &known);
	assert_string_equal(ds_peer_string(&rec->sock, buf, sizeof(buf)), "192.0.2.1:4711");
	close(peer);
}

static void
a_socket_has_a_string_for_debugging(void **state)
{
	struct ds_peer known = {.family = AF_INET, .port = 4711, .u.ip = {127, 0, 0, 1}};
	char buf[DS_ADDR_STRLEN];
	int fds[2];

	pipe_pair(fds);
	struct rec *rec = rec_new(*state, fds[0], DS_READ);
	assert_string_equal(ds_sock_string(&rec->sock, buf, sizeof(buf)), "plain(R): open");
	ds_sock_set_peer(&rec->sock, &known);
	ds_watch_write(&rec->sock, true);
	assert_string_equal(
	    ds_sock_string(&rec->sock, buf, sizeof(buf)), "plain(RW): open to 127.0.0.1:4711");
	ds_close(&rec->sock, "done");
	assert_string_equal(
	    ds_sock_string(&rec->sock, buf, sizeof(buf)), "plain(RW): closed to 127.0.0.1:4711");
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT(good_forms_are_parsed_and_print_as_they_were),
	    UNIT(bad_forms_get_a_reason),
	    UNIT(names_are_looked_up_by_parse),
	    UNIT(check_looks_no_name_up),
	    UNIT(small_buffers_cut_the_text),
	    UNIT(what_has_no_text_form_still_prints),
	    UNIT(a_tcp_peer_and_the_own_side_have_names_after_the_end_too),
	    UNIT(a_unix_peer_is_known_by_its_process),
	    UNIT(peers_are_printed_by_family),
	    UNIT(a_peer_that_is_known_is_not_asked_for),
	    UNIT(a_socket_has_a_string_for_debugging),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
