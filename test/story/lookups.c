/*
 * lookups.c - users whom auth_query knows: who waits for an answer, who has left when it comes, what
 * is remembered and for how long.
 */
#include "story/story.h"

#include <stdio.h>

#include "pool/credentials.h"

#define SETTINGS "auth_type=plain auth_user=asker workers=3 "

/* Whom auth_query is asked about, in place of a server. */
struct oracle {
	struct story	*story;
	struct credentials *real;
	unsigned	 asked;
	bool		 busy;		/* it takes no questions */
	uint64_t	 ids[64];
	char		 names[64][64];
};

static bool
door(void *arg, const struct lookup_ask *ask, struct err *e)
{
	struct oracle *o = arg;

	if (o->busy)
		return err_set(e, SQLSTATE_TOO_MANY, "too many lookups");
	assert_true(o->asked < ARRAY_SIZE(o->ids));
	is_text(ask->query != NULL ? "a query" : "none", "a query", "what is asked");
	assert_true(span_is(ask->user, "asker"));
	o->ids[o->asked] = ask->id;
	assert_true(span_copy(ask->name, o->names[o->asked++], sizeof(o->names[0])));
	return true;
}

static struct story *
begin(struct oracle *o, const char *settings)
{
	struct story *s = story_begin(settings);

	memset(o, 0, sizeof(*o));
	o->story = s;
	o->real = s->pooler.credentials;
	s->pooler.credentials = credentials_new(door, o);
	assert_non_null(s->pooler.credentials);
	credentials_free(o->real);
	return s;
}

/* Answer question N: NAME has SECRET (NULL: none); NAME NULL: there is no such user. */
static void
answer_as(struct oracle *o, unsigned n, const char *name, const char *secret)
{
	struct lookup_answer a = { .id = o->ids[n],
		.outcome = name != NULL ? LOOKUP_FOUND : LOOKUP_NOBODY };

	if (name != NULL)
		a.name = span_text(name);
	if (secret != NULL)
		a.secret = span_text(secret);
	a.has_secret = secret != NULL;
	credentials_hear(o->story->pooler.credentials, &a);
	story_settle(o->story);
}

static void
answer(struct oracle *o, unsigned n, const char *secret)
{
	answer_as(o, n, o->names[n], secret);
}

static void
fail_all(struct oracle *o, unsigned n)
{
	struct lookup_answer a = { .id = o->ids[n], .outcome = LOOKUP_FAILED };

	err_set(&a.err, SQLSTATE_CONNECT, "the server's own words");
	credentials_hear(o->story->pooler.credentials, &a);
	story_settle(o->story);
}

static struct actor *
knock(struct oracle *o, const char *user, const char *password)
{
	struct story *s = o->story;
	struct actor *a = story_connect(s, s->next_worker++ % s->pooler.worker_count);

	a->password = password;
	actor_login(a, user, "app", NULL);
	story_settle(s);
	return a;
}

static void
enters(struct actor *a, const char *why)
{
	is_text(a->in ? "in" : a->error[0] != '\0' ? a->error : "nothing", "in", why);
	actor_forget(a);
}

static void
is_refused(struct actor *a, const char *text, const char *why)
{
	is_text(a->in ? "in" : a->error, text, why);
	is_text(actor_state(a), "gone", why);
}

static void
a_user_is_looked_up(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS);
	struct actor *a = knock(&o, "carol", "hers");

	(void)state;
	is_count(o.asked, 1, "carol is asked about");
	is_text(o.names[0], "carol", "by her name");
	is_text(actor_state(a), "login", "she waits");
	is_text(actor_heard(a), "", "and has heard nothing");
	is_count(s->db1.attempts, 0, "no server was troubled");
	answer(&o, 0, "hers");
	enters(a, "the password fits");
	story_end(s);
}

static void
who_is_in_the_file_is_not_looked_up(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS);

	(void)state;
	enters(knock(&o, "bob", "secret"), "bob is in auth_file");
	is_refused(knock(&o, "bob", "wrong"), "password authentication failed", "as before");
	is_count(o.asked, 0, "nobody was asked about");
	story_end(s);
}

static void
one_question_for_all(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS);
	struct actor *a[30];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = knock(&o, "carol", i % 2 == 0 ? "hers" : "not hers");
	is_count(o.asked, 1, "one question, from whichever worker");
	knock(&o, "dave", "his");
	is_count(o.asked, 2, "another user, another question");
	for (unsigned i = 0; i < 10; i++)
		hang_up(a[i]);
	story_settle(s);
	answer(&o, 0, "hers");
	for (unsigned i = 10; i < ARRAY_SIZE(a); i += 2)
		enters(a[i], "who knows it is in");
	is_count(o.asked, 2, "no time has passed: the answer is new enough for all");
	for (unsigned i = 11; i < ARRAY_SIZE(a); i += 2)
		is_refused(a[i], "password authentication failed", "who does not is not");
	answer(&o, 1, NULL);
	story_end(s);
}

static void
answers_find_nobody_who_has_left(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS "client_login_timeout=5");
	struct actor *a = knock(&o, "carol", "hers"), *b;

	(void)state;
	hang_up(a);
	story_settle(s);
	story_pass(s, SECOND);
	b = knock(&o, "carol", "hers");
	is_count(o.asked, 1, "the question is still open");
	story_pass(s, 5 * SECOND);
	is_refused(b, "client_login_timeout", "patience has an end");
	answer(&o, 0, "hers");
	is_count(s->db1.attempts, 0, "nobody is there");
	story_end(s);
}

static void
nobody_waits_for_an_answer_that_cannot_come(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS);
	struct actor *a;

	(void)state;
	o.busy = true;
	is_refused(knock(&o, "carol", "hers"), "bouncer config error", "too many questions");
	o.busy = false;
	a = knock(&o, "carol", "hers");
	fail_all(&o, 0);
	is_refused(a, "bouncer config error", "a server that fails");
	is_count(credentials_count(s->pooler.credentials), 0, "failures are not remembered");
	a = knock(&o, "carol", "hers");
	is_count(o.asked, 2, "but asked again");
	answer(&o, 1, "hers");
	enters(a, "and answered");
	story_end(s);
}

static void
answers_are_remembered_for_a_while(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS "auth_query_cache_time=5");
	struct actor *a = knock(&o, "carol", "hers");

	(void)state;
	answer(&o, 0, "hers");
	enters(a, "asked");
	story_pass(s, 4900 * MSEC);
	enters(knock(&o, "carol", "hers"), "remembered");
	is_count(o.asked, 1, "nothing was asked");
	story_pass(s, 200 * MSEC);
	is_count(credentials_count(s->pooler.credentials), 0, "forgotten");
	a = knock(&o, "carol", "hers");
	is_count(o.asked, 2, "asked again");
	answer(&o, 1, "hers");
	enters(a, "in again");
	story_end(s);
}

static void
a_failed_login_asks_once_more(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS "auth_query_cache_time=60");
	struct actor *a = knock(&o, "carol", "old");

	(void)state;
	answer(&o, 0, "old");
	enters(a, "the old password");
	story_pass(s, SECOND);

	a = knock(&o, "carol", "new");
	is_count(o.asked, 2, "it does not fit: once more");
	is_text(actor_state(a), "login", "meanwhile nobody is told");
	answer(&o, 1, "new");
	enters(a, "the password was changed");

	story_pass(s, SECOND);
	a = knock(&o, "carol", "old");
	answer(&o, 2, "new");
	is_refused(a, "password authentication failed", "the old one is worth nothing");
	is_count(o.asked, 3, "one second look, no third");

	story_pass(s, SECOND);
	a = knock(&o, "carol", "newest");
	fail_all(&o, 3);
	is_refused(a, "password authentication failed", "what was known says no");
	story_end(s);
}

static void
users_that_there_are_not_take_the_same_way(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS "auth_query_cache_time=60");
	struct actor *a = knock(&o, "carol", "hers");

	(void)state;
	answer_as(&o, 0, NULL, NULL);
	is_refused(a, "password authentication failed", "there is no carol");
	story_pass(s, SECOND);
	a = knock(&o, "carol", "hers");
	is_count(o.asked, 2, "she was remembered not to be there: once more");
	answer(&o, 1, "hers");
	enters(a, "she has come");
	a = knock(&o, "eve", "hers");
	answer_as(&o, 2, "carol", "hers");
	is_refused(a, "password authentication failed", "nobody becomes another by an answer");
	a = knock(&o, "locked", "its own");
	answer(&o, 3, NULL);
	is_refused(a, "password authentication failed", "no secret fits no password");
	story_end(s);
}

static void
a_reload_forgets(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS "auth_query_cache_time=60");
	struct actor *a = knock(&o, "carol", "hers"), *b;

	(void)state;
	answer(&o, 0, "hers");
	enters(a, "in");
	a = knock(&o, "dave", "his");
	story_reload(s, NULL, NULL);
	is_text(actor_state(a), "login", "dave goes on waiting");
	b = knock(&o, "carol", "hers");
	is_count(o.asked, 3, "carol is asked about anew");
	answer(&o, 2, "hers");
	enters(b, "and known");
	answer(&o, 1, "his");
	enters(a, "dave's answer was asked for under the old settings");
	story_end(s);
}

static void
the_end_comes_while_all_wait(void **state)
{
	struct oracle o;
	struct story *s = begin(&o, SETTINGS);

	(void)state;
	knock(&o, "carol", "hers");
	knock(&o, "carol", "hers");
	knock(&o, "dave", "his");
	story_end(s);
}

static void
strangers_fill_no_memory(void **state)
{
	static const char query[] = "select";
	struct oracle o;
	struct story *s = begin(&o, SETTINGS);
	struct credentials *all = s->pooler.credentials;
	struct worker *w = s->pooler.workers[0];
	struct credential *found;
	struct credentials_wait *wait;

	(void)state;
	for (unsigned i = 0; i < 12000; i++) {
		char name[16];
		struct credentials_want want = { .worker = w, .entry = SPAN_LITERAL("app"),
			.not_before = 1 };

		snprintf(name, sizeof(name), "%u", i);
		want.ask = (struct lookup_ask){ .conf = s->pooler.setup->conf,
			.user = SPAN_LITERAL("asker"), .query = query,
			.name = span_text(name) };
		assert_int_equal(credentials_find(all, &want, &found, &wait),
		    CREDENTIALS_WAIT);
		credentials_leave(all, wait);
		o.asked = 0;
		answer_as(&o, 0, name, "secret");
	}
	is_count(credentials_count(all), 10000, "the longest unused go");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(a_user_is_looked_up),
		UNIT_TEST(who_is_in_the_file_is_not_looked_up),
		UNIT_TEST(one_question_for_all),
		UNIT_TEST(answers_find_nobody_who_has_left),
		UNIT_TEST(nobody_waits_for_an_answer_that_cannot_come),
		UNIT_TEST(answers_are_remembered_for_a_while),
		UNIT_TEST(a_failed_login_asks_once_more),
		UNIT_TEST(users_that_there_are_not_take_the_same_way),
		UNIT_TEST(a_reload_forgets),
		UNIT_TEST(the_end_comes_while_all_wait),
		UNIT_TEST(strangers_fill_no_memory),
	};

	return cmocka_run_group_tests_name("lookups", tests, NULL, NULL);
}
