/*
 * fakepg_settings.c - the settings of a fake session: a fixed set of names, some of which
 * are reported.
 */
#include <stdio.h>
#include <string.h>

#include "sim/fakepg.h"
#include "wire/reply.h"

static const struct {
	const char	*name, *value;
	bool		 reported, fixed;
} settings[PG_SETTINGS] = {
	{ "application_name", "", true, false },
	{ "client_encoding", "UTF8", true, false },
	{ "DateStyle", "ISO, MDY", true, false },
	{ "default_transaction_read_only", "off", true, false },
	{ "in_hot_standby", "off", true, true },
	{ "integer_datetimes", "on", true, true },
	{ "IntervalStyle", "postgres", true, false },
	{ "is_superuser", "off", true, true },
	{ "server_encoding", "UTF8", true, true },
	{ "server_version", "15.0", true, true },
	{ "standard_conforming_strings", "on", true, false },
	{ "TimeZone", "UTC", true, false },
	{ "extra_float_digits", "1", false, false },
	{ "search_path", "public", false, false },
	{ "statement_timeout", "0", false, false },
};

static unsigned
find(struct span name)
{
	unsigned i = 0;

	while (i < PG_SETTINGS && !span_is_nocase(name, settings[i].name))
		i++;
	return i;
}

static void
take_role(struct pg_session *s)
{
	unsigned standby = find(SPAN_LITERAL("in_hot_standby"));
	unsigned read_only = find(SPAN_LITERAL("default_transaction_read_only"));

	snprintf(s->settings[standby], PG_VALUE, "%s", s->pg->standby ? "on" : "off");
	snprintf(s->settings[read_only], PG_VALUE, "%s", s->pg->read_only ? "on" : "off");
	memcpy(s->first[read_only], s->settings[read_only], PG_VALUE);
}

void
pg_settings_begin(struct pg_session *s)
{
	for (unsigned i = 0; i < PG_SETTINGS; i++)
		snprintf(s->settings[i], PG_VALUE, "%s", settings[i].value);
	take_role(s);
}

void
pg_turn(struct fakepg *pg, bool standby, bool read_only)
{
	pg->standby = standby;
	pg->read_only = read_only;
	LIST_EACH(n, &pg->sessions)
		take_role(CONTAINER_OF(n, struct pg_session, in_pg));
}

const char *
pg_set(struct pg_session *s, struct span name, const char *value)
{
	unsigned i = find(name);

	if (i == PG_SETTINGS)
		return "42704";
	if (settings[i].fixed)
		return "55P02";
	if (value != NULL && strcmp(value, "bad") == 0)
		return "22023";
	snprintf(s->settings[i], PG_VALUE, "%s", value != NULL ? value : s->first[i]);
	return NULL;
}

const char *
pg_setting(const struct pg_session *s, struct span name)
{
	unsigned i = find(name);

	return i < PG_SETTINGS ? s->settings[i] : NULL;
}

void
pg_settings_reset(struct pg_session *s)
{
	memcpy(s->settings, s->first, sizeof(s->settings));
}

void
pg_report(struct pg_session *s, struct buf *out, bool all)
{
	for (unsigned i = 0; i < PG_SETTINGS; i++) {
		if (s->pg->old && (span_is(SPAN_LITERAL("in_hot_standby"), settings[i].name) ||
		    span_is(SPAN_LITERAL("default_transaction_read_only"), settings[i].name)))
			continue;
		if (!settings[i].reported ||
		    (!all && strcmp(s->told[i], s->settings[i]) == 0))
			continue;
		reply_write_parameter(out, span_text(settings[i].name),
		    span_text(s->settings[i]));
		memcpy(s->told[i], s->settings[i], PG_VALUE);
	}
}
