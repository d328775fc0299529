/*
 * listen_world.h - what the tests of listening sockets share: a loop, what has been accepted
 * on it, a folder, those who connect.
 */
#ifndef UNIT_NET_LISTEN_WORLD_H
#define UNIT_NET_LISTEN_WORLD_H

#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "net/dial.h"
#include "net/listen.h"
#include "net/loop.h"

#define PATIENCE (10 * SECOND)

/* A loop, what has been accepted on it, a folder. */
struct world {
	struct loop	*loop;
	struct timer	*alarm;
	unsigned	 wanted;	/* stop the loop at so many */
	unsigned	 count;
	int		 fds[256];
	struct addr	 peer;		/* of the last */
	struct listener	*doomed;	/* close it when a connection comes */
	char		 dir[40];
};

static inline void
too_late(void *owner)
{
	(void)owner;
	fail_msg("expected a connection, none came");
}

static inline void
came(void *owner, int fd, const struct addr *peer)
{
	struct world *w = owner;

	assert_true(w->count < ARRAY_SIZE(w->fds));
	w->fds[w->count++] = fd;
	w->peer = *peer;
	if (w->doomed != NULL)
		listen_close(w->doomed);
	w->doomed = NULL;
	if (w->count >= w->wanted)
		loop_stop(w->loop);
}

static inline void
forget_all(struct world *w)
{
	while (w->count > 0)
		close(w->fds[--w->count]);
}

/* Run until COUNT connections have come. */
static inline void
wait_for(struct world *w, unsigned count)
{
	w->wanted = count;
	timer_set(w->alarm, PATIENCE);
	loop_run(w->loop);
	timer_stop(w->alarm);
	assert_int_equal(w->count, count);
}

static inline int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->loop = loop_new(NULL);
	w->alarm = timer_new(w->loop, too_late, NULL);
	snprintf(w->dir, sizeof(w->dir), "/tmp/pgweir-listen-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

static inline int
end(void **state)
{
	struct world *w = *state;

	forget_all(w);
	timer_free(w->alarm);
	loop_free(w->loop);
	rmdir(w->dir);
	free(w);
	return 0;
}

static inline struct listener *
listen_on(struct world *w, const char *addr, uint16_t port)
{
	struct listen_on on = { .addr = addr, .port = port, .backlog = 128 };
	struct err e;
	struct listener *l = listen_open(w->loop, &on, came, w, &e);

	if (l == NULL)
		fail_msg("%s", e.text);
	return l;
}

static inline struct listener *
listen_unix(struct world *w, const char *dir, const char *group, struct err *e)
{
	struct listen_on on = { .unix_dir = dir, .port = 6432, .backlog = 128,
		.unix_mode = 0750, .unix_group = group };

	return listen_open(w->loop, &on, came, w, e);
}

/* The port in the first address of L's text. */
static inline uint16_t
port_of(const struct listener *l)
{
	const char *colon = strchr(listen_text(l), ':');

	assert_non_null(colon);
	return (uint16_t)atoi(colon + 1);
}

static int
connect_ip4(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static inline int
connect_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline const char *
path_in(const struct world *w, const char *file)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", w->dir, file);
	return path;
}

#define IN_A_WORLD(rule) cmocka_unit_test_setup_teardown(rule, begin, end)

#endif
