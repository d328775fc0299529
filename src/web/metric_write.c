/*
 * metric_write.c - from the rows of a view to the metrics of a group. How they are written is
 * exposition.c's business.
 *
 * Strangers choose names of databases and users where an entry * lets them: only so many rows
 * have a name of their own, the rest is summed up in one.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "web/metric.h"

/* The rows of a group, those with a name first. */
struct series {
	const struct view *view;
	const void	**rows;		/* owned */
	struct span	*labels;	/* owned: of each named row, in TEXT */
	size_t		 count, named;
	struct buf	 text;
};

/* --- rows --- */

static const char *
text_of(const struct column *column, const void *row, char *number)
{
	const char *text;
	uint64_t n;

	if (column->kind == COLUMN_TEXT) {
		memcpy(&text, (const char *)row + column->at, sizeof(text));
		return text;
	}
	memcpy(&n, (const char *)row + column->at, sizeof(n));
	snprintf(number, 24, "%llu", (unsigned long long)n);
	return number;
}

static uint64_t
number_of(const struct column *column, const void *row)
{
	uint64_t n;

	memcpy(&n, (const char *)row + column->at, sizeof(n));
	return n;
}

static bool
is_row(const struct view *view, const void *row, const char *column, const char *text)
{
	char number[24];
	const char *have = text_of(metric_column(view, column), row, number);

	return have != NULL && strcmp(have, text) == 0;
}

static void
put_labels(const struct metric_group *group, const struct view *view, const void *row,
    struct buf *out)
{
	struct buf one = { 0 };
	char number[24];

	for (const struct metric_label *label = group->labels; label->name != NULL; label++)
		label_put(&one, label->name, row == NULL ? METRIC_OTHERS :
		    text_of(metric_column(view, label->column), row, number));
	out->failed |= one.failed;
	buf_put_span(out, buf_span(&one));
	buf_fini(&one);
}

/* Labels of the named rows, and of all others; spans follow when the text moves no more. */
static void
make_labels(struct series *s, const struct metric_group *group)
{
	size_t all = s->named < s->count ? s->named + 1 : s->named;
	size_t at = 0;

	for (size_t i = 0; i < all; i++) {
		size_t before = s->text.len;

		put_labels(group, s->view, i < s->named ? s->rows[i] : NULL, &s->text);
		s->labels[i].len = s->text.len - before;
	}
	for (size_t i = 0; i < all && !s->text.failed; i++) {
		s->labels[i].at = s->text.at + at;
		at += s->labels[i].len;
	}
}

/* False: no memory. */
static bool
series_begin(struct series *s, const struct metric_group *group, const struct sheet *sheet,
    size_t most)
{
	*s = (struct series){ .view = metric_view(group) };
	s->rows = mem_new((sheet->count + 1) * sizeof(*s->rows));
	if (s->rows == NULL)
		return false;
	for (size_t i = 0; i < sheet->count; i++) {
		const void *row = sheet_row(sheet, i);

		if (group->where == NULL || is_row(s->view, row, group->where, group->is))
			s->rows[s->count++] = row;
	}
	s->named = metric_named(s->count, most);
	s->labels = mem_new((s->named + 1) * sizeof(*s->labels));
	if (s->labels == NULL)
		return false;
	if (group->key == NULL)
		make_labels(s, group);
	return !s->text.failed;
}

static void
series_end(struct series *s)
{
	mem_free(s->rows);
	mem_free(s->labels);
	buf_fini(&s->text);
}

/* --- metrics --- */

struct writer {
	struct exposition *x;
	const struct metric *metric;
	struct span	 name;
	const struct column *column, *micros;
};

static uint64_t
value_of(const struct writer *w, const void *row)
{
	uint64_t n = number_of(w->column, row);

	return w->micros != NULL ? n * SECOND + number_of(w->micros, row) : n;
}

static void
write_sample(const struct writer *w, struct span labels, uint64_t value)
{
	if (value == 0 && w->metric->some)
		return;
	if (w->micros != NULL || metric_is_usec(w->metric))
		exposition_usec(w->x, w->name, labels, value);
	else
		exposition_number(w->x, w->name, labels, value);
}

static uint64_t
value_of_others(const struct writer *w, const struct series *s)
{
	uint64_t all = 0;

	for (size_t i = s->named; i < s->count; i++) {
		uint64_t one = value_of(w, s->rows[i]);

		if (!w->metric->greatest)
			all += one;
		else if (one > all)
			all = one;
	}
	return all;
}

static void
write_rows(const struct writer *w, const struct series *s)
{
	for (size_t i = 0; i < s->named; i++)
		write_sample(w, s->labels[i], value_of(w, s->rows[i]));
	if (s->named < s->count)
		write_sample(w, s->labels[s->named], value_of_others(w, s));
}

static void
write_keyed(const struct writer *w, const struct series *s, const char *key)
{
	for (size_t i = 0; i < s->count; i++) {
		if (is_row(s->view, s->rows[i], key, w->metric->key))
			write_sample(w, span_of(NULL, 0), value_of(w, s->rows[i]));
	}
}

static void
write_metric(struct exposition *x, const struct metric_group *group,
    const struct metric *metric, const struct series *s)
{
	struct buf name = { 0 };
	struct writer w = { .x = x, .metric = metric,
		.column = metric_column(s->view, metric->column) };

	if (metric->micros != NULL)
		w.micros = metric_column(s->view, metric->micros);
	metric_put_name(group, metric, &name);
	w.name = buf_span(&name);
	exposition_family(x, w.name, metric->counter ? FAMILY_COUNTER : FAMILY_GAUGE,
	    metric_text(group, metric));
	if (group->key != NULL)
		write_keyed(&w, s, group->key);
	else
		write_rows(&w, s);
	x->out->failed |= name.failed;
	buf_fini(&name);
}

void
metric_group_write(const struct metric_group *group, const struct sheet *sheet, size_t most,
    struct exposition *x)
{
	struct series s;

	if (series_begin(&s, group, sheet, most)) {
		for (size_t i = 0; i < group->count; i++)
			write_metric(x, group, &group->metrics[i], &s);
	} else {
		x->out->failed = true;
	}
	series_end(&s);
}
