/*
 * hba_world.c - this machine's files, names and addresses, as rules need them.
 */
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <unistd.h>

#include "conf/file.h"
#include "conf/hba.h"

static bool
read_file(void *arg, const char *file, struct buf *out, bool *missing, struct err *err)
{
	(void)arg;
	*missing = access(file, F_OK) != 0 && errno == ENOENT;
	return file_read(file, out, err);
}

static bool
list_folder(void *arg, const char *folder, struct buf *out, const char **why)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int fault;

	(void)arg;
	if (dir == NULL) {
		*why = strerror(errno);
		return false;
	}
	errno = 0;
	while ((entry = readdir(dir)) != NULL)
		buf_put(out, entry->d_name, strlen(entry->d_name) + 1);
	fault = errno;
	closedir(dir);
	*why = strerror(fault);
	return fault == 0;
}

/* Append the network of the first BITS of what SA holds, if it is an IP address. */
static void
put_net(struct buf *out, const struct sockaddr *sa, socklen_t len, unsigned bits)
{
	struct hba_net net = { .bits = bits };

	addr_from_sockaddr(&net.addr, sa, len);
	net.addr.port = 0;
	if (net.addr.kind == ADDR_IP4 && sa->sa_family == AF_INET6)
		net.bits = bits > 96 ? bits - 96 : 0;
	if (net.addr.kind == ADDR_IP4 || net.addr.kind == ADDR_IP6)
		buf_put(out, &net, sizeof(net));
}

static bool
find_host(void *arg, const char *name, struct buf *out, const char **why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found, *ai;
	int status = getaddrinfo(name, NULL, &hints, &found);

	(void)arg;
	if (status != 0) {
		*why = gai_strerror(status);
		return false;
	}
	for (ai = found; ai != NULL; ai = ai->ai_next)
		put_net(out, ai->ai_addr, ai->ai_addrlen,
		    ai->ai_family == AF_INET ? 32 : 128);
	freeaddrinfo(found);
	return true;
}

/* How many bits of MASK, of as many bytes as FAMILY has, are set. */
static unsigned
count_bits(const struct sockaddr *mask, int family)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	unsigned bits = 0;

	if (family == AF_INET) {
		memcpy(&in, mask, sizeof(in));
		return (unsigned)__builtin_popcount(in.sin_addr.s_addr);
	}
	memcpy(&in6, mask, sizeof(in6));
	for (size_t i = 0; i < sizeof(in6.sin6_addr.s6_addr); i++)
		bits += (unsigned)__builtin_popcount(in6.sin6_addr.s6_addr[i]);
	return bits;
}

static bool
find_own(void *arg, struct buf *out, const char **why)
{
	struct ifaddrs *all, *one;

	(void)arg;
	if (getifaddrs(&all) != 0) {
		*why = strerror(errno);
		return false;
	}
	for (one = all; one != NULL; one = one->ifa_next) {
		int family = one->ifa_addr != NULL ? one->ifa_addr->sa_family : AF_UNSPEC;

		if (one->ifa_netmask == NULL)
			continue;
		if (family == AF_INET)
			put_net(out, one->ifa_addr, sizeof(struct sockaddr_in),
			    count_bits(one->ifa_netmask, family));
		else if (family == AF_INET6)
			put_net(out, one->ifa_addr, sizeof(struct sockaddr_in6),
			    count_bits(one->ifa_netmask, family));
	}
	freeifaddrs(all);
	return true;
}

const struct hba_world hba_real_world = { .file = read_file,
	.folder = list_folder,
	.host = find_host,
	.own = find_own };
