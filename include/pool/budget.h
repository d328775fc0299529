/*
 * budget.h - the accounts by kind and name, and what limits them: which of them a pool's
 * servers count in is said here, what follows from it by account.h.
 */
#ifndef POOL_BUDGET_H
#define POOL_BUDGET_H

#include "pool/offer.h"
#include "pool/pooler.h"

/* In what order they are named when several have no room. */
enum account_kind {
	ACCOUNT_POOL,		/* a (database, user), its replication connections included */
	ACCOUNT_DATABASE,	/* max_db_connections */
	ACCOUNT_USER,		/* max_user_connections; whom the servers log in as */
	ACCOUNT_HOST,		/* max_server_connections: the hosts of an entry and their port */
	ACCOUNT_ROLE,		/* rolconnlimit of a role there */
	ACCOUNT_CATALOG,	/* datconnlimit of a database there */
	ACCOUNT_KINDS
};

/* How many connections a server says it takes; below 0: no limit of that kind, or not told. */
struct capacity {
	int		 max_connections;
	int		 reserved;	/* of these, for superusers and others who are not us */
	int		 of_role, of_database;
};

/* One account and whose it is. */
struct budget {
	struct map_node	 in_pooler;	/* pooler->budgets, under its mutex */
	enum account_kind kind;
	struct account	 account;
	unsigned	 users;		/* pools that count in it; none: it goes */
	int		 found;		/* HOST, ROLE, CATALOG: what the server said; below 0: nothing */
	int		 reserved;	/* HOST: of that */
	usec_t		 asked_at;	/* HOST: loop clock; 0: never */
	unsigned	 borrowed;	/* HOST: beyond our share, as others do not use them */
	struct offer	 offer;		/* HOST: of our share, as others may lack it */
	usec_t		 probe_at;	/* HOST: when to ask next what is unused */
	bool		 look;		/* HOST: a server of any lane is to be asked that */
	unsigned long	 fulls;		/* how often the server had no room */
	usec_t		 told_at;	/* when the log was told so; 0: never */
	size_t		 len;		/* of name */
	char		 name[];	/* see budget_name() */
};

/* POOL, just made, counts in its accounts, which are made if need be. Under pooler->mutex. False: no memory. */
bool budget_join(struct pooler *p, struct pool *pool, const struct conf *conf) MUST_USE;
/* POOL, which has no servers and no clients, is to end. Under pooler->mutex. */
void budget_leave(struct pooler *p, struct pool *pool);
/* CONF may have moved POOL to other hosts: it counts there. */
void budget_follow(struct pooler *p, struct pool *pool, const struct conf *conf);
/* All accounts have the limits of CONF. */
void budget_relimit(struct pooler *p, const struct conf *conf);
/* SHARE of what servers take is ours from now on. */
void budget_set_share(struct pooler *p, const struct share *share);
/* Forget all (the process ends). */
void budget_forget(struct pooler *p);

/* Should a server of POOL that has just logged in be asked what it takes? At most one is at a time. */
bool budget_asks(struct pooler *p, struct pool *pool, usec_t now);
/* A server of POOL has told. */
void budget_learn(struct pooler *p, struct pool *pool, const struct conf *conf, const struct capacity *c);
/* Is a server of POOL to be asked how many connections there are? The first who asks this hears yes. */
bool budget_counts(struct pooler *p, struct pool *pool);
/* A server of POOL has USED connections, of all who use it. */
void budget_counted(struct pooler *p, struct pool *pool, const struct conf *conf, unsigned used,
    usec_t now);
/* A server has refused a login of POOL for want of room; ROUTINE of its source says of which kind. True: others of ours are open there. */
bool budget_full(struct pooler *p, struct pool *pool, struct span routine, usec_t now);
/* Several times a second, on one thread: accounts that were full try again, some want to be told what others use. */
void budget_tick(struct pooler *p, const struct conf *conf, usec_t now);

/* "pool", "database", "user", "host", "role", "catalog". */
const char *budget_kind_text(enum account_kind kind);
/* Where its limit comes from: "configured", "discovered", "learnt", "none". */
const char *budget_source(const struct budget *b, const struct account_view *view);
/* Its name for people, into OUT: "app/bob", "app", "db1:5432", "bob at db1:5432". Returns OUT. */
const char *budget_name(const struct budget *b, char *out, size_t cap);
/* Call FN for each account, under pooler->mutex. */
void budget_each(struct pooler *p, void (*fn)(void *owner, const struct budget *b,
    const struct account_view *view), void *owner);
/* What keeps a pool from more servers. */
struct obstacle {
	enum account_kind kind;
	const struct budget *budget;	/* the account; only to be compared, as it may be gone by now */
	struct account_view view;
	char		 name[200];	/* the account's, for people */
	char		 holder[140];	/* "database/user" of the pool that has most of it; "": nobody */
	bool		 own;		/* that is the pool itself */
	const char	*hint;		/* the settings that limit it */
};
/* The first account of POOL that has no room. False: each has. */
bool budget_obstacle(struct pooler *p, struct pool *pool, struct obstacle *out);
/* The same in one line, into OUT; what could be done, into HINT (NULL: nothing is in the way). */
void budget_explain(struct pooler *p, struct pool *pool, usec_t now, char *out, size_t cap,
    const char **hint);

#endif
