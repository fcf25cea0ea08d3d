/* SPDX-License-Identifier: ISC */
/* The classic verbs, which are ddlockd's: byte for byte as its clients know them. */
#include "listing.h"
#include "request.h"

#include <inttypes.h>

/* The name in the table for the `lock=` of a classic request. True, or false and why not. */
static bool
lock_argument(const struct request *request, struct text *name, enum refusal *why)
{
	if (protocol_find(request->raw, "lock", name) > 1) {
		*why = REFUSE_BAD_ARGS;
		return false;
	}
	return table_name(request->service, request->session->realm, 0, name, why);
}

void
cmd_trylock(struct request *request)
{
	struct service *service = request->service;
	struct text name;
	enum refusal why;
	enum lock_result result = LOCK_TAKEN;

	if (lock_argument(request, &name, &why)) {
		result = locks_try(
		    service->locks, &request->session->owner, name.at, name.len, service->now_ns);
		why = refusal_of(result);
	}
	if (result == LOCK_OK)
		protocol_ok(&service->reply);
	else
		protocol_refuse(&service->reply, why);
	stats_count_trylock(&service->stats, service->now_ns, result == LOCK_OK);
}

void
cmd_releaselock(struct request *request)
{
	struct service *service = request->service;
	struct text name;
	enum refusal why;

	if (!lock_argument(request, &name, &why))
		protocol_refuse(&service->reply, why);
	else if (locks_release(service->locks, &request->session->owner, name.at, name.len,
		     service->now_ns) == LOCK_OK)
		protocol_ok(&service->reply);
	else
		protocol_refuse(&service->reply, REFUSE_DIDNTHAVE);
}

void
cmd_noop(struct request *request)
{
	protocol_ok(&request->service->reply);
}

void
cmd_locks(struct request *request)
{
	listing_begin(request->service, request->session);
}

void
cmd_status(struct request *request)
{
	struct service *service = request->service;
	const struct stats *stats = &service->stats;

	reply_printf(&service->reply,
	    "STATUS: OK\nSUCCESSES: %" PRIu64 "\nFAILURES: %" PRIu64 "\nRUNTIME: %" PRId64
	    "\nLOAD: %" PRIu64 "\n\n",
	    stats->successes, stats->failures, stats_runtime_s(stats, service->now_ns),
	    stats_load(stats, service->now_ns));
}

void
cmd_load(struct request *request)
{
	struct service *service = request->service;

	reply_printf(
	    &service->reply, "LOAD: %" PRIu64 "\n\n", stats_load(&service->stats, service->now_ns));
}
