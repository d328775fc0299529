/*
 * mailbox.c - net/mailbox.h: letters are opened when the receiver's loop turns, so that
 * what the other loops do in between is drawn like everything else.
 */
#include "net/mailbox.h"

#include "base/mem.h"
#include "sim/sim_private.h"

struct mailbox {
	struct source	 source;
	struct letter	*first, *last;
	void		*receiver;	/* borrowed */
};

static bool
letters_ready(struct source *source)
{
	return CONTAINER_OF(source, struct mailbox, source)->first != NULL;
}

/* Those that come while these are opened wait for the next turn. */
static void
letters_fire(struct source *source)
{
	struct mailbox *box = CONTAINER_OF(source, struct mailbox, source);
	struct letter *letter = box->first, *next;

	box->first = box->last = NULL;
	for (; letter != NULL; letter = next) {
		next = letter->next;
		sim_born(-1);
		letter->open(letter, box->receiver);
	}
}

struct mailbox *
mailbox_new(struct loop *loop, void *receiver, struct err *e)
{
	struct mailbox *box = mem_new(sizeof(*box));

	if (box == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "cannot make a mailbox");
		return NULL;
	}
	box->source.ready = letters_ready;
	box->source.fire = letters_fire;
	box->receiver = receiver;
	source_add(loop, &box->source);
	return box;
}

void
mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	source_drop(&box->source);
	mem_free(box);
}

void
mailbox_post(struct mailbox *box, struct letter *letter)
{
	letter->next = NULL;
	if (box->last != NULL)
		box->last->next = letter;
	else
		box->first = letter;
	box->last = letter;
	sim_born(1);
}
