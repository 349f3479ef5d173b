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

/* Add to blocks (an array, as place_choose takes them) those candidates of the plan that have no room. They themselves are marked: "no_quota":
 * {"name", "limit"|null, "used"|null, "room", "as_of", "text": "NAME, limit 0, used 0", "where" to ask for more|null}. old: also by what was heard too
 * long ago to act on it. How many were added. */
size_t quota_block(struct engine *e, const json_t *plan, bool old, json_t *blocks);
/* The lists of candidates of a plan made without those that were marked, and these in their places again. New reference. */
json_t *quota_merge(const json_t *before, const json_t *now);
/* Such lists into the plan, and into its "summary" the first marked one of each kind, with "more": how many others of the kind there are. */
void quota_show(json_t *plan, json_t *candidates);
/* QUOTA: all that fits is in blocks. */
void quota_error(const json_t *blocks, struct err *err);
/* "no quota: aws p5.48xlarge us-east-1: NAME, limit 0, used 0; not tried", of the first few of such a plan. data is the function's to keep. */
void quota_tell(const json_t *plan, void (*tell)(void *arg, const char *text, json_t *data), void *arg);
/* Something is made or ended there: what is known is old, and asked again before it is acted on. */
void quota_forget(struct engine *e, const struct provider *p);

#endif
