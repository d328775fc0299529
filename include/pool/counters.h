/*
 * counters.h - what a lane counts: THE table. Plain integers, written by their own thread
 * only; SHOW and metrics add them up over lanes on each lane's own thread.
 */
#ifndef POOL_COUNTERS_H
#define POOL_COUNTERS_H

#include "base/port.h"

/* name, unit ("" or "us" or "bytes"), what it counts; xact_time and query_time: the histograms' (latencies_sum()) */
#define COUNTERS(X)                                                                 \
	X(server_assignments, "", "Times a client was given a server.")             \
	X(xacts, "", "Transactions.")                                               \
	X(queries, "", "Batches of messages up to a ReadyForQuery.")                \
	X(received, "bytes", "Bytes of clients' messages forwarded.")               \
	X(sent, "bytes", "Bytes of servers' messages forwarded.")                   \
	X(xact_time, "us", "Time servers spent in transactions.")                   \
	X(query_time, "us", "Time servers spent on queries.")                       \
	X(wait_time, "us", "Time clients waited for a server.")                     \
	X(client_parses, "", "Named statements clients prepared.")                  \
	X(server_parses, "", "Named statements prepared on servers.")               \
	X(binds, "", "Named statements bound.")                                     \
	X(client_logins, "", "Clients that logged in.")                             \
	X(settles, "", "Times a server's settings were changed for a client.")      \
	X(rescues, "", "Servers saved after their client left them busy.")          \
	X(moves, "", "Servers that came from another thread.")

enum counter {
#define COUNTER_ENUM(name, unit, text) COUNT_##name,
	COUNTERS(COUNTER_ENUM)
#undef COUNTER_ENUM
	COUNTERS_MOST
};

struct counters {
	uint64_t	 n[COUNTERS_MOST];
};

struct counter_row {
	const char	*name, *unit, *text;
};
extern const struct counter_row counter_rows[COUNTERS_MOST];

#define count_add(lane, name, by) ((lane)->counters.n[COUNT_##name] += (by))
#define count_one(lane, name) count_add(lane, name, 1)

/* TO += FROM. */
void counters_add(struct counters *to, const struct counters *from);

#endif
