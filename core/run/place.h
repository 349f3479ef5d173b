/* Where to launch: the offers of the providers that can be launched on, less what is blocked, ranked by the optimizer. */
#ifndef CORE_RUN_PLACE_H
#define CORE_RUN_PLACE_H
#include <jansson.h>

#include "core/base/err.h"
#include "core/model/task.h"
#include "core/run/run.h"

struct place_ask;

/* Ask every enabled provider (of `clouds`, a JSON array of names, unless NULL) what it sells now. fn gets [{"provider": name, "result":
 * what OFFERS gave, "error": text}…], its to keep; one that fails has no result. recent: what was heard seconds ago will do, as after a plan
 * that was shown to somebody. Called once, later, unless cancelled. */
struct place_ask *place_ask(struct engine *e, const json_t *clouds, bool recent, void (*fn)(void *arg, json_t *live), void *arg);
void place_ask_cancel(struct place_ask *a); /* NULL is fine */
void place_forget(struct engine *e, const struct provider *p); /* something is made or ended there: what was heard is old */

/* The plan as `launch --dryrun --json` prints it: {"plan":[…], "candidates":[[…]]}, each with what a launch needs besides: accelerator,
 * accelerator_count_micro, vcpus_micro, mem_mib, disk_size_gib, price_estimated, price_source. New reference; NULL with NO_RESOURCE or
 * BUDGET and words that help. Reads catalog.db (milliseconds). own_blocks (may be NULL) go beside those of state.db, or (only_own) in
 * their place. */
json_t *place_choose(struct engine *e, const struct dag *d, const json_t *clouds, const json_t *live, const json_t *own_blocks, bool only_own, struct err *err);

/* The same; what the account has no quota for stands in its place among the candidates and in the summary, marked (see quota_block), and is not
 * chosen (QUOTA where that is all there is). known_quotas: nobody is asked, what is known will do. Takes the dag. fn once, later, unless
 * cancelled; the plan is its to keep. */
struct place_question {
	const json_t *clouds, *live, *own_blocks;
	bool only_own, known_quotas;
};
struct place_plan;
struct place_plan *place_plan(struct engine *e, struct dag *d, const struct place_question *q, void (*fn)(void *arg, json_t *plan, const struct err *err),
    void *arg);
void place_plan_cancel(struct place_plan *p); /* NULL is fine */

#endif
