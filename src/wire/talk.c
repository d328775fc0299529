/*
 * talk.c - what a server owes. See the picture in talk.h.
 *
 * The queue is a ring of bytes: few entries in the struct itself, more on the heap when
 * somebody pipelines deeply. Its memory is bounded by what both sockets hold, because who
 * does not read answers is not read from.
 */
#include "wire/talk.h"

#include <string.h>

#include "base/mem.h"

static bool push(struct talk *t, unsigned asked);
static enum verdict answered(struct talk *t, talk_left_fn left, void *owner);
static enum verdict failed(struct talk *t, talk_left_fn left, void *owner);
static enum verdict ready(struct talk *t, char status, talk_left_fn left, void *owner);
static void end_copy(struct talk *t, talk_left_fn left, void *owner);
static void forget_stale_copy_ends(struct talk *t);

static unsigned
entry(const struct talk *t, uint32_t index)
{
	return t->ring[(t->first + index) & t->mask];
}

/* Take the front entry out. */
static inline unsigned
pop(struct talk *t)
{
	unsigned asked = t->ring[t->first & t->mask];

	t->first++;
	t->count--;
	return asked;
}

static bool
ends_with_ready(unsigned asked)
{
	unsigned kind = asked & ASK_KIND;

	return kind == ASK_QUERY || kind == ASK_FUNCTION || kind == ASK_SYNC;
}

/* Will the server answer it? */
static bool
awaits_server(unsigned asked)
{
	return !(asked & ASK_LOCAL) && (asked & ASK_KIND) != ASK_COPY_END;
}

static enum verdict
verdict_of(unsigned asked)
{
	return asked & ASK_HIDDEN ? VERDICT_SWALLOW : VERDICT_PASS;
}

void
talk_init(struct talk *t)
{
	memset(t, 0, sizeof(*t));
	t->ring = t->few;
	t->mask = TALK_INLINE - 1;
	t->status = 'I';
}

void
talk_fini(struct talk *t)
{
	if (t->ring != t->few)
		mem_free(t->ring);
	talk_init(t);
}

bool
talk_ask_slowly(struct talk *t, unsigned asked)
{
	unsigned kind = asked & ASK_KIND;

	if (kind == ASK_COPY_END) {
		if (t->count == 0 || t->skipping)
			return true;	/* late: the server ignores it */
		return push(t, asked);
	}
	if (unlikely(t->skipping)) {
		if (kind != ASK_SYNC)
			return true;
		t->skipping = false;
	}
	if (!(asked & ASK_LOCAL))
		t->open = true;
	return push(t, asked);
}

enum verdict
talk_answer(struct talk *t, char kind, char status, talk_left_fn left, void *owner)
{
	unsigned front = talk_front(t);
	unsigned asked = front & ASK_KIND;

	switch (kind) {
	case 'D':
	case 'd':
	case 'c':
	case 'H':
	case 'W':
		if (asked != ASK_QUERY && asked != ASK_EXECUTE)
			return VERDICT_BAD;
		return verdict_of(front);
	case 'G':
		if (asked != ASK_QUERY && asked != ASK_EXECUTE)
			return VERDICT_BAD;
		t->copy_in = true;
		return verdict_of(front);
	case 'C':
		if (asked != ASK_QUERY && asked != ASK_EXECUTE)
			return VERDICT_BAD;
		if (t->copy_in)
			end_copy(t, left, owner);
		return asked == ASK_EXECUTE ? answered(t, left, owner) : verdict_of(front);
	case 'I':
		if (asked == ASK_QUERY)
			return verdict_of(front);
		return asked == ASK_EXECUTE ? answered(t, left, owner) : VERDICT_BAD;
	case 's':
		return asked == ASK_EXECUTE ? answered(t, left, owner) : VERDICT_BAD;
	case 'Z':
		return ready(t, status, left, owner);
	case '1':
		return asked == ASK_PARSE ? answered(t, left, owner) : VERDICT_BAD;
	case '2':
		return asked == ASK_BIND ? answered(t, left, owner) : VERDICT_BAD;
	case '3':
		return asked == ASK_CLOSE ? answered(t, left, owner) : VERDICT_BAD;
	case 't':
		if (asked != ASK_DESCRIBE_STATEMENT || t->described)
			return VERDICT_BAD;
		t->described = true;
		return verdict_of(front);
	case 'T':
		if (asked == ASK_QUERY)
			return verdict_of(front);
		/* fall through */
	case 'n':
		if (asked == ASK_DESCRIBE_PORTAL ||
		    (asked == ASK_DESCRIBE_STATEMENT && t->described))
			return answered(t, left, owner);
		return VERDICT_BAD;
	case 'V':
		return asked == ASK_FUNCTION ? verdict_of(front) : VERDICT_BAD;
	case 'E':
		return failed(t, left, owner);
	case 'N':
		return verdict_of(front);
	case 'A':
	case 'S':
		return VERDICT_PASS;
	default:
		return VERDICT_BAD;
	}
}

/* The front entry is done. */
static enum verdict
answered(struct talk *t, talk_left_fn left, void *owner)
{
	unsigned asked = pop(t);

	t->described = false;
	t->copy_in = false;
	if (asked & ASK_NOTED)
		left(owner, 1, true);
	forget_stale_copy_ends(t);
	return verdict_of(asked);
}

static enum verdict
ready(struct talk *t, char status, talk_left_fn left, void *owner)
{
	unsigned front = talk_front(t);

	if (!ends_with_ready(front)) {
		/* One of the Syncs about which we were in doubt. */
		if (!t->doubt)
			return VERDICT_BAD;
		t->status = status;
		t->skipping = false;
		return VERDICT_PASS;
	}
	answered(t, left, owner);
	t->status = status;
	t->open = false;
	if (unlikely(t->count == 0 && t->ring != t->few)) {
		/* The pipeline was deep, and it is over. */
		mem_free(t->ring);
		t->ring = t->few;
		t->mask = TALK_INLINE - 1;
		t->first = 0;
	}
	for (uint32_t i = 0; i < t->count && !t->open; i++)
		t->open = awaits_server(entry(t, i));
	return verdict_of(front);
}

/*
 * How many entries behind the front, which is in COPY-in, lie before the CopyDone or CopyFail that ends it;
 * *SYNCS of them are Syncs. *ENDED: that end has been sent.
 */
static uint32_t
inside_copy(const struct talk *t, unsigned *syncs, bool *ended)
{
	uint32_t i;

	*syncs = 0;
	*ended = false;
	for (i = 1; i < t->count; i++) {
		unsigned kind = entry(t, i) & ASK_KIND;

		if (kind == ASK_COPY_END) {
			*ended = true;
			break;
		}
		if (kind == ASK_SYNC)
			++*syncs;
	}
	return i - 1;
}

/* Take out COUNT entries behind the front, which the server never did. */
static void
drop_behind_front(struct talk *t, uint32_t count, talk_left_fn left, void *owner)
{
	unsigned front = pop(t);
	unsigned notes = 0;

	while (count-- > 0)
		notes += (pop(t) & ASK_NOTED) != 0;
	if (notes > 0)
		left(owner, notes, false);
	/* The slot before the first entry is free: the front has just left one. */
	t->first--;
	t->count++;
	t->ring[t->first & t->mask] = (uint8_t)front;
}

/* COPY-in has ended well: Syncs sent before its end were swallowed. */
static void
end_copy(struct talk *t, talk_left_fn left, void *owner)
{
	unsigned syncs;
	bool ended;
	uint32_t inside = inside_copy(t, &syncs, &ended);

	t->copy_in = false;
	if (ended)
		drop_behind_front(t, inside + 1, left, owner);
}

/* ErrorResponse: what was being answered is over; the extended protocol skips to Sync. */
static enum verdict
failed(struct talk *t, talk_left_fn left, void *owner)
{
	unsigned front = talk_front(t);
	unsigned notes = 0, gone = front;

	if (t->count == 0)
		return VERDICT_PASS;	/* out of the blue: the server is about to close */
	if (t->copy_in) {
		unsigned syncs;
		bool ended;
		uint32_t inside = inside_copy(t, &syncs, &ended);

		/* Did COPY swallow them before it failed? Only the server knows. */
		t->copy_in = false;
		if (syncs > 0) {
			t->doubt = true;
			drop_behind_front(t, inside, left, owner);
		}
	}
	if (ends_with_ready(front))
		return verdict_of(front);
	while (t->count > 0 && (talk_front(t) & ASK_KIND) != ASK_SYNC) {
		unsigned asked = pop(t);

		notes += (asked & ASK_NOTED) != 0;
		if (!(asked & ASK_HIDDEN))
			gone = asked;	/* something of the client's is lost: it must be told */
	}
	t->described = false;
	t->skipping = t->count == 0;
	if (notes > 0)
		left(owner, notes, false);
	return verdict_of(gone);
}

unsigned
talk_local(struct talk *t, talk_left_fn left, void *owner)
{
	unsigned front = talk_front(t);

	if (!(front & ASK_LOCAL))
		return 0;
	answered(t, left, owner);
	return front;
}

bool
talk_ends_ready(const struct talk *t)
{
	return t->count > 0 && ends_with_ready(entry(t, t->count - 1));
}

bool
talk_only_local(const struct talk *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (awaits_server(entry(t, i)))
			return false;
	return t->count > 0;
}

bool
talk_synced_after(const struct talk *t, uint32_t index)
{
	uint32_t i = 0, noted = 0;

	while (i < t->count && noted <= index)
		noted += (entry(t, i++) & ASK_NOTED) != 0;
	while (i < t->count && !ends_with_ready(entry(t, i)))
		i++;
	return i < t->count;
}

unsigned
talk_owes_ready(const struct talk *t)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < t->count; i++)
		n += ends_with_ready(entry(t, i));
	return n;
}

/* A CopyDone whose COPY is over (it failed) is ignored by the server. */
static void
forget_stale_copy_ends(struct talk *t)
{
	while (!t->copy_in && (talk_front(t) & ASK_KIND) == ASK_COPY_END)
		pop(t);
}

static bool
push(struct talk *t, unsigned asked)
{
	if (unlikely(t->count > t->mask)) {
		uint32_t size = (t->mask + 1) * 2;
		uint8_t *bigger = mem_new(size);

		if (bigger == NULL)
			return false;
		for (uint32_t i = 0; i < t->count; i++)
			bigger[i] = (uint8_t)entry(t, i);
		if (t->ring != t->few)
			mem_free(t->ring);
		t->ring = bigger;
		t->mask = size - 1;
		t->first = 0;
	}
	t->ring[(t->first + t->count) & t->mask] = (uint8_t)asked;
	t->count++;
	return true;
}
