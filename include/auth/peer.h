/*
 * peer.h - who a client may be by the process at the other end of its unix socket.
 */
#ifndef AUTH_PEER_H
#define AUTH_PEER_H

#include "base/addr.h"
#include "base/span.h"

struct hba;

/*
 * May the process at PEER log in as USER? The name of its user id, as this system knows it,
 * must be USER, or mapped to USER by MAP of HBA if there is one. No unix socket, or an id
 * without a name: no.
 */
bool peer_allows(const struct addr *peer, const struct hba *hba, const char *map,
    struct span user);

#endif
