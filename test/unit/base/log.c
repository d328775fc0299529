/*
 * log.c - tests of base/log.h and of broken promises.
 */
#include "unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

/* Date, time, zone and process, as log readers know them. */
#define START \
	"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} " \
	"[^ ]+ \\[[0-9]+\\] "

static char folder[64], file[96], moved[96];
static const struct log_who anybody = { .side = 'C', .id = 1, .database = "a", .user = "b",
	.addr = "c:1" };

static int
folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/unit-log-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/log", folder);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	log_to_stderr(false);
	return 0;
}

static int
folder_drop(void **state)
{
	(void)state;
	unlink(file);
	unlink(moved);
	return rmdir(folder);
}

/* Each test begins with an empty log. */
static int
file_begin(void **state)
{
	(void)state;
	unlink(file);
	unlink(moved);
	log_set_level(LOG_LEVEL_LOG);
	return log_open_file(file) ? 0 : -1;
}

static int
file_end(void **state)
{
	(void)state;
	return log_open_file(NULL) ? 0 : -1;
}

/* What the file NAME holds; the caller frees it. */
static char *
contents(const char *name)
{
	FILE *f = fopen(name, "r");
	char *text = calloc(1, 1 << 22);

	assert_non_null(text);
	assert_non_null(f);
	(void)!fread(text, 1, (1 << 22) - 1, f);
	fclose(f);
	return text;
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

static void
assert_logged(const char *name, const char *pattern)
{
	char *text = contents(name);

	assert_matches(text, pattern);
	free(text);
}

static void
a_line_has_its_shape(void **state)
{
	(void)state;
	log_line(LOG_LEVEL_LOG, &(struct log_who){ .side = 'C', .id = 17, .database = "app",
	    .user = "bob", .addr = "10.0.0.1:5000" }, "login attempt: db=%s", "app");
	assert_logged(file,
	    START "LOG C-17: app/bob@10\\.0\\.0\\.1:5000 login attempt: db=app\n$");
}

static void
levels_have_words_and_limits(void **state)
{
	static const char *const words[] = { "FATAL", "ERROR", "WARNING", "LOG", "DEBUG",
		"NOISE" };
	int limit, level;

	for (limit = LOG_LEVEL_FATAL; limit <= LOG_LEVEL_NOISE; limit++) {
		for (level = LOG_LEVEL_FATAL; level <= LOG_LEVEL_NOISE; level++) {
			char pattern[200], *text;

			file_begin(state);
			log_set_level((enum log_level)limit);
			assert_int_equal(log_on((enum log_level)level), level <= limit);
			log_line((enum log_level)level, NULL, "x");
			text = contents(file);
			snprintf(pattern, sizeof(pattern), START "%s x\n$", words[level]);
			if (level <= limit)
				assert_matches(text, pattern);
			else
				assert_string_equal(text, "");
			free(text);
		}
	}
}

static void
a_newline_goes_on_with_a_tab(void **state)
{
	(void)state;
	log_line(LOG_LEVEL_ERROR, NULL, "one\ntwo\n\nthree");
	assert_logged(file, START "ERROR one\n\ttwo\n\t\n\tthree\n$");
}

static void
a_long_line_is_cut_and_ended(void **state)
{
	char text[10000], *line;

	(void)state;
	memset(text, '\n', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_line(LOG_LEVEL_LOG, &anybody, "%s", text);
	memset(text, 'x', sizeof(text) - 1);
	log_line(LOG_LEVEL_LOG, &(struct log_who){ .side = 'C', .id = 1, .database = text, .user = text },
	    "%s", text);
	line = contents(file);
	assert_true(strlen(line) <= 2 * 4096);
	assert_true(strlen(line) >= 2 * 4000);
	assert_int_equal(line[strlen(line) - 1], '\n');
	free(line);
}

static void
reopening_follows_the_name(void **state)
{
	(void)state;
	log_line(LOG_LEVEL_LOG, NULL, "before");
	assert_int_equal(rename(file, moved), 0);
	log_line(LOG_LEVEL_LOG, NULL, "between");
	assert_true(log_reopen());
	log_line(LOG_LEVEL_LOG, NULL, "after");
	assert_logged(moved, "before\n.*between\n$");
	assert_logged(file, START "LOG after\n$");
}

static void
a_file_that_cannot_be_opened_changes_nothing(void **state)
{
	(void)state;
	assert_false(log_open_file("/nonexistent/folder/log"));
	log_line(LOG_LEVEL_LOG, NULL, "still here");
	assert_logged(file, "still here\n$");
	assert_int_equal(rename(file, moved), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_false(log_reopen());
	log_line(LOG_LEVEL_LOG, NULL, "and still");
	assert_int_equal(rmdir(file), 0);
	assert_logged(moved, "and still\n$");
}

static void
without_a_file_reopening_is_fine(void **state)
{
	(void)state;
	assert_true(log_open_file(NULL));
	assert_true(log_reopen());
	log_line(LOG_LEVEL_LOG, NULL, "nowhere");
	assert_logged(file, "^$");
}

/* What standard error hears while WRITE runs, into TEXT of CAP bytes. */
static void
hear_stderr(void (*write_it)(void), char *text, size_t cap)
{
	int pipes[2], saved;
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	dup2(pipes[1], STDERR_FILENO);
	write_it();
	log_to_stderr(false);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipes[1]);
	n = read(pipes[0], text, cap - 1);
	close(pipes[0]);
	assert_true(n > 0);
	text[n] = '\0';
}

static void
write_quiet_and_loud(void)
{
	log_line(LOG_LEVEL_LOG, NULL, "quiet");
	log_to_stderr(true);
	log_line(LOG_LEVEL_LOG, NULL, "loud");
}

static void
stderr_hears_if_wanted(void **state)
{
	char text[200];

	(void)state;
	hear_stderr(write_quiet_and_loud, text, sizeof(text));
	assert_matches(text, START "LOG loud\n$");
}

static void
write_for_journal(void)
{
	log_to_stderr(true);
	log_for_journal(true);
	log_line(LOG_LEVEL_LOG, &anybody, "one\ntwo");
	log_line(LOG_LEVEL_ERROR, NULL, "three");
	log_for_journal(false);
}

static void
the_journal_hears_priorities_and_no_time(void **state)
{
	char text[200];

	(void)state;
	hear_stderr(write_for_journal, text, sizeof(text));
	assert_string_equal(text, "<6>LOG C-1: a/b@c:1 one\n<6>\ttwo\n<3>ERROR three\n");
	assert_logged(file, "\\] ERROR three");
}

/* How many lines of TEXT hold PART. */
static unsigned
count_lines(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static void
a_flood_of_warnings_is_bounded_and_counted(void **state)
{
	unsigned sent = 0, written, told = 0;
	time_t until = time(NULL) + 20;
	char *text = NULL, *at;

	(void)state;
	/* a second may end meanwhile: then the next one's first warning tells */
	while (told == 0 && time(NULL) < until) {
		for (unsigned i = 0; i < 2 * LOG_WARNINGS_MOST; i++, sent++)
			log_line(LOG_LEVEL_WARNING, &anybody, "flood");
		free(text);
		text = contents(file);
		at = strstr(text, " warnings about connections were left out");
		if (at == NULL)
			continue;
		while (at[-1] >= '0' && at[-1] <= '9')
			at--;
		told = (unsigned)strtoul(at, NULL, 10);
	}
	written = count_lines(text, "flood");
	assert_true(told > 0);
	assert_true(written < sent);
	assert_true(written + told <= sent);
	free(text);
	log_line(LOG_LEVEL_LOG, &anybody, "other lines pass");
	log_line(LOG_LEVEL_WARNING, NULL, "our own warnings, too");
	assert_logged(file, "other lines pass");
	assert_logged(file, "our own warnings, too");
}

static void *
write_many(void *letter)
{
	char text[201];
	int i;

	memset(text, *(char *)letter, 200);
	text[200] = '\0';
	for (i = 0; i < 200; i++) {
		log_line(LOG_LEVEL_LOG, NULL, "%s", text);
		if (i % 50 == 0)
			log_reopen();
	}
	return NULL;
}

static void
threads_do_not_mix_lines(void **state)
{
	char letters[] = "abc", *text, *line, *end;
	pthread_t threads[3];
	unsigned i, count = 0;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, write_many, &letters[i]), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	text = contents(file);
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		char *body = strstr(line, "LOG ") + 4;

		assert_int_equal(end - body, 200);
		for (; body < end - 1; body++)
			assert_int_equal(body[0], body[1]);
		count++;
	}
	assert_int_equal(count, 600);
	free(text);
}

static void
escaping_leaves_nothing_harmful(void **state)
{
	static const struct {
		struct span	 in;
		const char	*out;
	} rows[] = {
		{ SPAN_LITERAL(""), "" },
		{ SPAN_LITERAL("plain text"), "plain text" },
		{ SPAN_LITERAL("a\nb\tc\0d"), "a\\x0ab\\x09c\\x00d" },
		{ SPAN_LITERAL("\x1b[2J\x7f"), "\\x1b[2J\\x7f" },
		{ SPAN_LITERAL("back\\slash"), "back\\x5cslash" },
		{ SPAN_LITERAL("\xc3\xa4\xe2\x82\xac"), "\xc3\xa4\xe2\x82\xac" },
		{ SPAN_LITERAL("\xc2\x9b""2J\xc2\xa0"), "\\xc2\\x9b2J\xc2\xa0" },
		{ SPAN_LITERAL("\xff\xc3x"), "\\xff\\xc3x" },
		{ SPAN_LITERAL("\xed\xa0\x80"), "\\xed\\xa0\\x80" },
	};
	char out[100];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *block = exact_copy(rows[i].in.at, rows[i].in.len);

		assert_string_equal(log_escape(span_of(block, rows[i].in.len), out,
		    sizeof(out)), rows[i].out);
		free(block);
	}
}

static void
escaping_fits_every_room(void **state)
{
	struct span in = SPAN_LITERAL("ab\n\xe2\x82\xac\xff""cdef");
	char whole[100];
	size_t cap, len;

	(void)state;
	log_escape(in, whole, sizeof(whole));
	len = strlen(whole);
	for (cap = 1; cap <= len + 2; cap++) {
		char *out = malloc(cap);

		assert_non_null(out);
		log_escape(in, out, cap);
		assert_true(strlen(out) < cap);
		assert_true(text_is_utf8(span_text(out)));
		if (cap > len) {
			assert_string_equal(out, whole);
		} else if (cap > 4) {
			size_t kept = strlen(out) - 3;

			assert_string_equal(out + kept, "...");
			assert_memory_equal(out, whole, kept);
		}
		free(out);
	}
	assert_string_equal(log_escape(in, whole, 0), "");
}

static void
syslog_may_be_asked_for_and_left(void **state)
{
	(void)state;
	log_to_syslog("unit-log", "no such facility");
	log_to_syslog("unit-log", "LOCAL7");
	log_to_syslog(NULL, NULL);
	log_line(LOG_LEVEL_LOG, NULL, "not there");
	assert_logged(file, "not there\n$");
}

static void
a_broken_promise_is_told(void **state)
{
	unsigned long before = log_insists();
	int status;
	pid_t child;

	(void)state;
	assert_true(insist(1 + 1 == 2));
	assert_int_equal(log_insists(), before);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		_exit(insist(1 + 1 == 3) || log_insists() != before + 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (INSIST_KILLS)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_logged(file, START "ERROR .*log\\.c:[0-9]+: .*1 \\+ 1 == 3.*\n$");
}

int
main(void)
{
#define LOG_TEST(rule) cmocka_unit_test_setup_teardown(rule, file_begin, file_end)
	const struct CMUnitTest tests[] = {
		LOG_TEST(a_line_has_its_shape),
		LOG_TEST(levels_have_words_and_limits),
		LOG_TEST(a_newline_goes_on_with_a_tab),
		LOG_TEST(a_long_line_is_cut_and_ended),
		LOG_TEST(reopening_follows_the_name),
		LOG_TEST(a_file_that_cannot_be_opened_changes_nothing),
		LOG_TEST(without_a_file_reopening_is_fine),
		LOG_TEST(stderr_hears_if_wanted),
		LOG_TEST(the_journal_hears_priorities_and_no_time),
		LOG_TEST(a_flood_of_warnings_is_bounded_and_counted),
		LOG_TEST(threads_do_not_mix_lines),
		LOG_TEST(escaping_leaves_nothing_harmful),
		LOG_TEST(escaping_fits_every_room),
		LOG_TEST(syslog_may_be_asked_for_and_left),
		LOG_TEST(a_broken_promise_is_told),
	};

	return cmocka_run_group_tests_name("base/log", tests, folder_make, folder_drop);
}
