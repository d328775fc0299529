/*
 * manual.h - what is served over HTTP, as a page for people.
 */
#ifndef WEB_MANUAL_H
#define WEB_MANUAL_H

#include "base/buf.h"

/* Append the page of metrics, probes and who may ask for them: Markdown. */
void manual_metrics(struct buf *out);

#endif
