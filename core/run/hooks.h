/* Hooks of a task (config.hooks): commands that run on the head before a cluster is stopped or ended for idleness, or on a node that is about
 * to be taken away. Pure. */
#ifndef CORE_RUN_HOOKS_H
#define CORE_RUN_HOOKS_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

/* Append one script that runs, one after the other, the hooks of a task's config (NULL is fine) that are for one of these events
 * (NULL-terminated), each within its own time; which event it is it finds in $SKYTOP_HOOK_EVENT, or it is the only one named. A hook that
 * fails does not keep the next from running; the script's status is the last failure's. False: there are none, nothing was added.
 * *timeout_s: how long all of them may take together; may be NULL. */
bool hooks_script(struct str *out, const json_t *config, const char *const *events, int64_t *timeout_s);

extern const char *const hooks_at_autostop[], *const hooks_at_preemption[];

#endif
