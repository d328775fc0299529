/*
 * pgload - load generator for PostgreSQL protocol v3, one epoll thread, many clients.
 *
 *   pgload [-h addr] [-p port] [-u user] [-d db] [-w password] [-T]      target (-T: TLS)
 *          [-m run|connect|idle|big] [-c clients] [-t seconds] [-W warmup seconds]
 *          [-M simple|extended|prepared] [-D depth] [-N statements]      protocol
 *          [-n transactions]       stop after this many (run mode, instead of -t)
 *          [-r per-second]         offered rate over all clients (open loop; default closed loop)
 *          [-x]                    run: BEGIN; select; COMMIT as separate messages (3 round trips)
 *          [-q query]              big: query (default "BIG 100000000 100")
 *          [-S bytes/s]            big: read no faster than this (slow reader)
 *          [-R n]                  ramp: at most n connections being set up at once
 *          [-Q n]                  idle: transactions per client before idling
 *          [-s n]                  number of 127.0.0.x source addresses
 *          [-P]                    wait for a line on stdin before the timed phase and before
 *                                  closing the connections (to attach strace or callgrind)
 *
 * Each transaction carries a tag which must come back in the reply; a mismatch is an error,
 * so replies crossing between clients are detected.
 * Prints "START" when the timed phase begins, "STOP" when it ends, then one JSON line.
 */
#include "pgload.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull /* in nanoseconds */
#define NAP 10000000ull /* the longest sleep */
#define EVENTS 512

const char *addr = "127.0.0.1", *user = "bench", *db = "bench", *pass = "",
	   *query = "BIG 100000000 100";
int port = 6432, use_tls, mode = RUN, nclients = 16, proto = M_SIMPLE, depth = 1,
    nstmt = 1, idleq = 1, txblock, nsrc = 1;
double rate, slow, slow_budget;
SSL_CTX *ctx;
int ep, n_up, n_setup, timed, stopping;
uint64_t tx_total, errors, tagbad, bytes_in, conns_done, connect_fail;
char first_error[300];

static int ramp = 64, hold, maxtx;
static double secs = 5, warm = 1;
static struct conn *C;
static volatile sig_atomic_t quit;

/* The counters at one moment. */
struct mark {
	uint64_t at, tx, bytes, conns, errors;
	struct rusage usage;
};

static struct {
	uint64_t begun, up; /* when; 0: not yet */
	struct mark start, stop; /* of the timed phase */
	int opened; /* clients */
	int turn; /* of the next client at a given rate */
	uint64_t due; /* when the next transaction is, at a given rate */
} run;

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void
die(const char *m)
{
	perror(m);
	exit(1);
}

/* latency histogram: 64 buckets per power of two, of nanoseconds */
#define HB 6
static uint64_t hist[64 << HB], hcount, hsum, hmax;
void
hadd(uint64_t v)
{
	int e;
	uint64_t i;
	if (v < (1u << HB))
		i = v;
	else {
		e = 63 - __builtin_clzll(v);
		i = ((uint64_t)(e - HB + 1) << HB) + ((v >> (e - HB)) & ((1u << HB) - 1));
	}
	hist[i]++;
	hcount++;
	hsum += v;
	if (v > hmax)
		hmax = v;
}
static double
hq(double q)
{
	uint64_t want = (uint64_t)(q * (double)hcount), n = 0;
	for (unsigned i = 0; i < sizeof hist / sizeof *hist; i++) {
		n += hist[i];
		if (n > want) {
			if (i < (1u << HB))
				return i / 1e3;
			int e = (int)(i >> HB) + HB - 1;
			return (double)((((uint64_t)1 << HB) + (i & ((1u << HB) - 1)))
				   << (e - HB)) /
			    1e3;
		}
	}
	return hmax / 1e3;
}

/* --- what is asked for --- */

static int
mode_of(const char *word)
{
	if (!strcmp(word, "connect"))
		return CONNECT;
	if (!strcmp(word, "idle"))
		return IDLE;
	return !strcmp(word, "big") ? BIG : RUN;
}

static int
proto_of(const char *word)
{
	if (word[0] == 's')
		return M_SIMPLE;
	return word[0] == 'e' ? M_EXTENDED : M_PREPARED;
}

enum kind { WORD, NUMBER, REAL, YES };

static const struct choice {
	char letter;
	enum kind kind;
	void *to;
} choices[] = {
	{ 'h', WORD, &addr },
	{ 'u', WORD, &user },
	{ 'd', WORD, &db },
	{ 'w', WORD, &pass },
	{ 'q', WORD, &query },
	{ 'p', NUMBER, &port },
	{ 'c', NUMBER, &nclients },
	{ 'D', NUMBER, &depth },
	{ 'N', NUMBER, &nstmt },
	{ 'n', NUMBER, &maxtx },
	{ 'R', NUMBER, &ramp },
	{ 'Q', NUMBER, &idleq },
	{ 's', NUMBER, &nsrc },
	{ 't', REAL, &secs },
	{ 'W', REAL, &warm },
	{ 'r', REAL, &rate },
	{ 'S', REAL, &slow },
	{ 'T', YES, &use_tls },
	{ 'x', YES, &txblock },
	{ 'P', YES, &hold },
};

static void
option(int letter, const char *word)
{
	const struct choice *c = choices,
			    *end = choices + sizeof choices / sizeof *choices;

	while (c < end && c->letter != letter)
		c++;
	if (letter == 'm') {
		mode = mode_of(word);
	} else if (letter == 'M') {
		proto = proto_of(word);
	} else if (c == end) {
		fprintf(stderr, "see the head of pgload.c\n");
		exit(2);
	} else if (c->kind == WORD) {
		*(const char **)c->to = word;
	} else if (c->kind == REAL) {
		*(double *)c->to = atof(word);
	} else {
		*(int *)c->to = c->kind == YES ? 1 : atoi(word);
	}
}

static void
on_signal(int signo)
{
	(void)signo;
	quit = 1;
}

static void
prepare(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_TIMERSLACK, 1);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (use_tls) {
		ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_mode(ctx,
		    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	}
	C = calloc((size_t)nclients, sizeof *C);
	if (!C)
		die("calloc");
	for (int i = 0; i < nclients; i++) {
		C[i].id = i;
		C[i].fd = -1;
	}
}

/* --- the phases --- */

static void
mark(struct mark *m, uint64_t now)
{
	m->at = now;
	m->tx = tx_total;
	m->bytes = bytes_in;
	m->conns = conns_done;
	m->errors = errors;
	getrusage(RUSAGE_SELF, &m->usage);
}

static void
serve(const struct timespec *patience)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_pwait2(ep, ev, EVENTS, patience, NULL);

	for (int i = 0; i < n; i++)
		handle(ev[i].data.ptr, ev[i].events);
}

/* Tell whoever runs us how far we are and wait for a line of his. */
static void
wait_for_line(const char *stage)
{
	int ch;

	printf("%s\n", stage);
	fflush(stdout);
	while ((ch = getchar()) != '\n' && ch != EOF)
		;
}

static void
open_some(void)
{
	if (mode != CONNECT) {
		while (run.opened < nclients && n_setup < ramp)
			copen(&C[run.opened++]);
		return;
	}
	for (int i = 0; i < nclients && !stopping; i++)
		if (C[i].fd < 0)
			copen(&C[i]);
}

static int
all_idle(void)
{
	for (int i = 0; i < nclients; i++)
		if (C[i].done < idleq)
			return 0;
	return 1;
}

/* All clients are there: let them begin. Returns the time, which may have passed. */
static uint64_t
begin(uint64_t now)
{
	if (mode == IDLE && !all_idle())
		return now;
	if (hold && mode == RUN) {
		wait_for_line("HOLD");
		now = now_ns();
		warm = 0;
	}
	run.up = now;
	if (mode == CONNECT || mode == IDLE)
		return now;
	if (rate > 0)
		run.due = now;
	for (int i = 0; i < nclients && !(rate > 0); i++)
		if (C[i].state == ST_READY)
			send_batch(&C[i]);
	return now;
}

/* Let the transactions under way finish, then wait. */
static void
drain(void)
{
	const struct timespec patience = { 0, NAP };
	uint64_t end = now_ns() + 20 * SECOND;
	int busy = 1;

	while (busy && now_ns() < end) {
		serve(&patience);
		busy = 0;
		for (int i = 0; i < nclients; i++)
			busy |= C[i].state == ST_BUSY;
	}
	run.stop.tx = tx_total;
	wait_for_line("DRAINED");
}

static int
time_is_up(uint64_t now)
{
	if (maxtx)
		return tx_total - run.start.tx >= (uint64_t)maxtx;
	return (double)(now - run.start.at) >= secs * 1e9;
}

/* From phase to phase; true: it is over. */
static int
advance(uint64_t now)
{
	if (!run.up && (mode == CONNECT || n_up == nclients))
		now = begin(now);
	if (run.up && !run.start.at &&
	    (double)(now - run.up) >= (mode == BIG ? 0 : warm) * 1e9) {
		timed = 1;
		mark(&run.start, now);
		printf("START %.3f\n", (double)(run.up - run.begun) / 1e9);
		fflush(stdout);
	}
	if (!run.start.at || !time_is_up(now))
		return 0;
	stopping = 1;
	mark(&run.stop, now);
	printf("STOP\n");
	fflush(stdout);
	if (hold && mode != CONNECT)
		drain();
	return 1;
}

/* Begin what is due at the given rate; if all clients are busy, stay late. */
static void
send_due(uint64_t now)
{
	while (run.due <= now) {
		int tried = 0;

		while (C[run.turn].state != ST_READY) {
			run.turn = (run.turn + 1) % nclients;
			if (++tried == nclients)
				return;
		}
		C[run.turn].due = run.due;
		send_batch(&C[run.turn]);
		run.turn = (run.turn + 1) % nclients;
		run.due += (uint64_t)(1e9 / rate);
	}
}

/* Until something happens or, to the microsecond and without spinning, is due. */
static void
serve_until_due(uint64_t now)
{
	struct timespec patience = { 0, NAP };

	if (rate > 0 && run.due > now) {
		uint64_t later = now_ns(), left = run.due > later ? run.due - later : 0;

		if (left < NAP)
			patience.tv_nsec = (long)left;
	}
	serve(&patience);
}

/* A slow reader has its budget filled, and sleeps if there is too little in it. */
static int
too_fast(uint64_t passed)
{
	const struct timespec rest = { 0, NAP / 2 };

	slow_budget += (double)passed / 1e9 * slow;
	if (slow_budget > slow / 10 + 1)
		slow_budget = slow / 10 + 1;
	if (slow_budget >= 1024)
		return 0;
	nanosleep(&rest, NULL);
	return 1;
}

/* Can it not go on? Then say why. */
static int
hopeless(uint64_t now)
{
	if (!run.up && now - run.begun > 120 * SECOND) {
		fprintf(stderr, "ramp-up timed out: %d of %d up, %lu errors, %s\n", n_up,
		    nclients, (unsigned long)errors, first_error);
		return 1;
	}
	if (mode == CONNECT || !connect_fail || n_setup > 0 || run.opened < nclients)
		return 0;
	if ((run.up || n_up == nclients) && n_up > 0)
		return 0;
	fprintf(stderr, "%d of %d clients up: %s\n", n_up, nclients, first_error);
	return 1;
}

static double
seconds_of(const struct timeval *from, const struct timeval *to)
{
	return (double)(to->tv_sec - from->tv_sec) +
	    (double)(to->tv_usec - from->tv_usec) / 1e6;
}

static void
report(void)
{
	const struct mark *a = &run.start, *b = &run.stop;
	double elapsed = (double)(b->at - a->at) / 1e9;
	double cpu = seconds_of(&a->usage.ru_utime, &b->usage.ru_utime) +
	    seconds_of(&a->usage.ru_stime, &b->usage.ru_stime);
	double average = hcount ? (double)hsum / (double)hcount / 1e3 : 0;

	printf("{\"clients\":%d,\"up\":%d,\"ramp_s\":%.3f,\"elapsed\":%.3f,", nclients,
	    n_up, (double)(run.up - run.begun) / 1e9, elapsed);
	printf("\"tx\":%lu,\"tps\":%.1f,", (unsigned long)(b->tx - a->tx),
	    (double)(b->tx - a->tx) / elapsed);
	printf("\"conns\":%lu,\"conn_per_s\":%.1f,", (unsigned long)(b->conns - a->conns),
	    (double)(b->conns - a->conns) / elapsed);
	printf("\"bytes\":%lu,\"mb_per_s\":%.1f,", (unsigned long)(b->bytes - a->bytes),
	    (double)(b->bytes - a->bytes) / elapsed / 1e6);
	printf("\"avg_us\":%.1f,\"p50_us\":%.1f,\"p95_us\":%.1f,", average, hq(.5),
	    hq(.95));
	printf("\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,", hq(.99), hq(.999),
	    (double)hmax / 1e3);
	printf("\"load_cpu_s\":%.3f,\"errors\":%lu,\"errors_before\":%lu,\"tagbad\":%lu,",
	    cpu, (unsigned long)(errors - a->errors), (unsigned long)a->errors,
	    (unsigned long)tagbad);
	printf("\"first_error\":\"%s\"}\n", first_error);
}

int
main(int argc, char **argv)
{
	uint64_t now, last;
	int letter;

	while ((letter = getopt(argc, argv,
		    "h:p:u:d:w:Tm:c:t:W:M:D:N:n:r:xq:S:R:Q:s:P")) != -1)
		option(letter, optarg);
	prepare();
	run.begun = last = now_ns();
	while (!quit) {
		open_some();
		now = now_ns();
		if (hopeless(now))
			return 1;
		if (advance(now))
			break;
		if (rate > 0 && run.due)
			send_due(now);
		if (!(slow > 0 && too_fast(now - last)))
			serve_until_due(now);
		last = now;
	}
	if (!run.stop.at) { /* interrupted */
		mark(&run.stop, now_ns());
		if (!run.start.at)
			run.start = run.stop;
		printf("STOP\n");
	}
	report();
	return 0;
}
