/*
 * process_metrics.h - metrics of the process as a whole, which no view has rows of.
 */
#ifndef WEB_PROCESS_METRICS_H
#define WEB_PROCESS_METRICS_H

#include "conf/conf.h"
#include "web/exposition.h"

struct web;

/* Append those of NAMES. */
void process_metrics(struct web *web, enum metrics_names names, struct exposition *x);
/* What they are called and what they say, for the manual. */
void process_metrics_each(void (*fn)(void *owner, const char *name, const char *text),
    void *owner);

#endif
