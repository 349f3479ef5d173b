/* Machines that skytop made, as their marks say, and that no row of state.db knows: left behind when a state was lost, made by a request
 * whose answer never came, or another skytop's of the same user.
 *
 * What this state.db once knew is taken in again by itself, and what came too late is ended; what it never knew may be somebody's work:
 * it is shown, and a person decides (`skytop sweep`). */
#ifndef CORE_RUN_SWEEP_H
#define CORE_RUN_SWEEP_H
#include <jansson.h>

#include "core/run/run.h"

/* When the engine starts: ask the providers where something may be. */
void sweep_start(struct engine *e);
/* A node was given up whose create was never answered: look for it at that provider a few times, and end it should it come after all. */
void sweep_expect_late(struct engine *e, const char *provider);

/* Of what QUERY {} answered, the machines that cost and that nobody knows: [{provider, title, simulated, id, token, cluster_id, cluster, rank,
 * status, instance_type, region, zone, use_spot, created_at, price_uusd_h | null, price_estimated, price_source, kind: "late" (given up
 * before the provider answered, or made twice), "left" (its cluster is known, this machine is not of it), "cluster" (neither is), "ending" (its
 * cluster is known, and could not be ended), adoptable}…]. A price
 * that the provider does not tell is the catalog's, as an estimate. New reference. */
json_t *sweep_strangers(struct engine *e, const struct provider *p, const json_t *result);
/* Take a cluster in with all of its machines: `of` is one of those strangers, all is what QUERY answered. */
struct unit *sweep_adopt(struct engine *e, const struct provider *p, const json_t *of, const json_t *all);

#endif
