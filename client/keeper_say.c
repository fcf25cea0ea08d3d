/* SPDX-License-Identifier: ISC */
/* See keeper_say.h. */
#include "keeper_say.h"

#include "duration.h"
#include "exits.h"
#include "say.h"
#include "talk.h"

#include <string.h>

enum { TEXT_MAX = 3072 };

int
keeper_say_refused(const struct run *run, const struct line *line)
{
	bool is_taken = strcmp(line->code, "taken") == 0 || strcmp(line->code, "timeout") == 0;
	char text[TEXT_MAX];

	if (!is_taken || !run->terms.quiet)
		say("%s: %s", run->label, talk_refusal_of(line, text, sizeof(text)));
	return is_taken ? run->terms.refused_exit : talk_exit_of(line->code);
}

int
keeper_say_unreachable(const struct run *run, const char *why, bool was_up)
{
	if (was_up)
		say("%s: latchd at %s: %s", run->label, run->server.text, talk_words(why));
	else
		say("cannot reach latchd at %s: %s%s", run->server.text, talk_words(why),
		    talk_advice(why));
	return talk_exit_of_loss(why);
}

void
keeper_say_lost(const struct run *run, const char *why, const char *then)
{
	say("%s: the lock is lost: %s; the command: %s", run->label, talk_words(why), then);
}

void
keeper_say_not_given_back(const struct run *run)
{
	char lease[32];

	say("%s: latchd at %s does not take the lock back now: it ends with its lease, within %s",
	    run->label, run->server.text,
	    duration_format(run->terms.lease_ms, lease, sizeof(lease)));
}

void
keeper_say_news(const struct run *run, const char *text)
{
	if (!run->terms.quiet)
		say("%s: latchd at %s: %s; trying again", run->label, run->server.text,
		    talk_words(text));
}

void
keeper_say_waiting(const struct run *run, const struct line *line)
{
	char text[TEXT_MAX];

	say("%s: %s; waiting", run->label, talk_refusal_of(line, text, sizeof(text)));
}
