/*
 * asker.c - lookups, PAM and LDAP by hand, for system tests: asks what lines on stdin say,
 * on the real helper threads, and prints the answers. Words are split by tabs.
 *
 *	asker INI
 *
 *	lookup DB DBNAME USER NAME MS	by entry DB's hosts; a secret of USER is in auth_file
 *	many N DB DBNAME USER NAME MS	N at once
 *	pam SERVICE FOLDER USER PASSWORD PEER	"-": not given
 *	ldap USER PASSWORD MS		with auth_ldap_options
 *	reload, numbers, tune IDLE_MS LIFE_MS
 *	quit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/clerk.h"
#include "auth/lookup.h"
#include "auth/outside.h"
#include "conf/conf.h"
#include "net/loop.h"

#define WORDS_MOST 8u
#define LINE_MOST 70000u

struct asker {
	const char	*file;
	struct conf	*conf;		/* held */
	struct loop	*loop;		/* owned */
	struct mailbox	*home;		/* owned */
	struct clerks	*clerks;	/* owned */
	struct lookup	*lookup;	/* owned */
	unsigned	 expected;	/* answers that have not come */
};

static void
print_error(const char *what, const struct err *e)
{
	printf("%s\t%s\t%s\n", what, e->sqlstate, e->text);
}

/* --- answers --- */

static void
hear_lookup(struct letter *letter, void *receiver)
{
	struct lookup_answer *a = lookup_answer_of(letter);
	struct asker *asker = receiver;

	switch (a->outcome) {
	case LOOKUP_FOUND:
		printf("found\t%.*s\t%.*s\n", (int)a->name.len, a->name.at,
		    a->has_secret ? (int)a->secret.len : 6,
		    a->has_secret ? a->secret.at : "(null)");
		break;
	case LOOKUP_NOBODY:
		printf("nobody\n");
		break;
	case LOOKUP_FAILED:
		print_error("failed", &a->err);
		break;
	}
	lookup_answer_free(a);
	if (--asker->expected == 0)
		loop_stop(asker->loop);
}

static void
hear_judge(struct letter *letter, void *receiver)
{
	struct outside_answer *a = outside_answer_of(letter);
	struct asker *asker = receiver;

	switch (a->outcome) {
	case OUTSIDE_YES:
		printf("yes\t%.*s\n", (int)a->password.len, a->password.at);
		break;
	case OUTSIDE_NO:
		print_error("no", &a->err);
		break;
	case OUTSIDE_FAILED:
		print_error("failed", &a->err);
		break;
	}
	outside_answer_free(a);
	if (--asker->expected == 0)
		loop_stop(asker->loop);
}

static void
wait_for_answers(struct asker *asker)
{
	if (asker->expected > 0)
		loop_run(asker->loop);
}

/* --- commands --- */

static usec_t
milliseconds(const char *word)
{
	return (usec_t)strtoul(word, NULL, 10) * MSEC;
}

/* DB DBNAME USER NAME MS */
static void
ask_lookup(struct asker *asker, char **words, unsigned times)
{
	const struct conf_database *db = conf_database(asker->conf, span_text(words[0]));
	const struct conf_user *user = conf_user(asker->conf, span_text(words[2]));
	struct lookup_ask ask = {
		.conf = asker->conf,
		.db = db,
		.dbname = span_text(words[1]),
		.user = span_text(words[2]),
		.secret = span_text(user != NULL ? user->secret : NULL),
		.query = db != NULL && db->auth_query != NULL ? db->auth_query :
		    asker->conf->auth_query,
		.name = span_text(words[3]),
		.timeout = milliseconds(words[4]),
		.home = asker->home,
		.open = hear_lookup,
	};
	struct err e;

	if (db == NULL) {
		printf("no such entry\n");
		return;
	}
	for (; times > 0; times--) {
		if (lookup_ask(asker->lookup, &ask, &e))
			asker->expected++;
		else
			print_error("refused", &e);
	}
	wait_for_answers(asker);
}

static const char *
given(const char *word)
{
	return strcmp(word, "-") != 0 ? word : NULL;
}

static void
ask_judge(struct asker *asker, const struct outside_ask *ask)
{
	struct err e;

	if (outside_ask(asker->clerks, ask, &e))
		asker->expected++;
	else
		print_error("refused", &e);
	wait_for_answers(asker);
}

/* SERVICE FOLDER USER PASSWORD PEER */
static void
ask_pam(struct asker *asker, char **words)
{
	struct addr peer = { .kind = ADDR_NONE };
	bool has_peer = addr_parse_ip(&peer, span_text(words[4]), 1);
	struct outside_ask ask = {
		.kind = OUTSIDE_PAM,
		.service = given(words[0]),
		.pam_folder = given(words[1]),
		.user = span_text(words[2]),
		.password = span_text(words[3]),
		.peer = has_peer ? &peer : NULL,
		.timeout = 20 * SECOND,
		.home = asker->home,
		.open = hear_judge,
	};

	ask_judge(asker, &ask);
}

/* USER PASSWORD MS */
static void
ask_ldap(struct asker *asker, char **words)
{
	struct outside_ask ask = {
		.kind = OUTSIDE_LDAP,
		.options = asker->conf->auth_ldap_options,
		.user = span_text(words[0]),
		.password = span_text(words[1]),
		.timeout = milliseconds(words[2]),
		.home = asker->home,
		.open = hear_judge,
	};

	ask_judge(asker, &ask);
}

static void
reload(struct asker *asker)
{
	struct err e;
	struct conf *conf = conf_load(asker->file, NULL, &e);

	if (conf == NULL) {
		print_error("not loaded", &e);
		return;
	}
	conf_drop(asker->conf);
	asker->conf = conf;
	lookup_renew(asker->lookup);
	printf("reloaded\n");
}

static void
show_numbers(struct asker *asker)
{
	struct lookup_numbers n;
	struct clerk_numbers c;

	lookup_count(asker->lookup, &n);
	clerk_count(asker->clerks, CLERK_LOOKUP, &c);
	printf("open %u opened %llu found %llu nobody %llu failed %llu threads %u\n",
	    n.open, (unsigned long long)n.opened, (unsigned long long)c.yes,
	    (unsigned long long)c.no, (unsigned long long)c.failed, c.threads);
}

static void
obey(struct asker *asker, char **words, unsigned count)
{
	if (strcmp(words[0], "lookup") == 0 && count == 6)
		ask_lookup(asker, words + 1, 1);
	else if (strcmp(words[0], "many") == 0 && count == 7)
		ask_lookup(asker, words + 2, (unsigned)strtoul(words[1], NULL, 10));
	else if (strcmp(words[0], "pam") == 0 && count == 6)
		ask_pam(asker, words + 1);
	else if (strcmp(words[0], "ldap") == 0 && count == 4)
		ask_ldap(asker, words + 1);
	else if (strcmp(words[0], "reload") == 0)
		reload(asker);
	else if (strcmp(words[0], "numbers") == 0)
		show_numbers(asker);
	else if (strcmp(words[0], "tune") == 0 && count == 3)
		lookup_tune(asker->lookup, milliseconds(words[1]),
		    milliseconds(words[2]));
	else
		printf("expected a command of asker.c with its words\n");
	printf(".\n");
	fflush(stdout);
}

static bool
begin(struct asker *asker, struct err *e)
{
	asker->conf = conf_load(asker->file, NULL, e);
	if (asker->conf == NULL)
		return false;
	asker->loop = loop_new(e);
	asker->home = mailbox_new(asker->loop, asker, e);
	asker->clerks = clerks_new(e);
	asker->lookup = lookup_new(asker->clerks, e);
	return true;
}

static void
end(struct asker *asker)
{
	clerks_stop(asker->clerks, 10 * SECOND);
	lookup_free(asker->lookup);
	clerks_free(asker->clerks);
	mailbox_free(asker->home);
	loop_free(asker->loop);
	conf_drop(asker->conf);
}

int
main(int argc, char **argv)
{
	struct asker asker = { .file = argc == 2 ? argv[1] : "" };
	static char line[LINE_MOST];
	struct err e = { .text = "expected the name of an ini file" };

	if (argc != 2 || !begin(&asker, &e)) {
		fprintf(stderr, "asker: %s\n", e.text);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "quit\n") != 0) {
		char *words[WORDS_MOST], *rest = line, *word;
		unsigned count = 0;

		line[strcspn(line, "\n")] = '\0';
		while (count < WORDS_MOST && (word = strsep(&rest, "\t")) != NULL)
			words[count++] = word;
		obey(&asker, words, count);
	}
	end(&asker);
	return 0;
}
