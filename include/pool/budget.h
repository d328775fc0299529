/*
 * budget.h - the accounts by kind and name, and what limits them: which of them a pool's
 * servers count in is said here, what follows from it by account.h.
 */
#ifndef POOL_BUDGET_H
#define POOL_BUDGET_H

#include "pool/pooler.h"

/* In what order they are asked, too. */
enum account_kind {
	ACCOUNT_POOL,		/* a (database, user), its replication connections included */
	ACCOUNT_DATABASE,	/* max_db_connections */
	ACCOUNT_USER,		/* max_user_connections; whom the servers log in as */
	ACCOUNT_KINDS
};

/* One account and whose it is. */
struct budget {
	struct map_node	 in_pooler;	/* pooler->budgets, under its mutex */
	enum account_kind kind;
	struct account	 account;
	unsigned	 users;		/* pools that count in it; none: it goes */
	size_t		 len;		/* of name */
	char		 name[];	/* DATABASE: the entry's, USER: the user's, POOL: both, NUL between */
};

/* POOL, just made, counts in its accounts, which are made if need be. Under pooler->mutex. False: no memory. */
bool budget_join(struct pooler *p, struct pool *pool, const struct conf *conf) MUST_USE;
/* POOL, which has no servers and no clients, is to end. Under pooler->mutex. */
void budget_leave(struct pooler *p, struct pool *pool);
/* All accounts have the limits of CONF. */
void budget_relimit(struct pooler *p, const struct conf *conf);
/* Forget all (the process ends). */
void budget_forget(struct pooler *p);

#endif
