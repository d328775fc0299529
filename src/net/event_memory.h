/*
 * event_memory.h - where libevent's memory comes from.
 */
#ifndef NET_EVENT_MEMORY_H
#define NET_EVENT_MEMORY_H

#include "base/port.h"

/* Take care of libevent's memory from now on. Before anything else is asked of libevent, again at will. */
void event_memory_begin(void);

#endif
