/*
 * admin.c - what all consoles share.
 */
#include "admin/admin.h"

#include <string.h>

#include "admin/act.h"
#include "admin/console.h"
#include "net/mailbox.h"
#include "pool/place.h"

void
admin_init(struct admin *a, struct pooler *p, struct mailbox *keeper,
    void (*carry_out)(struct letter *order, void *keeper))
{
	memset(a, 0, sizeof(*a));
	a->calls.enter = console_enter;
	a->calls.bytes = console_bytes;
	a->calls.leave = console_leave;
	a->calls.cancel = console_cancel;
	a->pooler = p;
	a->keeper = keeper;
	a->carry_out = carry_out;
	history_init(&a->history, p);
	lulls_init(&a->lulls);
	p->console = &a->calls;
}

void
admin_fini(struct admin *a)
{
	history_fini(&a->history);
	lulls_fini(&a->lulls);
}

struct admin *
admin_of(const struct pooler *p)
{
	return (struct admin *)(void *)CONTAINER_OF(p->console, struct admin, calls);
}

static void
cover(struct worker *w, void *arg)
{
	(void)arg;
	act_cover(w, &(struct scope){ .all = true });
}

static void
nothing(void *arg)
{
	(void)arg;
}

bool
admin_resume(struct admin *a, struct span database)
{
	lull_forget(a, database);
	if (!place_pause(a->pooler, database, false))
		return false;
	worker_ask_all(a->pooler, NULL, cover, nothing, NULL);
	return true;
}

bool
admin_order(struct admin *a, struct order *order)
{
	if (a->keeper == NULL)
		return false;
	order->letter.open = a->carry_out;
	mailbox_post(a->keeper, &order->letter);
	return true;
}
