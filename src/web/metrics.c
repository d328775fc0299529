/*
 * metrics.c - /metrics: whose names are asked for, in which format, and the views that takes.
 */
#include <string.h>

#include "web/exposition.h"
#include "web/latency_metrics.h"
#include "web/metric.h"
#include "web/process_metrics.h"
#include "web/visit.h"
#include "web/web_private.h"

/* What a visit notes: whose names are asked for, and how they are written. */
#define NOTE_OPEN_METRICS 0x100u
#define NOTE_NAMES 0xffu

static bool
wants(const struct metric_group *group, enum metrics_names names)
{
	return names == METRICS_NAMES_BOTH || group->names == names;
}

/* The views that metrics of NAMES need, once each, into VIEWS; how many. */
static unsigned
list_views(enum metrics_names names, const struct view **views)
{
	unsigned count = 0;

	for (size_t i = 0; i < metric_group_count; i++) {
		const struct view *view = metric_view(&metric_groups[i]);
		unsigned at = 0;

		if (!wants(&metric_groups[i], names))
			continue;
		while (at < count && views[at] != view)
			at++;
		if (at == count)
			views[count++] = view;
	}
	if (names != METRICS_NAMES_PGBOUNCER)
		views[count++] = &latency_metrics_view;
	return count;
}

static void
answer(struct visit *v, const struct sheet *sheets)
{
	enum metrics_names names = (enum metrics_names)(v->note & NOTE_NAMES);
	const struct view *views[SURVEY_MOST];
	unsigned count = list_views(names, views);
	struct buf body = { 0 };
	struct exposition x = { &body, (v->note & NOTE_OPEN_METRICS) != 0 };
	size_t most = v->web->setup->conf->metrics_max_pools;

	process_metrics(v->web, names, &x);
	for (size_t i = 0; i < metric_group_count; i++) {
		const struct metric_group *group = &metric_groups[i];

		for (unsigned at = 0; at < count; at++) {
			if (wants(group, names) && views[at] == metric_view(group))
				metric_group_write(group, &sheets[at], most, &x);
		}
	}
	if (views[count - 1] == &latency_metrics_view)
		latency_metrics(&sheets[count - 1], most, &x);
	exposition_end(&x);
	visit_answer(v, 200, exposition_type(&x), &body);
}

/* Prometheus says first what it likes best, and takes the other format from who knows but that. */
void
run_metrics(struct visit *v)
{
	const struct view *views[SURVEY_MOST];
	enum metrics_names names = v->web->setup->conf->metrics_exporter_names;

	v->note = names;
	if (strstr(visit_header(v, "Accept"), "application/openmetrics-text") != NULL)
		v->note |= NOTE_OPEN_METRICS;
	visit_survey(v, views, list_views(names, views), answer);
}
