/*
 * ldap_patience.c - a layer between a socket of libldap and what reads from it (TLS or the
 * protocol itself), that waits for the socket by poll(2) and up to a deadline.
 */
#include "auth/ldap_patience.h"

#include <errno.h>
#include <lber.h>
#include <poll.h>

#include "auth/clerk.h"

/* Above the socket's own layer, below that of TLS. */
#define LEVEL ((LBER_SBIOD_LEVEL_PROVIDER + LBER_SBIOD_LEVEL_TRANSPORT) / 2)

/* Wait for EVENTS of the socket below IO. False: errno says why no longer. */
static bool
wait_for(Sockbuf_IO_Desc *io, short events)
{
	const struct ldap_patience *p = io->sbiod_pvt;
	ber_socket_t fd = -1;
	usec_t now = clerk_now(), left = p->deadline > now ? p->deadline - now : 0;
	struct pollfd poll_fd = { .events = events };
	int n;

	if (left > p->each)
		left = p->each;
	ber_sockbuf_ctrl(io->sbiod_sb, LBER_SB_OPT_GET_FD, &fd);
	poll_fd.fd = fd;
	do
		n = poll(&poll_fd, 1, (int)((left + MSEC - 1) / MSEC));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0;
}

static int
set_up(Sockbuf_IO_Desc *io, void *arg)
{
	io->sbiod_pvt = arg;
	return 0;
}

static int
tear_down(Sockbuf_IO_Desc *io)
{
	io->sbiod_pvt = NULL;
	return 0;
}

static int
control(Sockbuf_IO_Desc *io, int option, void *arg)
{
	return LBER_SBIOD_CTRL_NEXT(io, option, arg);
}

static ber_slen_t
read_in_time(Sockbuf_IO_Desc *io, void *to, ber_len_t len)
{
	return wait_for(io, POLLIN) ? LBER_SBIOD_READ_NEXT(io, to, len) : -1;
}

static ber_slen_t
write_in_time(Sockbuf_IO_Desc *io, void *from, ber_len_t len)
{
	return wait_for(io, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(io, from, len) : -1;
}

static int
close_nothing(Sockbuf_IO_Desc *io)
{
	(void)io;
	return 0;
}

/* libldap wants it without const, and does not change it. */
static Sockbuf_IO layer = {
	.sbi_setup = set_up,
	.sbi_remove = tear_down,
	.sbi_ctrl = control,
	.sbi_read = read_in_time,
	.sbi_write = write_in_time,
	.sbi_close = close_nothing,
};

static int
connected(LDAP *ld, Sockbuf *socket, LDAPURLDesc *server, struct sockaddr *addr,
    struct ldap_conncb *callback)
{
	(void)ld;
	(void)server;
	(void)addr;
	return ber_sockbuf_add_io(socket, &layer, LEVEL, callback->lc_arg);
}

static void
disconnected(LDAP *ld, Sockbuf *socket, struct ldap_conncb *callback)
{
	(void)ld;
	(void)socket;
	(void)callback;
}

int
ldap_patience_give(LDAP *ld, struct ldap_patience *p, usec_t each, usec_t deadline)
{
	*p = (struct ldap_patience){
		.callback = { connected, disconnected, p },
		.each = each,
		.deadline = deadline,
	};
	return ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &p->callback);
}
