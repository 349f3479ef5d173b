/* Plans as JSON, for --json, for the engine's clients and for the launch that follows. Unknown numbers are null. */
#include "core/base/json.h"
#include "core/base/str.h"
#include "core/plan/bid.h"
#include "core/plan/optimize.h"

/* 8 → 8, 0.5 → 0.5. */
static json_t *micro_json(int64_t micro)
{
	if (micro < 0)
		return json_null();
	return micro % 1000000 ? json_real((double)micro / 1e6) : json_integer(micro / 1000000);
}

static json_t *accelerators_json(const struct offer_type *t)
{
	if (!t->accelerator)
		return json_null();
	json_t *j = json_object();
	json_object_set_new(j, t->accelerator, micro_json(t->accel_count_micro));
	return j;
}

json_t *candidate_json(const struct task *t, const struct candidate *c)
{
	static const char *const available[] = {"unknown", "yes", "low", "no"};
	json_t *j = json_object();
	bool zone = !c->any_zone && *c->place->zone;
	json_put_str(j, "task", t->name);
	json_put_str(j, "provider", c->type->provider);
	json_put_str(j, "instance_type", c->type->instance_type);
	json_put_str(j, "region", c->place->region);
	json_put_str(j, "zone", zone ? c->place->zone : NULL);
	json_put_bool(j, "use_spot", c->use_spot);
	json_object_set_new(j, "accelerators", accelerators_json(c->type));
	json_put_int(j, "num_nodes", t->num_nodes);
	json_put_int(j, "price_uusd_h", c->price_uusd_h);
	json_put_int(j, "total_uusd_h", c->total_uusd_h);
	json_put_str(j, "accelerator", c->type->accelerator);
	json_put_int(j, "accelerator_count_micro", c->type->accelerator ? c->type->accel_count_micro : 0);
	json_put_int(j, "vcpus_micro", c->type->vcpus_micro);
	json_put_int(j, "mem_mib", c->type->mem_mib);
	json_put_str(j, "arch", c->type->arch);
	json_put_int(j, "disk_size_gib", c->asked->disk_size_gib);
	json_put_bool(j, "price_estimated", c->use_spot && c->source->spot_estimated);
	json_put_str(j, "price_source", c->source->name);
	json_object_set_new(j, "price_as_of", c->source->as_of_known ? json_integer(c->source->as_of_ms) : json_null());
	json_put_bool(j, "price_stale", c->source->stale);
	json_put_str(j, "available", available[c->offer->available < 4 ? c->offer->available : 0]);
	json_put_bool(j, "over_cap", c->over_cap);
	json_put_int(j, "alternative", c->alternative);
	int64_t bid = c->use_spot ? bid_uusd_h(c->offer->price_uusd_h, c->price_uusd_h, c->offer->reclaim, c->asked->max_hourly_uusd) : PRICE_UNKNOWN;
	json_object_set_new(j, "spot_cap_uusd_h", bid == PRICE_UNKNOWN ? json_null() : json_integer(bid));
	return j;
}

static bool same_row(const struct candidate *a, const struct candidate *b)
{
	return a->provider == b->provider && a->use_spot == b->use_spot && a->alternative == b->alternative &&
	       str_eq(a->type->accelerator, b->type->accelerator) &&
	       a->type->accel_count_micro == b->type->accel_count_micro;
}

/* One row a cloud, accelerator and way of use: its cheapest, in order. The chosen one stands for its own row. */
static json_t *summary_json(const struct task_plan *t)
{
	enum { MAX = 200 };
	const struct candidate *rows[MAX];
	size_t n = 0;
	json_t *list = json_array();
	for (size_t i = 0; i < t->all.n && n < MAX; i++) {
		const struct candidate *c = &t->all.v[i];
		size_t k = 0;
		while (k < n && !same_row(rows[k], c))
			k++;
		if (k == n)
			rows[n++] = c;
		else if (i == t->chosen)
			rows[k] = c;
	}
	for (size_t k = 0; k < n; k++) {
		json_t *j = candidate_json(t->task, rows[k]);
		json_put_bool(j, "chosen", rows[k] == &t->all.v[t->chosen]);
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *place_json(const char *cloud, const char *region)
{
	json_t *j = json_object();
	json_put_str(j, "provider", cloud);
	json_put_str(j, "region", region);
	return j;
}

static json_t *transfers_json(const struct plan *p)
{
	json_t *list = json_array();
	for (size_t i = 0; i < p->n_transfers; i++) {
		const struct plan_transfer *x = &p->transfers[i];
		json_t *j = json_object();
		json_object_set_new(j, "from_task", x->from_task < 0 ? json_null() : json_integer(x->from_task));
		json_put_int(j, "to_task", x->to_task);
		json_object_set_new(j, "from", place_json(x->from.cloud, x->from.region));
		json_object_set_new(j, "to", place_json(x->to.cloud, x->to.region));
		json_object_set_new(j, "gb", micro_json(x->gb_micro));
		json_put_int(j, "cost_uusd", x->cost_uusd);
		json_put_int(j, "time_ms", x->time_ms);
		json_array_append_new(list, j);
	}
	return list;
}

json_t *plan_json(const struct plan *p, size_t max_candidates)
{
	json_t *j = json_object(), *plan = json_array(), *all = json_array(), *summary = json_array(),
	       *notes = json_array();
	for (size_t i = 0; i < p->n_tasks; i++) {
		const struct task_plan *t = &p->tasks[i];
		json_t *list = json_array();
		for (size_t k = 0; k < t->all.n && k < max_candidates; k++)
			json_array_append_new(list, candidate_json(t->task, &t->all.v[k]));
		json_array_append_new(plan, candidate_json(t->task, plan_chosen(p, i)));
		json_array_append_new(all, list);
		json_array_append_new(summary, summary_json(t));
	}
	for (size_t i = 0; i < p->n_notes; i++)
		json_array_append_new(notes, json_string(p->notes[i]));
	json_object_set_new(j, "plan", plan);
	json_object_set_new(j, "candidates", all);
	json_object_set_new(j, "summary", summary);
	json_put_int(j, "total_uusd_h", p->rate_uusd_h);
	json_put_str(j, "minimize", p->goal == PLAN_TIME ? "time" : "cost");
	json_object_set_new(j, "transfers", transfers_json(p));
	json_object_set_new(j, "notes", notes);
	return j;
}
