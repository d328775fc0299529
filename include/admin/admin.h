/*
 * admin.h - what all consoles share: the pooler they look at, the history of its
 * counters, the way to the keeper.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "admin/history.h"
#include "admin/lull.h"
#include "admin/order.h"
#include "pool/pooler.h"

struct admin {
	struct console_calls calls;	/* pooler->console points here */
	struct pooler	*pooler;	/* borrowed */
	struct history	 history;
	atomic_uint	 suspensions;	/* SUSPENDs so far */
	struct lulls	 lulls;
	struct mailbox	*keeper;	/* borrowed; NULL: there is none (tests) */
	void		(*carry_out)(struct letter *order, void *keeper);
};

/* Become P's console. Orders go to KEEPER and are opened there by CARRY_OUT. */
void admin_init(struct admin *a, struct pooler *p, struct mailbox *keeper,
    void (*carry_out)(struct letter *order, void *keeper));
void admin_fini(struct admin *a);

/* The admin of P. */
struct admin *admin_of(const struct pooler *p);
/* End PAUSE of DATABASE, or (at == NULL) PAUSE and SUSPEND of all. From any thread. False: there was none. */
bool admin_resume(struct admin *a, struct span database);
/* Send ORDER to the keeper; false: there is none. */
bool admin_order(struct admin *a, struct order *order);

#endif
