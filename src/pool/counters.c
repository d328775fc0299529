/*
 * counters.c - the rows of the table in counters.h.
 */
#include "pool/counters.h"

const struct counter_row counter_rows[COUNTERS_MOST] = {
#define COUNTER_ROW(name, unit, text) { #name, unit, text },
	COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
};

void
counters_add(struct counters *to, const struct counters *from)
{
	for (unsigned i = 0; i < COUNTERS_MOST; i++)
		to->n[i] += from->n[i];
}
