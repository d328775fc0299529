/*
 * notify_systemd.c - a service manager is spoken to by libsystemd. Chosen by configure;
 * notify_none.c is its place-holder.
 */
#include <systemd/sd-daemon.h>
#include <time.h>

#include "notify.h"

const char *const notify_version_line = "systemd: yes\n";

void
notify_check(void)
{
}

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

/* With the time at which it began, Type=notify-reload knows which reload READY=1 ends. */
void
notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)now.tv_sec * SECOND + (unsigned long long)now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *line)
{
	sd_notifyf(0, "STATUS=%s", line);
}

usec_t
notify_period(void)
{
	uint64_t limit;

	return sd_watchdog_enabled(0, &limit) > 0 ? limit / 2 : 0;
}

void
notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

struct inherited
notify_sockets(void)
{
	int count = sd_listen_fds(1);

	return (struct inherited){ .first = SD_LISTEN_FDS_START,
		.count = count > 0 ? (unsigned)count : 0 };
}
