/*
 * web.h - metrics_listen in parts: one address and port a word.
 *
 *	127.0.0.1:9127, [::1]:9127, *:9127, :9127, metrics.local:9127
 */
#ifndef CONF_WEB_H
#define CONF_WEB_H

#include "base/span.h"

/* Where to listen. */
struct web_address {
	struct span	 word;		/* as written */
	struct span	 host;		/* without brackets; "*": every address of this machine */
	uint16_t	 port;		/* 0: any that is free */
};

/* Take the next word off LIST. False: there is none, or (OUT->word.len > 0) it is no address. */
bool web_address_next(struct span *list, struct web_address *out);

#endif
