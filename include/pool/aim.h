/*
 * aim.h - where a pool's next server is opened, and when: which addresses have just been
 * found not to do, when all of them have been tried, and how long to pause then. Pure: it
 * is told what happened and the time.
 *
 * One lap: every host once, each of its addresses once, without a pause between them (but
 * for a short one after many). Only after a lap that found nothing there is a pause, longer
 * with each such lap. Attempts run side by side: a host that has had its turns does not make
 * the lap any shorter for the others.
 */
#ifndef POOL_AIM_H
#define POOL_AIM_H

#include "base/addr.h"
#include "base/port.h"

#define AIM_MARKS 16u
/* Of more hosts some share their turns; of more addresses some have theirs in the next lap. */
#define AIM_HOSTS 64u
#define AIM_TURNS 16u
/* So many attempts are made without a pause. */
#define AIM_BURST 16u
/* An address of the wrong role is not tried for so long, while another serves. */
#define AIM_MARK_KEPT (30 * SECOND)
/* prefer-standby makes do with a primary for so long before it looks for a standby again. */
#define AIM_LESS_FOR (30 * SECOND)
/* First pause after a lap without success; it doubles. */
#define AIM_PAUSE_LEAST (20 * MSEC)
/* Longest, where another server may take over at any moment; and where there is one only. */
#define AIM_PAUSE_MOST (400 * MSEC)
#define AIM_PAUSE_MOST_ALONE (2 * SECOND)
/* How long one of several may take to let us in before the next is tried; it doubles with each lap, too. */
#define AIM_PATIENCE SECOND

/* While nothing can be opened the log says so this often. */
#define AIM_TELL_EVERY (5 * SECOND)

/* Alarms about a host are followed at most so often. */
#define AIM_ALARM_EVERY (5 * SECOND)

/* Why an attempt came to nothing. */
enum aim_miss {
	MISS_UNREACHABLE,	/* nobody there, or nobody who answers */
	MISS_STARTING,		/* PostgreSQL starts or stops: 57P0x */
	MISS_FULL,		/* 53300 beside servers of ours: the budget says when */
	MISS_REFUSED,		/* waiting does not mend it: a wrong password, no such database */
	MISS_UNFIT,		/* it is not in the role that is wanted */
};

struct aim {
	struct aim_mark {
		struct addr	 where;
		usec_t		 at;
	} marks[AIM_MARKS];		/* the youngest, in a ring */
	unsigned	 mark_count;	/* how many there have been */
	unsigned	 tries;		/* that failed in this lap */
	unsigned	 refusals;	/* of these, by servers that will not have us */
	uint8_t		 turns[AIM_HOSTS];	/* each host has had in this lap */
	uint64_t	 done;		/* bits of the hosts that have had all of theirs */
	unsigned	 laps;		/* without success */
	usec_t		 lap_began;
	usec_t		 alarmed_at;	/* when an alarm was followed last */
	usec_t		 told_at;	/* when the log last said that nothing fits */
	usec_t		 less_until;	/* prefer-standby: any will do until then */
};

/* What is to be known of the one who asks, and of the attempt. */
struct aim_rules {
	unsigned	 hosts;		/* how many the entry has, at least 1 */
	unsigned	 host;		/* which of them it was */
	unsigned	 addrs;		/* how many this one has, at least 1 */
	bool		 whole;		/* all of these were tried, or passed over */
	usec_t		 retry;		/* server_login_retry; 0: no limit of the operator's */
	bool		 roles;		/* not any role will do */
	bool		 prefers;	/* but if there is no other, any does */
};

/* Is WHERE known not to do? */
bool aim_skips(const struct aim *a, const struct addr *where, usec_t now);
/* WHERE (kind ADDR_NONE: not even that is known) did not do. DICE is random. How long to pause. *REFUSED: all hosts have refused us. */
usec_t aim_missed(struct aim *a, enum aim_miss why, const struct addr *where,
    const struct aim_rules *rules, usec_t now, uint32_t dice, bool *refused);
/* Something sounds as if other servers at a host of A were not good either. Is that to be followed? */
bool aim_alarms(struct aim *a, usec_t now);
/* Is a failure now worth a line in the log? Those of the first lap are, then one every AIM_TELL_EVERY. */
bool aim_tells(struct aim *a, usec_t now);
/* A server is open at WHERE. */
void aim_hit(struct aim *a, const struct addr *where);
/* Does prefer-standby make do with any now? */
bool aim_takes_less(const struct aim *a, usec_t now);
/* How long one attempt may take, of MOST, which is what the operator allows (0: no limit). */
usec_t aim_patience(const struct aim *a, unsigned choices, usec_t most);

#endif
