/*
 * ini.c - tests of conf/ini.h: dialogues of text in, events out.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "conf/ini.h"

/* Files that can be included. */
static const struct {
	const char	*name, *text;
} files[] = {
	{ "more.ini", "b = 2\n[two]\nc = 3\n" },
	{ "loop.ini", "%include loop.ini\n" },
	{ "bad.ini", "\n\nx\n" },
	{ "empty.ini", "" },
	{ "9.ini", "d = 9\n" },
	{ "8.ini", "%include 9.ini\n" },
	{ "7.ini", "%include 8.ini\n" },
	{ "6.ini", "%include 7.ini\n" },
	{ "5.ini", "%include 6.ini\n" },
	{ "4.ini", "%include 5.ini\n" },
	{ "3.ini", "%include 4.ini\n" },
	{ "2.ini", "%include 3.ini\n" },
	{ "1.ini", "%include 2.ini\n" },
	{ "0.ini", "%include 1.ini\n" },
	{ "over.ini", "%include 0.ini\n" },
};

static bool
include(void *arg, const char *file, struct buf *out, struct err *err)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (strcmp(files[i].name, file) == 0) {
			buf_put_text(out, files[i].text);
			return true;
		}
	}
	return err_set(err, SQLSTATE_CONFIG, "cannot read \"%s\": it is not there", file);
}

static bool
section(void *arg, struct span name, struct ini_place place, struct err *err)
{
	(void)err;
	buf_printf(arg, "%u[%.*s] ", place.line, (int)name.len, name.at);
	return true;
}

static bool
value(void *arg, struct span key, struct span text, struct ini_place place,
    struct err *err)
{
	if (span_is(key, "stop"))
		return err_set(err, SQLSTATE_CONFIG, "stopped");
	buf_printf(arg, "%u:%.*s=%.*s| ", place.line, (int)key.len, key.at, (int)text.len,
	    text.at);
	return true;
}

struct dialogue {
	const char	*text;
	const char	*events;
	const char	*error;		/* NULL: it is good */
};

#define BAD_LINE "expected key = value, [section], %include or a comment, got "

static const struct dialogue dialogues[] = {
	{ "", "", NULL },
	{ "\n\n  \n", "", NULL },
	{ "[one]\na = 1\n", "1[one] 2:a=1| ", NULL },
	{ "[one]\r\na = 1\r\n", "1[one] 2:a=1| ", NULL },
	{ "  [one]  \n  a=1", "1[one] 2:a=1| ", NULL },
	{ "; a = 1\n# b = 2\n  ; c\n\t# d\n", "", NULL },
	{ "a = 1 ; no comment # here\n", "1:a=1 ; no comment # here| ", NULL },
	{ "a =\nb=  \n", "1:a=| 2:b=| ", NULL },
	{ "a = b = c\n", "1:a=b = c| ", NULL },
	{ "a = 'x'\n", "1:a='x'| ", NULL },
	{ "a_b.c-d* = 1\n* = 2\n", "1:a_b.c-d*=1| 2:*=2| ", NULL },
	{ "'we ird' = 1\n", "1:we ird=1| ", NULL },
	{ "'a\"b'=1\n", "1:a\"b=1| ", NULL },
	{ "\"we ird\" = 1\n", "1:we ird=1| ", NULL },
	{ "\"a \"\"b\"\"\" = 1\n", "1:a \"b\"=1| ", NULL },
	{ "'a=b' = 1\n", "1:a=b=1| ", NULL },
	{ "[]\n", "1[] ", NULL },
	{ "a = 1\n%include more.ini\ne = 5\n", "1:a=1| 1:b=2| 2[two] 3:c=3| 3:e=5| ", NULL },
	{ "%include\tmore.ini  \n", "1:b=2| 2[two] 3:c=3| ", NULL },
	{ "%include empty.ini\na=1", "2:a=1| ", NULL },
	{ "%include 0.ini\n", "1:d=9| ", NULL },
	{ "a\n", "", "t.ini:1: " BAD_LINE "\"a\"" },
	{ "a b = 1\n", "", "t.ini:1: " BAD_LINE "\"a b \"" },
	{ "= 1\n", "", "t.ini:1: " BAD_LINE "\"\"" },
	{ "x = 1\n\n\xc3\xa4 = 2\n", "1:x=1| ", "t.ini:3: " BAD_LINE "\"\xc3\xa4 \"" },
	{ "'a = 1\n", "", "t.ini:1: " BAD_LINE "\"'a \"" },
	{ "'' = 1\n", "", "t.ini:1: " BAD_LINE "\"'' \"" },
	{ "'a''b' = 1\n", "", "t.ini:1: " BAD_LINE "\"'a''b' \"" },
	{ "\"a\"\" = 1\n", "", "t.ini:1: " BAD_LINE "\"\"a\"\" \"" },
	{ "[one\n", "", "t.ini:1: expected [section], got \"[one\"" },
	{ "[one] x\n", "", "t.ini:1: expected [section], got \"[one] x\"" },
	{ "%include\n", "", "t.ini:1: expected %include and a file name, got \"%include\"" },
	{ "%includemore.ini\n", "",
	  "t.ini:1: expected %include and a file name, got \"%includemore.ini\"" },
	{ "%other\n", "", "t.ini:1: " BAD_LINE "\"%other\"" },
	{ "a=1\n%include none.ini\n", "1:a=1| ",
	  "t.ini:2: cannot read \"none.ini\": it is not there" },
	{ "%include bad.ini\n", "", "bad.ini:3: " BAD_LINE "\"x\"" },
	{ "%include over.ini\n", "",
	  "8.ini:1: expected %include nested at most 10 deep, got \"9.ini\" beyond" },
	{ "%include loop.ini\n", "",
	  "loop.ini:1: expected %include nested at most 10 deep, got \"loop.ini\" beyond" },
	{ "a = 1\nstop = now\nb = 2\n", "1:a=1| ", "stopped" },
	{ "password word = secret\n", "", "t.ini:1: " BAD_LINE "\"password word \"" },
};

static void
check_dialogue(const struct dialogue *d, struct span text)
{
	struct buf events = { 0 };
	struct ini ini = { section, value, include, &events };
	struct err err = { 0 };
	bool good = ini_read(&ini, text, "t.ini", &err);

	print_message("# %s\n", d->text);
	assert_string_equal(good ? "" : err.text, d->error != NULL ? d->error : "");
	assert_string_equal(buf_text(&events), d->events);
	buf_fini(&events);
}

static void
texts_give_their_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++) {
		size_t len = strlen(dialogues[i].text);
		char *text = exact_copy(dialogues[i].text, len);

		check_dialogue(&dialogues[i], span_of(text, len));
		free(text);
	}
}

static void
zero_bytes_are_refused(void **state)
{
	struct buf events = { 0 };
	struct ini ini = { section, value, include, &events };
	struct err err = { 0 };

	(void)state;
	assert_false(ini_read(&ini, SPAN_LITERAL("a = 1\nb\0 = 2\n"), "t.ini", &err));
	assert_string_equal(err.text,
	    "t.ini:2: expected text without zero bytes, got \"b\\x00 \"");
	buf_fini(&events);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(texts_give_their_events),
		UNIT_TEST(zero_bytes_are_refused),
	};

	return cmocka_run_group_tests_name("conf/ini", tests, NULL, NULL);
}
