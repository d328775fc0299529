/*
 * json.h - text as JSON (RFC 8259) has it. Objects and arrays are for the writer to put
 * together.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/span.h"

/*
 * Append S as a string with its quotes (RFC 8259, section 7). It is valid UTF-8 whatever S is: a byte that is
 * part of no character is shown as the four characters \xNN. '<' is escaped, so that no reader takes it for HTML.
 */
void json_put_text(struct buf *b, struct span s);

#endif
