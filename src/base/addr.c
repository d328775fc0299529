/*
 * addr.c - addresses of sockets: from and to the kernel's form, parse, print, compare.
 * Names of hosts are the resolver's, credentials of a unix peer its reader's.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/un.h>

#define HOST_CAP 64
#define TEXT_CAP 80

/* An IPv4 address in IPv6's clothes is an IPv4 address: rules for it must match. */
static void
set_ip6(struct addr *a, const struct in6_addr *ip6)
{
	if (IN6_IS_ADDR_V4MAPPED(ip6)) {
		a->kind = ADDR_IP4;
		memcpy(&a->u.ip4, ip6->s6_addr + 12, sizeof(a->u.ip4));
	} else {
		a->kind = ADDR_IP6;
		a->u.ip6 = *ip6;
	}
}

/* Nobody in particular: uid 0 would be root. */
static void
set_unix(struct addr *a)
{
	a->kind = ADDR_UNIX;
	a->u.unix_peer.pid = 0;
	a->u.unix_peer.uid = UINT32_MAX;
}

void
addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*a = (struct addr){ .kind = ADDR_NONE };
	if (len < sizeof(sa->sa_family))
		return;
	if (sa->sa_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, sa, sizeof(in));
		a->kind = ADDR_IP4;
		a->u.ip4 = in.sin_addr;
		a->port = ntohs(in.sin_port);
	} else if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, sa, sizeof(in6));
		set_ip6(a, &in6.sin6_addr);
		a->port = ntohs(in6.sin6_port);
	} else if (sa->sa_family == AF_UNIX) {
		set_unix(a);
	}
}

socklen_t
addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	*out = (struct sockaddr_storage){ 0 };
	switch (a->kind) {
	case ADDR_IP4:
		in.sin_addr = a->u.ip4;
		in.sin_port = htons(a->port);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	case ADDR_IP6:
		in6.sin6_addr = a->u.ip6;
		in6.sin6_port = htons(a->port);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	case ADDR_NONE:
	case ADDR_UNIX:
		break;
	}
	return 0;
}

bool
addr_parse_ip(struct addr *a, struct span text, uint16_t port)
{
	char literal[HOST_CAP];
	struct in_addr ip4;
	struct in6_addr ip6;

	if (text.len == 0 || memchr(text.at, '\0', text.len) != NULL ||
	    !span_copy(text, literal, sizeof(literal)))
		return false;
	if (inet_pton(AF_INET, literal, &ip4) == 1) {
		*a = (struct addr){ .kind = ADDR_IP4, .port = port, .u.ip4 = ip4 };
		return true;
	}
	if (inet_pton(AF_INET6, literal, &ip6) == 1) {
		*a = (struct addr){ .port = port };
		set_ip6(a, &ip6);
		return true;
	}
	return false;
}

const char *
addr_host(const struct addr *a, char *out)
{
	snprintf(out, HOST_CAP, "none");
	switch (a->kind) {
	case ADDR_IP4:
		inet_ntop(AF_INET, &a->u.ip4, out, HOST_CAP);
		break;
	case ADDR_IP6:
		inet_ntop(AF_INET6, &a->u.ip6, out, HOST_CAP);
		break;
	case ADDR_UNIX:
		snprintf(out, HOST_CAP, "unix");
		break;
	case ADDR_NONE:
		break;
	}
	return out;
}

const char *
addr_text(const struct addr *a, char *out)
{
	char host[HOST_CAP];

	addr_host(a, host);
	if (a->kind == ADDR_IP6)
		snprintf(out, TEXT_CAP, "[%s]:%u", host, a->port);
	else if (a->kind == ADDR_UNIX && a->u.unix_peer.pid != 0)
		snprintf(out, TEXT_CAP, "%s(%d):%u", host, a->u.unix_peer.pid, a->port);
	else
		snprintf(out, TEXT_CAP, "%s:%u", host, a->port);
	return out;
}

bool
addr_same(const struct addr *a, const struct addr *b)
{
	if (a->kind != b->kind || a->port != b->port)
		return false;
	switch (a->kind) {
	case ADDR_IP4:
		return a->u.ip4.s_addr == b->u.ip4.s_addr;
	case ADDR_IP6:
		return IN6_ARE_ADDR_EQUAL(&a->u.ip6, &b->u.ip6);
	case ADDR_UNIX:
		return a->u.unix_peer.pid == b->u.unix_peer.pid &&
		    a->u.unix_peer.uid == b->u.unix_peer.uid;
	case ADDR_NONE:
		break;
	}
	return true;
}
