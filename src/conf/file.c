/*
 * file.c - a whole file as bytes.
 */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define PIECE ((size_t)65536)

/* Append what FD holds to OUT; false and errno. */
static bool
append_all(int fd, struct buf *out, size_t expected)
{
	/* room for all of it at once: growing would leave copies of secrets behind */
	if (expected > FILE_MOST || buf_reserve(out, expected + PIECE) == NULL) {
		errno = expected > FILE_MOST ? EFBIG : ENOMEM;
		return false;
	}
	for (;;) {
		char *to = buf_reserve(out, PIECE);
		ssize_t n = to != NULL ? read(fd, to, PIECE) : -1;

		if (to == NULL)
			errno = ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
		if (out->len > FILE_MOST) {
			errno = EFBIG;
			return false;
		}
	}
}

bool
file_read(const char *name, struct buf *out, struct err *err)
{
	struct stat about;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool done = false;
	int why;

	if (fd < 0)
		return err_set(err, SQLSTATE_CONFIG, "cannot read \"%s\": %s", name,
		    strerror(errno));
	if (fstat(fd, &about) == 0)
		done = append_all(fd, out, about.st_size > 0 ? (size_t)about.st_size : 0);
	why = errno;
	close(fd);
	if (!done)
		return err_set(err, SQLSTATE_CONFIG, "cannot read \"%s\": %s", name,
		    strerror(why));
	return true;
}

void
file_forget(struct buf *out)
{
	if (out->at != NULL)
		mem_wipe(out->at, out->cap);
	buf_fini(out);
}
