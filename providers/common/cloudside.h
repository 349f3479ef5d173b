/* Providers that are clouds on this machine: the step function that asks the cloud side, and the cloud side's main.
 *
 * The cloud side is a child of this program, `skytop cloud-side NAME`: one JSON request on stdin, one JSON reply on
 * stdout. Request: {"verb", "args", "state_dir", "config", "self", "parent", "now_ms"}; self is the path of this
 * program, parent the process that asks, now_ms the wall clock by which the cloud lives. Reply: the verb's result as
 * core/provider.h describes it, exit status 0; or
 * {"error": {"code": name of enum err_code, "message": text}}, exit status 1. Everything else is no reply. */
#ifndef PROVIDERS_COMMON_CLOUDSIDE_H
#define PROVIDERS_COMMON_CLOUDSIDE_H
#include "core/provider.h"

enum { CLOUDSIDE_REQUEST_MAX = 4 << 20, CLOUDSIDE_REPLY_MAX = 16 << 20 };

/* The step function of a provider called `name`, which has a cloud_side: one EXEC request, then the reading of its
 * reply. A reply that is cut, empty, no JSON, too large or of the wrong shape is an error that says what was asked and
 * what came back: NETWORK (worth another try) when the child was killed or ran out of time, PROTOCOL otherwise. */
enum provider_step cloudside_step(
    const char *name, struct provider_call *c, const struct provider_reply *reply, struct err *err);

#endif
