/* What a reach of kind ssh says: see remote.h. */
#ifndef CORE_RUN_REACH_H
#define CORE_RUN_REACH_H
#include <jansson.h>

#include "core/base/err.h"
#include "core/io/ssh_config.h"

/* Where to connect. Reads ~/.ssh/config where it is to be asked. NULL: INVALID or UNSUPPORTED. Caller frees with ssh_target_free. */
struct ssh_target *reach_target(const json_t *reach, struct err *err);
/* Two reaches, two targets, with the same key may share a connection. Caller frees. */
char *reach_key(const json_t *reach);
char *reach_target_key(const struct ssh_target *t);
/* "user@host:port" as far as it is said. Caller frees. */
char *reach_name(const json_t *reach);

#endif
