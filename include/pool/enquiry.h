/*
 * enquiry.h - how many connections does a server take? Asked once a host (budget.h), before
 * the server's first use.
 */
#ifndef POOL_ENQUIRY_H
#define POOL_ENQUIRY_H

#include "pool/budget.h"
#include "pool/server.h"

/* S has just logged in. True: it has been asked, and is SERVER_ENQUIRY. */
bool enquiry_begin(struct server *s);
/* BODY of a DataRow has come. */
void enquiry_row(struct server *s, struct span body);
/* S is free. True: it has been asked how many connections there are, and is SERVER_ENQUIRY. */
bool enquiry_count(struct server *s);
/* All has been answered: the budget knows. True: S had been in use before. */
bool enquiry_done(struct server *s);

#endif
