/*
 * env.c - settings from the environment.
 *
 * Only names that begin with PGWEIR_ are ours; those of libpq (PGHOST, PGSSLMODE, ...)
 * are never looked at. The environment is the process's, so it is the same at a reload.
 */
#include "conf/env.h"

#include <stdio.h>

#include "base/text.h"

#define PREFIX "PGWEIR_"
#define NAME_MOST 63

static bool
ends_with(struct span text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

static bool
has(struct span text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

/*
 * Is NAME = VALUE how Kubernetes (and docker's links) tell every container of a service
 * that is called pgweir, or pgweir-something? PGWEIR_SERVICE_HOST, PGWEIR_RW_SERVICE_PORT,
 * PGWEIR_PORT=tcp://10.0.0.7:6432, PGWEIR_PORT_6432_TCP_ADDR.
 */
static bool
names_a_service(struct span name, struct span value)
{
	if (ends_with(name, "SERVICE_HOST") || has(name, "SERVICE_PORT"))
		return true;
	if (has(name, "_TCP") || has(name, "_UDP") || has(name, "_SCTP"))
		return has(name, "PORT_");
	return ends_with(name, "PORT") && has(value, "://");
}

/* NAME in small letters in OUT, which holds NAME_MOST + 1. */
static struct span
in_small_letters(struct span name, char *out)
{
	size_t len = name.len < NAME_MOST ? name.len : NAME_MOST;

	for (size_t i = 0; i < len; i++)
		out[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ?
			name.at[i] - 'A' + 'a' : name.at[i]);
	return span_of(out, len);
}

/* One VARIABLE, "PGWEIR_NAME=value". */
static bool
apply(struct build *build, const char *variable)
{
	struct span value = span_text(variable + strlen(PREFIX)), name;
	char small[NAME_MOST + 1], shown[sizeof(PREFIX) + NAME_MOST];
	struct script_line place = { .file = shown };
	const struct setting *row;

	if (!span_cut(&value, "=", &name))
		return true;
	snprintf(shown, sizeof(shown), PREFIX "%.*s", (int)name.len, name.at);
	row = conf_setting_find(in_small_letters(name, small));
	if (row == NULL && names_a_service(name, value))
		return true;
	if (row == NULL)
		return build_unknown(build, &place, "", SCOPE_GLOBAL,
		    in_small_letters(name, small));
	if (!build_value(build, &place, "", row, span_trim(value), build->conf))
		return false;
	build->conf->inside->origins[setting_index(row)] =
	    (struct origin){ .kind = ORIGIN_ENVIRONMENT };
	return true;
}

bool
env_apply(struct build *build)
{
	const char *const *variable = build->plan->environment;

	for (; variable != NULL && *variable != NULL; variable++) {
		if (strncmp(*variable, PREFIX, strlen(PREFIX)) == 0 &&
		    !apply(build, *variable))
			return false;
	}
	return true;
}
