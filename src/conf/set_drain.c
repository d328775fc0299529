/*
 * set_drain.c - rows: how the process ends when it is told to by SIGTERM, and how long an
 * operator's PAUSE may last. doc/drain.md tells how they work together.
 */
#include "conf/rows.h"

static const char *const shutdown_mode_words[] = { "drain", "pgbouncer", NULL };

static const struct setting rows[] = {
	{ TIME(drain_accept_time, "5"), .ready = true,
	  .text = "When draining begins: go on letting clients in for so long, until whoever sends them "
		  "here (a Service of Kubernetes) has seen that this process is not ready. Counts as 0 "
		  "with so_reuseport." },
	{ TIME(drain_time, "15"), .ready = true,
	  .text = "Draining: nobody is let in any more, and clients between two transactions are told "
		  "to leave, evenly over so long. Behind it each is told at the end of its transaction." },
	{ TIME(drain_timeout, "25"), .ready = true,
	  .text = "Draining: so long after its beginning cancel what runs, tell every client to leave, "
		  "and end. 0 means never." },
	{ TIME(pause_time, "0"), .ready = true,
	  .text = "A PAUSE that names no time of its own (FOR) ends by itself after so long. 0 means "
		  "never." },
	{ TIME(pause_timeout, "0"), .ready = true,
	  .text = "A PAUSE that names no time of its own (WITHIN) fails, and is undone, when after so "
		  "long there are still transactions. 0 means it waits for them." },
	{ ENUM(shutdown_mode, enum shutdown_word, shutdown_mode_words, "drain"), .ready = true,
	  .text = "What SIGTERM means: drain, or wait for clients to leave by themselves as PgBouncer "
		  "does." },
};

const struct setting_table drain_settings = { rows, ARRAY_SIZE(rows) };
