/*
 * story.h - whole-pooler stories: a pooler of some workers, fake servers db1 and db2, and
 * actors who are its clients, on the simulator. No thread, no socket, no clock.
 *
 *	struct story *s = story_begin("pool_size=1");
 *	struct actor *a = story_client(s, "app");
 *
 *	say(a, "select one");
 *	hears(a, "T D:one C Z:I", "an answer");
 *	story_end(s);
 */
#ifndef STORY_STORY_H
#define STORY_STORY_H

#include "unit/unit.h"

#include "pool/client.h"
#include "pool/lane.h"
#include "pool/place.h"
#include "pool/server.h"
#include "pool/worker.h"
#include "sim/fakepg.h"
#include "sim/sim.h"

struct story {
	struct pooler	 pooler;
	struct fakepg	 db1, db2;
	struct list	 actors;
	unsigned	 next_worker;
	uint16_t	 next_port;
	const char	*settings;	/* of story_begin(), for story_reload() */
	bool		 liars;		/* what db2's sessions say need not be true of them */
};

/*
 * A pooler whose settings are SETTINGS ("name=value name='two words'"): those of the file,
 * pool_size for default_pool_size, and of the world: seed, capacity, chop. Database app
 * is on db1, other on db2; users bob, ann and md5 may log in. Transaction mode, trust.
 */
struct story *story_begin(const char *settings);
/* The same with the lines DATABASES in place of those of app and other. */
struct story *story_begin_with(const char *settings, const char *databases);
/* New settings and databases (NULL: as before). */
void story_reload(struct story *s, const char *settings, const char *databases);
/* Check, close everything, check that nothing is left. */
void story_end(struct story *s);

void story_settle(struct story *s);
void story_pass(struct story *s, usec_t time);
/* Every list, count and owner. Once all has settled. */
void story_check(struct story *s);
/* Servers in all ledgers, those being opened included. */
unsigned story_servers(struct story *s);
/* As the console does. */
void story_pause(struct story *s, bool paused);

/* --- clients --- */

struct actor {
	struct node	 in_story;
	struct story	*story;		/* borrowed */
	struct link	*link;		/* owned; NULL: it has hung up */
	int		 fd;		/* its own end */
	uint16_t	 port;		/* by which its client is found; 0: not the pooler's */
	struct backend_login *login;	/* owned */
	const char	*password;	/* borrowed */
	struct keyring	*keyring;	/* borrowed */
	struct buf	 heard;		/* "T D:one C:SELECT_1 Z:I " since hears() */
	uint64_t	 bytes;		/* it has heard */
	bool		 in;		/* has seen its first ReadyForQuery */
	bool		 closed;	/* by the other side */
	bool		 quiet;		/* what it hears is only counted */
	bool		 no_settings;	/* settings are only noted in .told */
	struct {
		char name[40], value[PG_VALUE];
	} told[PG_SETTINGS];
	unsigned	 readies;	/* ReadyForQuery it has seen */
	char		 error[300];	/* text of the last error it heard */
	uint32_t	 pid;
	char		 key[64];
	size_t		 key_len;
};

/* A connection to worker WORKER, nothing said yet. */
struct actor *story_connect(struct story *s, unsigned worker);
/* A connection to PG itself. */
struct actor *story_connect_directly(struct story *s, struct fakepg *pg);
/* Say hello as USER for DATABASE with further PAIRS (NULL or NULL-terminated). */
void actor_login(struct actor *a, const char *user, const char *database,
    const char *const *pairs);
/* A client of DATABASE who is bob; on the workers in turn, or on WORKER. Settles. */
struct actor *story_client(struct story *s, const char *database);
struct actor *story_client_on(struct story *s, unsigned worker, const char *database);
/* The same with a setting at start-up. */
struct actor *story_client_with(struct story *s, const char *database, const char *name,
    const char *value);

/* Ask a simple query. */
void say(struct actor *a, const char *format, ...) PRINTF_LIKE(2, 3);
/*
 * Send messages, split by '/': "P NAME TEXT" "B NAME" "D NAME" "E" "C NAME" "S" "H"
 * "Q TEXT" "d BYTES" "c" "f" "X", "-" being no name.
 */
void sends(struct actor *a, const char *format, ...) PRINTF_LIKE(2, 3);
/* The bytes of that. */
void actor_write(struct buf *b, const char *text);
void actor_send(struct actor *a, const void *at, size_t len);
/* It has heard just what EXPECTED says (a word without ':' fits any of its kind); forgets it. */
#define hears(a, expected, why) hears_at((a), (expected), (why), __FILE__, __LINE__)
void hears_at(struct actor *a, const char *expected, const char *why, const char *file,
    int line);
/* Does what it has heard contain WORD? */
bool has_heard(struct actor *a, const char *word);
const char *actor_heard(struct actor *a);
void actor_forget(struct actor *a);
/* "waiting", "active", ... as SHOW CLIENTS; "gone". */
const char *actor_state(struct actor *a);
struct client *actor_client(struct actor *a);
/* Without a word. */
void hang_up(struct actor *a);
/* With Terminate. */
void leave(struct actor *a);
/* A cancel request with its key, by way of WORKER. */
void actor_cancel(struct actor *a, unsigned worker);
void actor_deaf(struct actor *a, bool deaf);
void actor_free(struct actor *a);

/* --- words for rules --- */

#define is_text(got, wanted, why) is_text_at((got), (wanted), (why), __FILE__, __LINE__)
#define is_count(got, wanted, why) \
	is_count_at((uint64_t)(got), (uint64_t)(wanted), (why), __FILE__, __LINE__)
void is_text_at(const char *got, const char *wanted, const char *why, const char *file,
    int line);
void is_count_at(uint64_t got, uint64_t wanted, const char *why, const char *file,
    int line);

/* Recount everything of P, whose servers are sessions of db1 and db2; what is wrong, or NULL. */
const char *story_wrong(struct story *s);

#endif
