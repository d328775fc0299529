/*
 * Unit tests of net/listen.c.
 */
#include "unit/net/listen_world.h"

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
drained_it_has_nobody_waiting(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	int fds[100];
	char c;

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_ip4(port_of(l));
	w->wanted = UINT_MAX;
	listen_close_drained(l);
	assert_int_equal(w->count, ARRAY_SIZE(fds));
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_int_equal(recv(fds[i], &c, 1, MSG_DONTWAIT), -1);
		assert_int_equal(errno, EAGAIN);
		close(fds[i]);
	}
}

static void
at_ebb_nobody_new_comes_and_who_waits_does(void **state)
{
	struct world *w = *state;
	struct listener *l = listen_on(w, "127.0.0.1", 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port_of(l)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int before = connect_ip4(port_of(l)), after = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct timeval short_while = { .tv_usec = 200000 };
	fd_set fds;

	if (!listen_ebb(l)) {
		print_message("# this system allows no filter\n");
		close(before);
		close(after);
		listen_close(l);
		return;
	}
	assert_int_equal(connect(after, (struct sockaddr *)&in, sizeof(in)), -1);
	assert_int_equal(errno, EINPROGRESS);
	FD_ZERO(&fds);
	FD_SET(after, &fds);
	assert_int_equal(select(after + 1, NULL, &fds, NULL, &short_while), 0);
	w->wanted = UINT_MAX;
	listen_close_drained(l);
	assert_int_equal(w->count, 1);
	assert_int_equal(write(before, "x", 1), 1);
	assert_int_equal(write(w->fds[0], "x", 1), 1);
	close(before);
	close(after);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_A_WORLD(connections_inherit_the_options_in_force),
		IN_A_WORLD(connections_come_with_their_address),
		IN_A_WORLD(star_is_every_address),
		IN_A_WORLD(a_name_is_looked_up),
		IN_A_WORLD(a_port_in_use_is_an_error),
		IN_A_WORLD(many_come_at_once_and_pause_holds_them),
		IN_A_WORLD(it_may_be_closed_while_it_accepts),
		IN_A_WORLD(without_descriptors_it_rests_and_goes_on),
		IN_A_WORLD(drained_it_has_nobody_waiting),
		IN_A_WORLD(at_ebb_nobody_new_comes_and_who_waits_does),
	};

	log_to_stderr(false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
