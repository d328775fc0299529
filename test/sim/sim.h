/*
 * sim.h - the world in memory: one virtual clock, loops that are turned by hand in an
 * order drawn from a seed, streams that are two byte queues, hosts that answer dials
 * as told. Stories link it in place of net/.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/addr.h"
#include "base/list.h"
#include "net/loop.h"

/* What new streams are like. */
struct sim_shape {
	size_t		 capacity;	/* bytes a direction holds until its reader takes them */
	size_t		 chop;		/* most bytes one read gets; 0: whole */
};

/* A new world: everything drawn is drawn from SEED. */
void sim_begin(uint64_t seed);
/* The end of it: how many loops, links, streams, timers and letters were left behind. */
unsigned sim_end(void);
/* Streams made from now on are like SHAPE. */
void sim_set_shape(const struct sim_shape *shape);

/* The loop of everything that is not the pooler. */
struct loop *sim_outside(void);
/* A number below BELOW. */
uint64_t sim_draw(uint64_t below);
usec_t sim_now(void);

/* Turn LOOP once. False: there was nothing to do. */
bool loop_turn_once(struct loop *loop);
/* Turn all loops, in an order that is drawn, until none has anything to do. */
void sim_settle(void);
/* Let TIME pass, settling at each moment something is due. */
void sim_pass(usec_t time);

/* A new stream: two "descriptors". ADDR is what the second end sees as its peer's address. */
void sim_stream(int fd[2], const struct addr *addr);
/*
 * What is sent towards FD is cut at the OFFSETth byte of the stream: what lies behind is
 * not there until all else is settled.
 */
void sim_cut(int fd, size_t offset);
/* Bytes sent towards FD so far. */
size_t sim_sent_to(int fd);
/* The same cut for the next stream that is dialed. */
void sim_cut_dialed(size_t offset);
/* The dialing side's end of the stream dialed last. */
int sim_last_dialed(void);

enum sim_answer { SIM_CONNECTS, SIM_REFUSES, SIM_HANGS };

/* A host that can be dialed. */
struct sim_host {
	struct node	 in_world;
	const char	*name;		/* borrowed */
	uint16_t	 port;
	struct addr	 addr;		/* given by sim_host_add() */
	enum sim_answer	 answer;
	void		(*accept)(struct sim_host *host, int fd);
};
void sim_host_add(struct sim_host *host);
void sim_host_remove(struct sim_host *host);
/* HOST is at the address TO now, and everybody who asks is told. */
void sim_host_move(struct sim_host *host, const struct addr *to);

/* The most bytes a link of the pooler's has had unsent, and kept, since the world began. */
size_t sim_most_unsent(void);
size_t sim_most_kept(void);

#endif
