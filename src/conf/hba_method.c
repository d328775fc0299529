/*
 * hba_method.c - the end of a line of pg_hba.conf: the method and its options. What a
 * method does is the login's business, what LDAP's options mean that of ldap_options.h.
 *
 * Values of options are never shown: passwords may be among them.
 */
#include "base/log.h"
#include "base/text.h"
#include "conf/file.h"
#include "conf/hba_private.h"
#include "conf/ldap_options.h"

#define SHOWN 80

#define ON(kind) (1u << (kind))
#define ON_TCP (ON(HBA_HOST) | ON(HBA_HOSTSSL) | ON(HBA_HOSTNOSSL))
#define ON_ANY (ON(HBA_LOCAL) | ON_TCP)

/* One method, or what is said instead of it. */
struct method {
	const char	*name;
	enum hba_method	 method;
	unsigned	 kinds;		/* bits: connections it may be used for; 0: refused */
	const char	*reason;	/* of refusal, for other kinds, or altogether */
};

/* In the order of enum hba_method, refused ones behind. */
static const struct method methods[] = {
	{ "trust", HBA_TRUST, ON_ANY, NULL },
	{ "reject", HBA_REJECT, ON_ANY, NULL },
	{ "md5", HBA_MD5, ON_ANY, NULL },
	{ "password", HBA_PASSWORD, ON_ANY, NULL },
	{ "scram-sha-256", HBA_SCRAM_SHA_256, ON_ANY, NULL },
	{ "peer", HBA_PEER, ON(HBA_LOCAL), "works over unix sockets only: expected it on a "
	    "line that begins with local" },
	{ "cert", HBA_CERT, ON(HBA_HOST) | ON(HBA_HOSTSSL), "works over TLS only: expected "
	    "it on a line that begins with hostssl" },
	{ "ldap", HBA_LDAP, ON_ANY, NULL },
	{ "pam", HBA_PAM, ON_ANY, NULL },
	{ "ident", 0, 0, "is not there, as no ident server is asked: expected peer on local "
	    "lines, else scram-sha-256 or cert" },
	{ "gss", 0, 0, "is not there: expected scram-sha-256, cert or ldap" },
	{ "sspi", 0, 0, "is not there: expected scram-sha-256, cert or ldap" },
	{ "radius", 0, 0, "is not there: expected pam with a RADIUS module" },
	{ "bsd", 0, 0, "is not there: expected pam" },
	{ "oauth", 0, 0, "is not there: expected scram-sha-256, cert or ldap" },
	{ "any", 0, 0, "is no method of a line, only of auth_type: expected trust" },
	{ "plain", 0, 0, "is no method of a line, only of auth_type: expected password" },
};

const char *
hba_method_name(enum hba_method method)
{
	return methods[method].name;
}

/* What an option needs to be read, and where it goes. */
struct options {
	struct hba_reader *reader;
	const struct hba_record *record;
	struct hba_rule	*rule;
	struct buf	 ldap;		/* LDAP's, joined */
	struct buf	 shown;		/* all, without secrets */
	unsigned long	 seen;		/* bits: those read, by their place in the table */
};

static bool
refuse(struct options *o, const char *option, const char *expected)
{
	return hba_refuse(o->reader, o->record, "%s: expected %s", option, expected);
}

static bool
take_map(struct options *o, const char *option, const char *value)
{
	if (o->rule->method != HBA_PEER && o->rule->method != HBA_CERT)
		return refuse(o, option, "it behind peer or cert only");
	o->rule->map = value;
	return true;
}

static bool
take_clientcert(struct options *o, const char *option, const char *value)
{
	if (o->rule->kind != HBA_HOSTSSL)
		return refuse(o, option, "it on lines that begin with hostssl only");
	if (strcmp(value, "verify-full") == 0)
		o->rule->clientcert = HBA_CLIENTCERT_FULL;
	else if (strcmp(value, "verify-ca") != 0)
		return refuse(o, option, "verify-ca or verify-full");
	else if (o->rule->method == HBA_CERT)
		return refuse(o, option, "verify-full, as the method is cert");
	else
		o->rule->clientcert = HBA_CLIENTCERT_CA;
	return true;
}

static bool
take_clientname(struct options *o, const char *option, const char *value)
{
	if (o->rule->kind != HBA_HOSTSSL)
		return refuse(o, option, "it on lines that begin with hostssl only");
	return strcmp(value, "CN") == 0 ||
	    refuse(o, option, "CN: whole distinguished names are not compared");
}

static bool
take_service(struct options *o, const char *option, const char *value)
{
	if (o->rule->method != HBA_PAM)
		return refuse(o, option, "it behind pam only");
	o->rule->service = value;
	return true;
}

static bool
take_pam_host(struct options *o, const char *option, const char *value)
{
	if (o->rule->method != HBA_PAM)
		return refuse(o, option, "it behind pam only");
	return strcmp(value, "0") == 0 ||
	    refuse(o, option, "0: PAM is told the client's address");
}

/* Append VALUE, in quotes if it could be misread without. */
static void
put_value(struct buf *out, const char *value)
{
	if (value[strcspn(value, " \t\r\n\v\f,#\"")] == '\0') {
		buf_put_text(out, value);
		return;
	}
	buf_put_byte(out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"')
			buf_put_byte(out, '"');
		buf_put_byte(out, *value);
	}
	buf_put_byte(out, '"');
}

static void
put_option(struct buf *out, const char *option, const char *value)
{
	buf_printf(out, "%s%s=", out->len > 0 ? " " : "", option);
	put_value(out, value);
}

static bool
take_ldap(struct options *o, const char *option, const char *value)
{
	if (o->rule->method != HBA_LDAP)
		return refuse(o, option, "it behind ldap only");
	put_option(&o->ldap, option, value);
	return !o->ldap.failed || hba_no_memory(o->reader);
}

static const struct option {
	const char	*name;
	bool		(*take)(struct options *o, const char *option, const char *value);
	bool		 secret;
} options[] = {
	{ "map", take_map, false },
	{ "clientcert", take_clientcert, false },
	{ "clientname", take_clientname, false },
	{ "pamservice", take_service, false },
	{ "pam_use_hostname", take_pam_host, false },
	{ "ldapserver", take_ldap, false },
	{ "ldapport", take_ldap, false },
	{ "ldapscheme", take_ldap, false },
	{ "ldaptls", take_ldap, false },
	{ "ldapprefix", take_ldap, false },
	{ "ldapsuffix", take_ldap, false },
	{ "ldapbasedn", take_ldap, false },
	{ "ldapbinddn", take_ldap, false },
	{ "ldapbindpasswd", take_ldap, true },
	{ "ldapsearchattribute", take_ldap, false },
	{ "ldapsearchfilter", take_ldap, false },
	{ "ldapurl", take_ldap, false },
};

/* An option nobody knows: NAME, and the closest one known. */
static bool
refuse_option(struct options *o, struct span name)
{
	const char *words[ARRAY_SIZE(options) + 1] = { NULL };
	const char *nearest;
	char shown[SHOWN];

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		words[i] = options[i].name;
	nearest = text_nearest(name, words);
	return hba_refuse(o->reader, o->record,
	    "unknown option \"%s\"%s%s; a value with commas or blanks needs quotes",
	    log_escape(name, shown, sizeof(shown)), nearest != NULL ? ", closest is " : "",
	    nearest != NULL ? nearest : "");
}

/* Read one NAME=VALUE. */
static bool
read_option(struct options *o, const char *text)
{
	const char *equal = strchr(text, '=');
	struct span name = span_of(text, equal != NULL ? (size_t)(equal - text) : 0);

	if (equal == NULL)
		return hba_refuse(o->reader, o->record, "expected NAME=VALUE behind the "
		    "method; a value with commas or blanks needs quotes");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!span_is(name, options[i].name))
			continue;
		if ((o->seen & 1ul << i) != 0)
			return refuse(o, options[i].name, "it once, got it again");
		if (equal[1] == '\0')
			return refuse(o, options[i].name, "a value behind =");
		o->seen |= 1ul << i;
		put_option(&o->shown, options[i].name,
		    options[i].secret ? "********" : equal + 1);
		return options[i].take(o, options[i].name, equal + 1);
	}
	return refuse_option(o, name);
}

/* Do LDAP's options fit together? */
static bool
check_ldap(struct options *o)
{
	struct ldap_options parsed;
	char why[160];

	if (ldap_options_parse(&parsed, span_text(o->rule->options), why, sizeof(why))) {
		ldap_options_fini(&parsed);
		return true;
	}
	return why[0] == '\0' ? hba_no_memory(o->reader) :
				hba_refuse(o->reader, o->record, "ldap: %s", why);
}

/* Bytes that the options in the fields from AT on may take when they are joined. */
static size_t
joined_bytes(const struct hba_record *record, size_t at)
{
	size_t bytes = 0;

	for (; at < record->count; at++) {
		for (size_t i = 0; i < record->fields[at].count; i++)
			bytes += 2 * strlen(record->fields[at].tokens[i].text) + 4;
	}
	return bytes;
}

/* Read the options in the fields from AT on. */
static bool
read_options(struct options *o, size_t at)
{
	/* room at once: growing would leave copies of secrets behind */
	if (o->rule->method == HBA_LDAP)
		buf_reserve(&o->ldap, joined_bytes(o->record, at) + 1);
	for (; at < o->record->count; at++) {
		const struct hba_field *field = &o->record->fields[at];

		for (size_t i = 0; i < field->count; i++) {
			if (!read_option(o, field->tokens[i].text))
				return false;
		}
	}
	o->rule->shown = store_text(o->reader->store, buf_span(&o->shown));
	if (o->rule->shown == NULL || o->shown.failed)
		return hba_no_memory(o->reader);
	if (o->rule->method != HBA_LDAP)
		return true;
	o->rule->options = store_text(o->reader->store, buf_span(&o->ldap));
	return o->rule->options != NULL ? check_ldap(o) : hba_no_memory(o->reader);
}

/* The method that TEXT names, or NULL and an error. */
static const struct method *
find_method(struct hba_reader *reader, const struct hba_record *record, const char *text)
{
	const char *words[ARRAY_SIZE(methods) + 1] = { NULL };
	const char *nearest;
	char shown[SHOWN];

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, text) == 0)
			return &methods[i];
		words[i] = methods[i].name;
	}
	nearest = text_nearest(span_text(text), words);
	hba_refuse(reader, record, "expected a method (trust, reject, md5, password, "
	    "scram-sha-256, peer, cert, ldap or pam), got \"%s\"%s%s",
	    log_escape(span_text(text), shown, sizeof(shown)),
	    nearest != NULL ? ", closest is " : "", nearest != NULL ? nearest : "");
	return NULL;
}

bool
hba_method_read(struct hba_reader *reader, const struct hba_record *record, size_t at,
    struct hba_rule *rule)
{
	struct options o = { .reader = reader, .record = record, .rule = rule };
	const struct method *method;
	bool good;

	if (at >= record->count)
		return hba_refuse(reader, record, "expected a method at the end of the line");
	if (record->fields[at].count != 1)
		return hba_refuse(reader, record, "expected one method, got a list");
	method = find_method(reader, record, record->fields[at].tokens[0].text);
	if (method == NULL)
		return false;
	if ((method->kinds & ON(rule->kind)) == 0)
		return hba_refuse(reader, record, "%s %s", method->name, method->reason);
	rule->method = method->method;
	good = read_options(&o, at + 1);
	buf_fini(&o.shown);
	file_forget(&o.ldap);
	return good;
}
