/*
 * check.h - do the settings fit together?
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/build.h"

/* False and the error when a conf that is otherwise whole could not work; warnings when
 * a part of it could not. */
bool conf_check(struct build *build);

#endif
