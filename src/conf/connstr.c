/*
 * connstr.c - key=value pairs, split by spaces.
 */
#include "conf/connstr.h"

/* Bytes of S up to the first of STOPS, or all. */
static size_t
length_before(struct span s, const char *stops)
{
	size_t n = 0;

	while (n < s.len && (s.at[n] == '\0' || strchr(stops, s.at[n]) == NULL))
		n++;
	return n;
}

/* Move a value in quotes, whose first *REST is at, to VALUE. */
static bool
take_quoted(struct span *rest, struct buf *value)
{
	for (size_t i = 1; i < rest->len; i++) {
		if (rest->at[i] != '\'') {
			buf_put_byte(value, rest->at[i]);
			continue;
		}
		if (i + 1 < rest->len && rest->at[i + 1] == '\'') {
			buf_put_byte(value, '\'');
			i++;
			continue;
		}
		*rest = span_skip(*rest, i + 1);
		return true;
	}
	return false;
}

enum connstr_step
connstr_next(struct span *rest, struct span *key, struct buf *value, const char **what)
{
	size_t n;

	buf_clear(value);
	while (rest->len > 0 && rest->at[0] == ' ')
		*rest = span_skip(*rest, 1);
	if (rest->len == 0)
		return CONNSTR_END;

	n = length_before(*rest, " =\t'");
	*key = span_of(rest->at, n);
	*rest = span_skip(*rest, n);
	*what = "key=value pairs split by spaces";
	if (n == 0 || rest->len == 0 || rest->at[0] != '=')
		return CONNSTR_BAD;
	*rest = span_skip(*rest, 1);

	if (rest->len > 0 && rest->at[0] == '\'') {
		*what = "a closing quote and then a space";
		if (!take_quoted(rest, value))
			return CONNSTR_BAD;
		if (rest->len > 0 && rest->at[0] != ' ')
			return CONNSTR_BAD;
		*what = "a value between the quotes";
		return value->len > 0 || value->failed ? CONNSTR_PAIR : CONNSTR_BAD;
	}
	n = length_before(*rest, " \t");
	buf_put(value, rest->at, n);
	*rest = span_skip(*rest, n);
	if (rest->len > 0 && rest->at[0] == '\t') {
		*what = "a space between pairs, not a tab";
		return CONNSTR_BAD;
	}
	*what = "a value behind the =";
	return n > 0 ? CONNSTR_PAIR : CONNSTR_BAD;
}

void
connstr_put(struct buf *out, const char *key, struct span value)
{
	if (out->len > 0)
		buf_put_byte(out, ' ');
	buf_put_text(out, key);
	buf_put_text(out, "='");
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '\'')
			buf_put_byte(out, '\'');
		buf_put_byte(out, value.at[i]);
	}
	buf_put_byte(out, '\'');
}
