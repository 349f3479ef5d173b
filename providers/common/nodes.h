/* Lists of nodes, as results of calls have them (core/provider.h). */
#ifndef PROVIDERS_COMMON_NODES_H
#define PROVIDERS_COMMON_NODES_H
#include <jansson.h>
#include <stdbool.h>

json_t *nodes_sorted(json_t *list); /* by rank, so that the head comes first; takes list */
const json_t *nodes_by_id(const json_t *nodes, const char *id);
const json_t *nodes_by_token(const json_t *nodes, const char *token);
bool nodes_listed(const json_t *ids, const char *id);
json_t *nodes_reach(const char *host, const char *user);			     /* over SSH; new reference */
json_t *nodes_absent(const char *id, const char *status, const char *why); /* a node that no list has; new reference */

#endif
