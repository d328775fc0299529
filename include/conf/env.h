/*
 * env.h - settings from the environment: PGWEIR_POOL_MODE=session.
 */
#ifndef CONF_ENV_H
#define CONF_ENV_H

#include "conf/build.h"

/*
 * Put what the plan's environment says into the conf: each variable PGWEIR_<SETTING> wins
 * over the file. Variables by which Kubernetes names its services are passed over.
 * False and the error at one that is no setting, or whose value is bad.
 */
bool env_apply(struct build *build);

#endif
