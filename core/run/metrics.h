/* Measures of nodes over time, and figures of the engine. Nothing here is needed for anything else: what cannot be heard is unknown,
 * what is lost is gone. */
#ifndef CORE_RUN_METRICS_H
#define CORE_RUN_METRICS_H
#include <jansson.h>

#include "core/base/err.h"

struct engine;
struct unit;

/* Takes up what the last engine kept (metrics.rings in the state folder). */
void metrics_start(struct engine *e);
void metrics_stop(struct engine *e); /* writes it; before the connections go. NULL metrics are fine */
/* A status line of the agent on a cluster's head. */
void metrics_take(struct unit *u, const json_t *status);
/* Each second: how late it is, which worker is to be asked (each about once a minute, a few at a time), what is to be kept. */
void metrics_tick(struct engine *e);

/* What the method `metrics` answers (core/api/protocol.h): params {cluster?, measure?, span?}. A new reference, or NULL with err. */
json_t *engine_metrics(struct engine *e, const json_t *params, struct err *err);

#endif
