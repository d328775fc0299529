/*
 * sim_private.h - what the files of test/sim know of each other: sources of events, and
 * streams.
 */
#ifndef SIM_SIM_PRIVATE_H
#define SIM_SIM_PRIVATE_H

#include "sim/sim.h"

/* Something on a loop that may have something to do. */
struct source {
	struct node	 in_loop;
	struct loop	*loop;		/* borrowed; NULL: on none */
	bool		(*ready)(struct source *source);
	void		(*fire)(struct source *source);
	usec_t		 wakes;		/* when the clock makes it ready; 0: never */
};
void source_add(struct loop *loop, struct source *source);
void source_drop(struct source *source);

/* Things that live, for sim_end(). */
void sim_born(int count);

/* One side of a stream. */
struct end;
struct end *end_of(int fd);
/* Take LEN bytes at AT: how many fitted; -1: WHY it failed. */
long end_send(struct end *e, const char *at, size_t len, const char **why);
/* At most CAP bytes: how many; 0: the other side has ended; -1: WHY it failed; -2: none now. */
long end_recv(struct end *e, char *out, size_t cap, const char **why);
/* Bytes one read gets now. */
size_t end_has(const struct end *e);
bool end_readable(const struct end *e);
bool end_writable(const struct end *e);
/* No more comes from this side. */
void end_shutdown(struct end *e);
void end_close(struct end *e);
const struct addr *end_peer(const struct end *e);
/* Let held back bytes go. False: there were none. */
bool streams_let_go(void);
void streams_begin(void);
void streams_end(void);

void hosts_begin(void);
void resolvers_begin(void);
struct sim_host *host_named(const char *name, uint16_t port);
struct sim_host *host_at(const struct addr *addr);

/* Note what a link of the pooler's has unsent or kept. */
void sim_note_unsent(size_t unsent);
void sim_note_kept(size_t kept);

#endif
