/* What the engine says in JSON, as the screen's structs; their strings stay in the JSON, the rest comes from the arena. */
#ifndef TUI_ENGINE_JSON_H
#define TUI_ENGINE_JSON_H
#include <jansson.h>

#include "tui/source.h"

struct arena;

/* One of a snapshot's list. What is not in it is made and put into it, so that it lives as long. */
struct ui_cluster engine_json_cluster(json_t *j); /* without nodes */
struct ui_job engine_json_job(json_t *j);
struct ui_request engine_json_request(json_t *j);
struct ui_event engine_json_event(json_t *j);
/* Nodes, and what the agent on the head said, into *c. */
void engine_json_nodes(struct ui_cluster *c, const json_t *j, struct arena *arena);
/* An answer to `plan`, and the task it was asked for. */
struct ui_plan engine_json_plan(const json_t *j, const json_t *task, struct arena *arena);
/* "A=1 B=2" as task overrides want it: a NULL-terminated list from the arena; NULL for "". */
const char *const *engine_json_env(const char *text, struct arena *arena);

#endif
