/* SPDX-License-Identifier: ISC */
/* What is said of a conversation that went wrong; see talk.h. */
#include "duration.h"
#include "exits.h"
#include "say.h"
#include "talk.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_MAX = 256 };

const char *
talk_words(const char *reason)
{
	static const struct {
		int error;
		const char *name, *words;
	} known[] = {
	    {ECONNREFUSED, "ECONNREFUSED", "connection refused"},
	    {ENOENT, "ENOENT", "there is no such socket"},
	    {EACCES, "EACCES", "permission denied"},
	    {EHOSTUNREACH, "EHOSTUNREACH", "there is no way to that host"},
	    {ENETUNREACH, "ENETUNREACH", "there is no way to that network"},
	    {ETIMEDOUT, "ETIMEDOUT", "the host does not answer"},
	    {ECONNRESET, "ECONNRESET", "connection reset"},
	    {EPIPE, "EPIPE", "connection reset"},
	    {ETIMEDOUT, "connect timeout", "the host does not answer"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, reason) == 0 ||
		    strcmp(strerror(known[i].error), reason) == 0)
			return known[i].words;
	return reason;
}

static bool
is_reason(const char *reason, int error, const char *name)
{
	return strcmp(reason, name) == 0 || strcmp(reason, strerror(error)) == 0;
}

static bool
is_own_trouble(const char *reason)
{
	return is_reason(reason, EMFILE, "EMFILE") || is_reason(reason, ENFILE, "ENFILE") ||
	       is_reason(reason, ENOMEM, "ENOMEM") || is_reason(reason, ENOBUFS, "ENOBUFS");
}

const char *
talk_advice(const char *reason)
{
	if (is_own_trouble(reason))
		return "";
	if (is_reason(reason, EACCES, "EACCES"))
		return "; mode of its listener in latchd.ini(5) says who may connect";
	return "; is latchd running there? (-S or LATCH_SERVER names another address)";
}

int
talk_exit_of_loss(const char *reason)
{
	return is_own_trouble(reason) ? LATCH_TROUBLE : LATCH_NO_SERVER;
}

int
talk_say_lost(const struct talk *talk)
{
	say("%s: %s%s", talk->server.text, talk_words(talk->reason),
	    talk->was_up ? "" : talk_advice(talk->reason));
	return talk_exit_of_loss(talk->reason);
}

char *
talk_refusal(const struct talk *talk, char *buf, size_t size)
{
	return talk_refusal_of(&talk->reply, buf, size);
}

char *
talk_refusal_of(const struct line *reply, char *buf, size_t size)
{
	const char *expect = pairs_get(&reply->pairs, "expect");
	char *prose = text_safe(*reply->prose != '\0' ? reply->prose : reply->code, TEXT_PROSE);
	char wait[32];
	int64_t ms;

	snprintf(
	    buf, size, "%s%s", strcmp(reply->code, "timeout") == 0 ? "timed out: " : "", prose);
	if (expect != NULL && duration_parse(expect, &ms)) {
		strlcat(buf, "; expected wait ", size);
		strlcat(buf, duration_format(ms, wait, sizeof(wait)), size);
	}
	free(prose);
	return buf;
}

/* To ask for the same again would not help. */
static bool
is_our_fault(const char *code)
{
	static const char *const codes[] = {"bad_args", "bad_name", "empty_lock", "lease_too_long",
	    "line_too_long", "name_too_long", "note_too_long"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return false;
}

int
talk_exit_of(const char *code)
{
	return is_our_fault(code) ? LATCH_USAGE : LATCH_REFUSED;
}

static const char *
advice(const char *code)
{
	if (strcmp(code, "admin_only") == 0)
		return ", as in -S unix:/run/latchd/admin.sock";
	if (strcmp(code, "unknown_command") == 0)
		return " there: is it another kind of server, or an older one?";
	return "";
}

int
talk_say_refused(const struct talk *talk, const char *subject)
{
	const char *code = talk->reply.code;
	char text[3072];

	talk_refusal(talk, text, sizeof(text));
	if (subject == NULL) {
		say("%s: %s%s", talk->server.text, text, advice(code));
	} else {
		char *shown = text_safe(subject, 0);

		text_cut(shown, SUBJECT_MAX);
		say("%s: %s%s", shown, text, advice(code));
		free(shown);
	}
	return talk_exit_of(code);
}

int
talk_say(const struct talk *talk, enum talk_result result, const char *subject)
{
	return result == TALK_LOST ? talk_say_lost(talk) : talk_say_refused(talk, subject);
}
