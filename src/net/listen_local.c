/*
 * listen_local.c - listening sockets that are no TCP address of ours: unix sockets, which
 * have a file with rights, and those that whoever started us has opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/listen_private.h"
#include "net/unix_path.h"

/* Is nobody behind PATH? A file that a dead process has left is taken away. */
static bool
clear_path(const char *path, const struct sockaddr_un *un, struct err *e)
{
	char lock[sizeof(un->sun_path) + 8];
	struct stat st;
	int fd, error;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	if (lstat(lock, &st) == 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot listen on unix socket \"%s\": it belongs to a PostgreSQL server, "
		    "\"%s\" exists",
		    path, lock);
	if (lstat(path, &st) != 0)
		return true;	/* bind(2) will say what else is wrong */
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot listen on unix socket \"%s\": there is a file that is no socket",
		    path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot listen on unix socket \"%s\": %s", path, strerror(errno));
	error = connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 ? 0 : errno;
	close(fd);
	if (error != ECONNREFUSED && error != ENOENT)
		return err_set(e, SQLSTATE_CONFIG, "unix socket \"%s\" is in use", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set(e, SQLSTATE_CONFIG, "cannot remove unix socket \"%s\": %s",
		    path, strerror(errno));
	return true;
}

/* The group of that name or number. */
static bool
find_group(const char *name, gid_t *gid)
{
	struct group *group = getgrnam(name);
	unsigned long number;
	char *end;

	if (group != NULL) {
		*gid = group->gr_gid;
		return true;
	}
	errno = 0;
	number = strtoul(name, &end, 10);
	*gid = (gid_t)number;
	return errno == 0 && name[0] >= '0' && name[0] <= '9' && *end == '\0' &&
	    number == *gid;
}

/* Give the file its mode and group, before anybody can connect. */
static bool
set_rights(struct listener *l, const struct listen_on *on, struct err *e)
{
	gid_t gid;

	if (stat(l->path, &l->file) != 0 || chmod(l->path, (mode_t)on->unix_mode) != 0)
		return err_set(e, SQLSTATE_CONFIG, "cannot set the mode of \"%s\": %s",
		    l->path, strerror(errno));
	if (on->unix_group == NULL || on->unix_group[0] == '\0')
		return true;
	if (!find_group(on->unix_group, &gid))
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot give \"%s\" to group \"%s\": no such group", l->path,
		    on->unix_group);
	if (chown(l->path, (uid_t)-1, gid) != 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot give \"%s\" to group \"%s\": %s", l->path, on->unix_group,
		    strerror(errno));
	return true;
}

bool
listen_open_unix(struct listener *l, const struct listen_on *on, struct err *e)
{
	struct addr at = { .kind = ADDR_UNIX, .port = on->port };
	struct sockaddr_un un;
	socklen_t len = unix_path_sockaddr(on->unix_dir, on->port, &un);
	bool is_file = un.sun_path[0] != '\0';
	int fd;

	if (len == 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot listen on a unix socket in \"%s\": the name is too long",
		    on->unix_dir);
	if (is_file && !clear_path(un.sun_path, &un, e))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, len) != 0)
		goto fail;
	if (is_file) {
		l->path = mem_copy_text(un.sun_path, strlen(un.sun_path));
		if (l->path == NULL) {
			unlink(un.sun_path);
			errno = ENOMEM;
			goto fail;
		}
		if (!set_rights(l, on, e)) {
			close(fd);
			return false;
		}
	}
	if (listen(fd, on->backlog) != 0)
		goto fail;
	if (!listen_add(l, fd, &at)) {
		errno = ENOMEM;
		goto fail;
	}
	buf_clear(&l->text);
	buf_printf(&l->text, "unix:%s/.s.PGSQL.%u", on->unix_dir, on->port);
	buf_text(&l->text);
	return true;
fail:
	err_set(e, SQLSTATE_CONFIG, "cannot listen on unix socket \"%s/.s.PGSQL.%u\": %s",
	    on->unix_dir, on->port,
	    errno == EADDRINUSE ? "it is in use" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

/* --- sockets of somebody else --- */

/* Is FD a stream socket that listens? */
static bool
does_listen(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_STREAM)
		return false;
	len = sizeof(int);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0;
}

/* Where FD listens, into AT; PORT if it has none of its own. */
static bool
find_place(int fd, uint16_t port, struct addr *at)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (!does_listen(fd) || getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return false;
	if (ss.ss_family == AF_UNIX)
		*at = (struct addr){ .kind = ADDR_UNIX, .port = port };
	else
		addr_from_sockaddr(at, (struct sockaddr *)&ss, len);
	return at->kind != ADDR_NONE;
}

/* The name of the unix socket FD becomes L's text. */
static void
name_unix(struct listener *l, int fd)
{
	struct sockaddr_un un = { 0 };
	socklen_t len = sizeof(un);
	bool is_abstract;

	buf_clear(&l->text);
	if (getsockname(fd, (struct sockaddr *)&un, &len) != 0 ||
	    len < offsetof(struct sockaddr_un, sun_path))
		len = offsetof(struct sockaddr_un, sun_path);
	len -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
	is_abstract = len > 0 && un.sun_path[0] == '\0';
	buf_printf(&l->text, "unix:%s%.*s", is_abstract ? "@" : "", (int)len - is_abstract,
	    un.sun_path + is_abstract);
	buf_text(&l->text);
}

struct listener *
listen_inherit(struct loop *loop, int fd, uint16_t port, accept_fn fn, void *owner,
    struct err *e)
{
	struct listener *l = listen_new(loop, port, fn, owner, e);
	struct addr at = { 0 };

	if (l == NULL)
		return NULL;
	if (!find_place(fd, port, &at)) {
		err_set(e, SQLSTATE_CONFIG, "cannot use inherited descriptor %d: expected a "
		    "listening stream socket", fd);
	} else if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		err_set(e, SQLSTATE_CONFIG, "cannot use inherited descriptor %d: %s", fd,
		    strerror(errno));
	} else if (!listen_add(l, fd, &at)) {
		err_set(e, SQLSTATE_NO_MEMORY, "cannot listen: out of memory");
	} else {
		if (at.kind == ADDR_UNIX)
			name_unix(l, fd);
		l->port = at.port;
		return l;
	}
	listen_close(l);
	return NULL;
}
