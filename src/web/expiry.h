/*
 * expiry.h - until when the certificates in force are good.
 */
#ifndef WEB_EXPIRY_H
#define WEB_EXPIRY_H

#include "conf/conf.h"
#include "web/exposition.h"

#define EXPIRIES_MOST 5u

/* Of one file. */
struct expiry {
	const char	*setting;	/* that names it */
	const char	*file;		/* borrowed from the conf */
	uint64_t	 at;		/* unix time, in seconds */
};

struct expiries {
	unsigned	 count;
	struct expiry	 each[EXPIRIES_MOST];
};

/* Look at the files of CONF, which lasts at least as long as X is used. */
void expiries_read(struct expiries *x, const struct conf *conf);
/* Append the metric. */
void expiries_write(const struct expiries *x, struct exposition *out);

#define EXPIRY_NAME "pgweir_certificate_expiry_seconds"
#define EXPIRY_TEXT                                                                   \
	"Until when a certificate is good (unix time): of a chain the first that ends, of " \
	"a CA file the last."

#endif
