/* Lists of nodes, as results of calls have them (core/provider.h). */
#ifndef PROVIDERS_COMMON_NODES_H
#define PROVIDERS_COMMON_NODES_H
#include <jansson.h>
#include <stdbool.h>

#include "core/base/err.h"

json_t *nodes_sorted(json_t *list); /* by rank, so that the head comes first; takes list */
const json_t *nodes_by_id(const json_t *nodes, const char *id);
const json_t *nodes_by_token(const json_t *nodes, const char *token);
/* What a call is about: the nodes that args.ids name, all without ids. nodes_only_meant: new reference; nodes_all_there: NOT_FOUND names the
 * first that is not among the nodes. */
bool nodes_meant(const json_t *args, const json_t *node);
json_t *nodes_only_meant(const json_t *args, const json_t *nodes);
int nodes_all_there(const json_t *args, const json_t *nodes, struct err *err);
json_t *nodes_reach(const char *host, const char *user);			     /* over SSH; new reference */
json_t *nodes_absent(const char *id, const char *status, const char *why); /* a node that no list has; new reference */

#endif
