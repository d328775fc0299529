/*
 * hba_dialogue.h - tables of lines of pg_hba.conf, and what must become of them.
 */
#ifndef UNIT_CONF_HBA_DIALOGUE_H
#define UNIT_CONF_HBA_DIALOGUE_H

#include "conf/ident.h"
#include "unit/conf/hba_world.h"
#include "unit/unit.h"

/* A file and the rules it gives, or the error and no rules. */
struct dialogue {
	const char	*text;
	const char	*rules;		/* "kind databases users address method ...|" */
	const char	*error;		/* NULL: none */
};

static void
put_list(struct buf *out, const struct hba_list *list)
{
	static const char *const words[] = { [HBA_ALL] = "ALL", [HBA_SAMEUSER] = "SAMEUSER",
		[HBA_REPLICATION] = "REPLICATION" };

	for (size_t i = 0; i < list->count; i++) {
		const struct hba_item *item = &list->items[i];

		buf_printf(out, "%s%s", i > 0 ? "," : " ",
		    item->word == HBA_NAME ? item->name : words[item->word]);
		assert_true((item->word == HBA_NAME) == (item->name != NULL));
	}
}

static void
put_rule(struct buf *out, const struct hba_rule *rule)
{
	static const char *const certs[] = { "", " verify-ca", " verify-full" };
	char host[64];

	buf_put_text(out, hba_kind_name(rule->kind));
	put_list(out, &rule->databases);
	put_list(out, &rule->users);
	assert_true((rule->address == NULL) == (rule->kind == HBA_LOCAL));
	if (rule->address != NULL)
		buf_printf(out, " %s", rule->any_address ? "ALL" : rule->address);
	for (size_t i = 0; i < rule->n_nets; i++) {
		addr_host(&rule->nets[i].addr, host);
		if (rule->n_nets > 1 || rule->is_host || strchr(rule->address, '/') == NULL)
			buf_printf(out, "[%s/%u]", host, rule->nets[i].bits);
	}
	buf_printf(out, " %s%s", hba_method_name(rule->method), certs[rule->clientcert]);
	if (rule->map != NULL)
		buf_printf(out, " map=%s", rule->map);
	if (rule->options != NULL)
		buf_printf(out, " <%s>", rule->options);
	if (rule->service != NULL)
		buf_printf(out, " service=%s", rule->service);
}

/* Maps for rules to name. */
static struct ident *
some_maps(void)
{
	struct err err = { 0 };
	struct ident *ident = ident_read(SPAN_LITERAL("m root bob\n\"a b\" root bob\n"), "i",
	    &test_world, &err);

	assert_non_null(ident);
	return ident;
}

static void
check_dialogue(const struct dialogue *d)
{
	size_t len = strlen(d->text);
	char *text = exact_copy(d->text, len);
	struct err err = { 0 };
	struct hba *hba = hba_read(span_of(text, len), "dir/hba", some_maps(), &test_world,
	    &err);
	struct buf got = { 0 };

	print_message("# %s\n", d->text);
	assert_string_equal(hba != NULL ? "" : err.text, d->error != NULL ? d->error : "");
	for (size_t i = 0; hba != NULL && i < hba->count; i++) {
		buf_put_text(&got, i > 0 ? "|" : "");
		put_rule(&got, &hba->rules[i]);
	}
	assert_string_equal(buf_text(&got), d->rules);
	buf_fini(&got);
	hba_drop(hba);
	free(text);
}

static inline void
check_all(const struct dialogue *dialogues, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_dialogue(&dialogues[i]);
}

#endif
