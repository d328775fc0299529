/*
 * tls.c - net/tls.h where there is no TLS: contexts are refused.
 */
#include "net/tls.h"

struct tls *
tls_new(const struct tls_settings *settings, struct err *e)
{
	(void)settings;
	err_set(e, SQLSTATE_CONFIG, "there is no TLS in a simulated world");
	return NULL;
}

struct tls *
tls_hold(struct tls *tls)
{
	return tls;
}

void
tls_drop(struct tls *tls)
{
	(void)tls;
}

const char *
tls_version(void)
{
	return "none";
}
