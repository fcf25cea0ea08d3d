/* SPDX-License-Identifier: ISC */
/* The verb `help`: what each verb takes and does, enough to get going without any manual. */
#include "request.h"

struct topic {
	const char *verb, *usage, *text; /* lines of TEXT are separated by line feeds */
};

static const struct topic topics[] = {
    {"acquire",
	"acquire NAME [lock=NAME2 ...] [mode=shared | slots=N] [wait=T|forever] [lease=T] "
	"[atleast=T] [key=SECRET] [note=TEXT] [beat=T] [id=TAG]",
	"Takes a lock. Without wait= now or not at all.\n"
	"Without lease= it is yours until you release it or disconnect. With it, until it is\n"
	"released or the time is over, whatever becomes of the connection: renew in time.\n"
	"slots=N: at most N hold it. Several names: all or none. id=TAG: wait in the background.\n"
	"beat=T: an EVENT line each T while you wait. note=TEXT: what for, shown to others.\n"
	"key=SECRET: any connection that knows it can renew and release, and asking again with it\n"
	"gives the same grant. atleast=T: nobody else has it before, however soon you release it.\n"
	"Hand the token to what you protect: it only grows, so an older one can be refused.\n"
	"Times: 2.5 (seconds), 500ms, 30s, 5m, 1h. A blank in a value is written as +."},
    {"release", "release NAME [lock=NAME2 ...] [token=N] [key=SECRET]",
	"Gives it back; with token= only if that is still the current grant."},
    {"renew", "renew NAME [lock=NAME2 ...] [lease=T] [token=N] [key=SECRET]",
	"A new lease from now on."},
    {"cancel", "cancel [id=TAG]", "Withdraws an acquire that waits."},
    {"iam", "iam name=WHO", "Who you are, for people: shown wherever you hold or wait."},
    {"inspect", "inspect NAME [limit=N] [after=N]", "Who holds it, then who waits, in order."},
    {"list", "list [prefix=P] [limit=N] [after=CURSOR]",
	"The names that are held or waited for. Where the answer has after=, there is more."},
    {"why", "why [NAME]",
	"Who waits for whom, down to the one whom all wait for. Without a name: the holders\n"
	"that most wait for."},
    {"history", "history [NAME] [at=TIME] [limit=N]",
	"Past grants, the newest first. at= (2026-11-24T03:12:07Z, or -5m): who had it then."},
    {"watch", "watch NAME | watch prefix=P",
	"How things are, and from then on an EVENT line for all that happens to it."},
    {"unwatch", "unwatch [NAME | prefix=P]", "No more events; without a name none at all."},
    {"clients", "clients [limit=N] [after=ID]", "The connections."},
    {"stats", "stats", "All counters."},
    {"revoke", "revoke NAME [token=N]", "Takes a lock away. On an admin listener only."},
    {"kick", "kick client=ID", "Ends a connection. On an admin listener only."},
    {"ping", "ping", "OK."},
    {"version", "version", "Which latchd this is."},
    {"help", "help [VERB]", "This."},
    {"quit", "quit", "Ends the connection; what it holds without a lease is released."},
    {"trylock", "trylock lock=NAME", "As ddlockd: takes a lock now or not at all."},
    {"releaselock", "releaselock lock=NAME", "As ddlockd: gives it back."},
    {"locks", "locks", "As ddlockd: what is held, by whom."},
    {"status", "status", "As ddlockd: how many were granted and refused."},
    {"load", "load", "As ddlockd: trylocks in the last five minutes."},
    {"noop", "noop", "As ddlockd: OK."},
};

enum { TOPICS = sizeof(topics) / sizeof(topics[0]) };

static void
add_text(struct answer_list *list, const char *text, size_t len)
{
	struct answer line = answer_list_line(list);

	reply_add(line.reply, text, len);
	answer_end(&line);
}

static void
add_topic(struct answer_list *list, const struct topic *topic)
{
	const char *at = topic->text;

	add_text(list, topic->usage, strlen(topic->usage));
	for (;;) {
		size_t len = strcspn(at, "\n");

		add_text(list, at, len);
		if (at[len] == '\0')
			return;
		at += len + 1;
	}
}

/* The topic of a verb, or of the verb that WORD is another name of. */
static const struct topic *
find_topic(const struct text *word)
{
	const struct verb *verb = verb_find(word->at, word->len), *all;
	size_t n;

	if (verb == NULL || verb->len != word->len)
		return NULL;
	all = verbs_all(&n);
	for (size_t i = 0; i < n; i++) {
		if (all[i].run != verb->run)
			continue;
		for (size_t t = 0; t < TOPICS; t++)
			if (strcmp(topics[t].verb, all[i].name) == 0)
				return &topics[t];
	}
	return NULL;
}

void
cmd_help(struct request *request)
{
	struct answer_list list;
	const struct topic *topic = NULL;

	if (request->args.n_names > 0 && (topic = find_topic(&request->args.names[0])) == NULL) {
		refuse_args(request, &(struct args_error){REFUSE_BAD_ARGS, request->args.names[0],
					 "there is no such verb; help alone shows them all"});
		return;
	}
	answer_list_begin(&list, &request->service->reply, request->id);
	if (topic != NULL) {
		add_topic(&list, topic);
	} else {
		for (size_t t = 0; t < TOPICS; t++)
			add_text(&list, topics[t].usage, strlen(topics[t].usage));
		const char *last = "Times: 2.5 (seconds), 500ms, 30s, 5m, 1h. More: help acquire";
		add_text(&list, last, strlen(last));
	}
	answer_list_end(&list, NULL, NULL);
}
