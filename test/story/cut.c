/*
 * cut.c - a dialogue means the same wherever its bytes are cut. Each is held once whole,
 * then once for every byte that the client and the server send, with what lies behind
 * that byte arriving only when all else has settled; then with every read chopped small.
 */
#include <stdio.h>

#include "base/mem.h"
#include "story/story.h"

#define STEPS_MOST 6

struct dialogue {
	const char	*name;
	const char	*settings;	/* of the pooler */
	const char	*databases;	/* NULL: the usual ones */
	const char	*user, *password;
	const char	*database;
	enum login_method server_asks;
	const char	*steps[STEPS_MOST];	/* what is sent; settled after each */
	const char	*hears;		/* what it must come to; NULL: the same as uncut */
	const char	*options[3];	/* at start-up */
	bool		 login_only;	/* cut the server's login, not what follows */
};

static const char with_password[] = "app = host=db1 port=5432 user=bob password=secret\n";

static const struct dialogue dialogues[] = {
	{ .name = "trust", .hears = "Z:I" },
	{ .name = "password", .settings = "auth_type=plain", .hears = "Z:I" },
	{ .name = "wrong password",
	    .settings = "auth_type=plain",
	    .password = "wrong",
	  .hears = "E:08P01 x" },
	{ .name = "md5", .settings = "auth_type=md5", .user = "md5", .hears = "Z:I" },
	{ .name = "wrong md5",
	    .settings = "auth_type=md5",
	    .user = "md5",
	    .password = "wrong",
	  .hears = "E:08P01 x" },
	{ .name = "scram", .settings = "auth_type=scram-sha-256", .hears = "Z:I" },
	{ .name = "wrong scram",
	    .settings = "auth_type=scram-sha-256",
	    .password = "wrong",
	  .hears = "E:08P01 x" },
	{ .name = "unknown user",
	    .settings = "auth_type=scram-sha-256",
	    .user = "nobody",
	  .hears = "E:08P01 x" },
	{ .name = "unknown database", .database = "none", .hears = "E:08P01 x" },
	{ .name = "options",
	    .options = { "options", "-c search_path=mine --TimeZone=Berlin" },
	  .steps = { "Q show search_path / Q show TimeZone" },
	  .hears = "Z:I T D:mine C Z:I T D:Berlin C Z:I" },
	{ .name = "server trusts",
	    .databases = with_password,
	    .login_only = true,
	  .hears = "Z:I" },
	{ .name = "server wants a password",
	    .databases = with_password,
	    .server_asks = LOGIN_PLAIN,
	    .login_only = true,
	    .hears = "Z:I" },
	{ .name = "server wants md5",
	    .databases = with_password,
	    .server_asks = LOGIN_MD5,
	    .login_only = true,
	    .hears = "Z:I" },
	{ .name = "server wants scram",
	    .databases = with_password,
	    .server_asks = LOGIN_SCRAM,
	    .login_only = true,
	    .hears = "Z:I" },
	{ .name = "simple",
	    .steps = { "Q select 1 / Q select 2", "Q / Q error / Q select 3" },
	  .hears = "Z:I T D:1 C Z:I T D:2 C Z:I I Z:I E Z:I T D:3 C Z:I" },
	{ .name = "several in one",
	    .steps = { "Q begin; select 1; error; select 2", "Q rollback" },
	  .hears = "Z:I C T D:1 C E Z:E C:ROLLBACK Z:I" },
	{ .name = "transaction",
	    .steps = { "Q begin", "Q select 1", "Q commit" },
	  .hears = "Z:I C Z:T T D:1 C Z:T C Z:I" },
	{ .name = "named",
	    .steps = { "P one select 1 / D one / B one / E / S", "B one / E / S",
	  "C one / S", "B one / E / S" },
	  .hears = "Z:I 1 t T 2 D:1 C Z:I 2 D:1 C Z:I 3 Z:I E:26000 Z:I" },
	{ .name = "named again",
	    .steps = { "P one select 1 / S", "P one select 2 / S",
		"P two select 1 / B two / E / S" },
	    .hears = "Z:I 1 Z:I E:42P05 Z:I 1 2 D:1 C Z:I" },
	{ .name = "unnamed",
	    .steps = { "P - select 1 / D - / S", "B - / E / S", "Q select 2",
		"B - / E / S" },
	    .hears = "Z:I 1 t T Z:I 2 D:1 C Z:I T D:2 C Z:I E:26000 Z:I" },
	{ .name = "pipeline",
	    .steps = { "P - begin / B - / E / P - select 1 / B - / E / S / "
		       "P - commit / B - / E / S" },
	    .hears = "Z:I 1 2 C 1 2 D:1 C Z:T 1 2 C Z:I" },
	{ .name = "skipping",
	    .steps = { "P a error / B a / E / P b select 1 / B b / E / C a / S / "
		       "B a / E / S / P b select 2 / S" },
	    .hears = "Z:I 1 2 E Z:I 2 E Z:I 1 Z:I" },
	{ .name = "flush",
	    .steps = { "P - select 1 / B - / E / H", "S" },
	  .hears = "Z:I 1 2 D:1 C Z:I" },
	{ .name = "copy in",
	    .steps = { "Q copyin", "d 5 / d 50", "d 1 / c", "Q select 1" },
	  .hears = "Z:I G C:COPY_1 Z:I T D:1 C Z:I" },
	{ .name = "copy in fails",
	    .steps = { "Q copyin / d 5 / f", "Q select 1",
	  "P - copyin / B - / E / d 3 / f / S", "Q select 2" },
	  .hears = "Z:I G E Z:I T D:1 C Z:I 1 2 G E Z:I T D:2 C Z:I" },
	{ .name = "copy out",
	    .steps = { "Q copyout 70", "Q copyout 0" },
	  .hears = "Z:I H d c C Z:I H c C Z:I" },
	{ .name = "rows and notices",
	    .steps = { "Q rows 90; notice; select 1" },
	  .hears = "Z:I T D C N C T D:1 C Z:I" },
	{ .name = "settings",
	    .steps = { "Q set TimeZone Berlin", "Q show TimeZone", "Q discard all" },
	    .hears =
		"Z:I C S:TimeZone=Berlin Z:I T D:Berlin C Z:I C S:TimeZone=UTC Z:I" },
	{ .name = "last words",
	    .steps = { "Q begin; select 1; fatal" },
	  .hears = "Z:I C T D:1 C E:57P01 x" },
	{ .name = "unknown message",
	    .steps = { "?", "Q select 1" },
	    .hears = "Z:I E:08P01 x" },
};

/* How many bytes went where. */
struct lengths {
	size_t		 client, server, server_login;
};

static void
measure_login(struct lengths *lengths)
{
	if (lengths->server_login == 0 && sim_last_dialed() >= 0)
		lengths->server_login = sim_sent_to(sim_last_dialed());
}

/* Hold D with the client's bytes cut at CLIENT_CUT, the server's at SERVER_CUT (0: not). */
static char *
hold(const struct dialogue *d, const char *more, size_t client_cut, size_t server_cut,
    struct lengths *lengths)
{
	char settings[200], *heard;
	struct story *s;
	struct actor *a;

	snprintf(settings, sizeof(settings), "pool_size=1 %s %s", more,
	    d->settings != NULL ? d->settings : "");
	s = d->databases != NULL ? story_begin_with(settings, d->databases) :
	    story_begin(settings);
	s->db1.method = d->server_asks != LOGIN_TRUST ? d->server_asks : LOGIN_ANY;
	s->db1.password = "secret";
	sim_cut_dialed(server_cut);
	a = story_connect(s, 0);
	sim_cut(a->fd + 1, client_cut);
	if (d->password != NULL)
		a->password = d->password;
	actor_login(a, d->user != NULL ? d->user : "bob",
	    d->database != NULL ? d->database : "app",
	    d->options[0] != NULL ? d->options : NULL);
	story_settle(s);
	if (lengths != NULL)
		measure_login(lengths);
	for (unsigned i = 0; i < STEPS_MOST && d->steps[i] != NULL; i++) {
		sends(a, "%s", d->steps[i]);
		story_settle(s);
	}
	if (lengths != NULL)
		lengths->client = sim_sent_to(a->fd + 1);
	if (lengths != NULL && sim_last_dialed() >= 0)
		lengths->server = sim_sent_to(sim_last_dialed());
	heard = mem_copy_text(actor_heard(a), strlen(actor_heard(a)));
	if (more[0] == '\0' && client_cut == 0 && server_cut == 0)
		hears(a, d->hears, d->name);
	story_end(s);
	return heard;
}

static void
expect_same(const struct dialogue *d, char *heard, const char *uncut, const char *where,
    size_t offset)
{
	if (strcmp(heard, uncut) != 0)
		fail_msg("%s, %s cut at %zu: expected \"%s\", heard \"%s\"", d->name,
		    where, offset, uncut, heard);
	mem_free(heard);
}

static void
hold_every_way(const struct dialogue *d)
{
	static const char *const chops[] = { "chop=1", "chop=2", "chop=3", "chop=7",
		"capacity=1", "chop=1 capacity=3" };
	struct lengths lengths = { 0 };
	char *uncut = hold(d, "", 0, 0, &lengths);
	size_t from = d->login_only ? 1 : lengths.server_login + 1;
	size_t to = d->login_only ? lengths.server_login : lengths.server;

	assert_true(lengths.client > 0);
	for (size_t i = 1; i < lengths.client; i++)
		expect_same(d, hold(d, "", i, 0, NULL), uncut, "client's bytes", i);
	for (size_t i = from; i < to; i++)
		expect_same(d, hold(d, "", 0, i, NULL), uncut, "server's bytes", i);
	for (size_t i = 0; i < ARRAY_SIZE(chops); i++)
		expect_same(d, hold(d, chops[i], 0, 0, NULL), uncut, chops[i], 0);
	mem_free(uncut);
}

static void
dialogues_survive_cutting(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++)
		hold_every_way(&dialogues[i]);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(dialogues_survive_cutting),
	};

	return cmocka_run_group_tests_name("cut", stories, NULL, NULL);
}
