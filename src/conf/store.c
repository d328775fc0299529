/*
 * store.c - memory that lives as long as its owner.
 *
 * Small pieces are cut from blocks, large ones get a block of their own.
 */
#include "conf/store.h"

#include <stdalign.h>
#include <string.h>

#include "base/mem.h"

#define BLOCK_BYTES ((size_t)16384)
#define ALIGN alignof(max_align_t)

struct store_block {
	struct store_block *older;	/* owned */
	size_t		 size, used;	/* of bytes */
	alignas(max_align_t) char bytes[];
};

/* SIZE bytes at a multiple of ALIGNMENT, zeroed, or NULL. */
static char *
take(struct store *store, size_t size, size_t alignment)
{
	struct store_block *block = store->blocks;
	size_t start = 0, room = size > BLOCK_BYTES ? size : BLOCK_BYTES;

	if (block != NULL)
		start = (block->used + alignment - 1) / alignment * alignment;
	if (block == NULL || start > block->size || size > block->size - start) {
		if (size > SIZE_MAX / 2)
			return NULL;
		block = mem_new(sizeof(*block) + room);
		if (block == NULL)
			return NULL;
		block->size = room;
		block->older = store->blocks;
		store->blocks = block;
		start = 0;
	}
	block->used = start + size;
	return block->bytes + start;
}

void *
store_new(struct store *store, size_t size)
{
	return take(store, size, ALIGN);
}

const char *
store_text(struct store *store, struct span text)
{
	char *copy;

	if (text.len == SIZE_MAX)
		return NULL;
	copy = take(store, text.len + 1, 1);
	if (copy != NULL && text.len > 0)
		memcpy(copy, text.at, text.len);
	return copy;
}

void
store_fini(struct store *store)
{
	while (store->blocks != NULL) {
		struct store_block *block = store->blocks;

		store->blocks = block->older;
		mem_wipe(block->bytes, block->used);
		mem_free(block);
	}
}
