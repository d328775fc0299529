/*
 * hba_match.c - the first rule that is for a client: kind of connection, address,
 * database, user, in this order.
 */
#include "conf/hba.h"
#include "conf/ident.h"

static bool
kind_matches(enum hba_kind kind, const struct hba_ask *ask)
{
	bool is_unix = ask->peer->kind == ADDR_UNIX;

	switch (kind) {
	case HBA_LOCAL:
		return is_unix;
	case HBA_HOST:
		return !is_unix;
	case HBA_HOSTSSL:
		return !is_unix && ask->tls;
	case HBA_HOSTNOSSL:
		return !is_unix && !ask->tls;
	}
	return false;
}

/* Have A and B the same first BITS? */
static bool
same_bits(const void *a, const void *b, unsigned bits)
{
	const unsigned char *x = a, *y = b;
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(x, y, whole) != 0)
		return false;
	return rest == 0 || (x[whole] ^ y[whole]) >> (8 - rest) == 0;
}

static bool
net_matches(const struct hba_net *net, const struct addr *peer)
{
	if (net->addr.kind != peer->kind)
		return false;
	if (peer->kind == ADDR_IP4)
		return same_bits(&net->addr.u.ip4, &peer->u.ip4, net->bits);
	return peer->kind == ADDR_IP6 &&
	    same_bits(&net->addr.u.ip6, &peer->u.ip6, net->bits);
}

static bool
address_matches(const struct hba_rule *rule, const struct addr *peer)
{
	if (rule->kind == HBA_LOCAL || rule->any_address)
		return true;
	for (size_t i = 0; i < rule->n_nets; i++) {
		if (net_matches(&rule->nets[i], peer))
			return true;
	}
	return false;
}

/* Physical replication has no database: only its own word is for it, and that word is
 * for nobody else. */
static bool
database_matches(const struct hba_item *item, const struct hba_ask *ask)
{
	if (ask->replication == HBA_REPLICATION_PHYSICAL)
		return item->word == HBA_REPLICATION;
	switch (item->word) {
	case HBA_ALL:
		return true;
	case HBA_SAMEUSER:
		return span_same(ask->database, ask->user);
	case HBA_NAME:
		return span_is(ask->database, item->name);
	case HBA_REPLICATION:
		break;
	}
	return false;
}

static bool
user_matches(const struct hba_item *item, const struct hba_ask *ask)
{
	return item->word == HBA_ALL ||
	    (item->word == HBA_NAME && span_is(ask->user, item->name));
}

static bool
list_matches(const struct hba_list *list, const struct hba_ask *ask,
    bool (*matches)(const struct hba_item *, const struct hba_ask *))
{
	for (size_t i = 0; i < list->count; i++) {
		if (matches(&list->items[i], ask))
			return true;
	}
	return false;
}

const struct hba_rule *
hba_match(const struct hba *hba, const struct hba_ask *ask)
{
	if (ask->peer->kind == ADDR_NONE)
		return NULL;
	for (size_t i = 0; i < hba->count; i++) {
		const struct hba_rule *rule = &hba->rules[i];

		if (kind_matches(rule->kind, ask) && address_matches(rule, ask->peer) &&
		    list_matches(&rule->databases, ask, database_matches) &&
		    list_matches(&rule->users, ask, user_matches))
			return rule;
	}
	return NULL;
}

static bool
is_name(struct span name)
{
	return name.len > 0 && memchr(name.at, '\0', name.len) == NULL;
}

bool
ident_allows(const struct hba *hba, const char *map, struct span system_user,
    struct span database_user)
{
	if (!is_name(system_user) || !is_name(database_user))
		return false;
	if (map == NULL)
		return span_same(system_user, database_user);
	return ident_maps(hba->ident, map, system_user, database_user);
}
