/*
 * Unit tests of net/dial.c: real sockets on this machine.
 */
#include "unit/unit.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/dial.h"
#include "net/listen.h"
#include "net/loop.h"

#define PATIENCE (10 * SECOND)

/* A loop and the answer of one dial. */
struct world {
	struct loop	*loop;
	struct timer	*alarm;
	bool		 inside;	/* dial_new() */
	unsigned	 answers;
	int		 fd;
	struct addr	 where;
	char		 why[160];
	char		 dir[40];
};

static void
too_late(void *owner)
{
	(void)owner;
	fail_msg("expected an answer, none came");
}

static void
answered(void *owner, int fd, const struct addr *where, const char *why)
{
	struct world *w = owner;

	assert_false(w->inside);
	w->answers++;
	w->fd = fd;
	w->where = *where;
	snprintf(w->why, sizeof(w->why), "%s", why != NULL ? why : "");
	loop_stop(w->loop);
}

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->loop = loop_new(NULL);
	w->alarm = timer_new(w->loop, too_late, NULL);
	w->fd = -1;
	snprintf(w->dir, sizeof(w->dir), "/tmp/pgweir-dial-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	if (w->fd >= 0)
		close(w->fd);
	timer_free(w->alarm);
	loop_free(w->loop);
	rmdir(w->dir);
	free(w);
	return 0;
}

static void
wait_for_answer(struct world *w)
{
	timer_set(w->alarm, PATIENCE);
	loop_run(w->loop);
	timer_stop(w->alarm);
	assert_int_equal(w->answers, 1);
}

static void
dial(struct world *w, const char *host, uint16_t port, usec_t timeout)
{
	struct dial_to to = { .host = host, .port = port, .timeout = timeout };

	w->inside = true;
	assert_non_null(dial_new(w->loop, &to, answered, w));
	w->inside = false;
	wait_for_answer(w);
}

static void
hang_up(void *owner, int fd, const struct addr *peer)
{
	(void)owner;
	(void)peer;
	close(fd);
}

static struct listener *
listen_on(struct world *w, const char *addr, const char *unix_dir, uint16_t port)
{
	struct listen_on on = { .addr = addr, .unix_dir = unix_dir, .port = port,
		.backlog = 16, .unix_mode = 0700 };
	struct listener *l = listen_open(w->loop, &on, hang_up, w, NULL);

	assert_non_null(l);
	return l;
}

/* The port of a TCP listener. */
static uint16_t
port_of(const struct listener *l)
{
	return (uint16_t)atoi(strrchr(listen_text(l), ':') + 1);
}

static void
a_literal_needs_no_name_server(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", NULL, 0);
	char text[80], expected[80];

	dial(w, "127.0.0.1", port_of(l), 5 * SECOND);
	assert_true(w->fd >= 0);
	assert_true((fcntl(w->fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(w->fd, F_GETFD) & FD_CLOEXEC) != 0);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", port_of(l));
	assert_string_equal(addr_text(&w->where, text), expected);
	listen_close(l);
}

static void
a_name_is_looked_up_and_all_addresses_tried(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", NULL, 0);

	/* localhost may be ::1 too, where nobody listens */
	for (unsigned i = 0; i < 8; i++) {
		w->answers = 0;
		dial(w, "localhost", port_of(l), 0);
		assert_string_equal(w->why, "");
		assert_int_equal(w->where.kind, ADDR_IP4);
		assert_int_equal(w->where.port, port_of(l));
		close(w->fd);
		w->fd = -1;
	}
	listen_close(l);
}

static void
nobody_there_is_refused(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", NULL, 0);
	uint16_t port = port_of(l);

	listen_close(l);
	dial(w, "127.0.0.1", port, 5 * SECOND);
	assert_int_equal(w->fd, -1);
	assert_int_equal(w->where.kind, ADDR_NONE);
	assert_string_equal(w->why, "connection refused");
	w->answers = 0;
	dial(w, "localhost", port, 5 * SECOND);
	assert_string_equal(w->why, "connection refused");
}

static void
unix_sockets_are_reached_by_folder_or_name(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, NULL, w->dir, 6432);
	char name[64];

	dial(w, w->dir, 6432, 0);
	assert_true(w->fd >= 0);
	assert_int_equal(w->where.kind, ADDR_UNIX);
	assert_int_equal(w->where.port, 6432);
	assert_int_equal(w->where.u.unix_peer.pid, getpid());
	close(w->fd);
	listen_close(l);

	w->answers = 0;
	dial(w, w->dir, 6432, SECOND);
	assert_int_equal(w->fd, -1);
	assert_string_equal(w->why, "no such file or directory");

	snprintf(name, sizeof(name), "@pgweir-dial-%d", (int)getpid());
	l = listen_on(w, NULL, name, 6432);
	w->answers = 0;
	dial(w, name, 6432, SECOND);
	assert_true(w->fd >= 0);
	listen_close(l);
}

static void
hosts_that_cannot_be_say_so(void **state)
{
	struct world *w = *state;
	char longest[300];

	dial(w, "", 1, SECOND);
	assert_string_equal(w->why, "there is no host to connect to");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	w->answers = 0;
	dial(w, longest, 1, SECOND);
	assert_string_equal(w->why, "server DNS lookup failed: not a host name");
	longest[0] = '/';
	w->answers = 0;
	dial(w, longest, 1, SECOND);
	assert_string_equal(w->why, "file name too long");
}

/* A TCP socket at 127.0.0.1 that listens, has a full queue and never accepts. */
static int
full_tcp(uint16_t *port, int *fds, unsigned count)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	for (unsigned i = 0; i < count; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fds[i], (struct sockaddr *)&in, len);
	}
	return fd;
}

static void
time_is_up_in_time(void **state)
{
	struct world *w = *state;
	int fds[8];
	uint16_t port;
	int fd = full_tcp(&port, fds, ARRAY_SIZE(fds));
	usec_t begun = loop_now(w->loop);

	dial(w, "127.0.0.1", port, 200 * MSEC);
	assert_int_equal(w->fd, -1);
	assert_string_equal(w->why, "connect timeout");
	assert_true(loop_now(w->loop) - begun < 5 * SECOND);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	close(fd);
}

/* The full queue is emptied a little later. */
static void
make_way(void *owner)
{
	int *listening = owner, fd = accept(*listening, NULL, NULL);

	assert_true(fd >= 0);
	close(fd);
}

static void
a_full_unix_queue_is_waited_for(void **state)
{
	struct world *w = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);
	struct timer *later = timer_new(w->loop, make_way, &listening);
	int first = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/.s.PGSQL.1", w->dir);
	assert_int_equal(bind(listening, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listening, 0), 0);
	assert_int_equal(connect(first, (struct sockaddr *)&un, sizeof(un)), 0);
	dial(w, w->dir, 1, 100 * MSEC);
	assert_string_equal(w->why, "connect timeout");
	w->answers = 0;
	timer_set(later, 50 * MSEC);
	dial(w, w->dir, 1, 5 * SECOND);
	assert_true(w->fd >= 0);
	timer_free(later);
	close(first);
	close(listening);
	unlink(un.sun_path);
}

static void
a_cancelled_dial_says_nothing(void **state)
{
	struct world *w = *state;
	int fds[8];
	uint16_t port;
	int fd = full_tcp(&port, fds, ARRAY_SIZE(fds));
	struct dial_to to = { .host = "127.0.0.1", .port = port, .timeout = SECOND };
	struct dial_to name = { .host = "localhost", .port = port };
	struct dial *early = dial_new(w->loop, &to, answered, w);

	dial_cancel(early);
	dial_cancel(dial_new(w->loop, &name, answered, w));
	dial_cancel(NULL);
	/* another one is answered, those are not */
	dial(w, "127.0.0.1", port, 50 * MSEC);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	close(fd);
}

static void
an_address_is_dialled_as_it_is(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", NULL, 0);
	struct listener *u = listen_on(w, NULL, w->dir, 7);
	struct addr where = { .kind = ADDR_IP4, .port = port_of(l),
		.u.ip4.s_addr = htonl(INADDR_LOOPBACK) };
	struct addr there = { .kind = ADDR_UNIX, .port = 7 };

	assert_non_null(dial_addr(w->loop, &where, NULL, SECOND, answered, w));
	wait_for_answer(w);
	assert_true(w->fd >= 0);
	assert_true(addr_same(&where, &w->where));
	close(w->fd);
	w->answers = 0;
	assert_non_null(dial_addr(w->loop, &there, w->dir, SECOND, answered, w));
	wait_for_answer(w);
	assert_true(w->fd >= 0);
	assert_int_equal(w->where.kind, ADDR_UNIX);
	listen_close(l);
	listen_close(u);
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void
options_are_set(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", NULL, 0);
	struct dial_to to = { .host = "127.0.0.1",
		.port = port_of(l),
		.options = { .keepalive = true,
		    .keepidle = 11,
		    .keepintvl = 12,
		    .keepcnt = 3,
		    .user_timeout = 4000 } };

	assert_non_null(dial_new(w->loop, &to, answered, w));
	wait_for_answer(w);
	assert_int_equal(option(w->fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option(w->fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(w->fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
	assert_int_equal(option(w->fd, IPPROTO_TCP, TCP_KEEPINTVL), 12);
	assert_int_equal(option(w->fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
	assert_int_equal(option(w->fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 4000);
	listen_close(l);
}

int
main(void)
{
#define IN_A_WORLD(rule) cmocka_unit_test_setup_teardown(rule, begin, end)
	static const struct CMUnitTest tests[] = {
		IN_A_WORLD(a_literal_needs_no_name_server),
		IN_A_WORLD(a_name_is_looked_up_and_all_addresses_tried),
		IN_A_WORLD(nobody_there_is_refused),
		IN_A_WORLD(unix_sockets_are_reached_by_folder_or_name),
		IN_A_WORLD(hosts_that_cannot_be_say_so),
		IN_A_WORLD(time_is_up_in_time),
		IN_A_WORLD(a_full_unix_queue_is_waited_for),
		IN_A_WORLD(a_cancelled_dial_says_nothing),
		IN_A_WORLD(an_address_is_dialled_as_it_is),
		IN_A_WORLD(options_are_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
