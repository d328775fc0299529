/*
 * mailbox.h - letters to another loop's thread. A letter lives inside what travels and is
 * opened exactly once, on the receiver's thread, in the order of posting per sender.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include "base/err.h"
#include "base/port.h"

struct loop;
struct mailbox;

struct letter {
	struct letter	*next;
	/* Called by the receiver's loop with what mailbox_new() was given. The letter may be freed in it. */
	void		(*open)(struct letter *letter, void *receiver);
};

struct mailbox *mailbox_new(struct loop *loop, void *receiver, struct err *e);
/* Only when no letter is under way any more. */
void mailbox_free(struct mailbox *box);
/* From any thread; allocates nothing, never fails. */
void mailbox_post(struct mailbox *box, struct letter *letter);

#endif
