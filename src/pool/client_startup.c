/*
 * client_startup.c - what a client says about itself in its startup packet: who it is, which
 * database it wants, which settings. Whether it may have them is not decided here.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pool/client.h"
#include "wire/reply.h"
#include "wire/startup.h"

#define NAME_MOST 127u			/* bytes of a user or database name */

static const struct conf *
conf_of(const struct client *c)
{
	return c->worker->setup->conf;
}

/* Copy NAME into *OUT; false: refused. */
static bool
take_name(struct client *c, struct span name, const char *what, char **out)
{
	if (name.len > NAME_MOST) {
		client_refuse_text(c, CLOSE_bad_startup, "%s too long", what);
		return false;
	}
	mem_free(*out);
	*out = mem_copy_text(name.at, name.len);
	if (*out == NULL)
		client_close(c, CLOSE_out_of_memory);
	return *out != NULL;
}

/* A setting the client asks for; what the operator wants ignored is. */
static bool
take_setting(struct client *c, struct span name, struct span value)
{
	const char *ignored = conf_of(c)->ignore_startup_parameters;
	const struct profile *with;
	struct buf canonical = { 0 };

	if (ignored != NULL && text_list_has(span_text(ignored), name))
		return true;
	profile_canonical(name, value, &canonical);
	with = profile_with(c->profile, name, buf_span(&canonical), false);
	buf_fini(&canonical);
	if (with == NULL)
		client_close(c, CLOSE_out_of_memory);
	client_take_profile(c, with);
	return with != NULL;
}

/* Does PgBouncer follow the setting NAME? */
static bool
is_tracked(const struct client *c, struct span name)
{
	static const char *const always[] = { "client_encoding", "DateStyle", "TimeZone",
		"standard_conforming_strings", "application_name", "IntervalStyle" };
	const char *extra = conf_of(c)->track_extra_parameters;

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (span_is_nocase(name, always[i]))
			return true;
	return extra != NULL && text_list_has(span_text(extra), name);
}

/* The word `options` among the ignored ones: of what stands in it only what is tracked counts. */
static bool
take_options(struct client *c, struct span rest)
{
	const char *ignored = conf_of(c)->ignore_startup_parameters;
	bool some = ignored != NULL && text_list_has(span_text(ignored), SPAN_LITERAL("options"));
	struct buf name = { 0 }, value = { 0 };
	bool good = true;
	int found;

	while (good && (found = startup_option(&rest, &name, &value)) > 0)
		if (!some || is_tracked(c, buf_span(&name)))
			good = take_setting(c, buf_span(&name), buf_span(&value));
	buf_fini(&name);
	buf_fini(&value);
	if (good && found < 0)
		client_refuse_text(c, CLOSE_bad_startup, "unsupported options startup parameter: "
		    "only '-c config=val' and '--config=val' are allowed");
	return good && found == 0;
}

static void
take_replication(struct client *c, struct span value)
{
	static const char *const yes[] = { "true", "on", "yes", "1", "t", "y" };

	if (span_is_nocase(value, "database"))
		c->replication = "database";
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (span_is_nocase(value, yes[i]))
			c->replication = "true";
}

/* One parameter of the startup packet; false: refused. _pq_ ones are counted and gathered. */
static bool
take_parameter(struct client *c, struct span name, struct span value, struct buf *unknown,
    uint32_t *unknown_count)
{
	if (span_is(name, "user"))
		return take_name(c, value, "username", &c->user);
	if (span_is(name, "database"))
		return take_name(c, value, "database name", &c->database);
	if (span_is(name, "options"))
		return take_options(c, value);
	if (span_is(name, "replication")) {
		take_replication(c, value);
		return true;
	}
	if (span_starts(name, "_pq_.")) {
		buf_put(unknown, name.at, name.len + 1);
		++*unknown_count;
		return true;
	}
	return take_setting(c, name, value);
}

/* Newer minor versions and options we do not know are negotiated away, once (protocol 3.2). */
static void
negotiate(struct client *c, uint32_t version, uint32_t count, struct span names)
{
	struct buf b = { 0 };

	c->version = version < PROTOCOL_3_2 ? version : PROTOCOL_3_2;
	if (c->version == version && count == 0)
		return;
	reply_write_negotiate(&b, c->version, count, names);
	if (!b.failed)
		link_send(c->link, b.at, b.len);
	buf_fini(&b);
}

/* application_name says where the client sits, if the operator wants that. */
static void
add_host(struct client *c)
{
	const struct setting_value *app = profile_get(c->profile, SPAN_LITERAL("application_name"));
	char text[200], where[80];

	if (!conf_of(c)->application_name_add_host)
		return;
	snprintf(text, sizeof(text), "%.100s - %s",
	    app != NULL && app->value.len > 0 ? app->value.at : "app", addr_text(&c->peer, where));
	client_take_profile(c, profile_with(c->profile, SPAN_LITERAL("application_name"),
	    span_text(text), false));
}

bool
client_take_startup(struct client *c, const struct startup *s)
{
	struct span params = s->params, name, value;
	struct buf unknown = { 0 };
	uint32_t count = 0;
	bool good = true;

	while (good && startup_next(&params, &name, &value))
		good = take_parameter(c, name, value, &unknown, &count);
	if (good)
		negotiate(c, s->version, count, buf_span(&unknown));
	buf_fini(&unknown);
	if (!good)
		return false;
	if (c->user == NULL || c->user[0] == '\0') {
		client_refuse_text(c, CLOSE_bad_startup, "no username supplied");
		return false;
	}
	if (c->database == NULL || c->database[0] == '\0') {
		mem_free(c->database);
		c->database = mem_copy_text(c->user, strlen(c->user));
	}
	if (c->database == NULL)
		client_close(c, CLOSE_out_of_memory);
	if (c->database != NULL)
		add_host(c);
	return c->database != NULL;
}
