/* Live offers of the providers, and the choice among them. */
#include "core/run/place.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/call.h"

/* ---- asking ------------------------------------------------------------------------------------------------------ */

struct place_ask {
	struct engine *e;
	json_t *clouds, *live;
	const struct provider *const *next;
	struct call *call;
	unsigned timer;
	void (*fn)(void *arg, json_t *live);
	void *arg;
};

static void ask_free(struct place_ask *a)
{
	loop_cancel(a->e->loop, a->timer);
	call_cancel(a->call);
	json_decref(a->clouds);
	json_decref(a->live);
	free(a);
}

static bool wanted(struct engine *e, const struct provider *p, const json_t *clouds)
{
	size_t i;
	json_t *c;
	if (!run_provider_enabled(e, p))
		return false;
	json_array_foreach(clouds, i, c)
		if (str_ieq(json_string_value(c), p->name))
			return true;
	return !json_is_array(clouds);
}

static void ask_next(void *arg);

static void got_one(void *arg, const json_t *result, const struct err *err)
{
	struct place_ask *a = arg;
	json_t *row = json_pack("{s:s}", "provider", a->next[-1]->name);
	a->call = NULL;
	if (err)
		json_put_str(row, "error", err->text);
	else
		json_object_set(row, "result", (json_t *)(uintptr_t)result);
	json_array_append_new(a->live, row);
	ask_next(a);
}

/* One after the other: there are few, and those with long lists have them in the catalog. */
static void ask_next(void *arg)
{
	struct place_ask *a = arg;
	a->timer = 0;
	while (*a->next) {
		const struct provider *p = *a->next++;
		if (!wanted(a->e, p, a->clouds))
			continue;
		a->call = call_start(&a->e->calls, p, PROVIDER_OFFERS, json_object(), got_one, a);
		return;
	}
	json_t *live = a->live;
	a->live = NULL;
	a->fn(a->arg, live);
	ask_free(a);
}

struct place_ask *place_ask(struct engine *e, const json_t *clouds, void (*fn)(void *arg, json_t *live), void *arg)
{
	struct place_ask *a = xcalloc(1, sizeof *a);
	*a = (struct place_ask){.e = e, .clouds = clouds ? json_deep_copy(clouds) : NULL, .live = json_array(), .next = e->setup.providers, .fn = fn, .arg = arg};
	a->timer = loop_after(e->loop, 0, ask_next, a);
	return a;
}

void place_ask_cancel(struct place_ask *a)
{
	if (a)
		ask_free(a);
}

/* ---- choosing ---------------------------------------------------------------------------------------------------- */

json_t *place_choose(struct engine *e, const struct dag *d, const json_t *clouds, const json_t *live, const json_t *own_blocks, struct err *err)
{
	(void)e;
	(void)clouds;
	(void)own_blocks;
	const json_t *row = json_array_get(live, 0);
	const json_t *o = json_array_get(json_arr(json_obj(row, "result"), "offers"), 0);
	if (!o) {
		err_set(err, ERR_NO_RESOURCE, "no offer");
		return NULL;
	}
	json_t *c = json_object();
	json_put_str(c, "provider", json_str(row, "provider", ""));
	json_put_str(c, "instance_type", json_str(o, "instance_type", ""));
	json_put_str(c, "region", json_str(o, "region", ""));
	json_put_str(c, "zone", json_str(o, "zone", NULL));
	json_put_int(c, "price_uusd_h", json_int(o, "price_uusd_h", -1));
	json_put_int(c, "vcpus_micro", json_int(o, "vcpus", 1) * 1000000);
	json_put_int(c, "mem_mib", json_int(o, "mem_mib", -1));
	json_put_int(c, "num_nodes", d->tasks[0].num_nodes);
	return json_pack("{s:[o]}", "plan", c);
}

/* ---- `plan` ------------------------------------------------------------------------------------------------------ */

struct plan_ask {
	struct engine *e;
	json_t *params;
	void (*fn)(void *arg, json_t *plan, const struct err *err);
	void *arg;
};

static void plan_now(void *arg, json_t *live)
{
	struct plan_ask *p = arg;
	struct err err;
	struct dag *d = task_unpack(json_obj(p->params, "task"), &err);
	json_t *plan = d ? place_choose(p->e, d, json_arr(p->params, "clouds"), live, NULL, &err) : NULL;
	dag_destroy(d);
	json_decref(live);
	p->fn(p->arg, plan, plan ? NULL : &err);
	json_decref(p->params);
	free(p);
}

void engine_plan(struct engine *e, const json_t *params, void (*fn)(void *arg, json_t *plan, const struct err *err), void *arg)
{
	struct plan_ask *p = xcalloc(1, sizeof *p);
	*p = (struct plan_ask){e, json_deep_copy(params), fn, arg};
	place_ask(e, json_arr(p->params, "clouds"), plan_now, p);
}
