/*
 * saslprep.c - SASLprep by GNU libidn, with PostgreSQL's exceptions: ASCII is left
 * alone, and so is what cannot be prepared.
 */
#include "auth/saslprep.h"

#include "base/mem.h"

#include <stringprep.h>

/* A character grows at most from 3 to 33 bytes (U+FDFA under NFKC). */
#define GROWTH 11u

static bool
needs_preparing(struct span password)
{
	bool ascii = true;

	for (size_t i = 0; i < password.len; i++) {
		if (password.at[i] == '\0')
			return false;
		if ((unsigned char)password.at[i] >= 0x80)
			ascii = false;
	}
	return !ascii && password.len <= SASLPREP_MOST;
}

void
saslprep(struct span password, struct buf *out)
{
	char room[SASLPREP_MOST * GROWTH + 1];
	int result;

	if (!needs_preparing(password)) {
		buf_put_span(out, password);
		return;
	}
	memcpy(room, password.at, password.len);
	room[password.len] = '\0';
	/* stored strings: code points without a meaning yet are prohibited */
	result = stringprep(room, sizeof(room), STRINGPREP_NO_UNASSIGNED,
	    stringprep_saslprep);
	if (result == STRINGPREP_OK && room[0] != '\0')
		buf_put_text(out, room);
	else
		buf_put_span(out, password);
	mem_wipe(room, sizeof(room));
}
