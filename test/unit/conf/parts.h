/*
 * parts.h - what tests of whole confs share: a folder to write files in, a conf of a
 * text.
 */
#ifndef UNIT_CONF_PARTS_H
#define UNIT_CONF_PARTS_H

#include <stdio.h>
#include <unistd.h>

#include "conf/conf.h"
#include "unit/unit.h"

#define IN_FOLDER(rule) \
	cmocka_unit_test_setup_teardown(rule, folder_make, folder_remove)

/* A folder that lives as long as a test and is the working directory meanwhile. */
static char folder[64];

static inline int
folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/unit-conf-XXXXXX");
	return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static const char *const file_names[] = { "t.ini", "more.ini", "users.txt", "other.txt",
	"hba.conf", "ident.conf" };

static inline int
folder_remove(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(file_names); i++)
		unlink(file_names[i]);
	return chdir("/") != 0 || rmdir(folder) != 0;
}

static inline void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* The conf of TEXT, which must be good. */
static inline struct conf *
good(const char *text, const struct conf_override *overrides)
{
	struct err err = { 0 };
	struct conf *conf = conf_parse(span_text(text), "t.ini", overrides, &err);

	if (conf == NULL)
		fail_msg("expected a conf, got %s", err.text);
	return conf;
}

#endif
