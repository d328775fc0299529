/*
 * unix_path.c - names of PostgreSQL's unix sockets and who is behind them.
 */
#include "net/unix_path.h"

#include <stdio.h>
#include <sys/socket.h>

bool
unix_path_is(const char *host)
{
	return host[0] == '/' || host[0] == '@';
}

socklen_t
unix_path_sockaddr(const char *dir, uint16_t port, struct sockaddr_un *out)
{
	int len;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	len = snprintf(out->sun_path, sizeof(out->sun_path), "%s/.s.PGSQL.%u", dir, port);
	if (len < 0 || (size_t)len >= sizeof(out->sun_path))
		return 0;
	if (dir[0] != '@')
		return sizeof(*out);
	/* an abstract name is as long as the address says and has no NUL at its end */
	out->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
}

void
unix_path_peer(int fd, struct addr *out)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	*out = (struct addr){ .kind = ADDR_UNIX, .u.unix_peer.uid = UINT32_MAX };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return;
	out->u.unix_peer.pid = peer.pid;
	out->u.unix_peer.uid = peer.uid;
}
