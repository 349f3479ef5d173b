/* Plans as JSON, for --json, for the engine's clients and for the launch that follows. Unknown numbers are null. */
#include <math.h>

#include "core/base/json.h"
#include "core/plan/optimize.h"

/* 8 → 8, 0.5 → 0.5. */
static json_t *micro_json(int64_t micro)
{
	if (micro < 0)
		return json_null();
	return micro % 1000000 ? json_real((double)micro / 1e6) : json_integer(micro / 1000000);
}

static json_t *int_json(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
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
	json_object_set_new(j, "vcpus", micro_json(c->type->vcpus_micro));
	json_object_set_new(j, "mem_mib", int_json(c->type->mem_mib));
	json_put_str(j, "arch", c->type->arch);
	json_put_bool(j, "price_estimated", c->use_spot && c->source->spot_estimated);
	json_put_str(j, "price_source", c->source->name);
	json_object_set_new(j, "price_as_of", c->source->as_of_known ? json_integer(c->source->as_of_ms) : json_null());
	json_put_bool(j, "price_stale", c->source->stale);
	json_put_str(j, "available", available[c->offer->available < 4 ? c->offer->available : 0]);
	json_put_bool(j, "over_cap", c->over_cap);
	return j;
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
	json_t *j = json_object(), *plan = json_array(), *all = json_array(), *notes = json_array();
	for (size_t i = 0; i < p->n_tasks; i++) {
		const struct task_plan *t = &p->tasks[i];
		json_t *list = json_array();
		for (size_t k = 0; k < t->all.n && k < max_candidates; k++)
			json_array_append_new(list, candidate_json(t->task, &t->all.v[k]));
		json_array_append_new(plan, candidate_json(t->task, plan_chosen(p, i)));
		json_array_append_new(all, list);
	}
	for (size_t i = 0; i < p->n_notes; i++)
		json_array_append_new(notes, json_string(p->notes[i]));
	json_object_set_new(j, "plan", plan);
	json_object_set_new(j, "candidates", all);
	json_put_int(j, "total_uusd_h", p->rate_uusd_h);
	json_object_set_new(j, "transfers", transfers_json(p));
	json_object_set_new(j, "notes", notes);
	return j;
}
