/* The optimizer: tasks × offers → which offer each task should run on. Pure: no I/O, no clock of its own. Exact: a
 * chain of tasks that hand data to each other is solved by dynamic programming over the regions. */
#ifndef CORE_PLAN_OPTIMIZE_H
#define CORE_PLAN_OPTIMIZE_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/egress.h"
#include "core/model/task.h"
#include "core/plan/block.h"
#include "core/plan/candidate.h"
#include "core/plan/market.h"

enum plan_goal { PLAN_COST, PLAN_TIME };

struct plan_request {
	const struct dag *dag; /* a chain of tasks in order, or a group side by side */
	/* The offers. A provider's own table, later in the list, counts before what the catalog says of that provider.
	 */
	const struct offers *const *tables;
	size_t n_tables;
	const char *const *enabled; /* clouds that may be used, the preferred first */
	size_t n_enabled;
	const struct block *blocks; /* left out of the candidates; may be NULL */
	size_t n_blocks;
	const struct egress_table *egress; /* may be NULL: general tariffs */
	int64_t cap_uusd_h; /* what the tasks that run at the same time may cost an hour together; PRICE_UNKNOWN: any */
	enum plan_goal goal;
	int64_t now_ms; /* for blocks to have expired, and for ages */
	/* The plan is only looked at, not launched. Then, as SkyPilot does, GPUs of Google may be shown although they
	 * are over the task's max_hourly_cost, when nothing else is left; such candidates have over_cap set. */
	bool dry_run;
};

struct task_plan {
	const struct task *task;
	struct candidates all; /* in the order in which they are tried */
	size_t chosen;	       /* index in all; 0 unless data or company pull it elsewhere */
};

/* Data that moves from one task to the next (or from where the first one's inputs are: from_task -1). */
struct plan_transfer {
	int from_task, to_task;
	struct transfer_place_names {
		const char *cloud, *region; /* region NULL: not told */
	} from, to;
	int64_t gb_micro, cost_uusd, time_ms;
};

struct plan {
	struct market *market;
	struct arena *arena;
	const struct dag *dag; /* borrowed */
	enum plan_goal goal;
	struct task_plan *tasks;
	size_t n_tasks;
	struct plan_transfer *transfers; /* those that cost money or time */
	size_t n_transfers;
	int64_t rate_uusd_h; /* what runs at the same time, together: the dearest task of a chain, the sum of a group */
	int64_t cost_uusd;   /* an hour of every task, and the transfers */
	int64_t now_ms;
	const char **notes; /* for the person: what was assumed or gave way */
	size_t n_notes;
};

/* Why there is no plan, at length. */
struct plan_failure {
	char *text;	/* more lines for a person, after err's text; may be "" */
	json_t *detail; /* {"task", "asked", "relax": […], "nearest": […], "not_enabled": […], "clouds": […]}; NULL
			   where there is nothing to say */
};
void plan_failure_free(struct plan_failure *f);

/* Make a plan. What the request points to must live as long as the plan. On failure -1 and *failure is filled (may be
 * NULL: then err's text has as much of it as there is room for): NO_RESOURCE: nothing fits. CAPACITY: what fits is
 * blocked, all of it. BUDGET: something fits, but not below the cap. CREDENTIALS: no cloud is enabled. INVALID: the
 * request may mean several things. A few milliseconds for 140,000 offers and a task. */
int plan_make(const struct plan_request *r, struct plan **out, struct plan_failure *failure, struct err *err);
void plan_destroy(struct plan *p); /* NULL is fine */

/* Where task number `task` is to run; never NULL. */
const struct candidate *plan_chosen(const struct plan *p, size_t task);

/* {"plan":[{…}], "candidates":[[…]]}, an array of candidates a task, at most max_candidates each, cheapest first; see
 * candidate_json. More members: "summary" (as candidates, one a cloud × accelerator × spot, with "chosen"),
 * "total_uusd_h" (what runs at the same time), "minimize", "transfers", "notes". New reference. */
json_t *plan_json(const struct plan *p, size_t max_candidates);
/* {"task", "provider", "instance_type", "region", "zone" (null where the cloud chooses), "use_spot", "accelerators",
 * "num_nodes", "price_uusd_h", "total_uusd_h"}, and what a launch and a table need: "accelerator",
 * "accelerator_count_micro", "vcpus_micro" and "mem_mib" (-1: unknown), "arch", "disk_size_gib", "price_estimated",
 * "price_source", "price_as_of", "price_stale", "available", "over_cap", "alternative" (of the task's resources), "spot_cap_uusd_h" (see bid.h;
 * null: none). New reference. */
json_t *candidate_json(const struct task *t, const struct candidate *c);

#endif
