/*
 * gather.c - ask every worker for rows.
 */
#include "admin/gather.h"

#include "base/mem.h"

/* On each worker: nobody else touches its part now. */
static void
fill_part(struct worker *w, void *arg)
{
	struct gathering *g = arg;

	g->fill(&g->parts[w->index], w);
}

static void
all_filled(void *arg)
{
	struct gathering *g = arg;

	g->done(g);
}

struct gathering *
gathering_new(const struct pooler *p, size_t row_size)
{
	struct gathering *g = mem_new(sizeof(*g) + p->worker_count * sizeof(g->parts[0]));

	if (g == NULL)
		return NULL;
	g->count = p->worker_count;
	for (unsigned i = 0; i < g->count; i++)
		sheet_init(&g->parts[i], row_size);
	return g;
}

struct gathering *
gather(struct pooler *p, struct worker *home, size_t row_size,
    void (*fill)(struct sheet *part, struct worker *w), void (*done)(struct gathering *g),
    void *owner)
{
	struct gathering *g = gathering_new(p, row_size);

	if (g == NULL)
		return NULL;
	g->fill = fill;
	g->done = done;
	g->owner = owner;
	if (worker_ask_all(p, home, fill_part, all_filled, g))
		return g;
	gathering_free(g);
	return NULL;
}

void
gathering_free(struct gathering *g)
{
	if (g == NULL)
		return;
	for (unsigned i = 0; i < g->count; i++)
		sheet_fini(&g->parts[i]);
	mem_free(g);
}

bool
gathering_failed(const struct gathering *g)
{
	for (unsigned i = 0; i < g->count; i++) {
		if (g->parts[i].failed)
			return true;
	}
	return false;
}

void
gathering_join(const struct gathering *g, struct sheet *sheet)
{
	for (unsigned i = 0; i < g->count; i++)
		sheet_append(sheet, &g->parts[i]);
}
