/*
 * Unit tests of net/listen.c.
 */
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

static void
too_late(void *owner)
{
	(void)owner;
	fail_msg("expected a connection, none came");
}

static void
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

static void
forget_all(struct world *w)
{
	while (w->count > 0)
		close(w->fds[--w->count]);
}

/* Run until COUNT connections have come. */
static void
wait_for(struct world *w, unsigned count)
{
	w->wanted = count;
	timer_set(w->alarm, PATIENCE);
	loop_run(w->loop);
	timer_stop(w->alarm);
	assert_int_equal(w->count, count);
}

static int
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

static int
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

static struct listener *
listen_on(struct world *w, const char *addr, uint16_t port)
{
	struct listen_on on = { .addr = addr, .port = port, .backlog = 128 };
	struct err e;
	struct listener *l = listen_open(w->loop, &on, came, w, &e);

	if (l == NULL)
		fail_msg("%s", e.text);
	return l;
}

static struct listener *
listen_unix(struct world *w, const char *dir, const char *group, struct err *e)
{
	struct listen_on on = { .unix_dir = dir, .port = 6432, .backlog = 128,
		.unix_mode = 0750, .unix_group = group };

	return listen_open(w->loop, &on, came, w, e);
}

/* The port in the first address of L's text. */
static uint16_t
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

static int
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

static const char *
path_in(const struct world *w, const char *file)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", w->dir, file);
	return path;
}

/* --- TCP --- */

static void
connections_come_with_their_address(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	int fd = connect_ip4(port_of(l));
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	char text[80];

	wait_for(w, 1);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	assert_int_equal(w->peer.port, ntohs(own.sin_port));
	assert_string_equal(addr_host(&w->peer, text), "127.0.0.1");
	assert_true((fcntl(w->fds[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(w->fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port_of(l));
	assert_string_equal(listen_text(l), text);
	close(fd);
	listen_close(l);
}

static void
star_is_every_address(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "*", 0);
	char text[80];
	int fd = connect_ip4(port_of(l));

	wait_for(w, 1);
	assert_int_equal(w->peer.kind, ADDR_IP4);
	snprintf(text, sizeof(text), "0.0.0.0:%u, [::]:%u", port_of(l), port_of(l));
	/* a machine may be without IPv6 */
	assert_int_equal(strncmp(listen_text(l), text, strlen(listen_text(l))), 0);
	close(fd);
	listen_close(l);
}

static void
a_name_is_looked_up(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "localhost", 0);
	struct listen_on on = { .addr = "no host\\name", .backlog = 1 };
	struct err e;

	assert_non_null(strstr(listen_text(l), "127.0.0.1:"));
	listen_close(l);
	assert_null(listen_open(w->loop, &on, came, w, &e));
	assert_non_null(strstr(e.text, "cannot listen on \"no host\\name\": "));
}

static void
a_port_in_use_is_an_error(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	struct listen_on on = { .addr = "127.0.0.1", .port = port_of(l), .backlog = 1 };
	struct err e;

	assert_null(listen_open(w->loop, &on, came, w, &e));
	assert_non_null(strstr(e.text, "cannot listen on 127.0.0.1:"));
	assert_non_null(strstr(e.text, "Address already in use"));
	listen_close(l);
}

static void
many_come_at_once_and_pause_holds_them(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	int fds[100];

	listen_pause(l, true);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_ip4(port_of(l));
	assert_int_equal(w->count, 0);
	listen_pause(l, false);
	wait_for(w, ARRAY_SIZE(fds));
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	listen_close(l);
}

static void
it_may_be_closed_while_it_accepts(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	int first = connect_ip4(port_of(l)), second = connect_ip4(port_of(l));

	w->doomed = l;
	wait_for(w, 1);
	assert_null(w->doomed);
	close(first);
	close(second);
}

static struct rlimit all_descriptors;

static void
lift_limit(void *owner)
{
	(void)owner;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all_descriptors), 0);
}

static void
without_descriptors_it_rests_and_goes_on(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	int fd = connect_ip4(port_of(l));
	int next = dup(fd);
	struct timer *lift = timer_new(w->loop, lift_limit, NULL);
	struct rlimit tight;
	struct timespec begun, now;
	char text[64];

	close(next);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all_descriptors), 0);
	tight = all_descriptors;
	tight.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	timer_set(lift, 100 * MSEC);
	wait_for(w, 1);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true((now.tv_sec - begun.tv_sec) * 1000 +
	    (now.tv_nsec - begun.tv_nsec) / 1000000 >= 900);
	assert_string_equal(addr_host(&w->peer, text), "127.0.0.1");
	timer_free(lift);
	close(fd);
	listen_close(l);
}

/* --- unix sockets --- */

static void
a_unix_socket_has_its_mode_and_goes_with_us(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_unix(w, w->dir, "0", NULL);
	const char *path = path_in(w, ".s.PGSQL.6432");
	struct stat st;
	char text[128];
	int fd;

	assert_non_null(l);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	snprintf(text, sizeof(text), "unix:%s", path);
	assert_string_equal(listen_text(l), text);
	fd = connect_unix(path);
	assert_true(fd >= 0);
	wait_for(w, 1);
	assert_int_equal(w->peer.kind, ADDR_UNIX);
	assert_int_equal(w->peer.port, 6432);
	assert_int_equal(w->peer.u.unix_peer.pid, getpid());
	assert_int_equal(w->peer.u.unix_peer.uid, getuid());
	close(fd);
	listen_close(l);
	assert_int_equal(access(path, F_OK), -1);
}

static void
an_abstract_socket_leaves_no_file(void **state)
{
	struct world *w = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct listener *l;
	char name[64];
	int fd, len;

	snprintf(name, sizeof(name), "@pgweir-test-%d", (int)getpid());
	l = listen_unix(w, name, NULL, NULL);
	assert_non_null(l);
	len = snprintf(un.sun_path, sizeof(un.sun_path), "%s/.s.PGSQL.6432", name);
	un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)), 0);
	wait_for(w, 1);
	close(fd);
	listen_close(l);
}

static void
what_the_dead_left_is_taken_over_the_living_are_not(void **state)
{
	struct world *w = *state;
	const char *path = path_in(w, ".s.PGSQL.6432");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	struct listener *l;
	struct err e;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(dead, (struct sockaddr *)&un, sizeof(un)), 0);
	close(dead);
	l = listen_unix(w, w->dir, NULL, &e);
	assert_non_null(l);
	assert_null(listen_unix(w, w->dir, NULL, &e));
	assert_non_null(strstr(e.text, "is in use"));
	/* the living one was not harmed */
	dead = connect_unix(path);
	assert_true(dead >= 0);
	close(dead);
	listen_close(l);
}

static void
a_successors_socket_is_left_alone(void **state)
{
	struct world *w = *state;
	const char *path = path_in(w, ".s.PGSQL.6432");
	struct listener *l = listen_unix(w, w->dir, NULL, NULL), *next;

	assert_non_null(l);
	assert_int_equal(unlink(path), 0);
	next = listen_unix(w, w->dir, NULL, NULL);
	assert_non_null(next);
	listen_close(l);
	assert_int_equal(access(path, F_OK), 0);
	listen_close(next);
	assert_int_equal(access(path, F_OK), -1);
}

static void
touch(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

static void
files_of_others_are_respected(void **state)
{
	struct world *w = *state;
	char path[128], lock[128];
	struct err e;

	snprintf(path, sizeof(path), "%s", path_in(w, ".s.PGSQL.6432"));
	snprintf(lock, sizeof(lock), "%s", path_in(w, ".s.PGSQL.6432.lock"));
	touch(path);
	assert_null(listen_unix(w, w->dir, NULL, &e));
	assert_non_null(strstr(e.text, "a file that is no socket"));
	assert_int_equal(unlink(path), 0);
	touch(lock);
	assert_null(listen_unix(w, w->dir, NULL, &e));
	assert_non_null(strstr(e.text, "it belongs to a PostgreSQL server"));
	assert_int_equal(unlink(lock), 0);
}

static void
what_cannot_be_is_said(void **state)
{
	struct world *w = *state;
	char longest[200];
	struct err e;

	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_null(listen_unix(w, longest, NULL, &e));
	assert_non_null(strstr(e.text, "the name is too long"));
	assert_null(listen_unix(w, "/no/such", NULL, &e));
	assert_non_null(strstr(e.text, "No such file or directory"));
	assert_null(listen_unix(w, w->dir, "no such group", &e));
	assert_non_null(strstr(e.text, "no such group"));
	assert_int_equal(access(path_in(w, ".s.PGSQL.6432"), F_OK), -1);
}

static int
option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

static void
connections_inherit_the_options_in_force(void **state)
{
	struct world *w = *state;
	struct socket_options options = { .keepalive = true, .keepidle = 77, .user_timeout = 4321 };
	struct listen_on on = { .addr = "127.0.0.1", .backlog = 128, .options = &options };
	struct listener *l = listen_open(w->loop, &on, came, w, NULL);
	int systems, one, two;

	assert_non_null(l);
	one = connect_ip4(port_of(l));
	systems = option_of(one, IPPROTO_TCP, TCP_KEEPIDLE);
	wait_for(w, 1);
	assert_int_equal(option_of(w->fds[0], IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option_of(w->fds[0], SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option_of(w->fds[0], IPPROTO_TCP, TCP_KEEPIDLE), 77);
	assert_int_equal(option_of(w->fds[0], IPPROTO_TCP, TCP_USER_TIMEOUT), 4321);
	options = (struct socket_options){ 0 };
	listen_tune(l, &options, 0);
	two = connect_ip4(port_of(l));
	wait_for(w, 2);
	assert_int_equal(option_of(w->fds[1], IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option_of(w->fds[1], SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_int_equal(option_of(w->fds[1], IPPROTO_TCP, TCP_KEEPIDLE), systems);
	assert_int_equal(option_of(w->fds[1], IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	close(one);
	close(two);
	listen_close(l);
}

static void
inherited_sockets_are_used_as_they_are(void **state)
{
	struct world *w = *state;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int tcp = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0), one, two;
	const char *path = path_in(w, "given");
	struct listener *l, *m;
	struct err e;
	char text[128];

	assert_int_equal(bind(tcp, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_null(listen_inherit(w->loop, tcp, 6432, came, w, &e));
	snprintf(text, sizeof(text), "cannot use inherited descriptor %d: expected a listening "
	    "stream socket", tcp);
	assert_string_equal(e.text, text);
	assert_int_equal(listen(tcp, 5), 0);
	l = listen_inherit(w->loop, tcp, 6432, came, w, NULL);
	assert_non_null(l);
	assert_true(listen_is_tcp(l));
	one = connect_ip4(port_of(l));
	wait_for(w, 1);
	assert_int_equal(w->peer.kind, ADDR_IP4);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(local, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(local, 5), 0);
	m = listen_inherit(w->loop, local, 6432, came, w, NULL);
	assert_non_null(m);
	assert_false(listen_is_tcp(m));
	snprintf(text, sizeof(text), "unix:%s", path);
	assert_string_equal(listen_text(m), text);
	two = connect_unix(path);
	wait_for(w, 2);
	assert_int_equal(w->peer.kind, ADDR_UNIX);
	assert_int_equal(w->peer.port, 6432);
	close(one);
	close(two);
	listen_close(l);
	listen_close(m);
	assert_int_equal(unlink(path), 0);	/* it was not ours */
}

static void
drained_it_has_nobody_waiting(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	int fds[100];
	char c;

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_ip4(port_of(l));
	w->wanted = UINT_MAX;
	listen_drain(l);
	assert_int_equal(w->count, ARRAY_SIZE(fds));
	listen_close(l);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_int_equal(recv(fds[i], &c, 1, MSG_DONTWAIT), -1);
		assert_int_equal(errno, EAGAIN);
		close(fds[i]);
	}
}

int
main(void)
{
#define IN_A_WORLD(rule) cmocka_unit_test_setup_teardown(rule, begin, end)
	static const struct CMUnitTest tests[] = {
		IN_A_WORLD(connections_inherit_the_options_in_force),
		IN_A_WORLD(connections_come_with_their_address),
		IN_A_WORLD(star_is_every_address),
		IN_A_WORLD(a_name_is_looked_up),
		IN_A_WORLD(a_port_in_use_is_an_error),
		IN_A_WORLD(many_come_at_once_and_pause_holds_them),
		IN_A_WORLD(it_may_be_closed_while_it_accepts),
		IN_A_WORLD(without_descriptors_it_rests_and_goes_on),
		IN_A_WORLD(a_unix_socket_has_its_mode_and_goes_with_us),
		IN_A_WORLD(an_abstract_socket_leaves_no_file),
		IN_A_WORLD(what_the_dead_left_is_taken_over_the_living_are_not),
		IN_A_WORLD(a_successors_socket_is_left_alone),
		IN_A_WORLD(files_of_others_are_respected),
		IN_A_WORLD(what_cannot_be_is_said),
		IN_A_WORLD(inherited_sockets_are_used_as_they_are),
		IN_A_WORLD(drained_it_has_nobody_waiting),
	};

	log_to_stderr(false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
