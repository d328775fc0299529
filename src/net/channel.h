/*
 * channel.h - c-ares on a loop: questions to name servers, for resolve.c and zones.c.
 */
#ifndef NET_CHANNEL_H
#define NET_CHANNEL_H

#include <ares.h>

#include "base/port.h"

struct channel;
struct loop;

/* Nothing is read and nobody asked before channel_open(). NULL: no memory. */
struct channel *channel_new(struct loop *loop);
/* Open questions are answered with ARES_EDESTRUCTION. NULL is fine. */
void channel_free(struct channel *c);

/*
 * Ask from now on whom RESOLV_CONF (NULL: the system's file) or SERVERS (NULL: as that file says) name. Open questions are answered
 * with ARES_EDESTRUCTION and may be asked again from inside that answer. False: it stays as it was.
 */
bool channel_open(struct channel *c, const char *resolv_conf, const char *servers);
bool channel_is_open(const struct channel *c);

/* Addresses of both kinds; the hosts file is looked at first. */
void channel_ask_addrs(struct channel *c, const char *name, ares_addrinfo_callback done,
    void *arg);
/* The zone's SOA record. */
void channel_ask_soa(struct channel *c, const char *zone, ares_callback done, void *arg);

#endif
