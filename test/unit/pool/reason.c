/*
 * reason.c - tests of pool/reason.h: the table is whole, and every code is one.
 */
#include "unit/unit.h"

#include <string.h>

#include "pool/reason.h"

static void
every_row_is_whole(void **state)
{
	(void)state;
	for (unsigned why = CLOSE_NONE + 1; why < CLOSE_KINDS; why++) {
		const struct reason_row *row = &reason_rows[why];
		size_t len = strlen(row->meaning);

		assert_ptr_equal(reason_code((enum reason)why), row->code);
		assert_true(strlen(row->code) > 0);
		assert_int_equal(strspn(row->code, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->code));
		assert_true(strlen(reason_text((enum reason)why)) > 0);
		if (len < 2 || row->meaning[len - 1] != '.' || strchr(row->meaning, '|') != NULL)
			fail_msg("%s: expected a sentence, got '%s'", row->code, row->meaning);
	}
}

/* Who counts by code, or greps for a text, finds one thing. */
static void
codes_and_texts_are_unique(void **state)
{
	(void)state;
	for (unsigned a = CLOSE_NONE + 1; a < CLOSE_KINDS; a++) {
		for (unsigned b = a + 1; b < CLOSE_KINDS; b++) {
			assert_string_not_equal(reason_rows[a].code, reason_rows[b].code);
			assert_string_not_equal(reason_rows[a].text, reason_rows[b].text);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(codes_and_texts_are_unique),
	};

	return cmocka_run_group_tests_name("pool/reason", tests, NULL, NULL);
}
