/*
 * order.h - what only the keeper's thread may do, asked for by a console: a letter to it
 * and back.
 */
#ifndef ADMIN_ORDER_H
#define ADMIN_ORDER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "net/mailbox.h"

enum order_kind {
	ORDER_RELOAD,		/* read all files anew */
	ORDER_SET,		/* change one setting */
	ORDER_SHUTDOWN,		/* end, as .mode says */
	ORDER_LULL,		/* look which PAUSE is over when */
};

enum shutdown_mode {
	SHUTDOWN_NONE,
	SHUTDOWN_WAIT_FOR_CLIENTS,	/* when the last client has left */
	SHUTDOWN_WAIT_FOR_SERVERS,	/* when the last server is closed */
	SHUTDOWN_DRAIN,			/* when clients have been told to leave, and have */
	SHUTDOWN_NOW,
};

struct order {
	struct letter	 letter;
	enum order_kind	 kind;
	enum shutdown_mode mode;
	struct span	 key, value;	/* ORDER_SET; borrowed until it is done */
	/* the keeper's answer */
	bool		 ok;
	struct err	 err;		/* why not */
	struct buf	 notes;		/* what to say though it went well; owned */
	/* Called on the keeper's thread when it is done: the order is its owner's. */
	void		(*done)(struct order *order);
	void		*owner;
};

#endif
