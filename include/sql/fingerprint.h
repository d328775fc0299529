/*
 * fingerprint.h - statements that differ in their values only are one: the text of a statement without its values,
 * and a number for it. For people who look at what runs; nothing is decided by it.
 */
#ifndef SQL_FINGERPRINT_H
#define SQL_FINGERPRINT_H

#include "base/port.h"
#include "base/span.h"

#define FINGERPRINT_TEXT 256u	/* bytes of the text, its NUL included */

struct fingerprint {
	uint64_t	 number;	/* of all of the text; the same in every process (FNV-1a) */
	char		 text[FINGERPRINT_TEXT];	/* the beginning, cut between characters */
};

/*
 * The fingerprint of SQL, one statement or several, as PostgreSQL's scanner reads it: each string, number and bit string
 * is "?", a list of them "?, ...", blanks and comments are one space, letters outside of quotes are small. Parameters
 * ($1) and names stay. A text whose end depends on standard_conforming_strings ('\'), or that has none, is one value
 * up to the end: what may be a value is never shown.
 */
void fingerprint_take(struct fingerprint *f, struct span sql);

#endif
