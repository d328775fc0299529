/*
 * url.h - a postgres:// URL as the script of a conf.
 */
#ifndef CONF_URL_H
#define CONF_URL_H

#include "base/err.h"
#include "conf/script.h"

/* Most bytes of a URL. */
#define URL_MOST 4096

/* The script that stands for URL (see conf_from_url), or NULL and ERR, which never shows
 * the password. */
struct script *url_script(const char *url, struct err *err);

#endif
