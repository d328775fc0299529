/*
 * hba_address.c - the address column of pg_hba.conf:
 *
 *	all | samehost | samenet | 10.0.0.0/8 | ::1/128 | 10.0.0.0 255.0.0.0 | a host's name
 *
 * Addresses that the kernel would read in some lenient way ("10.1", "010.0.0.1") are
 * refused, as are bits beyond the mask: one of the two is a mistake.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/hba_private.h"

#define SHOWN 80
#define NAME_MOST 253	/* RFC 1035, 2.3.4, as text */
#define LITERAL_CAP INET6_ADDRSTRLEN
#define NET_CAP (LITERAL_CAP + 4)

/* An address as it is written. */
struct literal {
	int		 family;
	unsigned	 bits;		/* of the whole */
	unsigned char	 bytes[16];
};

/* The line and the address it has; SHOWN for messages. */
struct address {
	struct hba_reader *reader;
	const struct hba_record *record;
	char		 shown[SHOWN];
};

static bool
read_literal(struct span text, struct literal *out)
{
	char copy[LITERAL_CAP];

	*out = (struct literal){ .family = AF_INET, .bits = 32 };
	if (text.len == 0 || !span_copy(text, copy, sizeof(copy)))
		return false;
	if (inet_pton(AF_INET, copy, out->bytes) == 1)
		return true;
	out->family = AF_INET6;
	out->bits = 128;
	return inet_pton(AF_INET6, copy, out->bytes) == 1;
}

/* How many bits of the LITERAL are set before the first that is not; false: others are
 * set behind it. */
static bool
mask_bits(const struct literal *literal, unsigned *bits)
{
	bool over = false;

	*bits = 0;
	for (unsigned i = 0; i < literal->bits; i++) {
		bool set = (literal->bytes[i / 8] >> (7 - i % 8) & 1) != 0;

		if (set && over)
			return false;
		over = !set;
		*bits += set;
	}
	return true;
}

/* A count of bits: digits only, at most MOST. */
static bool
read_bits(struct span text, unsigned most, unsigned *bits)
{
	*bits = 0;
	if (text.len == 0 || text.len > 3)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*bits = *bits * 10 + (unsigned)(text.at[i] - '0');
	}
	return *bits <= most;
}

/* "10.0.0.0/8"; OUT holds NET_CAP. */
static const char *
net_text(const struct literal *literal, unsigned bits, char *out)
{
	char text[LITERAL_CAP];

	inet_ntop(literal->family, literal->bytes, text, sizeof(text));
	snprintf(out, NET_CAP, "%s/%u", text, bits);
	return out;
}

/* Clear what is behind the first BITS; true if something was set there. */
static bool
clear_rest(struct literal *literal, unsigned bits)
{
	bool any = false;

	for (unsigned i = bits; i < literal->bits; i++) {
		unsigned char bit = (unsigned char)(1 << (7 - i % 8));

		any |= (literal->bytes[i / 8] & bit) != 0;
		literal->bytes[i / 8] &= (unsigned char)~bit;
	}
	return any;
}

/* Make the network of the first BITS of LITERAL. An IPv4 address in IPv6's clothes is
 * one of IPv4, as those of clients are. */
static struct hba_net
net_of(const struct literal *literal, unsigned bits)
{
	struct hba_net net = { .bits = bits };
	struct in6_addr ip6;

	if (literal->family == AF_INET) {
		net.addr.kind = ADDR_IP4;
		memcpy(&net.addr.u.ip4, literal->bytes, sizeof(net.addr.u.ip4));
		return net;
	}
	memcpy(&ip6, literal->bytes, sizeof(ip6));
	if (IN6_IS_ADDR_V4MAPPED(&ip6) && bits >= 96) {
		net.addr.kind = ADDR_IP4;
		net.bits = bits - 96;
		memcpy(&net.addr.u.ip4, literal->bytes + 12, sizeof(net.addr.u.ip4));
		return net;
	}
	net.addr.kind = ADDR_IP6;
	net.addr.u.ip6 = ip6;
	return net;
}

/* Let RULE be for the first BITS of LITERAL only. */
static bool
set_net(struct address *a, struct literal *literal, unsigned bits, struct hba_rule *rule)
{
	struct literal whole = *literal;
	char net[NET_CAP], one[NET_CAP];
	struct hba_net *kept;

	if (clear_rest(literal, bits))
		return hba_refuse(a->reader, a->record, "address: expected %s, or %s for one "
		    "address, got %s with bits beyond its mask", net_text(literal, bits, net),
		    net_text(&whole, whole.bits, one), a->shown);
	kept = store_new(a->reader->store, sizeof(*kept));
	rule->address = store_text(a->reader->store,
	    span_text(net_text(literal, bits, net)));
	if (kept == NULL || rule->address == NULL)
		return hba_no_memory(a->reader);
	*kept = net_of(literal, bits);
	rule->nets = kept;
	rule->n_nets = 1;
	return true;
}

/* Read the mask in field AT. */
static bool
read_mask(struct address *a, size_t at, const struct literal *address, unsigned *bits)
{
	const struct hba_record *record = a->record;
	struct literal mask;
	char shown[SHOWN];

	if (at >= record->count || record->fields[at].count != 1 ||
	    !read_literal(span_text(record->fields[at].tokens[0].text), &mask))
		return hba_refuse(a->reader, record, "address: expected %s/%u for this one "
		    "address, or a mask behind it", a->shown, address->bits);
	log_escape(span_text(record->fields[at].tokens[0].text), shown, sizeof(shown));
	if (mask.family != address->family || !mask_bits(&mask, bits))
		return hba_refuse(a->reader, record, "address: expected a mask like %s "
		    "behind %s, got %s", address->family == AF_INET ? "255.255.255.0" :
		    "ffff:ffff:ffff:ffff::", a->shown, shown);
	return true;
}

/* Does it look like an address, so that it is no name? */
static bool
is_numeric(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == ':' || text.at[i] == '/')
			return true;
	}
	return strspn(text.at, "0123456789.") == text.len;
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '-' || c == '_';
}

/* Take TEXT for the name of a host; who it is, is found later. */
static bool
set_name(struct address *a, const char *text, struct hba_rule *rule)
{
	struct span name = span_text(text);

	if (is_numeric(name))
		return hba_refuse(a->reader, a->record, "address: expected an address like "
		    "10.0.0.0/8 or 2001:db8::/32, got \"%s\"", a->shown);
	if (name.at[0] == '.')
		return hba_refuse(a->reader, a->record, "address: expected a whole name, got "
		    "the suffix \"%s\": list the hosts or their network", a->shown);
	for (size_t i = 0; i < name.len; i++) {
		if (!is_name_byte(name.at[i]) || name.len > NAME_MOST)
			return hba_refuse(a->reader, a->record, "address: expected an "
			    "address, all, samehost, samenet or a host's name, got \"%s\"",
			    a->shown);
	}
	rule->address = text;
	rule->is_host = true;
	return true;
}

/* Let RULE be for this machine's own addresses, or all of their networks. */
static bool
set_own(struct address *a, bool networks, struct hba_rule *rule)
{
	const struct hba_world *world = a->reader->world;
	struct buf found = { 0 };
	const char *why = NULL;
	struct hba_net *nets;
	bool good = world->own(world->arg, &found, &why);

	if (!good)
		hba_refuse(a->reader, a->record, "address: cannot find this machine's own "
		    "addresses: %s", why);
	nets = good ? hba_keep(a->reader, &found) : NULL;
	rule->nets = nets;
	rule->n_nets = found.len / sizeof(*nets);
	buf_fini(&found);
	if (!good || nets == NULL)
		return good && hba_no_memory(a->reader);
	for (size_t i = 0; i < rule->n_nets; i++) {
		/* a network of 0 bits would be the whole world */
		if (!networks || nets[i].bits == 0)
			nets[i].bits = nets[i].addr.kind == ADDR_IP4 ? 32 : 128;
	}
	return true;
}

/* Is TEXT the KEYWORD, however its letters are written? *GOOD: exactly. */
static bool
is_keyword(struct address *a, const char *text, const char *keyword, bool *good)
{
	if (strcasecmp(text, keyword) != 0)
		return false;
	*good = strcmp(text, keyword) == 0 ||
	    hba_refuse(a->reader, a->record, "address: expected %s, or \"%s\" in quotes if "
	    "it is a host's name", keyword, a->shown);
	return true;
}

/* Read a word without quotes that is a keyword; false: it is none. */
static bool
read_keyword(struct address *a, const char *text, struct hba_rule *rule, bool *good)
{
	rule->address = text;
	if (is_keyword(a, text, "all", good))
		rule->any_address = true;
	else if (is_keyword(a, text, "samehost", good))
		*good = *good && set_own(a, false, rule);
	else if (is_keyword(a, text, "samenet", good))
		*good = *good && set_own(a, true, rule);
	else
		return false;
	return true;
}

bool
hba_address_read(struct hba_reader *reader, const struct hba_record *record, size_t *at,
    struct hba_rule *rule)
{
	struct address a = { .reader = reader, .record = record };
	const struct hba_token *token;
	struct literal literal;
	struct span rest, head;
	unsigned bits = 0;
	bool good;

	if (*at >= record->count || record->fields[*at].count != 1)
		return hba_refuse(reader, record, "address: expected one, found %s",
		    *at < record->count ? "a list: write a line for each" :
					  "the end of the line");
	token = &record->fields[(*at)++].tokens[0];
	log_escape(span_text(token->text), a.shown, sizeof(a.shown));
	if (token->mixed || token->text[0] == '\0')
		return hba_refuse(reader, record,
		    "address: expected it without quotes, got \"%s\"", a.shown);
	if (!token->quoted && read_keyword(&a, token->text, rule, &good))
		return good;
	rest = span_text(token->text);
	span_cut(&rest, "/", &head);
	if (!read_literal(head, &literal))
		return set_name(&a, token->text, rule);
	if (rest.at == NULL)
		return read_mask(&a, (*at)++, &literal, &bits) &&
		    set_net(&a, &literal, bits, rule);
	if (!read_bits(rest, literal.bits, &bits))
		return hba_refuse(reader, record,
		    "address: expected 0 to %u behind the / of %s", literal.bits, a.shown);
	return set_net(&a, &literal, bits, rule);
}
