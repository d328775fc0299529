/*
 * saslprep.h - passwords as SCRAM wants them (RFC 4013), the way PostgreSQL reads that.
 */
#ifndef AUTH_SASLPREP_H
#define AUTH_SASLPREP_H

#include "base/buf.h"
#include "base/span.h"

/* Longest password we prepare, in bytes; preparing costs the square of the length. */
#define SASLPREP_MOST 1024u

/*
 * Append PASSWORD prepared to OUT - or as it is, if it is pure ASCII, not UTF-8, too long
 * or has something prohibited. Failure is OUT's; its owner wipes it.
 */
void saslprep(struct span password, struct buf *out);

#endif
