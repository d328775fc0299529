/*
 * Unit tests of net/listen_local.c.
 */
#include "unit/net/listen_world.h"

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

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_A_WORLD(a_unix_socket_has_its_mode_and_goes_with_us),
		IN_A_WORLD(an_abstract_socket_leaves_no_file),
		IN_A_WORLD(what_the_dead_left_is_taken_over_the_living_are_not),
		IN_A_WORLD(a_successors_socket_is_left_alone),
		IN_A_WORLD(files_of_others_are_respected),
		IN_A_WORLD(what_cannot_be_is_said),
		IN_A_WORLD(inherited_sockets_are_used_as_they_are),
	};

	log_to_stderr(false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
