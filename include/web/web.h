/*
 * web.h - metrics, probes and the status page over HTTP/1.1 (RFC 9112), on a thread of their
 * own: it takes nothing of the workers but rows, which they fill as for SHOW.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/err.h"

struct admin;
struct conf;
struct web;

/* Descriptors it takes at most. */
#define WEB_FILES_MOST 160u

/* Can metrics be served as CONF wishes, as far as its files go? False: E says why not. */
bool web_check(const struct conf *conf, struct err *e);
/*
 * From the keeper, when the workers run: serve at metrics_listen of the setup in force. An
 * address that cannot be had is refused (E says why), or (LATER) tried again every second.
 * NULL: E says why.
 */
struct web *web_new(struct admin *admin, bool later, struct err *e);
/* From the keeper: clients are let in from now on. */
void web_up(struct web *web);
/* From the keeper: at NOW (wall clock) a reload has ended well, or was refused. */
void web_reloaded(struct web *web, bool good, usec_t now);
/* From the keeper: another setup is in force. */
void web_follow(struct web *web);
/* From the keeper, while the workers run: serve nobody any more. NULL is fine. */
void web_stop(struct web *web);
/* When no worker runs any more: the last of them may still have been waking us. NULL is fine. */
void web_free(struct web *web);

#endif
