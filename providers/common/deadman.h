/* The script by which a node ends itself when no engine looks after it any more. */
#ifndef PROVIDERS_COMMON_DEADMAN_H
#define PROVIDERS_COMMON_DEADMAN_H
#include <jansson.h>

#include "core/base/err.h"
#include "providers/common/requests.h"
#include "providers/common/sandbox.h"

/* Put "on_autostop" into the node agent's folder in the node's home (share/agent/PROTOCOL.md): run with "stop" or
 * "down", it asks this program's cloud side to stop or terminate the node. Before sandbox_finish. */
int deadman_write(const struct sandbox *sb, const json_t *rec, const struct request *r, struct err *err);

#endif
