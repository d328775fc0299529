/*
 * hba_same.c - are two sets of rules the same, wherever they were written?
 */
#include "conf/hba.h"
#include "conf/ident.h"

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && span_same(span_text(a), span_text(b));
}

static bool
same_list(const struct hba_list *a, const struct hba_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->items[i].word != b->items[i].word ||
		    !same_text(a->items[i].name, b->items[i].name))
			return false;
	}
	return true;
}

static bool
same_address(const struct hba_rule *a, const struct hba_rule *b)
{
	if (!same_text(a->address, b->address) || a->any_address != b->any_address ||
	    a->is_host != b->is_host || a->n_nets != b->n_nets)
		return false;
	for (size_t i = 0; i < a->n_nets; i++) {
		if (a->nets[i].bits != b->nets[i].bits ||
		    !addr_same(&a->nets[i].addr, &b->nets[i].addr))
			return false;
	}
	return true;
}

static bool
same_rule(const struct hba_rule *a, const struct hba_rule *b)
{
	return a->kind == b->kind && a->method == b->method &&
	    a->clientcert == b->clientcert && same_text(a->map, b->map) &&
	    same_text(a->options, b->options) && same_text(a->service, b->service) &&
	    same_address(a, b) && same_list(&a->databases, &b->databases) &&
	    same_list(&a->users, &b->users);
}

bool
hba_same(const struct hba *a, const struct hba *b)
{
	if (a == NULL || b == NULL || a == b)
		return a == b;
	if (a->count != b->count || !ident_same(a->ident, b->ident))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!same_rule(&a->rules[i], &b->rules[i]))
			return false;
	}
	return true;
}
