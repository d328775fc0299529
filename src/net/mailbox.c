/*
 * mailbox.c - letters between threads: a locked list and one eventfd. The descriptor is
 * written only when the box was empty, so a burst costs one wake-up.
 */
#include "net/mailbox.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop_private.h"

struct mailbox {
	pthread_mutex_t	 mutex;		/* first, last */
	struct letter	*first, *last;
	int		 fd;		/* eventfd */
	struct event	*event;		/* owned */
	void		*receiver;	/* borrowed */
};

/* The eventfd is edge-triggered: it need not be read to be quiet. */
static void
letters_came(evutil_socket_t fd, short what, void *arg)
{
	struct mailbox *box = arg;
	struct letter *letter;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&box->mutex);
	letter = box->first;
	box->first = box->last = NULL;
	pthread_mutex_unlock(&box->mutex);

	while (letter != NULL) {
		struct letter *next = letter->next;

		letter->open(letter, box->receiver);
		letter = next;
	}
}

struct mailbox *
mailbox_new(struct loop *loop, void *receiver, struct err *e)
{
	struct mailbox *box = mem_new(sizeof(*box));

	if (box == NULL)
		goto fail;
	box->receiver = receiver;
	box->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (box->fd < 0)
		goto fail;
	box->event = event_new(loop_base(loop), box->fd, EV_READ | EV_PERSIST | EV_ET,
	    letters_came, box);
	if (box->event == NULL || event_add(box->event, NULL) != 0)
		goto fail;
	pthread_mutex_init(&box->mutex, NULL);
	return box;
fail:
	err_set(e, SQLSTATE_NO_MEMORY, "cannot make a mailbox: %s", strerror(errno));
	if (box != NULL) {
		if (box->event != NULL)
			event_free(box->event);
		if (box->fd >= 0)
			close(box->fd);
		mem_free(box);
	}
	return NULL;
}

void
mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	event_free(box->event);
	close(box->fd);
	pthread_mutex_destroy(&box->mutex);
	mem_free(box);
}

void
mailbox_post(struct mailbox *box, struct letter *letter)
{
	uint64_t one = 1;
	bool was_empty;

	letter->next = NULL;
	pthread_mutex_lock(&box->mutex);
	was_empty = box->first == NULL;
	if (was_empty)
		box->first = letter;
	else
		box->last->next = letter;
	box->last = letter;
	pthread_mutex_unlock(&box->mutex);

	while (was_empty && write(box->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
