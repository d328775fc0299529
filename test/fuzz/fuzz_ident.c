/*
 * fuzz_ident.c - files of maps by strangers, and names tried on them: the same answer
 * each time, nobody where there is no map, and soon.
 *
 * The input: a file, byte 1, a system user, byte 1, more files (fuzz_hba_world.h). The
 * map asked for is "m", the database users are "u" and the system user itself.
 */
#include "fuzz/fuzz_hba_world.h"

#include "conf/ident.h"

static void
ask(const struct ident *ident, struct span system, struct span user)
{
	bool answer = ident_maps(ident, "m", system, user);

	must(answer == ident_maps(ident, "m", system, user));
	must(!answer || ident_has(ident, "m"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span input = copy_of(span_of(bytes, len));
	struct parts parts = parts_of(input);
	struct hba_world world = parts_world(&parts);
	struct err err = { 0 };
	struct ident *ident = ident_read(parts.at[0], "i", &world, &err);
	struct span system = parts.at[1];

	must((ident == NULL) == (err.text[0] != '\0'));
	if (ident != NULL) {
		ask(ident, system, SPAN_LITERAL("u"));
		ask(ident, system, system);
		ask(ident, SPAN_LITERAL("u"), SPAN_LITERAL("u"));
	}
	ident_free(ident);
	free((char *)input.at);
	return 0;
}
