/*
 * pgload.h - what the files of pgload share: one client, what was asked for, what was counted.
 */
#ifndef BENCH_PGLOAD_H
#define BENCH_PGLOAD_H

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	ST_CLOSED,
	ST_CONNECTING,
	ST_SSLREQ,
	ST_TLS,
	ST_AUTH,
	ST_PREPARE,
	ST_READY,
	ST_BUSY
};
enum { M_SIMPLE, M_EXTENDED, M_PREPARED };
enum { RUN, CONNECT, IDLE, BIG };

struct conn {
	int fd, state, id;
	int events;
	SSL *ssl;
	uint64_t t0; /* start of the batch or of the connection */
	uint64_t due;
	uint32_t seq; /* next tag to send */
	uint32_t rseq; /* next tag expected */
	int outstanding; /* ReadyForQuery awaited */
	int step; /* -x */
	int done; /* transactions done by this client */
	char *ib;
	size_t il, ic;
	size_t skip; /* bytes of the current message still to pass over */
	char *ob;
	size_t op, ol, oc;
	/* SCRAM */
	char cnonce[40];
	char *cfirst_bare;
	unsigned char server_sig[32];
};

/* What was asked for (pgload.c). */
extern const char *addr, *user, *db, *pass, *query;
extern int port, use_tls, mode, nclients, proto, depth, nstmt, idleq, txblock, nsrc;
extern double rate, slow;
extern SSL_CTX *ctx;

/* How it goes (pgload.c). */
extern int ep, n_up, n_setup, timed, stopping;
extern double slow_budget; /* bytes that may be read now */
extern uint64_t tx_total, errors, tagbad, bytes_in, conns_done, connect_fail;
extern char first_error[300];

uint64_t now_ns(void);
void die(const char *m);
/* Add a latency to the histogram. */
void hadd(uint64_t ns);

static inline uint32_t
g32(const char *p)
{
	uint32_t x;

	memcpy(&x, p, 4);
	return ntohl(x);
}

/* Messages into C's output: begin one (kind 0: without a kind), parts, end (pgload_ask.c). */
size_t mb(struct conn *c, char kind);
void me(struct conn *c, size_t at);
void oput(struct conn *c, const void *p, size_t n);
void ostr(struct conn *c, const char *s);
void o16(struct conn *c, int v);
void o32(struct conn *c, uint32_t v);
/* Send what there is. Not 0: the connection has failed. */
int oflush(struct conn *c);
/* Wait for these events. */
void want(struct conn *c, int events);
/* The text that must come back with the SEQth reply (12 bytes). */
void tag(char *out, struct conn *c, uint32_t seq);
/* The text of the Ith prepared statement. */
void stext(char *out, size_t cap, int i);
void send_batch(struct conn *c);

/* Connections (pgload_conn.c). */
void copen(struct conn *c);
void cclose(struct conn *c);
void fail(struct conn *c, const char *why);
/* EVENTS have happened. */
void handle(struct conn *c, uint32_t events);
/* C is logged in, or has got all replies of its batch (pgload_hear.c). */
void ready(struct conn *c);
/* Replies of the server (pgload_hear.c). */
void feed(struct conn *c, const char *bytes, size_t n);

/* An authentication request: answer it (pgload_auth.c). */
void auth(struct conn *c, const char *m, size_t n);
/* AuthenticationOk and ReadyForQuery have come (pgload_conn.c). */
void after_auth(struct conn *c);
/* All is prepared (pgload_conn.c). */
void up(struct conn *c);

#endif
