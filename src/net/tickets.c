/*
 * tickets.c - sessions to resume. A server's ticket may be shown more than once, so one a
 * host is enough; of too many hosts those not heard of for longest are forgotten. What
 * is kept is ours alone: OpenSSL's sessions are not made for several threads.
 */
#include "net/tickets.h"

#include <string.h>

#include "base/mem.h"

#define HOSTS_MOST 64

/* The last session with a host. */
struct ticket {
	struct node	 in_kept;
	SSL_SESSION	*session;	/* owned */
	char		 host[];
};

void
tickets_init(struct tickets *t)
{
	pthread_mutex_init(&t->mutex, NULL);
	list_init(&t->kept);
	t->count = 0;
}

static void
forget(struct tickets *t, struct ticket *ticket)
{
	list_remove(&ticket->in_kept);
	t->count--;
	SSL_SESSION_free(ticket->session);
	mem_free(ticket);
}

void
tickets_fini(struct tickets *t)
{
	LIST_EACH(node, &t->kept)
		forget(t, CONTAINER_OF(node, struct ticket, in_kept));
	pthread_mutex_destroy(&t->mutex);
}

static struct ticket *
find(const struct tickets *t, const char *host)
{
	LIST_EACH(node, &t->kept) {
		struct ticket *ticket = CONTAINER_OF(node, struct ticket, in_kept);

		if (strcmp(ticket->host, host) == 0)
			return ticket;
	}
	return NULL;
}

void
tickets_keep(struct tickets *t, const char *host, const SSL_SESSION *session)
{
	size_t len = strlen(host) + 1;
	struct ticket *ticket = mem_new(sizeof(*ticket) + len), *old;

	if (ticket == NULL)
		return;
	memcpy(ticket->host, host, len);
	ticket->session = SSL_SESSION_dup(session);
	if (ticket->session == NULL) {
		mem_free(ticket);
		return;
	}
	pthread_mutex_lock(&t->mutex);
	old = find(t, host);
	if (old == NULL && t->count >= HOSTS_MOST)
		old = CONTAINER_OF(list_last(&t->kept), struct ticket, in_kept);
	if (old != NULL)
		forget(t, old);
	list_add_first(&t->kept, &ticket->in_kept);
	t->count++;
	pthread_mutex_unlock(&t->mutex);
}

void
tickets_offer(struct tickets *t, const char *host, SSL *ssl)
{
	SSL_SESSION *session = NULL;
	struct ticket *ticket;

	pthread_mutex_lock(&t->mutex);
	ticket = find(t, host);
	if (ticket != NULL)
		session = SSL_SESSION_dup(ticket->session);
	pthread_mutex_unlock(&t->mutex);
	if (session != NULL && SSL_SESSION_is_resumable(session))
		SSL_set_session(ssl, session);
	SSL_SESSION_free(session);
}
