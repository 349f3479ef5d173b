/* From candidates to a plan.
 *
 * A task alone takes its first candidate. In a chain, data moves from task to task, and moving it costs money by where
 * it leaves and where it goes to; only the region matters for that, so that of each region only the best candidate can
 * be part of the best plan, and the cheapest path through the regions of the tasks is found exactly by dynamic
 * programming. A group of tasks side by side is put into one region if there is one that suits all, since such tasks
 * talk to each other.
 *
 * Does not look at what is running, does not reserve anything, and knows nothing of quotas (core/run/quota.c makes blocks of them). */
#include "core/plan/optimize.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/plan/explain.h"
#include "core/plan/transfer.h"

/* --- candidates of each task ---------------------------------------------------------------------------------------*/

static int find_all(const struct market *m, const struct plan_request *r, const struct task *t,
    const struct block_set *blocks, struct candidates *out, struct candidate_counts *counts, struct err *err)
{
	for (size_t i = 0; i < t->n_resources; i++) {
		struct want w;
		if (want_make(m, t, &t->resources[i], RELAX_NONE, &w, err))
			return -1;
		candidates_find(m, &w, (uint32_t)i, blocks, r->dry_run, out, counts);
	}
	return 0;
}

static int task_candidates(struct plan *p, const struct plan_request *r, const struct task *t,
    const struct block_set *blocks, struct task_plan *out, struct candidate_counts *counts, struct err *err)
{
	*out = (struct task_plan){.task = t};
	if (find_all(p->market, r, t, blocks, &out->all, counts, err))
		return -1;
	uint8_t resorts = candidates_last_resorts(&out->all);
	/* Last resorts stay out even when all else is blocked: a full cloud is no reason to run on a laptop, or to pay
	 * for GPUs. */
	if (counts->blocked && resorts != (TIER_OVER_CAP | TIER_ACCELERATOR | TIER_LOCAL)) {
		struct candidates unblocked = {0};
		find_all(p->market, r, t, NULL, &unblocked, NULL, NULL);
		resorts = candidates_last_resorts(&unblocked);
		candidates_free(&unblocked);
	}
	candidates_drop(&out->all, resorts);
	candidates_rank(p->market, &out->all, t->ordered);
	return 0;
}

/* Neither the plan nor what is tried after it may cost more than the cap. *least: the cheapest that was taken out. */
static void drop_over_cap(struct candidates *c, int64_t cap, struct candidate *least)
{
	size_t n = 0;
	*least = (struct candidate){.total_uusd_h = PRICE_UNKNOWN};
	for (size_t i = 0; i < c->n; i++) {
		if (cap == PRICE_UNKNOWN || c->v[i].total_uusd_h <= cap)
			c->v[n++] = c->v[i];
		else if (least->total_uusd_h == PRICE_UNKNOWN || c->v[i].total_uusd_h < least->total_uusd_h)
			*least = c->v[i];
	}
	c->n = n;
}

/* --- regions of a task ---------------------------------------------------------------------------------------------*/

/* Best candidates of a task, one a region. */
struct stop {
	size_t candidate;
	uint32_t region;
	int64_t cost_uusd;
};
struct stops {
	struct stop *v;
	size_t n;
};

/* Of the candidates that share the first one's alternative (when they are ordered) and tier: what comes after them is
 * only for when these fail. */
static struct stops task_stops(const struct plan *p, const struct task_plan *t)
{
	struct stops s = {xcalloc(t->all.n + 1, sizeof *s.v), 0};
	bool *seen = xcalloc(p->market->n_regions + 1, sizeof *seen);
	for (size_t i = 0; i < t->all.n; i++) {
		const struct candidate *c = &t->all.v[i], *first = &t->all.v[0];
		if (c->tier != first->tier || (t->task->ordered && c->alternative != first->alternative))
			break;
		if (seen[c->region])
			continue;
		seen[c->region] = true;
		s.v[s.n++] = (struct stop){i, c->region, c->total_uusd_h};
	}
	free(seen);
	return s;
}

/* --- chains --------------------------------------------------------------------------------------------------------*/

/* What is to be kept small, the first member first. */
struct weight {
	int64_t first, second;
};

static int64_t add_capped(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static struct weight weigh(enum plan_goal goal, int64_t cost, int64_t time_ms)
{
	return goal == PLAN_TIME ? (struct weight){time_ms, cost} : (struct weight){cost, time_ms};
}

static struct weight weight_add(struct weight a, struct weight b)
{
	return (struct weight){add_capped(a.first, b.first), add_capped(a.second, b.second)};
}

static bool weight_less(struct weight a, struct weight b)
{
	return a.first != b.first ? a.first < b.first : a.second < b.second;
}

static struct transfer_place place_of(const struct plan *p, uint32_t region)
{
	const struct market_region *r = &p->market->regions[region];
	return (struct transfer_place){p->market->providers[r->provider].name, r->name};
}

/* What comes into task i: from the one before it, or (i = 0) from where its inputs are. */
static int64_t volume_into(const struct plan *p, size_t i)
{
	if (p->dag->parallel)
		return 0;
	return i ? p->dag->tasks[i - 1].output_gb_micro : p->dag->tasks[0].input_gb_micro;
}

/* Ways out of one region: to another cloud costs the same wherever it goes, so it is looked up once. */
struct ways {
	const struct plan *p;
	const struct egress_table *egress;
	struct transfer_place from;
	int64_t gb_micro;
	int64_t abroad; /* -1: not looked up yet */
};

static struct weight way_to(struct ways *w, uint32_t region)
{
	struct transfer_place to = place_of(w->p, region);
	bool abroad = w->from.cloud && strcmp(w->from.cloud, to.cloud);
	if (!w->gb_micro)
		return (struct weight){0, 0};
	if (abroad && w->abroad < 0)
		w->abroad = transfer_cost_uusd(w->egress, &w->from, &to, w->gb_micro);
	int64_t cost = abroad ? w->abroad : transfer_cost_uusd(w->egress, &w->from, &to, w->gb_micro);
	return weigh(w->p->goal, cost, transfer_time_ms(&w->from, &to, w->gb_micro));
}

/* best[j]: the least weight of a path that ends in stop j of task i; came[j]: by which stop of the task before. */
static void relax_task(const struct plan *p, const struct egress_table *egress, size_t i, const struct stops *before,
    const struct weight *best_before, const struct stops *here, struct weight *best, size_t *came)
{
	for (size_t j = 0; j < here->n; j++)
		best[j] = (struct weight){INT64_MAX, INT64_MAX};
	for (size_t k = 0; k < before->n; k++) {
		struct ways w = {p, egress, place_of(p, before->v[k].region), volume_into(p, i), -1};
		for (size_t j = 0; j < here->n; j++) {
			struct weight sum = weight_add(weight_add(best_before[k], way_to(&w, here->v[j].region)),
			    weigh(p->goal, here->v[j].cost_uusd, 0));
			if (weight_less(sum, best[j])) {
				best[j] = sum;
				came[j] = k;
			}
		}
	}
}

static void start_chain(
    const struct plan *p, const struct egress_table *egress, const struct stops *here, struct weight *best)
{
	const struct task *t = &p->dag->tasks[0];
	struct ways w = {p, egress, {transfer_cloud_of_uri(t->input_uri), NULL}, volume_into(p, 0), -1};
	for (size_t j = 0; j < here->n; j++) {
		struct weight in = w.from.cloud ? way_to(&w, here->v[j].region) : (struct weight){0, 0};
		best[j] = weight_add(in, weigh(p->goal, here->v[j].cost_uusd, 0));
	}
}

static void solve_chain(struct plan *p, const struct egress_table *egress, const struct stops *stops)
{
	size_t n = p->n_tasks, last = 0;
	struct weight *best = xcalloc(stops[0].n + 1, sizeof *best);
	size_t **came = xcalloc(n, sizeof *came);
	start_chain(p, egress, &stops[0], best);
	for (size_t i = 1; i < n; i++) {
		struct weight *next = xcalloc(stops[i].n + 1, sizeof *next);
		came[i] = xcalloc(stops[i].n + 1, sizeof *came[i]);
		relax_task(p, egress, i, &stops[i - 1], best, &stops[i], next, came[i]);
		free(best);
		best = next;
	}
	for (size_t j = 1; j < stops[n - 1].n; j++)
		if (weight_less(best[j], best[last]))
			last = j;
	for (size_t i = n; i-- > 0;) {
		p->tasks[i].chosen = stops[i].v[last].candidate;
		if (i)
			last = came[i][last];
		free(came[i]);
	}
	free(came);
	free(best);
}

/* --- groups --------------------------------------------------------------------------------------------------------*/

static void note(struct plan *p, const char *text)
{
	const char **v = arena_alloc(p->arena, (p->n_notes + 1) * sizeof *v);
	if (p->n_notes)
		memcpy(v, p->notes, p->n_notes * sizeof *v);
	v[p->n_notes++] = text;
	p->notes = v;
}

static const struct stop *stop_in(const struct stops *s, uint32_t region)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].region == region)
			return &s->v[i];
	return NULL;
}

/* What all tasks cost in this region; -1: one of them cannot be there. */
static int64_t cost_together(const struct stops *stops, size_t n, uint32_t region)
{
	int64_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		const struct stop *s = stop_in(&stops[i], region);
		if (!s)
			return -1;
		sum = add_capped(sum, s->cost_uusd);
	}
	return sum;
}

static void solve_group(struct plan *p, const struct stops *stops, int64_t cap)
{
	int64_t apart = 0, best = -1;
	uint32_t region = 0;
	for (size_t i = 0; i < p->n_tasks; i++) {
		p->tasks[i].chosen = stops[i].v[0].candidate;
		apart = add_capped(apart, stops[i].v[0].cost_uusd);
	}
	for (size_t j = 0; j < stops[0].n; j++) {
		int64_t sum = cost_together(stops, p->n_tasks, stops[0].v[j].region);
		if (sum >= 0 && (best < 0 || sum < best)) {
			best = sum;
			region = stops[0].v[j].region;
		}
	}
	if (best < 0) {
		if (p->n_tasks > 1)
			note(p, "no region has offers for all tasks of the group: each is placed by itself");
		return;
	}
	char money[32];
	if (cap != PRICE_UNKNOWN && best > cap && apart <= cap) {
		note(p, arena_printf(p->arena,
			    "in one region the group would cost $%s/h, over the cap: each task is placed by itself",
			    money_text(best, money, sizeof money)));
		return;
	}
	for (size_t i = 0; i < p->n_tasks; i++)
		p->tasks[i].chosen = stop_in(&stops[i], region)->candidate;
	if (best > apart)
		note(p,
		    arena_printf(p->arena, "the tasks of the group are kept in one region; apart they would cost $%s/h",
			money_text(apart, money, sizeof money)));
}

/* --- the plan ------------------------------------------------------------------------------------------------------*/

const struct candidate *plan_chosen(const struct plan *p, size_t task)
{
	return &p->tasks[task].all.v[p->tasks[task].chosen];
}

static void add_transfer(struct plan *p, const struct egress_table *egress, size_t i, const struct transfer_place *from)
{
	const struct candidate *c = plan_chosen(p, i);
	struct transfer_place to = place_of(p, c->region);
	int64_t gb = volume_into(p, i), cost = transfer_cost_uusd(egress, from, &to, gb),
		time_ms = transfer_time_ms(from, &to, gb);
	if (!cost && !time_ms)
		return;
	p->transfers[p->n_transfers++] = (struct plan_transfer){
	    (int)i - 1, (int)i, {from->cloud, from->region}, {to.cloud, to.region}, gb, cost, time_ms};
	p->cost_uusd = add_capped(p->cost_uusd, cost);
}

static void sum_up(struct plan *p, const struct egress_table *egress)
{
	p->transfers = arena_alloc(p->arena, (p->n_tasks + 1) * sizeof *p->transfers);
	for (size_t i = 0; i < p->n_tasks; i++) {
		int64_t total = plan_chosen(p, i)->total_uusd_h;
		p->cost_uusd = add_capped(p->cost_uusd, total);
		if (p->dag->parallel)
			p->rate_uusd_h = add_capped(p->rate_uusd_h, total);
		else if (total > p->rate_uusd_h)
			p->rate_uusd_h = total;
		struct transfer_place from = {transfer_cloud_of_uri(p->dag->tasks[0].input_uri), NULL};
		if (i)
			from = place_of(p, plan_chosen(p, i - 1)->region);
		add_transfer(p, egress, i, &from);
	}
}

static bool data_moves(const struct plan *p)
{
	for (size_t i = 0; i < p->n_tasks; i++)
		if (volume_into(p, i))
			return true;
	return false;
}

static void choose(struct plan *p, const struct plan_request *r)
{
	size_t n = p->n_tasks;
	struct stops *stops = xcalloc(n + 1, sizeof *stops);
	for (size_t i = 0; i < n; i++)
		stops[i] = task_stops(p, &p->tasks[i]);
	if (p->dag->parallel)
		solve_group(p, stops, r->cap_uusd_h);
	else if (data_moves(p))
		solve_chain(p, r->egress, stops);
	for (size_t i = 0; i < n; i++)
		free(stops[i].v);
	free(stops);
	sum_up(p, r->egress);
}

/* What gave way, for the person. */
static void note_task(struct plan *p, const struct task_plan *t)
{
	const struct candidate *c = &t->all.v[0];
	const char *name = t->task->name ? t->task->name : "the task";
	if (c->tier & TIER_ACCELERATOR)
		note(p, arena_printf(p->arena, "%s asks for no accelerators, but no machine without fits", name));
	if (c->tier & TIER_NO_STOCK)
		note(p, arena_printf(
			    p->arena, "all offers that fit %s were sold out when their clouds were last asked", name));
}

static int make_task(struct plan *p, const struct plan_request *r, size_t i, const struct block_set *blocks,
    struct plan_failure *failure, struct err *err)
{
	const struct task *t = &r->dag->tasks[i];
	struct candidate_counts counts = {0};
	struct candidate least;
	p->n_tasks = i + 1;
	if (task_candidates(p, r, t, blocks, &p->tasks[i], &counts, err))
		return -1;
	if (!p->tasks[i].all.n)
		return explain_nothing(p->market, r, t, &counts, failure, err);
	drop_over_cap(&p->tasks[i].all, r->cap_uusd_h, &least);
	if (!p->tasks[i].all.n)
		return explain_over_budget(t, &least, counts.blocked > 0, r->cap_uusd_h, failure, err);
	note_task(p, &p->tasks[i]);
	return 0;
}

static int make(struct plan *p, const struct plan_request *r, const struct block_set *blocks,
    struct plan_failure *failure, struct err *err)
{
	if (!r->n_enabled)
		return err_set(err, ERR_CREDENTIALS, "no cloud is enabled");
	for (size_t i = 0; i < r->dag->n_tasks; i++) {
		const char *name = r->dag->tasks[i].name;
		if (!make_task(p, r, i, blocks, failure, err))
			continue;
		return r->dag->n_tasks == 1 ? -1
		       : name		    ? err_wrap(err, "task %s", name)
					    : err_wrap(err, "task number %zu", i + 1);
	}
	choose(p, r);
	if (r->cap_uusd_h == PRICE_UNKNOWN || p->rate_uusd_h <= r->cap_uusd_h)
		return 0;
	const struct candidate sum = {.total_uusd_h = p->rate_uusd_h};
	return explain_over_budget(NULL, &sum, r->n_blocks > 0, r->cap_uusd_h, failure, err);
}

int plan_make(const struct plan_request *r, struct plan **out, struct plan_failure *failure, struct err *err)
{
	if (failure)
		*failure = (struct plan_failure){0};
	struct arena *a = arena_create();
	struct plan *p = arena_alloc(a, sizeof *p);
	struct block_set *blocks = block_set_create(r->blocks, r->n_blocks, r->now_ms);
	p->arena = a;
	p->dag = r->dag;
	p->goal = r->goal;
	p->now_ms = r->now_ms;
	p->market = market_create(r->tables, r->n_tables, r->enabled, r->n_enabled);
	p->tasks = arena_alloc(a, (r->dag->n_tasks + 1) * sizeof *p->tasks);
	if (!block_set_is_empty(blocks))
		market_hash(p->market);
	int rc = make(p, r, blocks, failure, err);
	block_set_destroy(blocks);
	if (rc)
		plan_destroy(p);
	else
		*out = p;
	return rc;
}

void plan_destroy(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_tasks; i++)
		candidates_free(&p->tasks[i].all);
	market_destroy(p->market);
	arena_destroy(p->arena);
}

void plan_failure_free(struct plan_failure *f)
{
	if (!f)
		return;
	free(f->text);
	json_decref(f->detail);
	*f = (struct plan_failure){0};
}
