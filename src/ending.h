/*
 * ending.h - how the process ends: at once, when clients or servers are gone (PgBouncer's
 * ways), or by draining. On the keeper's thread only.
 */
#ifndef ENDING_H
#define ENDING_H

#include "admin/order.h"
#include "drain.h"

struct ending {
	struct pooler	*pooler;	/* borrowed */
	struct doors	*doors;		/* borrowed */
	struct loop	*loop;		/* borrowed; stopped when we may end */
	struct timer	*watch;		/* owned; looks whether we may */
	enum shutdown_mode mode;
	struct drain	 drain;
};

/* False: no memory. */
bool ending_init(struct ending *x, struct pooler *p, struct doors *doors, struct loop *loop);
/* End as MODE says; hasten if we are about to end already. */
void ending_begin(struct ending *x, enum shutdown_mode mode);
/* SIGTERM has come. */
void ending_terminate(struct ending *x);
static inline bool
ending_begun(const struct ending *x)
{
	return x->mode != SHUTDOWN_NONE;
}
void ending_fini(struct ending *x);

#endif
