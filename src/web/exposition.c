/*
 * exposition.c - how metrics are written. What they are is metric.c's business.
 *
 *	# HELP pgweir_pool_xacts_total Transactions.
 *	# TYPE pgweir_pool_xacts_total counter
 *	pgweir_pool_xacts_total{database="app",user="bob"} 17
 *
 * OpenMetrics calls that family pgweir_pool_xacts and ends with a line of its own.
 */
#include "web/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *
exposition_type(const struct exposition *x)
{
	return x->open_metrics ?
	    "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	    "text/plain; version=0.0.4; charset=utf-8";
}

/*
 * Names come from strangers, and what is no UTF-8 would spoil all of the page. QUOTES are
 * escaped everywhere but in the help of the older format.
 */
static void
put_escaped(struct buf *out, struct span text, bool quotes)
{
	while (text.len > 0) {
		size_t len = text_utf8_char(text);

		if (len == 0)
			buf_printf(out, "\\\\x%02x", (unsigned char)text.at[0]);
		else if (text.at[0] == '\n')
			buf_put_text(out, "\\n");
		else if (text.at[0] == '\\' || (quotes && text.at[0] == '"'))
			buf_printf(out, "\\%c", text.at[0]);
		else
			buf_put(out, text.at, len);
		text = span_skip(text, len > 0 ? len : 1);
	}
}

void
label_put(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s%s=\"", out->len > 0 ? "," : "", name);
	put_escaped(out, span_text(value), true);
	buf_put_byte(out, '"');
}

/* --- families --- */

static struct span
without(struct span name, const char *end)
{
	size_t len = strlen(end);

	if (name.len > len && memcmp(name.at + name.len - len, end, len) == 0)
		name.len -= len;
	return name;
}

static struct span
family_name(const struct exposition *x, struct span name, enum family_kind kind)
{
	if (!x->open_metrics)
		return name;
	switch (kind) {
	case FAMILY_COUNTER:
		return without(name, "_total");
	case FAMILY_INFO:
		return without(name, "_info");
	case FAMILY_GAUGE:
	case FAMILY_HISTOGRAM:
		break;
	}
	return name;
}

static const char *
kind_word(const struct exposition *x, enum family_kind kind)
{
	switch (kind) {
	case FAMILY_GAUGE:
		break;
	case FAMILY_COUNTER:
		return "counter";
	case FAMILY_HISTOGRAM:
		return "histogram";
	case FAMILY_INFO:
		return x->open_metrics ? "info" : "gauge";
	}
	return "gauge";
}

void
exposition_family(struct exposition *x, struct span name, enum family_kind kind,
    const char *text)
{
	struct span family = family_name(x, name, kind);

	buf_put_text(x->out, "# HELP ");
	buf_put_span(x->out, family);
	buf_put_byte(x->out, ' ');
	put_escaped(x->out, span_text(text), x->open_metrics);
	buf_put_text(x->out, "\n# TYPE ");
	buf_put_span(x->out, family);
	buf_printf(x->out, " %s\n", kind_word(x, kind));
}

static void
begin_sample(struct exposition *x, struct span name, struct span labels)
{
	buf_put_span(x->out, name);
	if (labels.len > 0) {
		buf_put_byte(x->out, '{');
		buf_put_span(x->out, labels);
		buf_put_byte(x->out, '}');
	}
}

/* VALUE in decimal, with a blank before and a new line behind it: thousands of them, so no printf. */
static void
put_number(struct buf *out, uint64_t value)
{
	char text[24], *at = text + sizeof(text);

	*--at = '\n';
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	*--at = ' ';
	buf_put(out, at, (size_t)(text + sizeof(text) - at));
}

void
exposition_number(struct exposition *x, struct span name, struct span labels, uint64_t value)
{
	begin_sample(x, name, labels);
	put_number(x->out, value);
}

void
exposition_usec(struct exposition *x, struct span name, struct span labels, usec_t value)
{
	begin_sample(x, name, labels);
	if (value % SECOND == 0)
		put_number(x->out, value / SECOND);
	else
		buf_printf(x->out, " %" PRIu64 ".%06" PRIu64 "\n", value / SECOND,
		    value % SECOND);
}

void
exposition_bucket(struct exposition *x, struct span name, struct span labels, const char *le,
    uint64_t value)
{
	buf_put_span(x->out, name);
	buf_put_text(x->out, "_bucket{");
	buf_put_span(x->out, labels);
	buf_put_text(x->out, labels.len > 0 ? ",le=\"" : "le=\"");
	buf_put_text(x->out, le);
	/* OpenMetrics 1.0, "Numbers": le of whole seconds has a point, too */
	if (x->open_metrics && le[0] != '+' && strchr(le, '.') == NULL)
		buf_put_text(x->out, ".0");
	buf_put_text(x->out, "\"}");
	put_number(x->out, value);
}

void
exposition_histogram(struct exposition *x, struct span name, struct span labels, uint64_t count,
    usec_t sum)
{
	char text[96];

	exposition_bucket(x, name, labels, "+Inf", count);
	snprintf(text, sizeof(text), "%.*s_sum", (int)name.len, name.at);
	exposition_usec(x, span_text(text), labels, sum);
	snprintf(text, sizeof(text), "%.*s_count", (int)name.len, name.at);
	exposition_number(x, span_text(text), labels, count);
}

void
exposition_end(struct exposition *x)
{
	if (x->open_metrics)
		buf_put_text(x->out, "# EOF\n");
}
