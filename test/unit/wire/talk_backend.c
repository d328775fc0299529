/*
 * talk_backend.c - see talk_backend.h. The names in capitals below are PostgreSQL's.
 */
#include "unit/wire/talk_backend.h"

#include <string.h>

void
backend_init(struct backend *b, bool *done)
{
	memset(b, 0, sizeof(*b));
	b->block = 'I';
	b->at_ready = true;
	b->done = done;
}

void
backend_send(struct backend *b, const struct message *m)
{
	b->in[(b->in_first + b->in_count++) % INPUT] = *m;
}

bool
backend_hear(struct backend *b, struct answer *out)
{
	if (b->out_count == 0)
		return false;
	*out = b->out[b->out_first % OUTPUT];
	b->out_first++;
	b->out_count--;
	return true;
}

static void
say(struct backend *b, char kind, int id)
{
	b->out[(b->out_first + b->out_count++) % OUTPUT] = (struct answer){ kind,
		kind == 'Z' ? b->block : 0, id };
}

static void
say_ready(struct backend *b, int id)
{
	say(b, 'Z', id);
	b->at_ready = true;
}

/* ereport(ERROR) while M is handled; the extended protocol skips to Sync. */
static void
fail(struct backend *b, const struct message *m)
{
	bool extended = strchr("PBtDEC", m->kind) != NULL;

	say(b, 'E', m->id);
	if (b->block == 'T')
		b->block = 'E';
	b->copying = false;
	if (extended)
		b->ignore_till_sync = true;
	else
		say_ready(b, m->id);
}

/* Statements from the next one on; false if one is in COPY FROM STDIN now. */
static bool
run_parts(struct backend *b)
{
	struct message *m = &b->now;

	for (; b->part < m->parts; b->part++) {
		if (b->block == 'E' && m->block != BLOCK_END) {
			fail(b, m);
			return false;
		}
		switch ((enum part)m->part[b->part]) {
		case PART_ROWS:
			if (m->kind == 'Q')
				say(b, 'T', m->id);
			say(b, 'D', m->id);
			say(b, 'D', m->id);
			say(b, 'C', m->id);
			break;
		case PART_TAG:
			say(b, 'C', m->id);
			break;
		case PART_EMPTY:
			say(b, 'I', m->id);
			break;
		case PART_STOP:
			say(b, 'D', m->id);
			say(b, m->kind == 'E' ? 's' : 'C', m->id);
			break;
		case PART_OUT:
			say(b, 'H', m->id);
			say(b, 'd', m->id);
			say(b, 'c', m->id);
			say(b, 'C', m->id);
			break;
		case PART_IN:
			say(b, 'G', m->id);
			b->copying = true;
			return false;
		case PART_FAIL:
			if (m->kind == 'E')
				say(b, 'D', m->id);
			fail(b, m);
			return false;
		}
	}
	if (m->block == BLOCK_BEGIN && b->block == 'I')
		b->block = 'T';
	else if (m->block == BLOCK_END)
		b->block = 'I';
	if (m->kind == 'Q')
		say_ready(b, m->id);
	return true;
}

/* CopyGetData: data, its end, and what is ignored meanwhile. */
static void
copy_message(struct backend *b, const struct message *m)
{
	if (m->kind == 'S' || m->kind == 'H' || (m->kind == 'd' && !m->fail))
		return;
	if (m->kind == 'c' && !m->fail) {
		b->copying = false;
		say(b, 'C', b->now.id);
		b->part++;
		run_parts(b);
		return;
	}
	b->unsure = b->unsure || b->now.early;
	fail(b, &b->now);
}

static void
plain(struct backend *b, const struct message *m, const char *says)
{
	if (m->fail) {
		if (m->kind == 't')
			say(b, 't', m->id);
		fail(b, m);
		return;
	}
	for (; *says != '\0'; says++)
		say(b, *says, m->id);
	if (m->note >= 0 && b->done != NULL)
		b->done[m->note] = true;
}

static void
handle(struct backend *b, const struct message *m)
{
	b->at_ready = false;
	switch (m->kind) {
	case 'Q':
	case 'E':
		b->now = *m;
		b->part = 0;
		run_parts(b);
		break;
	case 'F':
		if (m->fail || b->block == 'E') {
			fail(b, m);
			break;
		}
		say(b, 'V', m->id);
		say_ready(b, m->id);
		break;
	case 'S':
		if (m->fail)
			fail(b, m);
		else
			say_ready(b, m->id);
		break;
	case 'P':
		plain(b, m, "1");
		break;
	case 'B':
		plain(b, m, "2");
		break;
	case 't':
		plain(b, m, "tT");
		break;
	case 'D':
		plain(b, m, m->id % 2 ? "T" : "n");
		break;
	case 'C':
		plain(b, m, "3");
		break;
	}
}

bool
backend_step(struct backend *b)
{
	struct message m;

	if (b->in_count == 0)
		return false;
	m = b->in[b->in_first++ % INPUT];
	b->in_count--;
	if (b->copying) {
		copy_message(b, &m);
		return true;
	}
	if (m.kind == 'S')
		b->ignore_till_sync = false;
	if (b->ignore_till_sync || strchr("dcfH", m.kind) != NULL)
		b->skipped++;
	else
		handle(b, &m);
	return true;
}

bool
backend_at_rest(const struct backend *b, struct backend *scratch)
{
	if (b->out_count > 0 || b->copying || !b->at_ready || b->block != 'I')
		return false;
	if (b->in_count == 0)
		return true;
	/* What is still to be handled may all be ignored. */
	*scratch = *b;
	scratch->done = NULL;
	while (backend_step(scratch))
		if (!scratch->at_ready || scratch->out_count > 0)
			return false;
	return true;
}
