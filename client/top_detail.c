/* SPDX-License-Identifier: ISC */
/* See top_detail.h. */
#include "top_detail.h"

#include "top_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
forget(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		free(entries->entry[i].who);
		free(entries->entry[i].peer);
		free(entries->entry[i].note);
	}
	free(entries->entry);
	*entries = (struct entries){0};
}

int
detail_open(struct detail *detail, const char *name)
{
	detail_close(detail);
	detail->name = strdup(name);
	return detail->name != NULL ? 0 : -1;
}

void
detail_close(struct detail *detail)
{
	forget(&detail->shown);
	forget(&detail->coming);
	free(detail->name);
	*detail = (struct detail){0};
}

void
detail_begin(struct detail *detail)
{
	forget(&detail->coming);
	detail->coming.entry = calloc(DETAIL_MAX, sizeof(struct entry));
}

void
detail_take_head(struct detail *detail, const struct pairs *pairs)
{
	detail->coming.holders = pairs_number(pairs, "holders");
	detail->coming.waiters = pairs_number(pairs, "waiters");
}

static char *
copy(const struct pairs *pairs, const char *key)
{
	const char *value = pairs_get(pairs, key);

	return strdup(value != NULL ? value : "");
}

static void
set_state(struct entry *entry, const struct pairs *pairs)
{
	const char *state = pairs_get(pairs, "state");

	entry->waits = state != NULL && strcmp(state, "waiting") == 0;
	if (entry->waits)
		snprintf(entry->state, DETAIL_STATE, "waits %llu",
		    (unsigned long long)pairs_number(pairs, "position"));
	else
		snprintf(entry->state, DETAIL_STATE, "%s", state != NULL ? state : "?");
}

static void
set_mode(struct entry *entry, const struct pairs *pairs)
{
	const char *mode = pairs_get(pairs, "mode"), *slot = pairs_get(pairs, "slot"),
		   *slots = pairs_get(pairs, "slots");

	if (slots != NULL)
		snprintf(
		    entry->mode, DETAIL_MODE, "slot %s of %s", slot != NULL ? slot : "?", slots);
	else
		snprintf(entry->mode, DETAIL_MODE, "%s", mode != NULL ? mode : "?");
}

bool
detail_take(struct detail *detail, const struct pairs *pairs, int64_t now_ms)
{
	struct entries *coming = &detail->coming;
	int64_t age = pairs_ms(pairs, "age");

	if (coming->entry == NULL || coming->n == DETAIL_MAX)
		return false;
	struct entry *entry = &coming->entry[coming->n];
	set_state(entry, pairs);
	set_mode(entry, pairs);
	int64_t left = pairs_ms(pairs, entry->waits ? "timeout" : "lease");
	entry->since_ms = age != UNKNOWN_MS ? now_ms - age : UNKNOWN_MS;
	entry->until_ms = left != UNKNOWN_MS ? now_ms + left : UNKNOWN_MS;
	entry->token = pairs_number(pairs, "token");
	entry->who = copy(pairs, "who");
	entry->peer = copy(pairs, "peer");
	entry->note = copy(pairs, "note");
	coming->n++;
	return true;
}

void
detail_end(struct detail *detail)
{
	forget(&detail->shown);
	detail->shown = detail->coming;
	detail->coming = (struct entries){0};
	detail->whole = true;
	detail->refused[0] = '\0';
}
