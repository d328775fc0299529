/*
 * client_wait.c - a waiting client that is canceled: what it waits with is answered as
 * PostgreSQL answers a canceled query, at once, and it keeps its connection.
 */
#include "pool/client_talk.h"
#include "wire/reply.h"

/*
 * The messages of the batch that will never run, as far as they are here; *OVER when its end was
 * among them: a simple query or function call, or the Sync of the extended protocol.
 */
static size_t
eat_batch(struct client *c, const char *at, size_t len, bool *over)
{
	size_t done = 0;

	*over = false;
	while (!*over && done < len) {
		struct frame_head head;

		if (c->frame.left == 0) {
			if (frame_look(at + done, len - done, &head) != FRAME_HEADER)
				break;
			if (head.kind != 'Q' && head.kind != 'F')
				c->dropping = true;	/* extended: only Sync ends it */
			c->frame.kind = head.kind;
			c->frame.left = head.size;
		}
		done += frame_pass(&c->frame, len - done);
		*over = c->frame.left == 0 && (c->frame.kind == 'S' || !c->dropping);
	}
	return done;
}

size_t
client_canceled_bytes(struct client *c, const char *at, size_t len)
{
	static const char ready[6] = { 'Z', 0, 0, 0, 5, 'I' };
	bool over;
	size_t done = eat_batch(c, at, len, &over);

	if (!over)
		return done;
	c->dropping = false;
	client_become(c, &CLIENT_IDLE);
	if (!link_send(c->link, ready, sizeof(ready))) {
		client_close(c, CLOSE_client_unexpected_eof);
		return len;
	}
	link_kick_later(c->link);
	return done;
}

void
client_cancel_wait(struct client *c)
{
	struct err e = { 0 };
	struct buf b = { 0 };

	lane_leave(c->lane, c);
	err_set(&e, SQLSTATE_CANCELED, "canceling statement due to user request");
	reply_write_error(&b, "ERROR", &e);
	if (!b.failed)
		link_send(c->link, b.at, b.len);
	buf_fini(&b);
	c->dropping = false;
	client_become(c, &CLIENT_CANCELED);
	link_kick(c->link);
}
