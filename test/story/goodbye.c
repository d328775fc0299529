/*
 * goodbye.c - draining: clients are told to leave, evenly, between transactions, at good
 * moments; in the end at the next one, and then at once.
 */
#include "story/story.h"

#include "pool/goodbye.h"

#define TOLD "E:57P01 x"
#define MANY 40u

static void
drain(struct story *s, usec_t length)
{
	for (unsigned i = 0; i < s->pooler.worker_count; i++)
		goodbye_begin(s->pooler.workers[i], length);
}

static unsigned
count_told(struct actor **all, unsigned count)
{
	unsigned told = 0;

	for (unsigned i = 0; i < count; i++)
		told += all[i]->closed;
	return told;
}

static void
idle_ones_go_evenly(void **state)
{
	struct story *s = story_begin("pool_size=2 workers=2");
	struct actor *all[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		all[i] = story_client_on(s, i % 2, "app");
	story_pass(s, 5 * SECOND);
	is_count(count_told(all, MANY), 0, "nobody goes before it begins");
	drain(s, 10 * SECOND);
	for (unsigned i = 1; i <= 10; i++) {
		unsigned told;

		story_pass(s, SECOND);
		told = count_told(all, MANY);
		if (told + 2 < i * MANY / 10 || told > i * MANY / 10 + 2)
			fail_msg("%u of %u are gone after %u of 10 s", told, MANY, i);
	}
	story_pass(s, 200 * MSEC);
	is_count(count_told(all, MANY), MANY, "all are gone");
	for (unsigned i = 0; i < MANY; i++)
		hears(all[i], TOLD, "in PostgreSQL's words");
	is_text(all[0]->error, "terminating connection due to administrator command", "these");
	story_end(s);
}

static void
transactions_are_never_cut(void **state)
{
	struct story *s = story_begin("pool_size=2");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	sends(b, "P - begin / B - / E / H");
	story_settle(s);
	actor_forget(a);
	actor_forget(b);
	drain(s, SECOND);
	story_pass(s, 30 * SECOND);
	is_count(a->closed || b->closed, 0, "they are let go on");
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:T", "and are served");
	say(a, "commit");
	sends(b, "P - commit / B - / E / S");
	story_settle(s);
	hears(a, "C Z:I " TOLD, "until their end");
	hears(b, "1 2 C Z:I " TOLD, "the other, too");
	is_count(s->db1.sessions_count, 2, "their servers are as good as new");
	story_end(s);
}

static void
who_waits_is_served_first(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *c = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	actor_forget(a);
	say(b, "select b");
	say(c, "begin");
	story_settle(s);
	drain(s, SECOND);
	story_pass(s, 5 * SECOND);
	is_text(actor_state(b), "waiting", "b waits");
	say(a, "commit");
	story_settle(s);
	hears(a, "C Z:I " TOLD, "a has had its turn");
	hears(b, "T D:b C Z:I " TOLD, "b too");
	hears(c, "C Z:T", "c is in the middle");
	say(c, "commit");
	story_settle(s);
	hears(c, "C Z:I " TOLD, "not any more");
	story_end(s);
}

/* A asks for a 1 every 100 ms, over TIME, and how often it was answered. */
static unsigned
probe_on(struct story *s, struct actor *a, usec_t time)
{
	unsigned answered = 0;

	for (usec_t t = 0; t < time && !a->closed; t += 100 * MSEC) {
		say(a, "select 1");
		story_settle(s);
		answered += has_heard(a, "Z:I");
		actor_forget(a);
		story_pass(s, 100 * MSEC);
	}
	return answered;
}

static void
probes_are_the_moment(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");
	unsigned answered;

	(void)state;
	is_count(probe_on(s, a, SECOND), 10, "it lives");
	drain(s, 10 * SECOND);
	answered = probe_on(s, a, 10 * SECOND);
	is_count(a->closed, 1, "it is told");
	if (answered < 20 || answered > 90)
		fail_msg("in its turn, not after %u probes", answered);
	is_text(a->error, "terminating connection due to administrator command", "in place of an answer");
	story_end(s);
}

static void
a_question_behind_a_probe_is_answered(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	drain(s, SECOND);
	story_pass(s, 100 * MSEC);
	sends(a, "P probe select 1 / S");
	story_settle(s);
	actor_forget(a);
	story_pass(s, 850 * MSEC);
	is_count(a->closed, 0, "its real question is awaited");
	say(a, "select real");
	story_settle(s);
	hears(a, "T D:real C Z:I", "and answered");
	story_pass(s, 200 * MSEC);
	hears(a, TOLD, "then it goes");
	story_end(s);
}

static void
nobody_is_told_right_behind_a_probe(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "select warm");
	story_settle(s);
	actor_forget(a);
	drain(s, SECOND);
	pg_deaf(pg_session_at(&s->db1, 0), true);
	say(a, "select 1");
	story_pass(s, 1200 * MSEC);
	pg_deaf(pg_session_at(&s->db1, 0), false);
	story_settle(s);
	hears(a, "T D:1 C Z:I", "it lives, though everybody's time is over");
	say(a, "select real");
	story_settle(s);
	hears(a, "T D:real C Z:I " TOLD, "it goes behind its real question");
	story_end(s);
}

static void
a_probe_by_its_name_is_known(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	sends(a, "P probe select 1 / S");
	story_settle(s);
	actor_forget(a);
	drain(s, SECOND);
	for (unsigned i = 0; i < 9; i++) {
		sends(a, "B probe / E / S");
		story_settle(s);
		if (a->closed)
			break;
		hears(a, "2 D:1 C Z:I", "it lives");
		story_pass(s, 100 * MSEC);
		is_count(a->closed, 0, "nobody is told at another time");
	}
	hears(a, TOLD, "it is told in place of an answer");
	story_end(s);
}

static void
sessions_end_between_transactions(void **state)
{
	struct story *s = story_begin("pool_size=3 pool_mode=session");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *c = story_client(s, "app");

	(void)state;
	say(a, "select a");
	say(b, "begin");
	say(c, "select 1");
	story_settle(s);
	hears(a, "T D:a C Z:I", "a has a server");
	hears(b, "C Z:T", "b too");
	actor_forget(c);
	drain(s, 2 * SECOND);
	for (unsigned i = 0; i < 19; i++) {
		if (!c->closed)
			say(c, "select 1");
		story_pass(s, 100 * MSEC);
	}
	is_count(c->closed, 1, "c's probes are heard, though it never leaves its server");
	hears(a, TOLD, "a was at rest");
	story_pass(s, 5 * SECOND);
	hears(b, "", "b is not");
	sends(b, "Q commit / Q select b");
	story_settle(s);
	hears(b, "C Z:I T D:b C Z:I " TOLD, "it ends what it has sent, and goes at once");
	is_count(s->db1.sessions_count, 3, "their servers are as good as new");
	story_end(s);
}

static void
in_the_end_queries_are_canceled(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *idle = story_client(s, "app");

	(void)state;
	say(a, "begin; hang");
	story_settle(s);
	actor_forget(a);
	say(b, "select b");
	story_settle(s);
	goodbye_to_all(s->pooler.workers[0], false);
	story_settle(s);
	hears(a, TOLD, "whoever works");
	hears(b, TOLD, "waits");
	hears(idle, TOLD, "or does nothing is told");
	is_count(s->db1.cancels_hit, 1, "the query is canceled");
	is_count(pg_session_at(&s->db1, 0)->status, 'I', "the transaction rolled back");
	story_end(s);
}

static void
logins_have_their_time(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a, *b;

	(void)state;
	s->db1.host.answer = SIM_HANGS;
	a = story_client(s, "app");
	is_text(actor_state(a), "waiting", "a waits for its login");
	drain(s, 3 * SECOND);
	story_pass(s, 2 * SECOND);
	hears(a, "", "it may");
	story_pass(s, 1500 * MSEC);
	hears(a, "E:57P03 x", "not for ever");
	b = story_client(s, "app");
	story_pass(s, 500 * MSEC);
	hears(b, "", "who came last has a second");
	story_pass(s, 700 * MSEC);
	hears(b, "E:57P03 x", "at least");
	s->db1.host.answer = SIM_CONNECTS;
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(idle_ones_go_evenly),
		UNIT_TEST(transactions_are_never_cut),
		UNIT_TEST(who_waits_is_served_first),
		UNIT_TEST(probes_are_the_moment),
		UNIT_TEST(a_question_behind_a_probe_is_answered),
		UNIT_TEST(nobody_is_told_right_behind_a_probe),
		UNIT_TEST(a_probe_by_its_name_is_known),
		UNIT_TEST(sessions_end_between_transactions),
		UNIT_TEST(in_the_end_queries_are_canceled),
		UNIT_TEST(logins_have_their_time),
	};

	return cmocka_run_group_tests_name("goodbye", stories, NULL, NULL);
}
