/*
 * route.c - the table of what is served by HTTP.
 */
#include "web/route.h"

static const struct route routes[] = {
	{ .path = "/", .open = true, .run = run_page,
	  .text = "The status page, for people." },
	{ .path = "/status.json", .run = run_status,
	  .text = "What the page shows, as JSON." },
	{ .path = "/metrics", .run = run_metrics,
	  .text = "Metrics, in the format of OpenMetrics 1.0 or Prometheus." },
	{ .path = "/livez", .open = true, .run = run_livez,
	  .text = "200 as long as every thread of pgweir turns." },
	{ .path = "/readyz", .open = true, .run = run_readyz,
	  .text = "200 as long as new clients are welcome; ?verbose says why not." },
	{ .path = "/startupz", .open = true, .run = run_startupz,
	  .text = "200 since the first client could come in." },
};

const struct route *
route_find(struct span path)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (span_is(path, routes[i].path))
			return &routes[i];
	}
	return NULL;
}

void
routes_list(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		buf_printf(out, "%s\n", routes[i].path);
}

void
routes_each(void (*fn)(void *owner, const struct route *route), void *owner)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		fn(owner, &routes[i]);
}
