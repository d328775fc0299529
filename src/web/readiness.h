/*
 * readiness.h - are new clients welcome?
 */
#ifndef WEB_READINESS_H
#define WEB_READINESS_H

#include "base/buf.h"

struct web;

/*
 * How many reasons there are why not; OUT (NULL: nobody reads them) gets a line each, VERBOSE
 * with what servers have said. Servers are tried again where no client does it.
 */
unsigned readiness_faults(struct web *web, struct buf *out, bool verbose);

#endif
