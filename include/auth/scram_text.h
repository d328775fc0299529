/*
 * scram_text.h - the grammar of SCRAM's messages (RFC 5802, section 7): attributes,
 * nonces, numbers and keys as text. What they are good for is scram.c's business.
 */
#ifndef AUTH_SCRAM_TEXT_H
#define AUTH_SCRAM_TEXT_H

#include "auth/secret.h"
#include "base/buf.h"
#include "base/span.h"

/*
 * Take "NAME=value" and the comma behind it off the front of REST; at the end of the
 * message REST.at is NULL. False: something else is there.
 */
bool scram_take(struct span *rest, char name, struct span *value);
/* Take an extension that need not be understood ('m' must be). */
bool scram_take_extension(struct span *rest);
/* Is nothing left but extensions? */
bool scram_take_extensions(struct span *rest);

/* Is MESSAGE not empty, at most MOST bytes and without a NUL? */
bool scram_is_message(struct span message, size_t most);
/* Printable ASCII, and some of it? (No comma either: none gets through scram_take().) */
bool scram_is_nonce(struct span s);
/* Base64 of any length, none included? Needs no memory. */
bool scram_is_base64(struct span text);
/* Decimal digits only, 1 to MOST. */
bool scram_read_iterations(struct span text, uint32_t most, uint32_t *out);
/* A key in base64; false if it is not exactly that. */
bool scram_read_key(struct span text, unsigned char out[SCRAM_KEY]);
/* Append the bytes that TEXT spells in base64; false if it does not, or no memory. */
bool scram_read_base64(struct span text, struct buf *out);

/* Append IN in base64. */
void scram_put_base64(struct buf *out, struct span in);
/* Append GIVEN, or a random nonce if that is empty. */
void scram_put_nonce(struct buf *out, struct span given);

#endif
