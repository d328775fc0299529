/*
 * version.h - what we call ourselves. Monitoring tools pick their layouts by the version
 * they read in SHOW VERSION and in the first line of -V, so both are this one text.
 */
#ifndef ADMIN_VERSION_H
#define ADMIN_VERSION_H

/* The PgBouncer whose console ours answers like. */
#define VERSION_LIKE "1.25.2"

#define VERSION_TEXT "PgBouncer " VERSION_LIKE " (pgweir " PACKAGE_VERSION ")"

#endif
