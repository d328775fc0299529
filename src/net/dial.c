/*
 * dial.c - from a host's name to a connected socket. The addresses of a name are tried in
 * turn, from a random one on; each may take its share of what is left of the time. What
 * names mean is resolve.c's business, what is said on the socket the caller's.
 */
#include "net/dial.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "net/loop_private.h"
#include "net/resolve.h"
#include "net/unix_path.h"

#define WHY_CAP 128
/* A unix socket whose queue is full says so at once; ask again after this. */
#define FULL_PAUSE (20 * MSEC)
/* Of several addresses one that does not answer for so long is left for the next. */
#define ADDRESS_PATIENCE (2 * SECOND)
#define LOOKUP_FAILED DIAL_NO_NAME ": "

struct dial {
	struct loop	*loop;		/* borrowed */
	dial_fn		 done;
	void		*owner;		/* borrowed */
	char		*host;		/* owned; NULL: ADDRS is known already */
	uint16_t	 port;
	struct socket_options options;
	bool		(*skip)(void *owner, const struct addr *where, unsigned count);
	usec_t		 deadline;	/* 0: none */
	struct timer	*timer;		/* owned; rings at the deadline */
	struct lookup	*lookup;	/* owned; while the name is looked up */
	bool		 looking;	/* inside resolve(), which may answer at once */
	bool		 answered;
	bool		 attempted;	/* some address was not passed over */
	struct addr	*addrs;		/* owned */
	unsigned	 count, tried, first;
	int		 fd;		/* being connected, or -1 */
	struct event	*event;		/* owned; of that connect */
	struct chore	 chore;		/* begins, and ends */
	char		 why[WHY_CAP];	/* of the last failure */
};

static struct dial *make(struct loop *loop, const char *host, usec_t timeout,
    dial_fn done, void *owner);
static void begin(struct chore *chore);
static void look_up(struct dial *d);
static void try_next(struct dial *d);
static void try_unix(struct dial *d);
static void start_connect(struct dial *d, const struct sockaddr *sa, socklen_t len);
static void wait_for(struct dial *d, short what, usec_t most);
static void finish(struct dial *d, int fd, const struct addr *where);
static void too_late(void *owner);

/* --- options --- */

static void
set_int(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

void
socket_tune(int fd, const struct socket_options *o)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (o->keepalive) {
		set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
		if (o->keepidle > 0)
			set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, o->keepidle);
		if (o->keepintvl > 0)
			set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, o->keepintvl);
		if (o->keepcnt > 0)
			set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, o->keepcnt);
	}
	if (o->user_timeout > 0)
		set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, o->user_timeout);
	if (o->buffer > 0) {
		set_int(fd, SOL_SOCKET, SO_SNDBUF, o->buffer);
		set_int(fd, SOL_SOCKET, SO_RCVBUF, o->buffer);
	}
}

/* --- birth and end --- */

struct dial *
dial_new(struct loop *loop, const struct dial_to *to, dial_fn done, void *owner)
{
	struct dial *d = make(loop, to->host, to->timeout, done, owner);

	if (d == NULL)
		return NULL;
	d->port = to->port;
	d->options = to->options;
	d->skip = to->skip;
	return d;
}

struct dial *
dial_addr(struct loop *loop, const struct addr *where, const char *unix_host,
    usec_t timeout, dial_fn done, void *owner)
{
	bool is_unix = where->kind == ADDR_UNIX;
	struct dial *d = make(loop, is_unix ? unix_host : NULL, timeout, done, owner);

	if (d == NULL)
		return NULL;
	d->port = where->port;
	if (is_unix)
		return d;
	d->addrs = mem_new(sizeof(*d->addrs));
	if (d->addrs == NULL) {
		dial_cancel(d);
		return NULL;
	}
	d->addrs[0] = *where;
	d->count = 1;
	return d;
}

static struct dial *
make(struct loop *loop, const char *host, usec_t timeout, dial_fn done, void *owner)
{
	struct dial *d = mem_new(sizeof(*d));

	if (d == NULL)
		return NULL;
	d->loop = loop;
	d->done = done;
	d->owner = owner;
	d->fd = -1;
	chore_init(&d->chore, begin);
	if (host != NULL) {
		d->host = mem_copy_text(host, strlen(host));
		if (d->host == NULL)
			goto fail;
	}
	if (timeout > 0) {
		d->timer = timer_new(loop, too_late, d);
		if (d->timer == NULL)
			goto fail;
		timer_set(d->timer, timeout);
		d->deadline = loop_now(loop) + timeout;
	}
	loop_later(loop, &d->chore);
	return d;
fail:
	dial_cancel(d);
	return NULL;
}

/* Stop whatever is under way. */
static void
halt(struct dial *d)
{
	if (d->event != NULL)
		event_free(d->event);
	d->event = NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	if (d->lookup != NULL)
		resolve_cancel(d->lookup);
	d->lookup = NULL;
}

void
dial_cancel(struct dial *d)
{
	if (d == NULL)
		return;
	halt(d);
	chore_drop(&d->chore);
	timer_free(d->timer);
	mem_free(d->host);
	mem_free(d->addrs);
	mem_free(d);
}

/* Answer with FD, or with D's reason. D is gone afterwards. */
static void
finish(struct dial *d, int fd, const struct addr *where)
{
	struct addr nowhere = { .kind = ADDR_NONE };
	struct addr there = where != NULL ? *where : nowhere;
	dial_fn done = d->done;
	void *owner = d->owner;
	char why[WHY_CAP];

	memcpy(why, d->why, sizeof(why));
	dial_cancel(d);
	done(owner, fd, &there, fd < 0 ? why : NULL);
}

static void
too_late(void *owner)
{
	struct dial *d = owner;

	snprintf(d->why, sizeof(d->why), "connect timeout");
	finish(d, -1, NULL);
}

/* Our texts begin in lower case, those of libraries do not. */
static void
lower(char *text)
{
	*text = (char)tolower((unsigned char)*text);
}

/* Remember what the system says. */
static void
blame(struct dial *d, int error)
{
	snprintf(d->why, sizeof(d->why), "%s", strerror(error));
	lower(d->why);
}

/* --- what is to be tried --- */

static void
begin(struct chore *chore)
{
	struct dial *d = CONTAINER_OF(chore, struct dial, chore);
	struct addr literal;

	if (d->count > 0) {
		try_next(d);
		return;
	}
	if (d->host == NULL || d->host[0] == '\0') {
		snprintf(d->why, sizeof(d->why), "there is no host to connect to");
		finish(d, -1, NULL);
		return;
	}
	if (unix_path_is(d->host)) {
		try_unix(d);
		return;
	}
	if (!addr_parse_ip(&literal, span_text(d->host), d->port)) {
		look_up(d);
		return;
	}
	d->addrs = mem_new(sizeof(*d->addrs));
	if (d->addrs == NULL) {
		blame(d, ENOMEM);
		finish(d, -1, NULL);
		return;
	}
	d->addrs[0] = literal;
	d->count = 1;
	try_next(d);
}

static void
looked_up(void *owner, const struct addr *addrs, unsigned count, const char *why)
{
	struct dial *d = owner;

	d->lookup = NULL;
	d->answered = true;
	if (count > 0)
		d->addrs = mem_new(count * sizeof(*addrs));
	if (d->addrs != NULL) {
		memcpy(d->addrs, addrs, count * sizeof(*addrs));
		d->count = count;
		d->first = rand_u32() % count;
	}
	snprintf(d->why, sizeof(d->why), LOOKUP_FAILED "%s",
	    count == 0 ? why : "out of memory");
	lower(d->why + strlen(LOOKUP_FAILED));
	if (!d->looking)
		try_next(d);
}

static void
look_up(struct dial *d)
{
	struct resolver *r = resolver_of(d->loop);
	struct lookup *lookup;

	if (r == NULL) {
		snprintf(d->why, sizeof(d->why), LOOKUP_FAILED "no resolver");
		finish(d, -1, NULL);
		return;
	}
	d->looking = true;
	lookup = resolve(r, d->host, looked_up, d);
	d->looking = false;
	if (d->answered)
		try_next(d);
	else
		d->lookup = lookup;
}

/* Connect to the next address, or give up after the last. */
static void
try_next(struct dial *d)
{
	struct sockaddr_storage ss;
	struct addr *where;
	socklen_t len;

	if (d->tried == d->count) {
		finish(d, -1, NULL);
		return;
	}
	where = &d->addrs[(d->first + d->tried) % d->count];
	where->port = d->port;
	d->tried++;
	if (d->skip != NULL && d->skip(d->owner, where, d->count)) {
		if (!d->attempted)
			snprintf(d->why, sizeof(d->why), DIAL_SKIPPED);
		try_next(d);
		return;
	}
	d->attempted = true;
	len = addr_to_sockaddr(where, &ss);
	d->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0) {
		blame(d, errno);
		try_next(d);
		return;
	}
	socket_tune(d->fd, &d->options);
	start_connect(d, (struct sockaddr *)&ss, len);
}

static void
try_unix(struct dial *d)
{
	struct sockaddr_un un;
	socklen_t len = unix_path_sockaddr(d->host, d->port, &un);

	if (len == 0) {
		blame(d, ENAMETOOLONG);
		finish(d, -1, NULL);
		return;
	}
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0) {
		blame(d, errno);
		finish(d, -1, NULL);
		return;
	}
	start_connect(d, (struct sockaddr *)&un, len);
}

/* --- connecting --- */

/* This address did not work: the next one. */
static void
attempt_failed(struct dial *d, int error)
{
	blame(d, error);
	halt(d);
	try_next(d);
}

/* A socket whose own port was drawn where nobody listens may connect to itself. */
static bool
is_own_echo(int fd)
{
	struct sockaddr_storage ss;
	struct addr own, other;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return false;
	addr_from_sockaddr(&own, (struct sockaddr *)&ss, len);
	len = sizeof(ss);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) != 0)
		return false;
	addr_from_sockaddr(&other, (struct sockaddr *)&ss, len);
	return own.kind != ADDR_UNIX && addr_same(&own, &other);
}

static void
connected(struct dial *d)
{
	struct addr where = { .kind = ADDR_UNIX };
	int fd = d->fd;

	if (is_own_echo(fd)) {
		attempt_failed(d, ECONNREFUSED);
		return;
	}
	if (d->count > 0)
		where = d->addrs[(d->first + d->tried - 1) % d->count];
	else
		unix_path_peer(fd, &where);
	where.port = d->port;
	d->fd = -1;
	finish(d, fd, &where);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	if (d->fd < 0) {
		/* a unix socket's queue was full */
		event_free(d->event);
		d->event = NULL;
		try_unix(d);
		return;
	}
	if ((what & EV_WRITE) == 0)
		error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0)
		attempt_failed(d, error);
	else
		connected(d);
}

/* How long to wait for one address if LEFT is left of the time and OTHERS of the addresses; 0: till the end. */
static usec_t
patience(usec_t left, unsigned others)
{
	usec_t part = left / (others + 1);

	if (others == 0)
		return 0;
	return part > 0 && part < ADDRESS_PATIENCE ? part : ADDRESS_PATIENCE;
}

static void
start_connect(struct dial *d, const struct sockaddr *sa, socklen_t len)
{
	usec_t now = loop_now(d->loop);
	usec_t left = d->deadline > now ? d->deadline - now : 0;
	unsigned others = d->count - d->tried;

	if (connect(d->fd, sa, len) == 0) {
		connected(d);
	} else if (errno == EAGAIN && sa->sa_family == AF_UNIX) {
		close(d->fd);
		d->fd = -1;
		wait_for(d, 0, FULL_PAUSE);
	} else if (errno == EINPROGRESS || errno == EINTR) {
		wait_for(d, EV_WRITE, patience(left, others));
	} else {
		attempt_failed(d, errno);
	}
}

/* Wait until D's socket is WHAT, at most MOST (0: until D's own timer rings). */
static void
wait_for(struct dial *d, short what, usec_t most)
{
	struct timeval tv = {
		.tv_sec = (time_t)(most / SECOND),
		.tv_usec = (suseconds_t)(most % SECOND),
	};

	d->event = event_new(loop_base(d->loop), d->fd, what, on_event, d);
	if (d->event == NULL || event_add(d->event, most > 0 ? &tv : NULL) != 0)
		attempt_failed(d, ENOMEM);
}
