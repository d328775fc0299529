/*
 * guest.c - connections of whoever asks by HTTP. evhttp serves them and ends those that are
 * silent; who is slow, or one too many, is ended here.
 *
 * evhttp does not tell when it lets a connection go. So each bufferevent is held once more,
 * and looked at from time to time: when its callbacks are gone evhttp is done with it, and
 * only then the descriptor is given back, whose number nobody else can have until then.
 */
#include "web/guest.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "web/web_private.h"

#define DEADLINE (30 * SECOND)	/* for all of a request and its answer */
#define SWEEP (20 * MSEC)

struct guest {
	struct node	 in_web;
	struct bufferevent *bev;	/* held once more */
	usec_t		 came;
	bool		 shown_out;
};

static void on_sweep(void *owner);

static struct bufferevent *
new_bufferevent(struct web *web, struct event_base *base)
{
	struct bufferevent *bev;
	SSL *ssl;

	if (web->warden.tls == NULL)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(web->warden.tls);
	if (ssl == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
	    BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

/* evhttp wants a bufferevent for a connection. NULL: it makes one itself, which nobody limits. */
static struct bufferevent *
on_guest(struct event_base *base, void *arg)
{
	struct web *web = arg;
	struct guest *guest = mem_new(sizeof(*guest));
	struct bufferevent *bev = new_bufferevent(web, base);

	if (guest == NULL || bev == NULL) {
		mem_free(guest);
		return bev;
	}
	bufferevent_incref(bev);
	guest->bev = bev;
	guest->came = loop_now(web->loop);
	list_add_last(&web->guests, &guest->in_web);
	if (web->guest_count++ == 0)
		timer_set(web->sweep, SWEEP);
	if (web->guest_count == GUESTS_CROWD)
		gates_open(&web->gates, false);
	return bev;
}

bool
guests_init(struct web *web)
{
	list_init(&web->guests);
	web->sweep = timer_new(web->loop, on_sweep, web);
	if (web->sweep == NULL)
		return false;
	evhttp_set_bevcb(web->http, on_guest, web);
	return true;
}

static void
guest_free(struct web *web, struct guest *guest)
{
	list_remove(&guest->in_web);
	web->guest_count--;
	bufferevent_decref(guest->bev);
	mem_free(guest);
}

/* evhttp reads the end of the connection, and lets it go. */
static void
show_out(struct guest *guest)
{
	int fd = bufferevent_getfd(guest->bev);

	if (!guest->shown_out && fd >= 0)
		shutdown(fd, SHUT_RDWR);
	guest->shown_out = true;
}

static bool
is_let_go(const struct guest *guest)
{
	bufferevent_event_cb on_event;

	bufferevent_getcb(guest->bev, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void
on_sweep(void *owner)
{
	struct web *web = owner;
	usec_t now = loop_now(web->loop);
	unsigned most = GUESTS_MOST;

	LIST_EACH(n, &web->guests) {
		struct guest *guest = CONTAINER_OF(n, struct guest, in_web);

		if (is_let_go(guest))
			guest_free(web, guest);
	}
	LIST_EACH(m, &web->guests) {
		struct guest *guest = CONTAINER_OF(m, struct guest, in_web);

		if (now - guest->came > DEADLINE || web->guest_count > most++)
			show_out(guest);
	}
	if (web->gates.crowded && web->guest_count < GUESTS_CROWD)
		gates_open(&web->gates, true);
	if (web->guest_count > 0)
		timer_set(web->sweep, SWEEP);
}

void
guests_fini(struct web *web)
{
	LIST_EACH(n, &web->guests)
		guest_free(web, CONTAINER_OF(n, struct guest, in_web));
	timer_free(web->sweep);
}
