/* What the account may still start, asked before it is tried: QUOTA for the candidates of a plan, kept in memory for some minutes. What is not
 * known is not held against a place. */
#ifndef CORE_RUN_QUOTA_H
#define CORE_RUN_QUOTA_H
#include <jansson.h>

#include "core/provider.h"

struct engine;
struct quota_ask;

/* Ask about the candidates of a plan (plan_json) that are of clouds and not known. fn once, later, unless cancelled: when all have answered, or
 * after ten seconds. */
struct quota_ask *quota_ask(struct engine *e, const json_t *plan, void (*fn)(void *arg), void *arg);
void quota_cancel(struct quota_ask *a); /* NULL is fine */

/* Add to blocks (an array, as place_choose takes them) those candidates of the plan that have no room. How many were added. */
size_t quota_block(struct engine *e, const json_t *plan, json_t *blocks);
/* Into the plan's notes: "no quota: aws p5.48xlarge us-east-1: NAME, limit 0, used 0; not tried", of the blocks that quota_block made. plan may be
 * NULL; returns the first of these texts (owned by blocks), NULL when there is none. */
const char *quota_note(json_t *plan, const json_t *blocks);
/* Something is made or ended there: what is known is old. */
void quota_forget(struct engine *e, const struct provider *p);

#endif
