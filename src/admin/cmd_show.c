/*
 * cmd_show.c - SHOW, and what drivers send without meaning it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "admin/job.h"
#include "pool/client.h"

/* What one may say, as the detail of a notice: PgBouncer's clients look for it there. */
static void
show_help(struct console *s)
{
	struct buf text = { 0 };
	const struct view *view = NULL;

	for (size_t i = 0; i < command_count; i++) {
		if (commands[i].usage != NULL)
			buf_printf(&text, "\n\t%s", commands[i].usage);
	}
	buf_put_text(&text, "\n\n\tSHOW ");
	while ((view = view_next(view)) != NULL) {
		const char *at = view->topic;

		if (view->pretended || view->refused != NULL)
			continue;
		for (; *at != '\0'; at++)
			buf_put_byte(&text, (char)toupper((unsigned char)*at));
		buf_put_byte(&text, '|');
	}
	buf_put_text(&text, "HELP\n");
	console_notice(s, "Console usage", buf_text(&text));
	buf_fini(&text);
	console_done(s, NULL);
}

void
run_show(struct console *s, const struct request *r)
{
	const struct view *view = r->view;
	struct portal *portal = s->running;
	struct worker *home = s->client->worker;
	struct job *job;

	snprintf(portal->tag, sizeof(portal->tag), "SHOW");
	if (view == NULL) {
		show_help(s);
		return;
	}
	if (view->fill != NULL) {
		job = job_new(s, NULL);
		if (job != NULL)
			job_gather(job, view);
		return;
	}
	view->finish(&(struct view_source){ .view = view, .admin = s->admin, .loop = home->loop,
			 .conf = home->setup->conf }, &portal->rows);
	if (portal->rows.failed)
		console_fail(s, "out of memory");
	else
		console_done(s, NULL);
}

/* --- what drivers send --- */

void
run_begin(struct console *s, const struct request *r)
{
	snprintf(s->running->tag, sizeof(s->running->tag), "%s",
	    words_is(&r->words, 0, "begin") ? "BEGIN" : "START TRANSACTION");
	s->status = 'T';
	console_done(s, NULL);
}

void
run_end(struct console *s, const struct request *r)
{
	bool well = words_is(&r->words, 0, "commit") || words_is(&r->words, 0, "end");

	snprintf(s->running->tag, sizeof(s->running->tag), "%s",
	    well ? "COMMIT" : "ROLLBACK");
	s->status = 'I';
	console_done(s, NULL);
}

/* DEALLOCATE [PREPARE] name | ALL, DISCARD ALL: as if Close had come for it. */
void
run_deallocate(struct console *s, const struct request *r)
{
	unsigned at = words_is(&r->words, 1, "prepare") ? 2 : 1;
	bool all = words_is(&r->words, at, "all");
	const char *word = words_is(&r->words, 0, "discard") ? "DISCARD" : "DEALLOCATE";

	console_deallocate(s, all ? span_of(NULL, 0) : words_at(&r->words, at));
	snprintf(s->running->tag, sizeof(s->running->tag), "%s%s", word,
	    all ? " ALL" : "");
	console_done(s, NULL);
}

void
run_nothing(struct console *s, const struct request *r)
{
	(void)r;
	console_done(s, NULL);
}
