/*
 * notify_none.c - no service manager is spoken to: this build has no libsystemd.
 */
#include <stdlib.h>

#include "base/log.h"
#include "notify.h"

const char *const notify_version_line = "";

void
notify_check(void)
{
	if (getenv("NOTIFY_SOCKET") != NULL || getenv("LISTEN_FDS") != NULL)
		log_line(LOG_LEVEL_WARNING, NULL, "a service manager waits for notifications or "
		    "hands over sockets, but this build is without libsystemd: expected "
		    "Type=simple and no socket unit");
}

void
notify_ready(void)
{
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

void
notify_status(const char *line)
{
	(void)line;
}

usec_t
notify_period(void)
{
	return 0;
}

void
notify_alive(void)
{
}

struct inherited
notify_sockets(void)
{
	return (struct inherited){ 0 };
}
