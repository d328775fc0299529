/*
 * random.c - thousands of steps nobody thought of: clients that ask whatever the fake
 * server's language has, hang up, cancel and read slowly, servers that die and refuse,
 * time, pauses and reloads; on one to three workers. Each client has a shadow, which says
 * the same to a server of its own without any pooler between: what the client hears must be
 * what the shadow hears, to the letter, up to an end that something has given it. After each
 * settling everything is recounted.
 *
 *	random			200 seeds, as in make check
 *	random SEED [STEPS [PLAYS]]	that one, and those after it
 *
 * STORY_TRACE=1 prints the steps, STORY_LOG=1 the pooler's log.
 */
#include <stdio.h>

#include "story/story.h"

#define SEEDS 200u
#define STEPS 150u
#define CLIENTS 8u
#define HEARD_MOST 60000u

struct pair {
	struct actor	*client, *shadow;
	bool		 canceled;	/* its answers are a matter of chance from now on */
	bool		 hush;		/* it asks no more until all is answered */
	unsigned	 owed;		/* ReadyForQuery, the first one not counted */
	unsigned	 asked;		/* tags it has used */
};

struct play {
	struct story	*story;
	struct fakepg	 direct;	/* the shadows' server */
	struct pair	 pairs[CLIENTS];
	uint64_t	 seed;
	unsigned	 rows_most;	/* bytes of a result; few where reading is slow */
	bool		 trace;
	unsigned	 step;
};

static void
tell(struct play *p, const char *what, unsigned who)
{
	if (p->trace)
		printf("# %u: %s %u\n", p->step, what, who);
}

static void
show(const struct play *p, const char *name, struct actor *a)
{
	(void)p;
	print_error("%s: %s (last error: %s)\n", name, actor_heard(a), a->error);
}

/* --- what clients ask --- */

/*
 * '#' is a tag that nobody else uses, '@' one of four statement names, '%' a number below
 * three, '~' some milliseconds, '=' a size, '$' a setting.
 */
static const char *const questions[] = {
	"Q select #",
	"Q select #",
	"Q select #",
	"Q begin",
	"Q commit",
	"Q rollback",
	"Q begin; select #; commit; select #",
	"Q error",
	"Q set $ v%",
	"Q show $",
	"Q sleep ~",
	"P s@ select t@ / S",
	"P s@ select t@ / S",
	"P s@ select t% / B s@ / E / S",
	"B s@ / E / S",
	"B s@ / E / S",
	"D s@ / S",
	"C s@ / S",
	"P - select # / S / B - / E / S",
	"B - / D - / E / S",
	"P b@ bad / P - error / B - / E / C s@ / S / Q select #",
	"Q copyin / d 10 / d 3000 / c / Q select #",
	"Q copyin / d 10 / d 3000 / f / Q select #",
	"P - copyin / B - / E / d 10 / c / S / P - select # / S",
	"P - copyin / B - / E / d 10 / f / S / P - select # / S",
	"Q rows =",
	"P s@ select t@ / B s@ / E / C s@ / P s@ begin / B s@ / E / S / Q rollback",
	"Q discard all",
	"Q deallocate all",
};

/* One thing to ask; it may be several messages. */
static void
ask_something(struct play *p, unsigned who, struct buf *out)
{
	static const char *const settings[] = { "application_name", "TimeZone",
		"DateStyle" };
	const char *setting = settings[sim_draw(ARRAY_SIZE(settings))];
	struct pair *pair = &p->pairs[who];
	unsigned tag = who * 100000 + ++pair->asked;
	unsigned name = (unsigned)sim_draw(4), number = (unsigned)sim_draw(3);
	const char *question = questions[sim_draw(ARRAY_SIZE(questions))];

	/* What follows these before they are answered is not followed exactly: be silent. */
	pair->hush = strcmp(question + 2, "discard all") == 0 ||
	    strcmp(question + 2, "deallocate all") == 0;
	for (; *question != '\0'; question++) {
		if (*question == '#')
			buf_printf(out, "%u", tag);
		else if (*question == '@')
			buf_printf(out, "%u", name);
		else if (*question == '%')
			buf_printf(out, "%u", number);
		else if (*question == '~')
			buf_printf(out, "%u", (unsigned)sim_draw(300));
		else if (*question == '=')
			buf_printf(out, "%u", (unsigned)sim_draw(p->rows_most));
		else if (*question == '$')
			buf_put_text(out, setting);
		else
			buf_put_byte(out, *question);
	}
}

static void
ask(struct play *p, unsigned who)
{
	struct pair *pair = &p->pairs[who];
	struct buf out = { 0 };
	const char *text;

	if (pair->hush && pair->client->readies <= pair->owed)
		return;
	ask_something(p, who, &out);
	text = buf_text(&out);
	if (p->trace)
		printf("# %u: %u asks %s\n", p->step, who, text);
	for (const char *at = text; *at != '\0'; at++)
		if (at == text || at[-1] == ' ')
			pair->owed += (*at == 'Q' || *at == 'S') &&
			    (at[1] == ' ' || at[1] == '\0');
	sends(pair->client, "%s", text);
	sends(pair->shadow, "%s", text);
	buf_fini(&out);
}

/* --- clients come and go --- */

static void
come(struct play *p, unsigned who)
{
	struct pair *pair = &p->pairs[who];
	unsigned worker = (unsigned)sim_draw(p->story->pooler.worker_count);
	const char *pairs[] = { "application_name", "v0", "search_path", "mine", NULL };
	const char *const *with = sim_draw(3) == 0 ? pairs : NULL;

	tell(p, "comes", who);
	memset(pair, 0, sizeof(*pair));
	pair->client = story_connect(p->story, worker);
	pair->shadow = story_connect_directly(p->story, &p->direct);
	pair->client->no_settings = pair->shadow->no_settings = true;
	actor_login(pair->client, "bob", "app", with);
	actor_login(pair->shadow, "bob", "app", with);
}

static void
go(struct play *p, unsigned who)
{
	struct pair *pair = &p->pairs[who];

	tell(p, "goes", who);
	if (sim_draw(2) == 0 && pair->client->link != NULL)
		leave(pair->client);
	actor_free(pair->client);
	actor_free(pair->shadow);
	pair->client = NULL;
}

/* --- the world --- */

static void
reload(struct play *p)
{
	static const char *const more[] = { "pool_size=2", "pool_size=1", "pool_size=4",
		"pool_size=3 max_prepared_statements=2", "pool_size=2 server_lifetime=1",
		"pool_size=3 reserve_pool_size=1 reserve_pool_timeout=1",
		"pool_size=3 max_user_connections=2", "pool_size=2 max_db_connections=1",
		"pool_size=2 pool_idle_timeout=0.5 server_idle_timeout=0.3 peer_id=7" };
	const char *settings_now = more[sim_draw(ARRAY_SIZE(more))];

	char text[200];

	snprintf(text, sizeof(text), "query_wait_notify=0 %s", settings_now);
	if (p->trace)
		printf("# %u: reload %s\n", p->step, text);
	story_reload(p->story, text, NULL);
}

static void
disaster(struct play *p)
{
	struct fakepg *db = &p->story->db1;
	struct pg_session *s = pg_session_at(db, (unsigned)sim_draw(3));

	switch (sim_draw(5)) {
	case 0:
		tell(p, "server crashes", s != NULL);
		if (s != NULL)
			pg_crash(s);
		return;
	case 1:
		tell(p, "server shuts down", s != NULL);
		if (s != NULL)
			pg_shut_down(s);
		return;
	case 2:
		db->host.answer = (enum sim_answer)sim_draw(3);
		tell(p, "host answers", db->host.answer);
		return;
	case 3:
		db->refuse = db->refuse != NULL ? NULL : sim_draw(2) ? "53300" : "28P01";
		db->refuse_text = "not now";
		tell(p, "logins refused", db->refuse != NULL);
		return;
	default:
		tell(p, "settings reload", 0);
		reload(p);
		return;
	}
}

static void
cancel(struct play *p, unsigned who)
{
	struct pair *pair = &p->pairs[who];

	if (!pair->client->in || pair->client->link == NULL)
		return;
	tell(p, "cancels", who);
	pair->canceled = true;
	actor_cancel(pair->client, (unsigned)sim_draw(p->story->pooler.worker_count));
}

static void
turn_a_little(struct play *p)
{
	for (uint64_t n = sim_draw(20); n-- > 0;) {
		uint64_t which = sim_draw(p->story->pooler.worker_count + 1);

		loop_turn_once(which == p->story->pooler.worker_count ?
			sim_outside() :
		    p->story->pooler.workers[which]->loop);
	}
}

/* --- what must be so --- */

/* The last words: an error of the pooler's or the server's, and the end. */
static bool
is_farewell(const char *words)
{
	static const char *const states[] = { "E:08P01 ", "E:57P01 ", "E:28P01 " };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strncmp(words, states[i], 8) == 0)
			return strcmp(words + 8, "x ") == 0 || words[8] == '\0';
	return strcmp(words, "x ") == 0;
}

/* Is what the client has heard a beginning of what its shadow has, up to its own end? */
static void
compare(struct play *p, unsigned who)
{
	struct pair *pair = &p->pairs[who];
	const char *c = actor_heard(pair->client), *d = actor_heard(pair->shadow);
	size_t len = strlen(c), same = 0;

	if (pair->canceled)
		return;
	while (c[same] != '\0' && c[same] == d[same])
		same++;
	if (same == len)
		return;
	while (same > 0 && c[same - 1] != ' ')
		same--;
	if (is_farewell(c + same))
		return;
	print_error("seed %llu step %u client %u\n", (unsigned long long)p->seed, p->step,
	    who);
	show(p, "direct", pair->shadow);
	show(p, "pooled", pair->client);
	fail_msg("a client heard what it would not have heard without a pooler");
}

/* Nothing is owed: both have heard the same, all of it. */
static void
compare_at_rest(struct play *p, unsigned who)
{
	struct pair *pair = &p->pairs[who];

	compare(p, who);
	if (pair->canceled || pair->client->closed)
		return;
	if (strcmp(actor_heard(pair->client), actor_heard(pair->shadow)) == 0 &&
	    memcmp(pair->client->told, pair->shadow->told, sizeof(pair->client->told)) ==
		0)
		return;
	for (unsigned i = 0; i < PG_SETTINGS; i++)
		if (strcmp(pair->client->told[i].value, pair->shadow->told[i].value) != 0)
			print_error("%s is %s, pooled %s\n", pair->shadow->told[i].name,
			    pair->shadow->told[i].value, pair->client->told[i].value);
	print_error("seed %llu client %u is %s\n", (unsigned long long)p->seed, who,
	    actor_state(pair->client));
	show(p, "direct", pair->shadow);
	show(p, "pooled", pair->client);
	fail_msg("in the end a client has not heard everything");
}

static void
recount(struct play *p)
{
	const char *what = story_wrong(p->story);

	if (what != NULL)
		fail_msg("seed %llu step %u: %s", (unsigned long long)p->seed, p->step,
		    what);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (p->pairs[i].client != NULL)
			compare(p, i);
}

/* --- the play --- */

static void
one_step(struct play *p)
{
	unsigned who = (unsigned)sim_draw(CLIENTS);
	struct pair *pair = &p->pairs[who];

	if (pair->client == NULL) {
		come(p, who);
		return;
	}
	if (pair->client->closed || actor_heard(pair->shadow)[0] == '\0' ?
		sim_draw(3) == 0 :
		strlen(actor_heard(pair->client)) > HEARD_MOST) {
		go(p, who);
		return;
	}
	switch (sim_draw(32)) {
	case 0:
		go(p, who);
		return;
	case 1:
		disaster(p);
		return;
	case 2:
		tell(p, "deaf", who);
		actor_deaf(pair->client, sim_draw(2));
		return;
	case 3:
		cancel(p, who);
		return;
	case 4:
		tell(p, "pause", 0);
		story_pause(p->story, sim_draw(3) == 0);
		return;
	case 5:
	case 6:
		tell(p, "time", 0);
		sim_pass(sim_draw(2 * SECOND));
		recount(p);
		return;
	case 7:
	case 8:
	case 9:
	case 10:
	case 11:
		turn_a_little(p);
		return;
	case 12:
	case 13:
	case 14:
		sim_settle();
		recount(p);
		return;
	default:
		ask(p, who);
		return;
	}
}

/* Everything is mended; whatever was asked is answered. */
static void
come_to_rest(struct play *p)
{
	p->story->db1.host.answer = SIM_CONNECTS;
	p->story->db1.refuse = NULL;
	story_pause(p->story, false);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (p->pairs[i].client != NULL)
			actor_deaf(p->pairs[i].client, false);
	sim_pass(10 * SECOND);
	/* Transactions left open keep their servers. */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			if (p->pairs[i].client == NULL)
				continue;
			sends(p->pairs[i].client, "c / S / Q rollback");
			sends(p->pairs[i].shadow, "c / S / Q rollback");
			sim_settle();
		}
		sim_pass(30 * SECOND);
	}
	recount(p);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (p->pairs[i].client != NULL)
			compare_at_rest(p, i);
}

static void
play(uint64_t seed, unsigned steps)
{
	static const unsigned chops[] = { 0, 0, 1, 2, 3, 7 };
	static const unsigned capacities[] = { 65536, 20000, 1000, 100 };
	struct play p = { .seed = seed, .trace = getenv("STORY_TRACE") != NULL };
	unsigned chop = chops[seed / 2 % ARRAY_SIZE(chops)];
	unsigned capacity = capacities[seed / 5 % ARRAY_SIZE(capacities)];
	char text[300];

	p.rows_most = chop > 0 || capacity < 1000 ? 1000 : 200000;
	snprintf(text, sizeof(text),
	    "seed=%llu workers=%u pool_size=%u chop=%u capacity=%u "
	    "max_prepared_statements=%u query_wait_notify=0 server_check_delay=%u "
	    "max_user_connections=%u",
	    (unsigned long long)seed, 1 + (unsigned)(seed % 3),
	    1 + (unsigned)(seed / 3 % 3), chop, capacity, seed % 4 == 0 ? 2 : 200,
	    seed % 5 == 0 ? 0 : 30, (unsigned)(seed % 7 < 3 ? seed % 7 : 0));
	if (p.trace)
		printf("# %s\n", text);
	p.story = story_begin(text);
	pg_open(&p.direct, "direct", 5432);
	for (p.step = 0; p.step < steps; p.step++)
		one_step(&p);
	come_to_rest(&p);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (p.pairs[i].client != NULL)
			go(&p, i);
	pg_close(&p.direct);
	story_end(p.story);
}

/* The first to play, and how many. */
static uint64_t first = 1, plays = SEEDS;
static unsigned steps = STEPS;

static void
nobody_can_tell_a_pooler_is_there(void **state)
{
	(void)state;
	for (uint64_t seed = first; seed - first < plays; seed++)
		play(seed, steps);
}

/*
 * Numbers of statements count up as long as a process lives, and are sent in decimal.
 * That they have five digits from the beginning makes a play the same when played alone.
 */
static void
skip_numbers(void)
{
	while (true) {
		struct stmt *stmt = stmt_intern(SPAN_LITERAL("nothing"));
		uint64_t id = stmt->id;

		stmt_drop(stmt);
		if (id >= 9999)
			return;
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(nobody_can_tell_a_pooler_is_there),
	};

	if (argc > 1) {
		first = strtoull(argv[1], NULL, 10);
		plays = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	}
	if (argc > 2)
		steps = (unsigned)strtoul(argv[2], NULL, 10);
	skip_numbers();
	return cmocka_run_group_tests_name("random", stories, NULL, NULL);
}
