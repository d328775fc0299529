/*
 * tickets.h - the last TLS session with each host, for resumption. Thread-safe.
 */
#ifndef NET_TICKETS_H
#define NET_TICKETS_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "base/list.h"

struct tickets {
	pthread_mutex_t	 mutex;		/* the rest */
	struct list	 kept;		/* newest first */
	unsigned	 count;
};

void tickets_init(struct tickets *t);
void tickets_fini(struct tickets *t);
/* Keep a copy of SESSION as HOST's instead of the one before. */
void tickets_keep(struct tickets *t, const char *host, const SSL_SESSION *session);
/* Let SSL go on with HOST's session, if there is one. */
void tickets_offer(struct tickets *t, const char *host, SSL *ssl);

#endif
