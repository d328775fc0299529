/*
 * pattern.h - regular expressions that are safe to try on names that others chose.
 */
#ifndef CONF_PATTERN_H
#define CONF_PATTERN_H

#include <regex.h>

#include "base/port.h"

/* Longest expression, in bytes. */
#define PATTERN_MOST 256u

/*
 * Compile PATTERN, an expression that PostgreSQL and POSIX read alike (ERE without
 * back-references and GNU's or PostgreSQL's own additions). False: *WHY says what is
 * wrong with it; OUT is void.
 */
bool pattern_compile(regex_t *out, const char *pattern, const char **why);

#endif
