/* SPDX-License-Identifier: ISC */
/*
 * One request on its way through the verbs, and what their files share. Nobody but the files of
 * verbs includes this: commands.c (the table), classic.c (ddlockd's), take.c (acquire, release,
 * renew, iam), terms.c, wait.c (what becomes of a wait), look.c (inspect, list, history), why.c,
 * people.c (watch, clients, and the administrator's), help.c, listing.c (`locks`); pieces.c is what
 * their answers have in common.
 */
#ifndef LATCHD_REQUEST_H
#define LATCHD_REQUEST_H

#include "answer.h"
#include "args.h"
#include "commands.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

struct request {
	struct service *service;
	struct session *session;
	struct text raw;  /* behind the verb: all that a classic verb has */
	struct text id;	  /* of a native one; empty: none */
	struct args args; /* of a native one */
};

typedef void (*verb_fn)(struct request *);

struct verb {
	char letter; /* the first of its name, at hand for the search */
	bool native;
	uint8_t len;
	uint8_t n_names;  /* that it takes */
	const char *name; /* lower case letters */
	verb_fn run;
	uint32_t args; /* besides ARG_ID */
};

/* An answer to the request, to be begun. */
static inline struct answer
answer_to(struct request *request)
{
	return (struct answer){.reply = &request->service->reply, .id = request->id};
}

void refuse(struct request *, enum refusal);
/* What args_parse has found. */
void refuse_args(struct request *, const struct args_error *);
/* bad_args: ARG is wrong, in words. */
void refuse_arg(struct request *, enum arg, const char *what);
/* The value of a number; DEFAULT where it was not given. False: it was refused. */
bool number_arg(
    struct request *, enum arg, uint64_t min, uint64_t max, uint64_t normal, uint64_t *number);

/* The names of the request as the table knows them, N of them. False: refused. */
bool table_names(struct request *, struct lock_text *names);
/* Checks TEXT and puts the realm's prefix before it, in the Nth place of service->name. False and
 * why not. */
bool table_name(
    struct service *, const struct realm *, unsigned n, struct text *, enum refusal *why);
/* The name as the realm's clients know it; false where it is another realm's. */
bool realm_name(const struct realm *, const struct lock *, const char **name, size_t *len);

enum refusal refusal_of(enum lock_result);

/* Pieces of answers. */
extern const char *const mode_names[];
void answer_who(struct service *, struct answer *, const char *key, const struct lock_owner *,
    const struct who *);
void prose_who(struct service *, const struct lock_owner *, const struct who *);
void prose_text(struct reply *, const struct lock_text *);
int64_t wall_of(const struct service *, int64_t now_ns);
/* How long the one at POSITION of LOCK's queue will probably wait. False: unknown. */
bool expect_ns(struct service *, const struct lock *, size_t position, int64_t *ns);
/* GRANT, one of the lock's holders or NULL, as pairs; and the first one in words. */
void answer_holder(struct request *, struct answer *, const struct lock *, const struct grant *);
void prose_holder(struct service *, struct reply *, const struct lock *);

/* The terms of an acquire: its arguments. False: they were refused. NAMES has LOCK_NAMES_MAX
 * places. */
bool acquire_args(struct request *, struct lock_request *, struct lock_text *names);
bool length_arg(
    struct request *, enum arg, uint32_t *ms); /* from 1 ms to max_lease; unchanged if absent */
bool key_arg(struct request *, struct lock_text *key); /* of length 0 if absent */

/* OK lock=…&token=…[&lease=…][&slot=…], of the claims of one acquire. */
void answer_grant(
    struct service *, const struct session *, struct answer *, const struct claim *first);

void cmd_trylock(struct request *);
void cmd_releaselock(struct request *);
void cmd_noop(struct request *);
void cmd_locks(struct request *);
void cmd_status(struct request *);
void cmd_load(struct request *);
void cmd_acquire(struct request *);
void cmd_release(struct request *);
void cmd_renew(struct request *);
void cmd_cancel(struct request *);
void cmd_iam(struct request *);
void cmd_inspect(struct request *);
void cmd_list(struct request *);
void cmd_why(struct request *);
void cmd_history(struct request *);
void cmd_watch(struct request *);
void cmd_unwatch(struct request *);
void cmd_clients(struct request *);
void cmd_stats(struct request *);
void cmd_revoke(struct request *);
void cmd_kick(struct request *);
void cmd_help(struct request *);

/* The rest of a list: holders, then waiters of LOCK, which may be NULL. */
void list_lock(struct request *, struct answer_list *, const struct lock *);
/* The names with PREFIX, from a cursor on. */
void list_names(struct request *, struct text prefix, uint64_t after, uint64_t limit);

/* All verbs, for help. */
const struct verb *verbs_all(size_t *n);
/* The one that LINE begins with; NULL: none. */
const struct verb *verb_find(const char *line, size_t len);

#endif
