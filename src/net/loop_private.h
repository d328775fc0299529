/*
 * loop_private.h - what the files of src/net know of a loop beyond net/loop.h.
 */
#ifndef NET_LOOP_PRIVATE_H
#define NET_LOOP_PRIVATE_H

#include "net/loop.h"

/* Most bytes read from a socket at once. */
#define LOOP_READ_MOST ((size_t)65536)

/* LOOP_READ_MOST bytes for what was just read, valid until the callback returns. */
char *loop_read_buffer(struct loop *loop);
/* The same for TLS bytes that wait for decryption; made on first use, NULL without memory. */
char *loop_cipher_buffer(struct loop *loop);
/* A block of LOOP_BLOCK bytes from the loop's stock, for what a link keeps a short while; NULL: no memory. */
#define LOOP_BLOCK ((size_t)512)
char *loop_block_take(struct loop *loop);
void loop_block_give(struct loop *loop, char *block);
/* TLS bytes to be sent; cleared. */
struct buf *loop_cipher_out(struct loop *loop);

/* Links that only wait for their other side to close: nobody else owns them. */
struct list *loop_lingering(struct loop *loop);
/* Close them all (link.c). */
void link_close_lingering(struct list *lingering);

/* Something that lives as long as the loop and is made by a file that needs it. */
struct loop_slot {
	void	*ptr;
	void	(*release)(void *ptr);
};
struct loop_slot *loop_resolver_slot(struct loop *loop);

#endif
