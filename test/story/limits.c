/*
 * limits.c - clients too many: of a database, of a user, of an address, counted over all
 * workers from the startup packet on until they leave, however they leave.
 */
#include "story/story.h"

#include "pool/client_limits.h"
#include "pool/deadline.h"

static unsigned
of_database(struct story *s, const char *name)
{
	return client_limits_of_database(&s->pooler, span_text(name));
}

static unsigned
of_user(struct story *s, const char *name)
{
	return client_limits_of_user(&s->pooler, span_text(name));
}

/* Whoever is one too many is looked at once more at the next tick. */
static struct actor *
entrant(struct story *s, unsigned worker, const char *database)
{
	struct actor *a = story_client_on(s, worker, database);

	story_pass(s, 2 * DEADLINE_TICK);
	return a;
}

static struct actor *
client_of(struct story *s, unsigned worker, const char *user, const char *database)
{
	struct actor *a = story_connect(s, worker);

	actor_login(a, user, database, NULL);
	story_pass(s, 2 * DEADLINE_TICK);
	return a;
}

static void
database_has_so_many_clients(void **state)
{
	struct story *s = story_begin("workers=2 max_db_client_connections=2");
	struct actor *a = entrant(s, 0, "app"), *b = entrant(s, 1, "app");
	struct actor *c = entrant(s, 1, "app"), *d = entrant(s, 0, "other");

	(void)state;
	hears(c, "E:08P01 x", "whichever worker it comes to");
	is_text(c->error, "client connections exceeded (max_db_client_connections)",
	    "says why");
	is_count(d->in, 1, "another database has its own count");
	is_count(of_database(s, "app"), 2, "who was refused does not count");
	hang_up(a);
	story_settle(s);
	c = entrant(s, 1, "app");
	is_count(c->in, 1, "one has left, another may come");
	leave(b);
	leave(c);
	leave(d);
	story_settle(s);
	is_count(of_database(s, "app") + of_database(s, "other"), 0, "all have left");
	story_end(s);
}

static void
entry_says_more_than_the_default(void **state)
{
	struct story *s = story_begin_with("max_db_client_connections=1",
	    "app = host=db1 port=5432 max_db_client_connections=3\n"
	    "other = host=db2 port=5432\n* = host=db2 port=5432\n");

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		is_count(entrant(s, 0, "app")->in, 1, "three of app");
	hears(entrant(s, 0, "app"), "E:08P01 x", "not four");
	is_count(entrant(s, 0, "other")->in, 1, "one of other");
	hears(entrant(s, 0, "other"), "E:08P01 x", "not two");
	is_count(entrant(s, 0, "auto")->in, 1, "one of what the template covers");
	hears(entrant(s, 0, "auto"), "E:08P01 x", "not two");
	is_count(entrant(s, 0, "auto2")->in, 1, "each such name counts alone");
	story_end(s);
}

static void
user_has_so_many_clients(void **state)
{
	struct story *s = story_begin_with("workers=2 max_user_client_connections=2",
	    "app = host=db1 port=5432\nother = host=db2 port=5432 user=ann password=secret\n"
	    "[users]\nann = max_user_client_connections=1\n");
	struct actor *a = client_of(s, 0, "bob", "app"), *b = client_of(s, 1, "bob", "other");
	struct actor *c = client_of(s, 0, "bob", "other"), *d = client_of(s, 1, "ann", "app");

	(void)state;
	is_count(a->in && b->in, 1, "over all databases");
	is_text(c->error, "client connections exceeded (max_user_client_connections)",
	    "says why");
	is_count(d->in, 1, "it is the login's name that counts, not the forced user");
	hears(client_of(s, 0, "ann", "other"), "E:08P01 x", "the user's own limit");
	is_count(of_user(s, "bob"), 2, "bob's");
	is_count(of_user(s, "ann"), 1, "ann's");
	hang_up(a);
	story_settle(s);
	is_count(client_of(s, 1, "bob", "app")->in, 1, "one has left, another may come");
	story_end(s);
}

/* Before anybody has proven who he is, and only as long as he is here. */
static void
logins_count_while_they_last(void **state)
{
	struct story *s = story_begin("auth_type=scram-sha-256 client_login_timeout=5 "
	    "max_user_client_connections=2 max_db_client_connections=3");
	struct actor *half = story_connect(s, 0), *wrong, *nobody;
	static const char *const none[] = { NULL };

	(void)state;
	actor_deaf(half, true);
	actor_login(half, "bob", "app", none);
	story_settle(s);
	is_count(of_user(s, "bob"), 1, "it has only said who it is");
	is_count(of_database(s, "app"), 1, "and where it wants to go");
	for (unsigned i = 0; i < 5; i++) {
		wrong = story_connect(s, 0);
		wrong->password = "wrong";
		actor_login(wrong, "bob", "app", none);
		story_settle(s);
		is_text(wrong->error, "SASL authentication failed", "a wrong password");
	}
	is_count(of_user(s, "bob"), 1, "failed logins have left");
	nobody = story_connect(s, 0);
	actor_login(nobody, "nobody", "nowhere", none);
	story_settle(s);
	is_count(of_database(s, "nowhere"), 0, "there is no such database to count for");
	is_count(of_user(s, "nobody"), 0, "and no such user when it has left");
	story_pass(s, 6 * SECOND);
	is_count(of_user(s, "bob") + of_database(s, "app"), 0, "who takes too long does not count");
	hang_up(half);
	story_end(s);
}

static void
who_is_leaving_makes_room(void **state)
{
	struct story *s = story_begin("workers=2 max_db_client_connections=1");
	struct actor *a = entrant(s, 0, "app"), *b = story_connect(s, 1);

	(void)state;
	actor_login(b, "bob", "app", NULL);
	story_settle(s);
	hears(b, "", "one too many, as it seems");
	hang_up(a);
	story_pass(s, 2 * DEADLINE_TICK);
	is_count(b->in, 1, "the other one was just leaving");
	is_count(of_database(s, "app"), 1, "one is here");
	story_end(s);
}

static void
limits_may_change(void **state)
{
	struct story *s = story_begin("max_db_client_connections=1");
	struct actor *a = entrant(s, 0, "app");

	(void)state;
	hears(entrant(s, 0, "app"), "E:08P01 x", "one");
	story_reload(s, "max_db_client_connections=3", NULL);
	is_count(entrant(s, 0, "app")->in, 1, "two");
	is_count(entrant(s, 0, "app")->in, 1, "three");
	hears(entrant(s, 0, "app"), "E:08P01 x", "not four");
	story_reload(s, "max_db_client_connections=1", NULL);
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "who is in stays in");
	story_end(s);
}

static void
address_has_its_share(void **state)
{
	struct story *s = story_begin("workers=2 max_client_connections_per_address=3");
	struct actor *silent[3], *a = entrant(s, 0, "app"), *b, *c;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		silent[i] = story_connect(s, i);
	story_settle(s);
	b = entrant(s, 1, "app");
	is_text(b->error,
	    "client connections exceeded (max_client_connections_per_address)",
	    "the silent ones count");
	say(a, "hang");
	story_settle(s);
	silent[2] = story_connect(s, 0);
	actor_cancel(a, 1);
	story_settle(s);
	hears(a, "E:57014 Z:I", "a cancel request is heard all the same");
	for (unsigned i = 0; i < 3; i++)
		is_count(silent[i]->closed, 0, "twice the share may be here");
	story_connect(s, 0);
	story_connect(s, 1);
	story_settle(s);
	c = story_connect(s, 0);
	story_settle(s);
	is_count(c->closed, 1, "more are not listened to");
	for (unsigned i = 0; i < 3; i++)
		hang_up(silent[i]);
	story_settle(s);
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(database_has_so_many_clients),
		UNIT_TEST(entry_says_more_than_the_default),
		UNIT_TEST(user_has_so_many_clients),
		UNIT_TEST(logins_count_while_they_last),
		UNIT_TEST(who_is_leaving_makes_room),
		UNIT_TEST(limits_may_change),
		UNIT_TEST(address_has_its_share),
	};

	return cmocka_run_group_tests_name("limits", stories, NULL, NULL);
}
