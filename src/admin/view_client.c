/*
 * view_client.c - what several views say of a client alike.
 */
#include "view_client.h"

#include "pool/server.h"

const char *
shown_application_name(struct sheet *part, const struct profile *profile)
{
	const struct setting_value *v = profile_get(profile, SPAN_LITERAL("application_name"));

	return v != NULL ? sheet_shown(part, v->value) : "";
}

void
client_cells(struct client_cells *cells, struct sheet *part, struct worker *w,
    const struct client *c)
{
	char host[64];

	cells->client = sheet_printf(part, "C-%llu", (unsigned long long)c->id);
	cells->addr = sheet_text(part, span_text(addr_host(&c->peer, host)));
	cells->port = c->peer.kind == ADDR_UNIX ? w->setup->conf->listen_port : c->peer.port;
	cells->application_name = shown_application_name(part, c->profile);
	cells->database = sheet_shown(part, span_text(c->database));
	cells->user = sheet_shown(part, span_text(c->user));
}

const char *
pair_state(const struct server *s)
{
	if (s->state == &SERVER_SETTLING)
		return "settling";
	if (s->cancels > 0)
		return "canceling";
	if (!talk_quiet(&s->talk))
		return "active";
	switch (s->talk.status) {
	case 'T':
		return "idle in transaction";
	case 'E':
		return "idle in transaction (aborted)";
	default:
		return "idle";
	}
}

usec_t
time_since(struct worker *w, usec_t then)
{
	usec_t now = loop_now(w->loop);

	return then > 0 && now > then ? now - then : 0;
}
