/*
 * keeper.h - the main thread: it listens and deals out, hears signals, reloads, and sees
 * to an orderly end.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "conf/conf.h"
#include "doors.h"
#include "pool/pooler.h"

struct keeper_wish {
	struct setup	*setup;		/* what to begin with; the hold passes over */
	struct conf_override override;	/* what the command line and environment say, for reloads */
	struct inherited inherited;	/* sockets to use in place of our own */
};

/* Serve until told to end. The exit status: 0 after any end that was asked for, 1 if it could not begin. */
int keeper_run(const struct keeper_wish *wish);

#endif
