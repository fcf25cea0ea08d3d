/* SPDX-License-Identifier: ISC */
/* See who.h. Always true: refs is how many hold the object, and none of them writes to the rest. */
#include "who.h"

#include <stdlib.h>
#include <string.h>

struct who *
who_new(
    uint64_t client, const char *name, size_t name_len, const char *peer, int32_t pid, uint32_t uid)
{
	size_t peer_len = strnlen(peer, WHO_PEER_MAX);

	if (name_len > WHO_NAME_MAX)
		name_len = WHO_NAME_MAX;
	struct who *who = malloc(sizeof(*who) + name_len + peer_len + 2);
	if (who == NULL)
		return NULL;
	*who = (struct who){
	    .refs = 1,
	    .uid = uid,
	    .pid = pid,
	    .client = client,
	    .name_len = (uint16_t)name_len,
	    .peer_len = (uint16_t)peer_len,
	};
	if (name_len > 0)
		memcpy(who->text, name, name_len);
	who->text[name_len] = '\0';
	memcpy(who->text + name_len + 1, peer, peer_len);
	who->text[name_len + 1 + peer_len] = '\0';
	return who;
}

struct who *
who_ref(struct who *who)
{
	if (who != NULL)
		who->refs++;
	return who;
}

void
who_unref(struct who *who)
{
	if (who != NULL && --who->refs == 0)
		free(who);
}

const char *
who_name(const struct who *who, size_t *len)
{
	*len = who->name_len;
	return who->text;
}

const char *
who_peer(const struct who *who, size_t *len)
{
	*len = who->peer_len;
	return who->text + who->name_len + 1;
}

const char *
who_shown(const struct who *who, size_t *len)
{
	return who->name_len > 0 ? who_name(who, len) : who_peer(who, len);
}
