/*
 * guest.h - a console on two real workers, and guests who talk to it. A dialogue is the
 * kinds of messages that come, one letter each.
 */
#ifndef UNIT_ADMIN_GUEST_H
#define UNIT_ADMIN_GUEST_H

#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/log.h"
#include "pool/worker.h"
#include "wire/frame.h"
#include "wire/query.h"
#include "wire/reply.h"
#include "wire/startup.h"

#define WORKERS 2u

struct world {
	struct pooler	 pooler;
	struct admin	 admin;
	atomic_uint	 orders;	/* that reached the keeper */
};

static struct world *world;

/* The test's end of a connection. */
struct guest {
	int		 fd;
	char		 kinds[1024];	/* of what came last */
	char		 body[4096];	/* of the last message but one, Z aside */
	size_t		 body_len;
};

static const char conf_text[] =
	"[databases]\n"
	"app = host=127.0.0.1 port=1 user=app\n"
	"[pgbouncer]\n"
	"listen_addr = 127.0.0.1\n"
	"unix_socket_dir =\n"
	"auth_type = any\n"
	"admin_users = boss\n";

/* Stands for the keeper; on worker 0's thread. */
static inline void
carry_out(struct letter *letter, void *receiver)
{
	struct order *order = CONTAINER_OF(letter, struct order, letter);

	(void)receiver;
	atomic_fetch_add(&world->orders, 1);
	order->ok = order->kind != ORDER_SET || span_is(order->value, "3");
	err_set(&order->err, SQLSTATE_CONFIG, "expected 3");
	order->done(order);
}

static inline int
begin_world(void **state)
{
	struct conf *conf;
	struct setup *setup;
	struct pooler *p;
	struct err e;

	(void)state;
	log_to_stderr(false);
	world = calloc(1, sizeof(*world));
	p = &world->pooler;
	conf = conf_parse(span_text(conf_text), "test.ini", NULL, &e);
	assert_non_null(conf);
	assert_true(pooler_init(p, &e));
	setup = setup_new(conf, &e);
	conf_drop(conf);
	assert_non_null(setup);
	pooler_install(p, setup);
	p->workers = calloc(WORKERS, sizeof(*p->workers));
	for (; p->worker_count < WORKERS; p->worker_count++) {
		p->workers[p->worker_count] = worker_new(p, p->worker_count, &e);
		assert_non_null(p->workers[p->worker_count]);
	}
	admin_init(&world->admin, p, p->workers[0]->mailbox, carry_out);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_true(worker_start(p->workers[i], &e));
	return 0;
}

static inline int
end_world(void **state)
{
	struct pooler *p = &world->pooler;

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++)
		worker_stop(p->workers[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(p->workers[i]);
	free(p->workers);
	admin_fini(&world->admin);
	pooler_fini(p);
	free(world);
	return 0;
}

/* Guests of the test before may still be leaving. */
static inline int
wait_until_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; atomic_load(&world->pooler.clients) > 0; i++) {
		if (i == 20000)
			return -1;
		usleep(1000);
	}
	return 0;
}

/* --- talking --- */

static inline void
say_bytes(struct guest *g, const struct buf *b)
{
	assert_false(b->failed);
	assert_int_equal(send(g->fd, b->at, b->len, MSG_NOSIGNAL), b->len);
}

static inline void
read_exactly(struct guest *g, char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(g->fd, at, len, 0);

		assert_true(n > 0);
		at += n;
		len -= (size_t)n;
	}
}

/* Read messages until one is of kind LAST; their kinds must be EXPECTED. */
static inline void
hears_until(struct guest *g, char last, const char *expected)
{
	size_t count = 0;
	char head[5], kind;

	do {
		struct frame_head h = { 0 };
		char *body;

		read_exactly(g, head, sizeof(head));
		assert_int_equal(frame_look(head, sizeof(head), &h), FRAME_HEADER);
		body = malloc(h.size);
		read_exactly(g, body, h.size - FRAME_HEAD);
		kind = h.kind;
		if (kind != 'Z') {
			g->body_len = h.size - FRAME_HEAD < sizeof(g->body) ?
			    h.size - FRAME_HEAD :
			    sizeof(g->body);
			memcpy(g->body, body, g->body_len);
		}
		free(body);
		assert_true(count < sizeof(g->kinds) - 1);
		g->kinds[count++] = kind;
	} while (kind != last);
	g->kinds[count] = '\0';
	assert_string_equal(g->kinds, expected);
}

static inline void
hears(struct guest *g, const char *expected)
{
	hears_until(g, expected[strlen(expected) - 1], expected);
}

/* The next thing that happens is the end of the connection. */
static inline void
hears_end(struct guest *g)
{
	char byte;

	assert_int_equal(recv(g->fd, &byte, 1, 0), 0);
}

static inline struct guest
connect_as(const char *user, unsigned worker)
{
	const char *pairs[] = { "user", user, "database", "pgbouncer", NULL };
	struct addr peer = { .kind = ADDR_UNIX };
	struct timeval limit = { .tv_sec = 20 };
	struct guest g = { 0 };
	struct buf b = { 0 };
	int fds[2];

	peer.u.unix_peer.uid = getuid();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	g.fd = fds[0];
	worker_accept(world->pooler.workers[worker], fds[1], &peer);
	startup_write(&b, PROTOCOL_3_0, pairs);
	say_bytes(&g, &b);
	buf_fini(&b);
	return g;
}

static inline struct guest
enter_as(const char *user, unsigned worker)
{
	struct guest g = connect_as(user, worker);

	hears(&g, "RSSSSSSSKZ");
	return g;
}

static inline void
leave(struct guest *g)
{
	close(g->fd);
}

static inline void
asks(struct guest *g, const char *sql, const char *expected)
{
	struct buf b = { 0 };

	query_write(&b, span_text(sql));
	say_bytes(g, &b);
	buf_fini(&b);
	hears(g, expected);
}

/* The last message was an error with this text and SQLSTATE. */
static inline void
was_error(const struct guest *g, const char *sqlstate, const char *text)
{
	struct error_view e;

	assert_true(reply_error(span_of(g->body, g->body_len), &e));
	assert_span(e.text, text);
	assert_span(e.sqlstate, sqlstate);
}

static inline void
was_tag(const struct guest *g, const char *tag)
{
	assert_string_equal(g->body, tag);
}

#define ALONE_TEST(rule) cmocka_unit_test_setup(rule, wait_until_alone)

#endif
