/*
 * log_form.c - tests of the shapes of a line (log_set_format()): what is said of whom, and that a reader of
 * JSON or key=value never stumbles, whatever strangers call themselves.
 */
#include "unit/unit.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define LINE_MOST 4096u
#define STAMP "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

static char file[] = "/tmp/unit-log-form-XXXXXX";

static int
file_make(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	log_to_stderr(false);
	return fd < 0 || close(fd) != 0 || !log_open_file(file) ? -1 : 0;
}

static int
file_drop(void **state)
{
	(void)state;
	return log_open_file(NULL) && unlink(file) == 0 ? 0 : -1;
}

/* The line that was written for WHO and TEXT in FORMAT. */
static const char *
line_of(enum log_format format, const struct log_who *who, const char *text)
{
	static char line[2 * LINE_MOST];
	FILE *f;
	size_t len;

	assert_int_equal(truncate(file, 0), 0);
	log_set_format(format);
	log_line(LOG_LEVEL_LOG, who, "%s", text);
	log_set_format(LOG_FORMAT_TEXT);
	f = fopen(file, "r");
	assert_non_null(f);
	len = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	assert_in_range(len, 1, LINE_MOST);
	line[len] = '\0';
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);	/* one line */
	line[len - 1] = '\0';
	return line;
}

static void
assert_matches(const char *text, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, text, 0, NULL, 0) != 0)
		fail_msg("\"%s\" does not match \"%s\"", text, pattern);
	regfree(&regex);
}

static const struct log_who whole = { .side = 'C', .id = 17, .pair = 5, .server_pid = 4711,
	.database = "app", .user = "bob", .addr = "10.0.0.1:5000", .reason = "query_timeout",
	.statement = "select ?" };
static const struct log_who server = { .side = 'S', .id = 5, .pair = 17, .server_pid = 4711,
	.database = "app", .user = "bob", .addr = "10.0.0.9:5432" };
static const struct log_who nobody = { .side = 'C', .id = 3, .addr = "unix" };

static void
json_has_its_keys(void **state)
{
	(void)state;
	assert_matches(line_of(LOG_FORMAT_JSON, &whole, "closing because: query timeout (age=3s)"),
	    "^\\{\"time\":\"" STAMP "\",\"level\":\"info\",\"pid\":[0-9]+,\"client\":17,\"server\":5,"
	    "\"server_pid\":4711,\"database\":\"app\",\"user\":\"bob\",\"addr\":\"10\\.0\\.0\\.1:5000\","
	    "\"reason\":\"query_timeout\",\"statement\":\"select \\?\","
	    "\"msg\":\"closing because: query timeout \\(age=3s\\)\"}$");
	assert_matches(line_of(LOG_FORMAT_JSON, &server, "x"),
	    "\"pid\":[0-9]+,\"client\":17,\"server\":5,\"server_pid\":4711,\"database\"");
	assert_matches(line_of(LOG_FORMAT_JSON, &nobody, "x"),
	    "\"pid\":[0-9]+,\"client\":3,\"addr\":\"unix\",\"msg\":\"x\"}$");
	assert_matches(line_of(LOG_FORMAT_JSON, NULL, "x"), "\"pid\":[0-9]+,\"msg\":\"x\"}$");
}

static void
keyvalue_has_its_keys(void **state)
{
	(void)state;
	assert_matches(line_of(LOG_FORMAT_KEYVALUE, &whole, "closing because: \"x\""),
	    "^time=" STAMP " level=info pid=[0-9]+ client=17 server=5 server_pid=4711 database=app "
	    "user=bob addr=10\\.0\\.0\\.1:5000 reason=query_timeout statement=\"select \\?\" "
	    "msg=\"closing because: \\\\\"x\\\\\"\"$");
	assert_matches(line_of(LOG_FORMAT_KEYVALUE, &nobody, "x=1"),
	    " client=3 addr=unix msg=\"x=1\"$");
}

static void
text_ends_with_the_reason(void **state)
{
	(void)state;
	assert_matches(line_of(LOG_FORMAT_TEXT, &whole, "closing because: query timeout (age=3s)"),
	    " LOG C-17: app/bob@10\\.0\\.0\\.1:5000 closing because: query timeout \\(age=3s\\) "
	    "reason=query_timeout$");
	assert_matches(line_of(LOG_FORMAT_TEXT, &nobody, "x"), " LOG C-3: \\(nodb\\)/\\(nouser\\)@unix x$");
}

/* --- a reader of JSON (RFC 8259), as strict as one can be --- */

static const char *
skip_text(const char *at)
{
	if (*at++ != '"')
		return NULL;
	while (*at != '"') {
		if ((unsigned char)*at < ' ')
			return NULL;
		if (*at != '\\') {
			at++;
		} else if (at[1] == 'u') {
			if (strspn(at + 2, "0123456789abcdef") < 4)
				return NULL;
			at += 6;
		} else {
			if (at[1] == '\0' || strchr("\"\\/bfnrt", at[1]) == NULL)
				return NULL;
			at += 2;
		}
	}
	return at + 1;
}

/* Is LINE one object of texts and numbers, and valid UTF-8? */
static bool
is_object(const char *line)
{
	char next = '{';

	if (!text_is_utf8(span_text(line)))
		return false;
	while (*line == next) {
		line = skip_text(line + 1);
		if (line == NULL || *line++ != ':')
			return false;
		line = *line == '"' ? skip_text(line) : line + strspn(line, "0123456789");
		if (line == NULL)
			return false;
		next = ',';
	}
	return strcmp(line, "}") == 0;
}

static const char *const names[] = {
	"", " ", "\"", "\\", "\\\"", "\"}", "a\nb", "a\tb", "\x01\x1f\x7f", "\xff", "\xc3", "\xc3\xa4",
	"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98\x80", "a=b c=\"d\"", "</script>", "\xc2\x85",
	"\xe2\x80\xa8", "x\xff\xfe\\u0041",
};

static void
whatever_they_are_called(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct log_who who = { .side = 'C', .id = 1, .database = names[i], .user = names[i],
			.statement = names[i] };

		snprintf(who.addr, sizeof(who.addr), "%s", names[i]);
		if (!is_object(line_of(LOG_FORMAT_JSON, &who, names[i])))
			fail_msg("row %zu is no object", i);
		line_of(LOG_FORMAT_KEYVALUE, &who, names[i]);
		line_of(LOG_FORMAT_TEXT, &who, "x");
	}
}

/* However long, however it is cut: still an object, and as long as it may be. */
static void
a_long_text_is_cut(void **state)
{
	static const char *const units[] = { "x", "\"", "\x01", "\xc3\xa4", "\xf0\x9f\x98\x80", "\xff", "\\" };
	char text[4000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i]);

		for (size_t most = sizeof(text) - 8; most < sizeof(text); most++) {
			const char *line;

			for (size_t j = 0; j + len < most; j += len)
				memcpy(text + j, units[i], len + 1);
			line = line_of(LOG_FORMAT_JSON, &whole, text);
			if (!is_object(line))
				fail_msg("unit %zu is no object", i);
			assert_in_range(strlen(line), LINE_MOST - 16, LINE_MOST);
			assert_non_null(strstr(line, "...\"}"));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_its_keys),
		cmocka_unit_test(keyvalue_has_its_keys),
		cmocka_unit_test(text_ends_with_the_reason),
		cmocka_unit_test(whatever_they_are_called),
		cmocka_unit_test(a_long_text_is_cut),
	};

	return cmocka_run_group_tests_name("base/log_form", tests, file_make, file_drop);
}
