/*
 * reload.h - putting what the operator wishes now in force: the files anew, one setting,
 * the log. On the keeper's thread only.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "pool/pooler.h"

/* Let the log go where CONF wants it. False: it could not be opened; what could be changed is. */
bool reload_log(const struct conf *conf, struct err *e);
/* Log what was odd about CONF. */
void reload_warn(const struct conf *conf);

/*
 * Read everything anew, check everything, and only then put it in force. NOTES gets a line for
 * each change. False: nothing has changed; E and a line of the log say why.
 */
bool reload_files(struct pooler *p, const struct conf_override *override, struct buf *notes,
    struct err *e);
/* Could it be done? Nothing changes; E says why not. */
bool reload_would_do(struct pooler *p, const struct conf_override *override, struct err *e);
/* Change setting KEY to VALUE. NOTES gets what should be known. False: nothing has changed. */
bool reload_one(struct pooler *p, struct span key, struct span value, struct buf *notes,
    struct err *e);

#endif
