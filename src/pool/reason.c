/*
 * reason.c - the rows of the table in reason.h.
 */
#include "pool/reason.h"

const struct reason_row reason_rows[CLOSE_KINDS] = {
	[CLOSE_NONE] = { "none", "", "" },
#define REASON_ROW(code, text, meaning) [CLOSE_##code] = { #code, text, meaning },
	REASONS(REASON_ROW)
#undef REASON_ROW
};
