/*
 * fuzz_frame.c - a stream cut anywhere is seen as the same messages as uncut. The first
 * byte seeds the cuts, the rest is the stream.
 */
#include "fuzz/fuzz.h"

#include "wire/frame.h"

/* What a reader saw: how far it got, what stopped it, a digest of heads it met. */
struct sight {
	size_t		 done;
	uint64_t	 heads;
	enum frame_seen	 seen;
	struct frame	 frame;
};

static bool pass[256];

/* Rows and their likes pass, all else is looked at one by one. */
static void
choose_kinds(void)
{
	pass['D'] = pass['d'] = pass['T'] = true;
}

/* Run over LEFT bytes at AT, taking looked-at messages by hand as callers do. */
static size_t
run(struct sight *sight, const char *at, size_t left)
{
	struct frame_head head;
	size_t done = 0, n;

	for (;;) {
		n = frame_run(&sight->frame, at + done, left - done, FRAME_MOST, pass, &sight->seen);
		must(n <= left - done);
		done += n;
		if (sight->seen != FRAME_HEADER)
			return done;
		must(frame_look(at + done, left - done, &head) == FRAME_HEADER);
		must(!pass[(unsigned char)head.kind] && sight->frame.left == 0);
		sight->heads = sight->heads * 31 + head.size;
		sight->heads = sight->heads * 31 + (unsigned char)head.kind;
		sight->frame.kind = head.kind;
		sight->frame.left = head.size;
		n = frame_pass(&sight->frame, left - done);
		must(n > 0);
		done += n;
	}
}

/* Feed STREAM in pieces of pseudo-random size; unread bytes come again with the next. */
static struct sight
feed_chopped(struct span stream, unsigned seed)
{
	struct sight sight = { 0 };
	size_t there = 0;

	do {
		struct span piece;

		seed = seed * 1103515245 + 12345;
		there += 1 + (seed >> 16) % 9;
		if (there > stream.len)
			there = stream.len;
		piece = copy_of(span_of(stream.at + sight.done, there - sight.done));
		sight.done += run(&sight, piece.at, piece.len);
		free((void *)piece.at);
	} while (there < stream.len && sight.seen != FRAME_BAD);
	return sight;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct sight whole = { 0 }, chopped;
	struct span stream;

	if (len == 0)
		return 0;
	choose_kinds();
	stream = span_of(bytes + 1, len - 1);
	whole.done = run(&whole, stream.at, stream.len);
	must(whole.done <= stream.len);
	must(whole.seen != FRAME_SHORT || stream.len - whole.done < FRAME_HEAD);
	chopped = feed_chopped(stream, bytes[0]);
	must(chopped.done == whole.done);
	must(chopped.seen == whole.seen);
	must(chopped.heads == whole.heads);
	must(chopped.frame.left == whole.frame.left);
	return 0;
}
