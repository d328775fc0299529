/*
 * ldap_options.c - the text of auth_ldap_options as a struct: words, quotes, URL, and
 * whether the options fit together. Asking the server is auth/ldap.c's business; so is
 * what a user's name may hold.
 */
#include "conf/ldap_options.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define PORT_LDAP 389u
#define PORT_LDAPS 636u
#define USER_MARK "$username"

/* While parsing. */
struct reading {
	struct ldap_options *out;
	size_t		 used;		/* of out->memory */
	const char	*word;		/* where the word began, for messages */
	struct span	 text;
	char		*why;
	size_t		 why_cap;
};

static bool take_url(struct reading *r, char *value);
static bool take_port(struct reading *r, char *value);
static bool take_scheme(struct reading *r, char *value);
static bool take_tls(struct reading *r, char *value);
static bool take_server(struct reading *r, char *value);
static bool take_attribute(struct reading *r, char *value);

#define TEXT_OPTION(name_, member) \
	{                                                                     \
		.name = name_, .field = offsetof(struct ldap_options, member) \
	}

static const struct {
	const char	*name;
	size_t		 field;		/* of a text that is taken as it is */
	bool		(*take)(struct reading *r, char *value);	/* or something more */
} options[] = {
	{ .name = "ldapserver", .take = take_server },
	{ .name = "ldapport", .take = take_port },
	{ .name = "ldapscheme", .take = take_scheme },
	{ .name = "ldaptls", .take = take_tls },
	{ .name = "ldapurl", .take = take_url },
	{ .name = "ldapsearchattribute", .take = take_attribute },
	TEXT_OPTION("ldapprefix", prefix),
	TEXT_OPTION("ldapsuffix", suffix),
	TEXT_OPTION("ldapbasedn", basedn),
	TEXT_OPTION("ldapbinddn", binddn),
	TEXT_OPTION("ldapbindpasswd", bindpasswd),
	TEXT_OPTION("ldapsearchfilter", filter),
};

/* Say what was expected, and in which character the word is. A value may be a password. */
static bool
refuse(struct reading *r, const char *expected)
{
	if (r->word != NULL)
		snprintf(r->why, r->why_cap, "expected %s, in character %zu", expected,
		    (size_t)(r->word - r->text.at) + 1);
	else
		snprintf(r->why, r->why_cap, "expected %s", expected);
	return false;
}

/* --- single options --- */

static bool
take_server(struct reading *r, char *value)
{
	struct span rest = span_text(value), name;
	bool any = false;

	if (strpbrk(value, "/@?#,") != NULL)
		return refuse(r,
		    "names of hosts in ldapserver, with blanks between; "
		    "ldapurl takes a URL");
	while (span_cut(&rest, " \t", &name))
		any = any || name.len > 0;
	if (!any)
		return refuse(r, "the name of a host in ldapserver");
	r->out->server = value;
	return true;
}

static bool
take_port(struct reading *r, char *value)
{
	int64_t port;

	if (!text_int(span_text(value), &port) || port < 1 || port > UINT16_MAX)
		return refuse(r, "a port from 1 to 65535 in ldapport");
	r->out->port = (uint16_t)port;
	return true;
}

static bool
take_scheme(struct reading *r, char *value)
{
	if (strcmp(value, "ldap") != 0 && strcmp(value, "ldaps") != 0)
		return refuse(r, "ldap or ldaps in ldapscheme");
	r->out->ldaps = strcmp(value, "ldaps") == 0;
	return true;
}

static bool
take_tls(struct reading *r, char *value)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return refuse(r, "0 or 1 in ldaptls");
	r->out->starttls = value[0] == '1';
	return true;
}

static bool
take_attribute(struct reading *r, char *value)
{
	size_t len = strlen(value);

	if (len == 0 ||
	    strspn(value,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-.;_") != len)
		return refuse(r, "the name of one attribute to search for");
	r->out->attribute = value;
	return true;
}

/* --- ldapurl (RFC 4516) --- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Take the percent-encoding out of TEXT where it lies. False: there is something wrong in it. */
static bool
decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		int high, low;

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		high = hex_digit(text[1]);
		low = high >= 0 ? hex_digit(text[2]) : -1;
		if (low < 0 || high * 16 + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

/* Split TEXT at the first MARK: what is behind it, or NULL. */
static char *
cut(char *text, char mark)
{
	char *at = text != NULL ? strchr(text, mark) : NULL;

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

static bool
take_scope(struct reading *r, const char *scope)
{
	if (strcmp(scope, "sub") == 0)
		r->out->scope = LDAP_OPTIONS_SUB;
	else if (strcmp(scope, "one") == 0)
		r->out->scope = LDAP_OPTIONS_ONE;
	else if (strcmp(scope, "base") == 0)
		r->out->scope = LDAP_OPTIONS_BASE;
	else
		return refuse(r, "base, one or sub as the scope in ldapurl");
	return true;
}

/* HOST[:PORT] */
static bool
take_authority(struct reading *r, char *host)
{
	char *bracket = strchr(host, ']');
	char *port = cut(bracket != NULL ? bracket : host, ':');

	if (!decode(host))
		return refuse(r, "two hex digits behind each % in ldapurl");
	if (port != NULL && !take_port(r, port))
		return refuse(r, "a port from 1 to 65535 in ldapurl");
	return host[0] == '\0' || take_server(r, host);
}

/* ldap[s]://[host[:port]][/dn[?attribute[?scope[?filter]]]] */
static bool
take_url(struct reading *r, char *value)
{
	struct ldap_options *o = r->out;
	bool ldaps = strncmp(value, "ldaps://", 8) == 0;
	char *host, *dn, *attribute, *scope, *filter, *extensions;

	if (!ldaps && strncmp(value, "ldap://", 7) != 0)
		return refuse(r, "ldap:// or ldaps:// in ldapurl");
	o->ldaps = ldaps;
	host = value + (ldaps ? 8 : 7);
	dn = cut(host, '/');
	attribute = cut(dn != NULL ? dn : host, '?');
	scope = cut(attribute, '?');
	filter = cut(scope, '?');
	extensions = cut(filter, '?');
	if (extensions != NULL)
		return refuse(r, "no extensions in ldapurl");
	if (!take_authority(r, host))
		return false;
	if (dn != NULL && !decode(dn))
		return refuse(r, "two hex digits behind each % in ldapurl");
	if (filter != NULL && !decode(filter))
		return refuse(r, "two hex digits behind each % in ldapurl");
	if (dn != NULL)
		o->basedn = dn;
	o->scope = LDAP_OPTIONS_BASE;
	if (scope != NULL && scope[0] != '\0' && !take_scope(r, scope))
		return false;
	if (filter != NULL && filter[0] != '\0')
		o->filter = filter;
	return attribute == NULL || attribute[0] == '\0' || take_attribute(r, attribute);
}

/* --- words --- */

/*
 * Copy the word at the beginning of *REST without its quotes into the memory, NUL-terminated.
 * NULL: the quotes are not closed. */
static char *
read_word(struct reading *r, struct span *rest)
{
	char *word = r->out->memory + r->used;
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest->len; i++) {
		char c = rest->at[i];

		if (!quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
			break;
		if (c != '"') {
			r->out->memory[r->used++] = c;
		} else if (quoted && i + 1 < rest->len && rest->at[i + 1] == '"') {
			r->out->memory[r->used++] = '"';
			i++;
		} else {
			quoted = !quoted;
		}
	}
	*rest = span_skip(*rest, i);
	r->out->memory[r->used++] = '\0';
	return quoted ? NULL : word;
}

/* NAME is none of ours. */
static bool
unknown(struct reading *r, const char *name)
{
	const char *names[ARRAY_SIZE(options) + 1] = { NULL }, *nearest;
	char text[80];

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		names[i] = options[i].name;
	nearest = text_nearest(span_text(name), names);
	if (nearest == NULL)
		return refuse(r,
		    "an option, such as ldapserver=, and values with blanks in "
		    "double quotes");
	snprintf(text, sizeof(text), "an option, the closest is \"%s\"", nearest);
	return refuse(r, text);
}

/* WORD is NAME=VALUE. */
static bool
take_word(struct reading *r, char *word)
{
	char *value = cut(word, '=');

	if (value == NULL)
		return refuse(r, "NAME=VALUE, and values with blanks in double quotes");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(word, options[i].name) != 0)
			continue;
		if (options[i].take != NULL)
			return options[i].take(r, value);
		*(char **)(void *)((char *)r->out + options[i].field) = value;
		return true;
	}
	return unknown(r, word);
}

static bool
take_words(struct reading *r)
{
	struct span rest = r->text;

	for (;;) {
		char *word;

		rest = span_trim(rest);
		if (rest.len == 0)
			return true;
		r->word = rest.at;
		word = read_word(r, &rest);
		if (word == NULL)
			return refuse(r, "a closing double quote");
		if (!take_word(r, word))
			return false;
	}
}

/* --- the whole --- */

/* Do the options fit together? What was not given gets its default. */
static bool
check(struct reading *r)
{
	struct ldap_options *o = r->out;
	bool simple = o->prefix != NULL || o->suffix != NULL;
	bool search = o->basedn != NULL || o->binddn != NULL || o->bindpasswd != NULL ||
	    o->attribute != NULL || o->filter != NULL;

	r->word = NULL;
	if (o->server == NULL)
		return refuse(r, "ldapserver, or a host in ldapurl");
	if (simple && search)
		return refuse(r,
		    "ldapprefix and ldapsuffix, or the options of a search "
		    "(ldapbasedn, ...), not both");
	if (!simple && o->basedn == NULL)
		return refuse(r, "ldapprefix, ldapsuffix or ldapbasedn");
	if (o->attribute != NULL && o->filter != NULL)
		return refuse(r, "ldapsearchattribute or ldapsearchfilter, not both");
	if (o->filter != NULL && strstr(o->filter, USER_MARK) == NULL)
		return refuse(r, "$username in ldapsearchfilter, where the name goes");
	if (o->bindpasswd != NULL && o->binddn == NULL)
		return refuse(r, "ldapbinddn beside ldapbindpasswd");
	if (o->ldaps && o->starttls)
		return refuse(r, "ldaptls=1 or ldaps, not both");
	if (o->port == 0)
		o->port = o->ldaps ? PORT_LDAPS : PORT_LDAP;
	if (o->basedn != NULL && o->attribute == NULL && o->filter == NULL)
		o->attribute = strcpy(o->memory + r->used, "uid");
	return true;
}

bool
ldap_options_parse(struct ldap_options *out, struct span text, char *why, size_t cap)
{
	struct reading r = { .out = out, .text = text, .why = why, .why_cap = cap };

	*out = (struct ldap_options){ .scope = LDAP_OPTIONS_SUB };
	why[0] = '\0';
	if (text.len > LDAP_OPTIONS_MOST)
		return refuse(&r, "at most 1023 bytes of options");
	if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
		return refuse(&r, "no NUL in the options");
	/* each byte at most once, a NUL for each word, and the default attribute */
	out->memory_len = 2 * text.len + sizeof("uid") + 1;
	out->memory = mem_new(out->memory_len);
	if (out->memory == NULL)
		return false;
	if (take_words(&r) && check(&r))
		return true;
	ldap_options_fini(out);
	return false;
}

void
ldap_options_fini(struct ldap_options *o)
{
	if (o->memory != NULL)
		mem_wipe(o->memory, o->memory_len);
	mem_free(o->memory);
	*o = (struct ldap_options){ .port = 0 };
}

bool
ldap_options_search(const struct ldap_options *o)
{
	return o->basedn != NULL;
}
