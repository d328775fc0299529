/*
 * store.h - memory that lives as long as its owner: given piece by piece, taken back
 * all at once and wiped, as passwords are in it.
 */
#ifndef CONF_STORE_H
#define CONF_STORE_H

#include "base/port.h"
#include "base/span.h"

struct store_block;

/* {0} is an empty store. */
struct store {
	struct store_block *blocks;	/* owned; newest first */
};

/* SIZE zeroed bytes, fit for any type, or NULL. */
void *store_new(struct store *store, size_t size) MUST_USE;
/* A NUL-terminated copy of TEXT, or NULL. */
const char *store_text(struct store *store, struct span text) MUST_USE;
/* Wipe and give everything back; the store is empty and usable afterwards. */
void store_fini(struct store *store);

#endif
