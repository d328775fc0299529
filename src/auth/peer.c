/*
 * peer.c - the user id behind a unix socket (SO_PEERCRED, kept in the address), as a name.
 */
#include "auth/peer.h"

#include <pwd.h>

#include "base/mem.h"
#include "conf/hba.h"

#define RECORD_MOST 65536u	/* bytes of a record of users */

bool
peer_allows(const struct addr *peer, const struct hba *hba, const char *map,
    struct span user)
{
	struct passwd record, *found = NULL;
	char *room;
	bool yes = false;

	if (peer->kind != ADDR_UNIX)
		return false;
	room = mem_new(RECORD_MOST);
	if (room != NULL &&
	    getpwuid_r(peer->u.unix_peer.uid, &record, room, RECORD_MOST, &found) == 0 &&
	    found != NULL) {
		struct span name = span_text(found->pw_name);

		yes = map != NULL ? ident_allows(hba, map, name, user) :
		    name.len > 0 && span_same(name, user);
	}
	mem_free(room);
	return yes;
}
