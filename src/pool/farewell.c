/*
 * farewell.c - draining, the arithmetic. Whom it is about and what they hear is drain.c's.
 */
#include "pool/farewell.h"

void
farewell_begin(struct farewell *f, usec_t now, usec_t length, unsigned rank, unsigned count)
{
	*f = (struct farewell){ .begun = true, .from = now, .until = now + length, .looked = now,
		.part = (rank + 0.5) / count };
}

bool
farewell_late(const struct farewell *f, usec_t now)
{
	return f->begun && now >= f->until;
}

unsigned
farewell_due(struct farewell *f, unsigned left, usec_t now)
{
	usec_t passed = now - f->looked;

	if (!f->begun)
		return 0;
	if (farewell_late(f, now)) {
		f->debt = left;
		return left;
	}
	if (f->debt > left)
		f->debt = left;		/* the others have left by themselves */
	f->part += (double)(left - f->debt) * (double)passed / (double)(f->until - f->looked);
	f->looked = now;
	f->debt += (unsigned)f->part;
	f->part -= (unsigned)f->part;
	if (f->debt > left)
		f->debt = left;
	return f->debt;
}

void
farewell_told(struct farewell *f)
{
	if (f->debt > 0)
		f->debt--;
}

usec_t
farewell_quiet(const struct farewell *f, bool probed, usec_t now)
{
	if (probed)
		return FAREWELL_QUIET;
	if (farewell_late(f, now))
		return 0;
	return FAREWELL_QUIET * (f->until - now) / (f->until - f->from);
}

/*
 * JDBC's isValid() and psycopg's pool ask nothing, asyncpg and lib/pq a semicolon, pgx a comment, most others
 * for 1.
 */
bool
farewell_is_probe(struct span query)
{
	static const char *const probes[] = { "", "select 1", "select 1 as one", "-- ping",
		"/* ping */", "/* ping */ select 1" };

	query = span_trim(query);
	while (query.len > 0 && query.at[query.len - 1] == ';')
		query = span_trim(span_of(query.at, query.len - 1));
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		if (span_is_nocase(query, probes[i]))
			return true;
	return false;
}
