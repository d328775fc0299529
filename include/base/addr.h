/*
 * addr.h - where a socket's other end is: IPv4, IPv6, or a unix socket's peer.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/port.h"
#include "base/span.h"

enum addr_kind { ADDR_NONE, ADDR_IP4, ADDR_IP6, ADDR_UNIX };

struct addr {
	enum addr_kind	 kind;
	uint16_t	 port;		/* host byte order; unix: the port in the socket's name */
	union {
		struct in_addr	 ip4;
		struct in6_addr	 ip6;
		struct { int32_t pid; uint32_t uid; } unix_peer;	/* SO_PEERCRED */
	} u;
};

/* From what accept(2), getpeername(2) gave. */
void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len);
/* To a sockaddr for connect(2) (IP kinds only); its length, 0 for others. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* An IPv4 or IPv6 literal; false if it is neither. PORT is kept. */
bool addr_parse_ip(struct addr *a, struct span text, uint16_t port);
/* "10.0.0.1", "::1", "unix"; OUT holds 64 bytes. Returns OUT. */
const char *addr_host(const struct addr *a, char *out);
/* "10.0.0.1:5432", "[::1]:5432", "unix(123):6432"; OUT holds 80 bytes. Returns OUT. */
const char *addr_text(const struct addr *a, char *out);
/* Same kind, address and port? */
bool addr_same(const struct addr *a, const struct addr *b);

#endif
