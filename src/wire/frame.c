/*
 * frame.c - runs of messages that nobody must look into.
 */
#include "wire/frame.h"

size_t
frame_run(struct frame *f, const char *at, size_t len, uint32_t most, const bool pass[256],
    enum frame_seen *seen)
{
	size_t done = frame_pass(f, len);
	struct frame_head head;

	while (done < len) {
		*seen = frame_look_most(at + done, len - done, most, &head);
		if (*seen != FRAME_HEADER || !pass[(unsigned char)head.kind])
			return done;
		if (len - done < head.size) {
			f->kind = head.kind;
			f->left = head.size - (uint32_t)(len - done);
			done = len;
			break;
		}
		done += head.size;
	}
	*seen = FRAME_SHORT;
	return done;
}
