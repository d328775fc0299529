/*
 * unix_path.h - where PostgreSQL's unix sockets are, for those who listen and those who
 * dial: "/dir" stands for the file /dir/.s.PGSQL.PORT, "@name" for the abstract socket
 * of the name "name/.s.PGSQL.PORT" behind a NUL.
 */
#ifndef NET_UNIX_PATH_H
#define NET_UNIX_PATH_H

#include <sys/un.h>

#include "base/addr.h"

/* Is HOST a unix socket's directory rather than a name or an address? */
bool unix_path_is(const char *host);
/* The address of the socket for DIR and PORT; its length, 0 if it is too long. */
socklen_t unix_path_sockaddr(const char *dir, uint16_t port, struct sockaddr_un *out);
/* Who is at the other end of FD, into OUT. */
void unix_path_peer(int fd, struct addr *out);

#endif
