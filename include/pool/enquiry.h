/*
 * enquiry.h - what we ask servers ourselves: how many connections their host takes, once a host
 * (budget.h); how many there are; what role it has now (role.h).
 */
#ifndef POOL_ENQUIRY_H
#define POOL_ENQUIRY_H

#include "pool/budget.h"
#include "pool/server.h"

/* S has just logged in. True: it has been asked what it takes, and is SERVER_ENQUIRY. */
bool enquiry_begin(struct server *s);
/* S is free. True: it has been asked how many connections there are, and is SERVER_ENQUIRY. */
bool enquiry_count(struct server *s);
/* S has just logged in, or is free. True: it has been asked for its role, and is SERVER_ENQUIRY. */
bool enquiry_role(struct server *s);
/* BODY of a DataRow has come. */
void enquiry_row(struct server *s, struct span body);

enum enquired {
	ENQUIRED_CAPACITY,	/* S is on its way to its first use */
	ENQUIRED_COUNT,		/* S is free again */
	ENQUIRED_ROLE,		/* *ROLE is set; not known: it has not said */
};
/* All has been answered; the budget knows what concerns it. */
enum enquired enquiry_done(struct server *s, struct host_role *role);

#endif
