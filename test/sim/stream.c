/*
 * stream.c - streams: two byte queues and two ends, which are named by numbers that no
 * real descriptor has. Behaves as TCP where an owner could tell: what was sent before the
 * end can be read, sending to somebody who has left goes well once, then fails.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sim/sim_private.h"

#define FIRST_FD (1 << 20)	/* close(2) of one is harmless */
#define DROP_AT 65536u
#define READ_MOST 65536u

struct queue {
	struct buf	 data;		/* what is under way from .at on */
	size_t		 at;
	size_t		 before;	/* bytes of the stream taken so far */
	size_t		 cut;		/* what lies behind rests; 0: nothing rests */
	bool		 ended;		/* its sender sends no more */
};

struct end {
	struct stream	*stream;
	struct end	*other;
	struct queue	*in, *out;
	struct addr	 peer;
	bool		 open;
	bool		 reset;		/* we have sent to somebody who has left */
};

struct stream {
	unsigned	 index;
	struct sim_shape shape;
	struct queue	 queues[2];
	struct end	 ends[2];
};

/* By index: a stream, or what is remembered of one that has gone. */
struct place {
	struct stream	*stream;	/* owned; NULL: gone */
	size_t		 sent_to[2];
};

static struct {
	struct place	*all;		/* owned */
	unsigned	 count, cap;
	struct sim_shape shape;
} streams;

void
streams_begin(void)
{
	streams.count = 0;
	streams.shape = (struct sim_shape){ .capacity = 65536 };
}

void
streams_end(void)
{
	mem_free(streams.all);
	streams.all = NULL;
	streams.cap = 0;
}

void
sim_set_shape(const struct sim_shape *shape)
{
	streams.shape = *shape;
}

void
sim_stream(int fd[2], const struct addr *addr)
{
	struct stream *s = mem_new(sizeof(*s));

	if (streams.count == streams.cap) {
		streams.cap = streams.cap * 2 + 64;
		streams.all = mem_resize(streams.all, streams.cap * sizeof(struct place));
	}
	if (s == NULL || streams.all == NULL)
		abort();
	s->index = streams.count;
	s->shape = streams.shape;
	streams.all[streams.count++] = (struct place){ .stream = s };
	for (unsigned i = 0; i < 2; i++) {
		s->ends[i] = (struct end){ .stream = s,
			.other = &s->ends[1 - i],
			.in = &s->queues[i],
			.out = &s->queues[1 - i],
			.open = true };
		fd[i] = FIRST_FD + (int)(s->index * 2 + i);
	}
	s->ends[1].peer = *addr;
	sim_born(1);
}

struct end *
end_of(int fd)
{
	unsigned number = (unsigned)(fd - FIRST_FD);

	if (fd < FIRST_FD || number / 2 >= streams.count ||
	    streams.all[number / 2].stream == NULL)
		abort();
	return &streams.all[number / 2].stream->ends[number % 2];
}

const struct addr *
end_peer(const struct end *e)
{
	return &e->peer;
}

/* --- bytes --- */

static size_t
queue_len(const struct queue *q)
{
	return q->data.len - q->at;
}

/* Bytes that may be taken now. */
static size_t
here(const struct queue *q)
{
	size_t len = queue_len(q);

	if (q->cut <= q->before)
		return q->cut != 0 && q->cut == q->before ? 0 : len;
	return q->cut - q->before < len ? q->cut - q->before : len;
}

long
end_send(struct end *e, const char *at, size_t len, const char **why)
{
	size_t room = e->stream->shape.capacity;
	size_t has = queue_len(e->out);

	if (!e->other->open && e->reset) {
		*why = "Broken pipe";
		return -1;
	}
	if (!e->other->open) {
		e->reset = true;
		return (long)len;
	}
	room = room > has ? room - has : 0;
	if (len > room)
		len = room;
	buf_put(&e->out->data, at, len);
	return (long)len;
}

bool
end_writable(const struct end *e)
{
	return !e->other->open || queue_len(e->out) < e->stream->shape.capacity;
}

bool
end_readable(const struct end *e)
{
	if (queue_len(e->in) > 0)
		return here(e->in) > 0;
	return e->in->ended || e->reset;
}

size_t
end_has(const struct end *e)
{
	size_t n = here(e->in), chop = e->stream->shape.chop;

	if (chop > 0 && n > chop)
		n = chop;
	return n < READ_MOST ? n : READ_MOST;
}

long
end_recv(struct end *e, char *out, size_t cap, const char **why)
{
	struct queue *q = e->in;
	size_t n = here(q);

	if (n == 0) {
		if (queue_len(q) > 0 || !(q->ended || e->reset))
			return -2;
		if (!e->reset)
			return 0;
		*why = "Connection reset by peer";
		return -1;
	}
	if (n > cap)
		n = cap;
	memcpy(out, q->data.at + q->at, n);
	q->at += n;
	q->before += n;
	if (q->at == q->data.len || q->at > DROP_AT) {
		buf_drop(&q->data, q->at);
		q->at = 0;
	}
	return (long)n;
}

/* --- cutting --- */

void
sim_cut(int fd, size_t offset)
{
	end_of(fd)->in->cut = offset;
}

static size_t
sent_to(const struct queue *q)
{
	return q->before + queue_len(q);
}

size_t
sim_sent_to(int fd)
{
	unsigned number = (unsigned)(fd - FIRST_FD);
	struct place *place = &streams.all[number / 2];

	return place->stream != NULL ? sent_to(place->stream->ends[number % 2].in) :
	    place->sent_to[number % 2];
}

bool
streams_let_go(void)
{
	bool some = false;

	for (unsigned i = 0; i < streams.count; i++) {
		struct stream *s = streams.all[i].stream;

		for (unsigned j = 0; s != NULL && j < 2; j++) {
			struct queue *q = &s->queues[j];

			if (q->cut == 0 || q->before < q->cut || queue_len(q) == 0)
				continue;
			q->cut = 0;
			some = true;
		}
	}
	return some;
}

/* --- ending --- */

void
end_shutdown(struct end *e)
{
	e->out->ended = true;
}

static void
stream_free(struct stream *s)
{
	struct place *place = &streams.all[s->index];

	place->stream = NULL;
	place->sent_to[0] = sent_to(s->ends[0].in);
	place->sent_to[1] = sent_to(s->ends[1].in);
	buf_fini(&s->queues[0].data);
	buf_fini(&s->queues[1].data);
	mem_free(s);
	sim_born(-1);
}

/* Leaving with something unread is noticed by the other side. */
void
end_close(struct end *e)
{
	e->open = false;
	e->out->ended = true;
	if (queue_len(e->in) > 0)
		e->other->reset = true;
	e->in->before += queue_len(e->in);
	buf_fini(&e->in->data);
	e->in->at = 0;
	if (!e->other->open)
		stream_free(e->stream);
}
