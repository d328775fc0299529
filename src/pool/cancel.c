/*
 * cancel.c - cancel requests from clients: whose they are.
 *
 * A key says which peer gave it (peers.h). Another's request is carried there; ours is shown to all
 * workers, and the one that has the key acts. A key that nobody here has may be a replica's (fleet.h):
 * then it is asked. A replica that asks us does not show the key but proves that it knows it (proof.h);
 * such a request is looked for here and never passed on again. Who tries many wrong keys is not
 * listened to for a while (strikes.h).
 */
#include "pool/cancel.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "pool/courier.h"
#include "pool/fleet.h"
#include "pool/peers.h"
#include "pool/strikes.h"

static bool forward(struct client *client, struct request *r);
static void look_for(struct worker *w, void *arg);
static void looked(void *arg);
static void ask_replicas(struct request *r);
static void request_drop(void *arg);
static void request_through(struct letter *letter, void *receiver);

/* From CLIENT, of which nothing else will be heard. NULL: no memory. */
static struct request *
request_new(struct client *client, uint32_t pid, struct span key)
{
	struct request *r = mem_new(sizeof(*r));

	if (r == NULL)
		return NULL;
	atomic_store(&r->refs, 1);
	r->home = client->worker;
	r->requester = client->id;
	r->from = client->peer;
	r->letter.open = request_through;
	r->pid = pid;
	r->key_len = key.len;
	memcpy(r->key, key.at, key.len);
	client_become(client, &CLIENT_CANCELING);
	return r;
}

void
cancel_request(struct client *client, uint32_t pid, struct span key)
{
	struct worker *w = client->worker;
	struct request *r;

	if (key.len > CANCEL_KEY_MOST || strikes_out(w, &client->peer) ||
	    (r = request_new(client, pid, key)) == NULL) {
		client_finish(client, CLOSE_cancel_request);
		return;
	}
	if (forward(client, r) || !worker_ask_all(w->pooler, w, look_for, looked, r))
		request_drop(r);
}

/* Another's: pass it on. A key of nobody we know may be one of ours, from before peer_id was set. */
static bool
forward(struct client *client, struct request *r)
{
	const struct conf *conf = client->worker->setup->conf;
	uint16_t id = peer_of_key(r->pid);
	const struct conf_peer *peer;

	if (conf->peer_id == 0)
		return false;
	if (id == conf->peer_id) {
		peer_unwind_key(r->key);
		return false;
	}
	peer = conf_peer(conf, id);
	if (peer == NULL)
		return false;
	atomic_store(&r->found, true);
	strikes_add(client->worker, &client->peer, true);
	if (peer_spend_hop(r->key))
		courier_to_peer(client->worker, peer, r);
	return true;
}

/* --- ours --- */

static bool
same_key(const struct map_node *node, const void *key)
{
	const struct client *c = CONTAINER_OF(node, struct client, in_keys);
	const struct request *r = key;

	if (r->proven)
		return c->pid == r->pid && proof_fits(r->secret, r->challenge, r->pid,
		    span_of(c->key, c->key_len), r->key);
	return c->pid == r->pid && c->key_len == r->key_len &&
	    secret_same(c->key, r->key, r->key_len);
}

static void
look_for(struct worker *w, void *arg)
{
	struct request *r = arg;
	struct map_node *node = map_find(&w->keys, r->pid, same_key, r);

	if (node != NULL && !atomic_exchange(&r->found, true))
		client_canceled(CONTAINER_OF(node, struct client, in_keys), r);
}

/* On the requester's thread: all workers have been asked. */
static void
looked(void *arg)
{
	struct request *r = arg;

	if (!atomic_load(&r->found))
		ask_replicas(r);
	request_drop(r);
}

/* --- replicas --- */

/* Nobody here has R's key. */
static void
ask_replicas(struct request *r)
{
	struct worker *w = r->home;
	struct origin origins[ORIGINS_MOST];
	unsigned count;

	if (r->proven || w->setup->conf->peer_id != 0 || r->key_len > CLIENT_KEY_MOST)
		return;
	count = fleet_origins(w->pooler->fleet, r->pid, origins);
	if (count > 0)
		strikes_add(w, &r->from, true);
	for (unsigned i = 0; i < count; i++)
		courier_to_replica(w, &origins[i], r);
	mem_wipe(origins, sizeof(origins));
}

void
cancel_challenge(struct client *client)
{
	char said[1 + PROOF_CHALLENGE] = { PROOF_ASKED };

	_Static_assert(PROOF_CHALLENGE <= CLIENT_KEY_MOST, "a challenge is kept where a key will be");
	if (!fleet_has_secret(client->worker->pooler->fleet)) {
		said[0] = PROOF_REFUSED;
		link_send(client->link, said, 1);
		client_finish(client, CLOSE_cancel_request);
		return;
	}
	client->challenged = true;
	rand_bytes(client->key, PROOF_CHALLENGE);
	memcpy(said + 1, client->key, PROOF_CHALLENGE);
	link_send(client->link, said, sizeof(said));
}

void
cancel_proven(struct client *client, uint32_t pid, struct span proof)
{
	static const char refused = PROOF_REFUSED;
	struct worker *w = client->worker;
	uint8_t secret[PROOF_SECRET];
	struct request *r;

	if (proof.len != PROOF_SIZE || !fleet_find_secret(w->pooler->fleet, client->key, pid,
	    (const uint8_t *)proof.at, secret)) {
		strikes_add(w, &client->peer, false);
		link_send(client->link, &refused, 1);
		client_finish(client, CLOSE_cancel_request);
		return;
	}
	r = request_new(client, pid, proof);
	if (r == NULL) {
		client_finish(client, CLOSE_cancel_request);
	} else {
		r->proven = true;
		memcpy(r->secret, secret, sizeof(secret));
		memcpy(r->challenge, client->key, PROOF_CHALLENGE);
		if (!worker_ask_all(w->pooler, w, look_for, looked, r))
			request_drop(r);
	}
	mem_wipe(secret, sizeof(secret));
}

/* --- the end of a request --- */

static void
request_free(struct request *r)
{
	mem_wipe(r->key, sizeof(r->key));
	mem_wipe(r->secret, sizeof(r->secret));
	mem_free(r);
}

/* CLIENT's request R leads nowhere or is through. Only a replica hears more than the end. */
static void
let_go(struct client *client, const struct request *r)
{
	static const char unknown = PROOF_UNKNOWN;

	if (r->proven && !atomic_load(&r->found))
		link_send(client->link, &unknown, 1);
	client_finish(client, CLOSE_cancel_request);
}

/* On the requester's thread: when nothing is left to wait for, its connection ends. */
static void
request_drop(void *arg)
{
	struct request *r = arg;

	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	if (!atomic_load(&r->found) && !r->proven)
		strikes_add(r->home, &r->from, false);
	LIST_EACH(n, &r->home->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);

		if (c->id == r->requester)
			let_go(c, r);
	}
	request_free(r);
}

static void
request_through(struct letter *letter, void *receiver)
{
	(void)receiver;
	request_drop(CONTAINER_OF(letter, struct request, letter));
}

void
cancel_through(struct worker *w, struct request *r)
{
	if (w->stopping) {
		if (atomic_fetch_sub(&r->refs, 1) == 1)
			request_free(r);
	} else if (w == r->home) {
		request_drop(r);
	} else {
		mailbox_post(r->home->mailbox, &r->letter);
	}
}
