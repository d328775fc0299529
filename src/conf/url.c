/*
 * url.c - a postgres:// URL as the script of a conf.
 *
 *	postgres://user:password@host,host:5432/db?sslmode=require&default_pool_size=10
 *
 * becomes, before what its parameters say,
 *
 *	[pgbouncer] listen_addr=127.0.0.1 unix_socket_dir= pool_mode=transaction
 *	            auth_type=any admin_users=pgweir,pgbouncer
 *	[databases] * = host=... port=... user=... password=...
 *
 * so that clients are trusted on this machine only and reach the server as the URL's
 * user. No unix socket: its folder would decide who may come in.
 */
#include "conf/url.h"

#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "conf/connstr.h"
#include "conf/file.h"
#include "conf/settings.h"

#define SHOWN 64
#define NAME "URL"	/* as a file name in messages */

/* The parts of a URL, percent-encoded, then decoded into TEXT. */
struct url {
	struct buf	 user, password, hosts, port, dbname;
	struct buf	 key, value;	/* of one parameter */
	struct script	*script;
	struct err	*err;
};

/* libpq's parameters that are a setting of ours under another name. */
static const struct {
	const char	*libpq, *setting;
} renamed[] = {
	{ "sslmode", "server_tls_sslmode" },
	{ "sslrootcert", "server_tls_ca_file" },
	{ "sslcert", "server_tls_cert_file" },
	{ "sslkey", "server_tls_key_file" },
	{ "connect_timeout", "server_connect_timeout" },
};

static bool
refuse(struct url *url, const char *what)
{
	return err_set(url->err, SQLSTATE_CONFIG, NAME ": expected %s", what);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Put TEXT into OUT (cleared first) without its percent-encoding (RFC 3986, 2.1). */
static bool
decode(struct url *url, struct span text, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < text.len; i++) {
		int high, low;

		if (text.at[i] != '%') {
			buf_put_byte(out, text.at[i]);
			continue;
		}
		if (text.len - i < 3)
			return refuse(url, "two hex digits behind each %");
		high = hex_digit(text.at[i + 1]);
		low = hex_digit(text.at[i + 2]);
		if (high < 0 || low < 0)
			return refuse(url, "two hex digits behind each %");
		if (high * 16 + low < 0x20)
			return refuse(url, "no control characters");
		buf_put_byte(out, (char)(high * 16 + low));
		i += 2;
	}
	return true;
}

/* Add one line to the script. */
static bool
add(struct url *url, enum script_section section, const char *key, struct span value)
{
	struct span name = key != NULL ? span_text(key) : span_of(NULL, 0);

	if (script_add(url->script, section, name, value, NAME, 0))
		return true;
	return err_set(url->err, SQLSTATE_NO_MEMORY, "out of memory");
}

/* Where the host of HOST[:PORT] ends; an address in brackets may hold colons. */
static size_t
host_length(struct span text)
{
	const char *end = NULL;

	if (text.len > 0 && text.at[0] == '[')
		end = memchr(text.at, ']', text.len);
	if (end != NULL)
		return (size_t)(end - text.at) + 1;
	end = text.len > 0 ? memchr(text.at, ':', text.len) : NULL;
	return end != NULL ? (size_t)(end - text.at) : text.len;
}

/* Take one HOST[:PORT]; all hosts have one port. */
static bool
take_host(struct url *url, struct span text)
{
	size_t n = host_length(text);
	struct span host = span_of(text.at, n), port = span_skip(text, n);

	if (host.len > 1 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = span_of(host.at + 1, host.len - 2);
	if (port.len > 0 && port.at[0] != ':')
		return refuse(url, "host:port, or [address]:port");
	port = span_skip(port, 1);
	if (!decode(url, host, &url->value))
		return false;
	if (url->hosts.len > 0)
		buf_put_byte(&url->hosts, ',');
	buf_put_span(&url->hosts, buf_span(&url->value));
	if (port.len == 0)
		return true;
	if (url->port.len > 0 && !span_same(buf_span(&url->port), port))
		return refuse(url, "the same port for all hosts");
	buf_clear(&url->port);
	buf_put_span(&url->port, port);
	return true;
}

/* [user[:password]@][host[:port][,...]] */
static bool
take_authority(struct url *url, struct span text)
{
	struct span login, user, part;
	size_t at = text.len;

	while (at > 0 && text.at[at - 1] != '@')
		at--;
	if (at > 0) {
		login = span_of(text.at, at - 1);
		text = span_skip(text, at);
		span_cut(&login, ":", &user);
		if (!decode(url, user, &url->user))
			return false;
		if (login.at != NULL && !decode(url, login, &url->password))
			return false;
	}
	if (text.len == 0)
		return true;
	while (span_cut(&text, ",", &part)) {
		if (!take_host(url, part))
			return false;
	}
	return true;
}

/* Put VALUE in the place of what OUT has. */
static bool
replace(struct buf *out, struct span value)
{
	buf_clear(out);
	buf_put_span(out, value);
	return true;
}

/* Refuse parameter KEY and say what is near. */
static bool
unknown(struct url *url, struct span key)
{
	static const char *const words[] = { "user", "password", "host", "port", "dbname",
		"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", NULL };
	const char *nearest = text_nearest(key, words);
	char shown[SHOWN];

	if (nearest == NULL)
		nearest = setting_nearest(SCOPE_GLOBAL, key);
	return err_set(url->err, SQLSTATE_CONFIG,
	    NAME ": unknown parameter \"%s\", %s%s%s", log_escape(key, shown, sizeof(shown)),
	    nearest != NULL ? "closest is \"" : "known are libpq's and the names of settings",
	    nearest != NULL ? nearest : "", nearest != NULL ? "\"" : "");
}

/* One KEY=VALUE of the query, decoded. */
static bool
take_parameter(struct url *url)
{
	struct span key = buf_span(&url->key), value = buf_span(&url->value);

	if (span_is(key, "user"))
		return replace(&url->user, value);
	if (span_is(key, "password"))
		return replace(&url->password, value);
	if (span_is(key, "host"))
		return replace(&url->hosts, value);
	if (span_is(key, "port"))
		return replace(&url->port, value);
	if (span_is(key, "dbname"))
		return replace(&url->dbname, value);
	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++) {
		if (span_is(key, renamed[i].libpq))
			return add(url, SECTION_MAIN, renamed[i].setting, value);
	}
	if (setting_find(SCOPE_GLOBAL, key) == NULL)
		return unknown(url, key);
	return add(url, SECTION_MAIN, buf_text(&url->key), value);
}

static bool
take_query(struct url *url, struct span text)
{
	struct span part, key;

	if (text.len == 0)
		return true;
	while (span_cut(&text, "&", &part)) {
		span_cut(&part, "=", &key);
		if (part.at == NULL)
			return refuse(url, "parameters of the form name=value");
		if (!decode(url, key, &url->key) || !decode(url, part, &url->value) ||
		    !take_parameter(url))
			return false;
	}
	return true;
}

/* The lines that every URL stands for. */
static bool
add_frame(struct url *url)
{
	static const struct {
		const char	*key, *value;
	} lines[] = {
		{ NULL, "" },
		{ "listen_addr", "127.0.0.1" },
		{ "unix_socket_dir", "" },
		{ "pool_mode", "transaction" },
		{ "auth_type", "any" },
		{ "admin_users", "pgweir, pgbouncer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!add(url, SECTION_MAIN, lines[i].key, span_text(lines[i].value)))
			return false;
	}
	return true;
}

/* The template that every database of the server is made from. */
static bool
add_template(struct url *url)
{
	struct buf pairs = { 0 };
	bool good;

	if (url->user.len == 0)
		return refuse(url, "a user, as in postgres://user@host");
	connstr_put(&pairs, "host",
	    url->hosts.len > 0 ? buf_span(&url->hosts) : SPAN_LITERAL("localhost"));
	connstr_put(&pairs, "user", buf_span(&url->user));
	if (url->port.len > 0)
		connstr_put(&pairs, "port", buf_span(&url->port));
	if (url->password.len > 0)
		connstr_put(&pairs, "password", buf_span(&url->password));
	good = add(url, SECTION_DATABASES, "*", buf_span(&pairs));
	file_forget(&pairs);
	return good;
}

/* TEXT behind the scheme, piece by piece. */
static bool
take_all(struct url *url, struct span text)
{
	struct span before_query, authority;

	span_cut(&text, "?", &before_query);
	span_cut(&before_query, "/", &authority);
	return add_frame(url) && take_authority(url, authority) &&
	    decode(url, before_query, &url->dbname) && take_query(url, text) &&
	    add_template(url);
}

struct script *
url_script(const char *text, struct err *err)
{
	struct span rest = span_text(text);
	struct url url = { .err = err };
	bool good;

	if (span_starts(rest, "postgres://"))
		rest = span_skip(rest, strlen("postgres://"));
	else if (span_starts(rest, "postgresql://"))
		rest = span_skip(rest, strlen("postgresql://"));
	else {
		refuse(&url, "postgres:// or postgresql://");
		return NULL;
	}
	if (rest.len > URL_MOST) {
		refuse(&url, "at most 4096 bytes");
		return NULL;
	}
	url.script = script_new(NAME);
	good = url.script != NULL && take_all(&url, rest);
	if (url.script == NULL)
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
	file_forget(&url.user);
	file_forget(&url.password);
	file_forget(&url.hosts);
	file_forget(&url.port);
	file_forget(&url.dbname);
	file_forget(&url.key);
	file_forget(&url.value);
	if (good)
		return url.script;
	script_drop(url.script);
	return NULL;
}
