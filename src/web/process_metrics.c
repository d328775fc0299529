/*
 * process_metrics.c - metrics of the process as a whole: what it is, how it is, what it takes
 * of the machine.
 */
#include "web/process_metrics.h"

#include <dirent.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/version.h"
#include "base/log.h"
#include "pool/place.h"
#include "web/readiness.h"
#include "web/web_private.h"

#define OURS (1u << METRICS_NAMES_PGWEIR)
#define THEIRS (1u << METRICS_NAMES_PGBOUNCER)

struct process_metric {
	unsigned	 whose;		/* a set of OURS, THEIRS */
	const char	*name;
	enum family_kind kind;
	bool		 usec;		/* the value is in microseconds */
	uint64_t	 (*value)(struct web *web);
	const char	*text;
};

/* --- values --- */

static uint64_t
one(struct web *web)
{
	(void)web;
	return 1;
}

static uint64_t
ready(struct web *web)
{
	return readiness_faults(web, NULL, false) == 0;
}

static uint64_t
draining(struct web *web)
{
	return atomic_load(&web->pooler->draining) || atomic_load(&web->pooler->shutting);
}

static uint64_t
paused(struct web *web)
{
	return place_paused(web->pooler, span_of(NULL, 0));
}

static uint64_t
suspended(struct web *web)
{
	return place_suspended(web->pooler);
}

static uint64_t
workers(struct web *web)
{
	return web->pooler->worker_count;
}

static uint64_t
started(struct web *web)
{
	return web->pooler->started;
}

static uint64_t
client_limit(struct web *web)
{
	return web->setup->conf->max_client_conn;
}

static uint64_t
user_limit(struct web *web)
{
	return web->setup->conf->max_user_connections;
}

static uint64_t
client_room(struct web *web)
{
	return atomic_load(&web->pooler->client_room);
}

static uint64_t
reload_good(struct web *web)
{
	return !atomic_load(&web->reload_failed);
}

static uint64_t
reloaded(struct web *web)
{
	return atomic_load(&web->reloaded);
}

static uint64_t
worker_time(struct web *web)
{
	return atomic_load(&web->worker_nsec) / 1000;
}

static uint64_t
insists(struct web *web)
{
	(void)web;
	return log_insists();
}

static uint64_t
heap(struct web *web)
{
	struct mallinfo2 info = mallinfo2();

	(void)web;
	return info.uordblks + info.hblkhd;
}

/* Field INDEX, in pages, of /proc/self/statm; 0: it cannot be read. */
static uint64_t
pages(unsigned index)
{
	unsigned long long sizes[2] = { 0, 0 };
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu %llu", &sizes[0], &sizes[1]) != 2)
		sizes[index] = 0;
	fclose(f);
	return sizes[index] * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
virtual_bytes(struct web *web)
{
	(void)web;
	return pages(0);
}

static uint64_t
resident_bytes(struct web *web)
{
	(void)web;
	return pages(1);
}

static uint64_t
cpu_time(struct web *web)
{
	struct rusage used;

	(void)web;
	if (getrusage(RUSAGE_SELF, &used) != 0)
		return 0;
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * SECOND +
	    (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static uint64_t
open_files(struct web *web)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t count = 0;

	(void)web;
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count - 1;	/* without that of the folder itself */
}

static uint64_t
files_limit(struct web *web)
{
	struct rlimit limit;

	(void)web;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

/* --- the table --- */

#define GAUGE(whose, name, value, text) { whose, name, FAMILY_GAUGE, false, value, text }
#define GAUGE_USEC(whose, name, value, text) { whose, name, FAMILY_GAUGE, true, value, text }
#define COUNTER(whose, name, value, text) { whose, name, FAMILY_COUNTER, false, value, text }
#define COUNTER_USEC(whose, name, value, text) { whose, name, FAMILY_COUNTER, true, value, text }

static const struct process_metric table[] = {
	{ OURS, "pgweir_build_info", FAMILY_INFO, false, one, "Version, as a label." },
	GAUGE_USEC(OURS, "pgweir_start_time_seconds", started, "When it began (unix time)."),
	GAUGE(OURS, "pgweir_workers", workers, "Threads that serve clients."),
	GAUGE(OURS, "pgweir_ready", ready, "1: /readyz says yes."),
	GAUGE(OURS, "pgweir_draining", draining, "1: it is to end, and waits for clients."),
	GAUGE(OURS, "pgweir_paused", paused, "1: after PAUSE of all."),
	GAUGE(OURS, "pgweir_suspended", suspended, "1: after SUSPEND."),
	GAUGE(OURS, "pgweir_clients_limit", client_limit, "max_client_conn."),
	GAUGE(OURS, "pgweir_clients_room", client_room,
	    "Clients that the limit of file descriptors allows."),
	GAUGE(OURS, "pgweir_config_last_reload_successful", reload_good,
	    "0: the last RELOAD was refused, the configuration is the one before."),
	GAUGE_USEC(OURS, "pgweir_config_last_reload_success_timestamp_seconds", reloaded,
	    "When the configuration in force was read (unix time)."),
	COUNTER(OURS, "pgweir_broken_promises_total", insists,
	    "Promises of pgweir to itself that were broken: faults, see the log."),
	COUNTER_USEC(OURS, "pgweir_web_worker_seconds_total", worker_time,
	    "Time workers spent on rows for metrics and the status page."),
	GAUGE(OURS, "pgweir_heap_bytes", heap, "Memory that is allocated."),

	GAUGE(THEIRS, "pgbouncer_up", one, "Always 1."),
	{ THEIRS, "pgbouncer_version_info", FAMILY_INFO, false, one, "Version, as a label." },
	GAUGE(THEIRS, "pgbouncer_config_max_client_connections", client_limit,
	    "max_client_conn."),
	GAUGE(THEIRS, "pgbouncer_config_max_user_connections", user_limit,
	    "max_user_connections."),

#define PROCESS(whose, prefix)                                                        \
	COUNTER_USEC(whose, prefix "process_cpu_seconds_total", cpu_time,             \
	    "Processor time, of user and system."),                                   \
	GAUGE(whose, prefix "process_open_fds", open_files, "Open file descriptors."), \
	GAUGE(whose, prefix "process_max_fds", files_limit, "Most file descriptors."), \
	GAUGE(whose, prefix "process_resident_memory_bytes", resident_bytes,          \
	    "Memory that is resident."),                                              \
	GAUGE(whose, prefix "process_virtual_memory_bytes", virtual_bytes,            \
	    "Memory that is mapped."),                                                \
	GAUGE_USEC(whose, prefix "process_start_time_seconds", started,               \
	    "When it began (unix time).")
	PROCESS(OURS, ""),
	PROCESS(THEIRS, "pgbouncer_"),
};

static void
write_one(struct web *web, const struct process_metric *m, struct exposition *x)
{
	struct span name = span_text(m->name);
	struct buf labels = { 0 };

	exposition_family(x, name, m->kind, m->text);
	if (m->kind == FAMILY_INFO)
		label_put(&labels, "version", m->whose == OURS ? PACKAGE_VERSION : VERSION_TEXT);
	if (m->usec)
		exposition_usec(x, name, buf_span(&labels), m->value(web));
	else
		exposition_number(x, name, buf_span(&labels), m->value(web));
	x->out->failed |= labels.failed;
	buf_fini(&labels);
}

void
process_metrics(struct web *web, enum metrics_names names, struct exposition *x)
{
	unsigned whose = names == METRICS_NAMES_BOTH ? OURS | THEIRS : 1u << names;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if ((table[i].whose & whose) != 0)
			write_one(web, &table[i], x);
	}
	if ((whose & OURS) != 0)
		expiries_write(&web->expiries, x);
}

void
process_metrics_each(void (*fn)(void *owner, const char *name, const char *text), void *owner)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		fn(owner, table[i].name, table[i].text);
	fn(owner, EXPIRY_NAME, EXPIRY_TEXT);
}
