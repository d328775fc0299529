/*
 * hba_show.c - columns of pg_hba.conf for people to read.
 */
#include "conf/hba.h"

/* Can TEXT stand without quotes and still be a name? */
static bool
is_plain(const char *text)
{
	static const char *const words[] = { "all", "sameuser", "samerole", "samegroup",
		"replication" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (span_is_nocase(span_text(text), words[i]))
			return false;
	}
	return text[0] != '@' && text[0] != '+' &&
	    text[strcspn(text, " \t\r\n\v\f,#\"")] == '\0';
}

static void
put_name(struct buf *out, const char *name)
{
	if (is_plain(name)) {
		buf_put_text(out, name);
		return;
	}
	buf_put_byte(out, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			buf_put_byte(out, '"');
		buf_put_byte(out, *name);
	}
	buf_put_byte(out, '"');
}

void
hba_list_show(const struct hba_list *list, struct buf *out)
{
	static const char *const words[] = { [HBA_ALL] = "all", [HBA_SAMEUSER] = "sameuser",
		[HBA_REPLICATION] = "replication" };

	for (size_t i = 0; i < list->count; i++) {
		const struct hba_item *item = &list->items[i];

		if (i > 0)
			buf_put_byte(out, ',');
		if (item->word == HBA_NAME)
			put_name(out, item->name);
		else
			buf_put_text(out, words[item->word]);
	}
}

void
hba_net_show(const struct hba_net *net, struct buf *out)
{
	char host[64];

	buf_printf(out, "%s/%u", addr_host(&net->addr, host), net->bits);
}
