/*
 * warden.h - who may see metrics: TLS and bearer tokens, as files say.
 */
#ifndef WEB_WARDEN_H
#define WEB_WARDEN_H

#include "auth/digest.h"
#include "base/err.h"
#include "conf/conf.h"

struct ssl_ctx_st;

#define TOKENS_MOST 8u

struct warden {
	struct ssl_ctx_st *tls;		/* owned; NULL: HTTP without TLS */
	unsigned	 count;		/* of tokens; 0: nobody needs one */
	unsigned char	 tokens[TOKENS_MOST][DIGEST_SHA256];	/* their digests */
};

/* What CONF's files say, into W. False: E says which is wrong and why, W is empty. */
bool warden_load(struct warden *w, const struct conf *conf, struct err *e);
void warden_fini(struct warden *w);
/* Is what the header Authorization says (RFC 6750, 2.1) one of the tokens, or is none needed? */
bool warden_lets_in(const struct warden *w, struct span authorization);

#endif
