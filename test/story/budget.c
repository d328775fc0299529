/*
 * budget.c - pools that share a limit: who gets a slot, who gives one up, and when.
 */
#include <stdio.h>

#include "pool/budget.h"
#include "story/story.h"

static struct actor *
ann(struct story *s, unsigned worker)
{
	struct actor *a = story_connect(s, worker);

	actor_login(a, "ann", "app", NULL);
	story_settle(s);
	return a;
}

/* In transaction, and has heard so. */
static void
begins(struct story *s, struct actor *a, const char *why)
{
	say(a, "begin");
	story_settle(s);
	hears(a, "C:BEGIN Z:T", why);
}

static void
commits(struct story *s, struct actor *a)
{
	say(a, "commit");
	story_settle(s);
	actor_forget(a);
}

static void
a_slot_goes_to_the_pool_that_has_none(void **state)
{
	struct story *s = story_begin("pool_size=5 max_user_connections=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "other");

	(void)state;
	actor_forget(a);
	actor_forget(b);
	begins(s, a, "a has the one server");
	say(b, "select 1");
	story_pass(s, 3 * SECOND);
	is_text(actor_state(b), "waiting", "b has none, its pool is not full");
	story_check(s);
	commits(s, a);
	hears(b, "T D:1 C Z:I", "b's turn");
	is_count(story_servers(s), 1, "there is still one only");
	begins(s, a, "and back: an idle one is evicted");
	is_count(story_servers(s), 1, "one server in all");
	story_check(s);
	story_end(s);
}

static void
a_flood_leaves_a_slot_to_the_small(void **state)
{
	struct story *s = story_begin("pool_size=9 max_db_connections=4");
	struct actor *bob[8], *small;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
		say(bob[i], "begin");
		story_settle(s);
	}
	is_count(story_servers(s), 4, "the database is full");
	small = ann(s, 0);
	commits(s, bob[0]);
	is_count(small->in, true, "the next free slot is for who has none");
	actor_forget(small);
	begins(s, small, "and serves it");
	is_count(story_servers(s), 4, "no more than before");
	commits(s, small);
	/* others wait, but it has used its server a moment ago and has fewer than they */
	for (unsigned i = 0; i < 5; i++) {
		story_pass(s, 100 * MSEC);
		begins(s, small, "at once, each time");
		commits(s, small);
	}
	story_check(s);
	story_end(s);
}

static void
what_nobody_uses_goes_to_who_waits(void **state)
{
	struct story *s = story_begin("pool_size=9 max_db_connections=2");
	struct actor *small = ann(s, 0);
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 0, "app");

	(void)state;
	actor_forget(a);
	actor_forget(b);
	begins(s, a, "one each");
	say(b, "begin");
	story_pass(s, 200 * MSEC);
	is_text(actor_state(b), "waiting", "the other may be needed in a moment");
	story_pass(s, 600 * MSEC);
	hears(b, "C:BEGIN Z:T", "it was not");
	is_text(actor_state(small), "idle", "its client has not noticed");
	is_count(story_servers(s), 2, "two there are");
	story_check(s);
	story_end(s);
}

static void
min_pool_size_is_kept(void **state)
{
	struct story *s = story_begin("pool_size=9 max_db_connections=2 min_pool_size=1");
	struct actor *small = ann(s, 0);
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 0, "app");

	(void)state;
	actor_forget(a);
	actor_forget(b);
	actor_forget(small);
	begins(s, a, "one each");
	say(b, "begin");
	story_pass(s, 3 * SECOND);
	is_text(actor_state(b), "waiting", "the other pool keeps what it is promised");
	begins(s, small, "and has it");
	commits(s, small);
	commits(s, a);
	hears(b, "C:BEGIN Z:T", "its own pool's");
	story_check(s);
	story_end(s);
}

static void
turns_are_taken_over_threads(void **state)
{
	struct story *s = story_begin("pool_size=9 max_db_connections=1 workers=2");
	struct actor *small = ann(s, 1);
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 0, "app");

	(void)state;
	actor_forget(a);
	actor_forget(b);
	actor_forget(small);
	begins(s, a, "from the other thread's pool");
	say(small, "begin");
	story_pass(s, MSEC);
	say(b, "begin");
	story_settle(s);
	commits(s, a);
	hears(b, "C:BEGIN Z:T", "as many servers as the other would have: no reason to reconnect");
	story_pass(s, TURN_AFTER + 50 * MSEC);
	say(a, "begin");
	story_settle(s);
	commits(s, b);
	hears(small, "C:BEGIN Z:T", "has waited much longer than a");
	is_text(actor_state(a), "waiting", "whose turn is next");
	commits(s, small);
	hears(a, "C:BEGIN Z:T", "as it is");
	story_check(s);
	story_end(s);
}

static void
who_leaves_gives_its_slot_back(void **state)
{
	struct story *s = story_begin("pool_size=9 max_db_connections=1");
	struct actor *small = ann(s, 0), *a = story_client_on(s, 0, "app");

	(void)state;
	actor_forget(a);
	actor_forget(small);
	begins(s, a, "it has the slot");
	say(small, "begin");
	story_settle(s);
	hang_up(small);
	commits(s, a);
	begins(s, a, "nobody else wants it");
	commits(s, a);
	is_count(s->db1.most, 1, "one there was at any time");
	story_check(s);
	story_end(s);
}

static void
a_lower_limit_waits_for_the_busy(void **state)
{
	struct story *s = story_begin("pool_size=9 max_db_connections=3");
	struct actor *bob[3];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		begins(s, bob[i], "all three");
	story_reload(s, "pool_size=9 max_db_connections=1", NULL);
	story_settle(s);
	is_count(story_servers(s), 3, "nothing is torn away");
	commits(s, bob[0]);
	is_count(story_servers(s), 2, "one fewer");
	commits(s, bob[1]);
	commits(s, bob[2]);
	is_count(story_servers(s), 1, "as many as there may be");
	story_reload(s, "pool_size=9 max_db_connections=2", NULL);
	begins(s, bob[0], "and more again");
	begins(s, bob[1], "two");
	is_count(story_servers(s), 2, "at once");
	story_check(s);
	story_end(s);
}

/* --- what the server takes --- */

static void
the_server_says_how_much_it_takes(void **state)
{
	struct story *s = story_begin("pool_size=30");
	struct actor *bob[30];

	(void)state;
	s->db1.max_connections = s->db1.room = 20;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		say(bob[i], "begin");
	story_settle(s);
	is_count(story_servers(s), 20 - 3 - 3, "all but the reserved and the headroom");
	is_count(s->db1.attempts, 14, "nothing was tried in vain");
	story_reload(s, "pool_size=30 max_server_connections=50%", NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(bob) && story_servers(s) > 10; i++)
		if (has_heard(bob[i], "C:BEGIN"))
			commits(s, bob[i]);
	is_count(story_servers(s), 10, "half of them, once they are free");
	story_reload(s, "pool_size=30 max_server_connections=12 budget_share=0.5", NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(bob) && story_servers(s) > 6; i++)
		if (has_heard(bob[i], "C:BEGIN"))
			commits(s, bob[i]);
	is_count(story_servers(s), 6, "half of a number");
	story_check(s);
	story_end(s);
}

static void
few_are_opened_at_a_time(void **state)
{
	struct story *s = story_begin("pool_size=30 server_connect_parallel=3");
	struct actor *bob[9];

	(void)state;
	s->db1.max_connections = 100;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
	}
	s->db1.mute = true;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		say(bob[i], "begin");
	story_settle(s);
	is_count(story_servers(s), 4, "one was there, three are being opened");
	story_end(s);
}

static void
a_full_server_is_no_error(void **state)
{
	struct story *s = story_begin("pool_size=9");
	struct actor *bob[6];
	unsigned served = 0;

	(void)state;
	s->db1.max_connections = 100;
	s->db1.room = 2;	/* others have taken the rest */
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		say(bob[i], "begin");
	story_pass(s, SECOND);
	is_count(s->db1.sessions_count, 2, "two there are");
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		served += has_heard(bob[i], "C:BEGIN");
		is_count(has_heard(bob[i], "E:"), false, "nobody hears of it");
		is_count(bob[i]->closed, false, "nor is sent away");
	}
	is_count(served, 2, "two are served");
	is_count(s->db1.attempts < 20, true, "it is asked now and then only");
	s->db1.room = 0;
	story_pass(s, 3 * SECOND);
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		is_count(has_heard(bob[i], "C:BEGIN"), true, "served, now that there is room");
	story_check(s);
	story_end(s);
}

static void
what_others_leave_is_borrowed(void **state)
{
	struct story *s = story_begin("pool_size=30 budget_probe_interval=1");
	struct share share;
	struct actor *bob[20];

	(void)state;
	s->db1.max_connections = 20;
	share_init(&share, true);
	share_set(&share, (struct split){ 2, 0 }, 1);
	budget_set_share(&s->pooler, &share);
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
		say(bob[i], "begin");
	}
	story_settle(s);
	is_count(story_servers(s), 7, "half of what there is");
	for (unsigned i = 0; i < 20; i++) {
		s->db1.backends = story_servers(s) + 4;
		if (has_heard(bob[i], "C:BEGIN") && s->db1.sessions_count < 10) {
			story_pass(s, 1100 * MSEC);
			commits(s, bob[i]);
			story_pass(s, 200 * MSEC);
		}
	}
	is_count(story_servers(s), 10, "and three that the others, who have four, leave beside the headroom");
	s->db1.backends = 17;	/* the others have taken three more */
	for (unsigned i = 0; i < 20; i++) {
		if (has_heard(bob[i], "C:BEGIN") && s->db1.sessions_count > 8) {
			story_pass(s, 1100 * MSEC);
			commits(s, bob[i]);
			story_pass(s, 200 * MSEC);
		}
	}
	is_count(story_servers(s) <= 8, true, "they are given back when others need them");
	story_check(s);
	story_end(s);
}

/* Strangers have more than the headroom: another pooler lacks what we have. */
static void
who_has_all_of_its_part_offers_some(void **state)
{
	struct story *s = story_begin("pool_size=30 budget_probe_interval=0.1");
	struct share share;
	struct actor *bob[20];

	(void)state;
	s->db1.max_connections = 20;
	share_init(&share, true);
	share_set(&share, (struct split){ 2, 0 }, 1);
	budget_set_share(&s->pooler, &share);
	s->db1.backends = 17;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
		say(bob[i], "begin");
	}
	story_settle(s);
	is_count(story_servers(s), 7, "half of what there is");
	for (unsigned i = 0; i < 10; i++) {
		story_pass(s, 500 * MSEC);
		if (has_heard(bob[i], "C:BEGIN"))
			commits(s, bob[i]);
	}
	is_count(story_servers(s), 6, "a quarter of it");
	s->db1.backends = 12;	/* the strangers have gone */
	for (unsigned i = 10; i < 15; i++) {
		story_pass(s, 500 * MSEC);
		if (has_heard(bob[i], "C:BEGIN"))
			commits(s, bob[i]);
	}
	is_count(story_servers(s) >= 7, true, "all of it again");
	story_end(s);
}

/* The operator has said how many all poolers may have: that the server has room for more is not their business. */
static void
a_number_is_not_exceeded_by_borrowing(void **state)
{
	struct story *s = story_begin("pool_size=30 budget_probe_interval=1 max_server_connections=10");
	struct share share;
	struct actor *bob[12];

	(void)state;
	s->db1.max_connections = 100;
	share_init(&share, true);
	share_set(&share, (struct split){ 2, 0 }, 1);
	budget_set_share(&s->pooler, &share);
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
		say(bob[i], "begin");
	}
	story_settle(s);
	is_count(story_servers(s), 5, "half of the number");
	s->db1.backends = 10;	/* the others have their half */
	for (unsigned i = 0; i < 5; i++) {
		story_pass(s, 1100 * MSEC);
		commits(s, bob[i]);
	}
	story_pass(s, SECOND);
	is_count(story_servers(s), 5, "and no more");
	story_end(s);
}

static void
a_lower_limit_closes_the_idle(void **state)
{
	struct story *s = story_begin("pool_size=9 max_db_connections=4");
	struct actor *bob[4];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		begins(s, bob[i], "all four");
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		commits(s, bob[i]);
	story_reload(s, "pool_size=9 max_db_connections=1", NULL);
	story_pass(s, SECOND);
	is_count(story_servers(s), 1, "nobody used them");
	story_end(s);
}

static void
a_pool_that_moves_counts_elsewhere(void **state)
{
	struct story *s = story_begin("pool_size=9 max_server_connections=1");
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 0, "other");

	(void)state;
	actor_forget(a);
	actor_forget(b);
	begins(s, a, "one at db1");
	begins(s, b, "one at db2");
	story_reload(s, "pool_size=9 max_server_connections=1",
	    "app = host=db2 port=5432\nother = host=db2 port=5432\n");
	commits(s, a);
	say(a, "begin");
	story_settle(s);
	is_text(actor_state(a), "waiting", "both share db2 now");
	commits(s, b);
	hears(a, "C:BEGIN Z:T", "a's turn");
	story_check(s);
	story_end(s);
}

/* A restart, say: it has no room for an instant, and much a moment later. */
static void
what_was_full_for_an_instant_is_used_soon(void **state)
{
	struct story *s = story_begin("pool_size=60");
	struct actor *bob[40];

	(void)state;
	s->db1.max_connections = 100;
	s->db1.room = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++) {
		bob[i] = story_client_on(s, 0, "app");
		actor_forget(bob[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bob); i++)
		say(bob[i], "begin");
	story_settle(s);
	s->db1.room = 0;
	story_pass(s, 2 * SECOND);
	is_count(s->db1.sessions_count, ARRAY_SIZE(bob), "each step is twice the one before");
	story_check(s);
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(a_slot_goes_to_the_pool_that_has_none),
		UNIT_TEST(a_flood_leaves_a_slot_to_the_small),
		UNIT_TEST(what_nobody_uses_goes_to_who_waits),
		UNIT_TEST(min_pool_size_is_kept),
		UNIT_TEST(turns_are_taken_over_threads),
		UNIT_TEST(who_leaves_gives_its_slot_back),
		UNIT_TEST(a_lower_limit_waits_for_the_busy),
		UNIT_TEST(the_server_says_how_much_it_takes),
		UNIT_TEST(few_are_opened_at_a_time),
		UNIT_TEST(a_full_server_is_no_error),
		UNIT_TEST(what_was_full_for_an_instant_is_used_soon),
		UNIT_TEST(what_others_leave_is_borrowed),
		UNIT_TEST(who_has_all_of_its_part_offers_some),
		UNIT_TEST(a_number_is_not_exceeded_by_borrowing),
		UNIT_TEST(a_lower_limit_closes_the_idle),
		UNIT_TEST(a_pool_that_moves_counts_elsewhere),
	};

	return cmocka_run_group_tests(stories, NULL, NULL);
}
