/*
 * fuzz_ldap_options.c - LDAP options of strangers: parsed, or a reason; what was parsed
 * lies in its memory and fits together.
 */
#include "fuzz/fuzz.h"

#include "conf/ldap_options.h"

/* TEXT is NULL or ends within O's memory. */
static void
check_text(const struct ldap_options *o, const char *text)
{
	if (text == NULL)
		return;
	must(text >= o->memory && text < o->memory + o->memory_len);
	must(strlen(text) < (size_t)(o->memory + o->memory_len - text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span text = copy_of(span_of(bytes, len));
	struct ldap_options o;
	char why[160];

	if (ldap_options_parse(&o, text, why, sizeof(why))) {
		const char *const texts[] = { o.server, o.prefix, o.suffix, o.basedn,
			o.binddn, o.bindpasswd, o.attribute, o.filter };

		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			check_text(&o, texts[i]);
		must(o.server != NULL && o.port != 0);
		must(ldap_options_search(&o) != (o.prefix != NULL || o.suffix != NULL));
		must(!ldap_options_search(&o) ||
		    (o.attribute == NULL) != (o.filter == NULL));
	} else {
		must(why[0] != '\0' && o.memory == NULL && o.server == NULL);
	}
	ldap_options_fini(&o);
	free((char *)text.at);
	return 0;
}
