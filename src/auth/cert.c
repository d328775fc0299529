/*
 * cert.c - names in a client's certificate against the name it wants to be.
 */
#include "auth/cert.h"

#include "conf/hba.h"
#include "net/link.h"

/* What follows the first dot of NAME, from that dot on; empty: there is none. */
static struct span
from_first_dot(struct span name)
{
	const char *dot = memchr(name.at, '.', name.len);

	return dot != NULL ? span_skip(name, (size_t)(dot - name.at)) : span_of("", 0);
}

/* A wildcard is a whole label, the first, and stands before two more at least. */
bool
cert_name_fits(struct span name, struct span user)
{
	struct span rest;

	if (name.len == 0 || user.len == 0)
		return false;
	if (!span_starts(name, "*"))
		return span_same(name, user);
	rest = span_skip(name, 1);
	if (rest.len < 4 || rest.at[0] != '.' || rest.at[1] == '.' ||
	    from_first_dot(span_skip(rest, 1)).len < 2 ||
	    memchr(rest.at, '*', rest.len) != NULL)
		return false;
	return user.at[0] != '.' && span_same(from_first_dot(user), rest);
}

struct wish {
	const struct hba *hba;
	const char	*map;
	struct span	 user;
};

static bool
name_allows(void *arg, struct span name)
{
	const struct wish *wish = arg;

	if (wish->map == NULL)
		return cert_name_fits(name, wish->user);
	return ident_allows(wish->hba, wish->map, name, wish->user);
}

bool
cert_allows(const struct link *link, const struct hba *hba, const char *map,
    struct span user)
{
	struct wish wish = { hba, map, user };

	return link_cert_has(link, name_allows, &wish);
}
