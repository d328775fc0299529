/*
 * fuzz_hba.c - files of rules by strangers: rules are within their bounds, written
 * plainly they read the same, and the same rule of both is for the same clients.
 */
#include "fuzz/fuzz_hba_world.h"

#include "conf/ident.h"

/* Clients to try on each pair of names. */
static const char *const peers[] = { "unix", "10.0.0.1", "10.255.0.1", "192.0.2.1",
	"::ffff:10.0.0.1", "fe80::1", "2001:db8::1", "::", "0.0.0.0" };

static void
put_quoted(struct buf *out, const char *text)
{
	buf_put_byte(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_put_byte(out, '"');
		buf_put_byte(out, *text);
	}
	buf_put_byte(out, '"');
}

static void
put_options(struct buf *out, const struct hba_rule *rule)
{
	static const char *const certs[] = { "", " clientcert=verify-ca",
		" clientcert=verify-full" };

	buf_put_text(out, certs[rule->clientcert]);
	must(rule->clientcert == HBA_CLIENTCERT_NONE || rule->kind == HBA_HOSTSSL);
	if (rule->map != NULL) {
		buf_put_text(out, " map=");
		put_quoted(out, rule->map);
	}
	if (rule->service != NULL) {
		buf_put_text(out, " pamservice=");
		put_quoted(out, rule->service);
	}
	must((rule->options != NULL) == (rule->method == HBA_LDAP));
	if (rule->options != NULL)
		buf_printf(out, " %s", rule->options);
	buf_put_byte(out, '\n');
}

static void
check_item(const struct hba_item *item)
{
	must((item->word == HBA_NAME) == (item->name != NULL));
}

/* Write RULE as plainly as possible. */
static void
put_rule(struct buf *out, const struct hba_rule *rule)
{
	must(rule->line > 0 && rule->file != NULL);
	must((rule->address == NULL) == (rule->kind == HBA_LOCAL));
	must(rule->method != HBA_PEER || rule->kind == HBA_LOCAL);
	must(rule->method != HBA_CERT || rule->kind == HBA_HOST ||
	    rule->kind == HBA_HOSTSSL);
	for (size_t i = 0; i < rule->n_nets; i++)
		must(rule->nets[i].bits <= (rule->nets[i].addr.kind == ADDR_IP4 ? 32u : 128u));
	buf_put_text(out, hba_kind_name(rule->kind));
	for (size_t i = 0; i < rule->databases.count; i++)
		check_item(&rule->databases.items[i]);
	for (size_t i = 0; i < rule->users.count; i++)
		check_item(&rule->users.items[i]);
	must(rule->databases.count > 0 && rule->users.count > 0);
	buf_put_byte(out, ' ');
	hba_list_show(&rule->databases, out);
	buf_put_byte(out, ' ');
	hba_list_show(&rule->users, out);
	buf_put_byte(out, ' ');
	if (rule->address != NULL && rule->is_host)
		put_quoted(out, rule->address);
	else if (rule->address != NULL)
		buf_put_text(out, rule->address);
	buf_printf(out, " %s", hba_method_name(rule->method));
	put_options(out, rule);
}

/* Which rule of HBA is for ASK; its count: none. */
static size_t
index_for(const struct hba *hba, const struct hba_ask *ask)
{
	const struct hba_rule *rule = hba_match(hba, ask);

	return rule != NULL ? (size_t)(rule - hba->rules) : hba->count;
}

/* Are both of one mind about who comes with these names? */
static void
compare_matches(const struct hba *a, const struct hba *b, struct span database,
    struct span user)
{
	for (unsigned i = 0; i < ARRAY_SIZE(peers) * 6; i++) {
		struct addr peer = { .kind = ADDR_UNIX };
		struct hba_ask ask = { .database = database, .user = user, .peer = &peer,
			.tls = i % 2 == 1, .replication = (enum hba_replication)(i / 2 % 3) };

		if (i / 6 > 0)
			must(addr_parse_ip(&peer, span_text(peers[i / 6]), 1));
		must(index_for(a, &ask) == index_for(b, &ask));
	}
}

static struct span
name_of(const struct hba_list *list)
{
	const struct hba_item *item = &list->items[list->count - 1];

	return item->word == HBA_NAME ? span_text(item->name) : SPAN_LITERAL("else");
}

static void
compare(const struct hba *a, const struct hba *b)
{
	must(a->count == b->count);
	for (size_t i = 0; i < a->count && i < 20; i++) {
		const struct hba_rule *rule = &a->rules[i];

		must(rule->method == b->rules[i].method);
		must(rule->n_nets == b->rules[i].n_nets);
		compare_matches(a, b, name_of(&rule->databases), name_of(&rule->users));
		compare_matches(a, b, name_of(&rule->users), name_of(&rule->users));
	}
}

static struct ident *
maps_of(struct parts *parts)
{
	struct hba_world world = parts_world(parts);
	struct err err = { 0 };

	return ident_read(parts->at[1], "i", &world, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span input = copy_of(span_of(bytes, len));
	struct parts parts = parts_of(input);
	struct hba_world world = parts_world(&parts);
	struct err err = { 0 };
	struct hba *hba = hba_read(parts.at[0], "h", maps_of(&parts), &world, &err);
	struct buf plain = { 0 };
	struct hba *again;

	must((hba == NULL) == (err.text[0] != '\0'));
	for (size_t i = 0; hba != NULL && i < hba->count; i++)
		put_rule(&plain, &hba->rules[i]);
	if (hba != NULL) {
		again = hba_read(buf_span(&plain), "h", maps_of(&parts), &world, &err);
		must(again != NULL);
		compare(hba, again);
		hba_drop(again);
	}
	hba_drop(hba);
	buf_fini(&plain);
	free((char *)input.at);
	return 0;
}
