/* Live offers of the providers, and the choice among them. */
#include "core/run/place.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plan/optimize.h"
#include "core/run/call.h"
#include "core/run/quota.h"
#include "core/store/catalog.h"

enum { MAX_CANDIDATES = 100, RECENT_MS = 5000, QUOTA_LOOKS = 3 };

/* ---- asking ------------------------------------------------------------------------------------------------------ */

struct place_ask {
	struct engine *e;
	json_t *clouds, *live;
	const struct provider *const *next;
	bool recent;
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
	if (err && err->code == ERR_CREDENTIALS)
		json_object_set_new(a->e->locked_out, a->next[-1]->name, json_true());
	else
		json_object_del(a->e->locked_out, a->next[-1]->name);
	if (err)
		json_object_update_new(row, json_pack("{s:o, s:s}", "error", json_foreign(err->text), "code", err_info(err->code)->name));
	else
		json_object_set(row, "result", (json_t *)(uintptr_t)result);
	if (!err)
		json_object_set_new(a->e->heard, a->next[-1]->name,
		    json_pack("{s:I, s:O}", "at", (json_int_t)mono_now_ms(), "result", (json_t *)(uintptr_t)result));
	json_array_append_new(a->live, row);
	ask_next(a);
}

static bool use_recent(struct place_ask *a, const struct provider *p)
{
	const json_t *h = a->recent ? json_obj(a->e->heard, p->name) : NULL;
	if (!h || mono_now_ms() - json_int(h, "at", 0) > RECENT_MS)
		return false;
	json_array_append_new(a->live, json_pack("{s:s, s:O}", "provider", p->name, "result", json_object_get(h, "result")));
	return true;
}

void place_forget(struct engine *e, const struct provider *p)
{
	quota_forget(e, p);
	json_object_del(e->heard, p->name);
}

/* One after the other: there are few, and those with long lists have them in the catalog. */
static void ask_next(void *arg)
{
	struct place_ask *a = arg;
	a->timer = 0;
	while (*a->next) {
		const struct provider *p = *a->next++;
		if (!wanted(a->e, p, a->clouds) || use_recent(a, p))
			continue;
		a->call = call_start(&a->e->calls, p, PROVIDER_OFFERS, json_object(), got_one, a);
		return;
	}
	json_t *live = a->live;
	a->live = NULL;
	a->fn(a->arg, live);
	ask_free(a);
}

struct place_ask *place_ask(struct engine *e, const json_t *clouds, bool recent, void (*fn)(void *arg, json_t *live), void *arg)
{
	struct place_ask *a = xcalloc(1, sizeof *a);
	*a = (struct place_ask){.e = e, .clouds = clouds ? json_deep_copy(clouds) : NULL, .live = json_array(), .next = e->setup.providers, .recent = recent, .fn = fn,
	    .arg = arg};
	a->timer = loop_after(e->loop, 0, ask_next, a);
	return a;
}

void place_ask_cancel(struct place_ask *a)
{
	if (a)
		ask_free(a);
}

/* ---- choosing ---------------------------------------------------------------------------------------------------- */

/* Names of the providers that answered; the caller frees. Their offers, after the catalog's, into tables. */
static const char **answered(struct arena *a, const json_t *live, int64_t now_ms, const struct offers **tables, size_t *n_tables, size_t *n)
{
	const char **names = arena_alloc(a, (json_array_size(live) + 1) * sizeof *names);
	size_t i;
	json_t *row;
	*n = 0;
	json_array_foreach(live, i, row) {
		const char *name = json_str(row, "provider", NULL);
		const json_t *result = json_obj(row, "result");
		if (!name || !result)
			continue;
		names[(*n)++] = name;
		if (json_arr(result, "offers"))
			tables[(*n_tables)++] = offers_of_provider(a, name, result, now_ms, NULL);
	}
	return names;
}

/* Said when nobody answered. */
static int nobody(const json_t *live, struct err *err)
{
	const json_t *first = json_array_get(live, 0);
	enum err_code code = err_code_of(json_str(first, "code", ""));
	if (err_info(code)->retry)
		return err_set(err, code, "no cloud answers: %s", json_str(first, "error", "?"));
	return err_set(err, ERR_CREDENTIALS, "no cloud is enabled%s%s%s%s", first ? ": " : "", json_str(first, "provider", ""), first ? ": " : "",
	    json_str(first, "error", ""));
}

static bool names_cloud(const struct dag *d, const char *provider)
{
	for (size_t i = 0; i < d->n_tasks; i++)
		for (size_t k = 0; k < d->tasks[i].n_resources; k++)
			if (str_ieq(d->tasks[i].resources[k].cloud, provider))
				return true;
	return false;
}

/* No plan, and a cloud that the task asks for did not answer: what it said comes first. */
static void explain_silence(const struct dag *d, const json_t *live, struct err *err)
{
	size_t i;
	json_t *row;
	json_array_foreach(live, i, row) {
		const char *text = json_str(row, "error", NULL), *name = json_str(row, "provider", "");
		if (!text || !names_cloud(d, name))
			continue;
		struct err said = {.code = ERR_NONE};
		enum err_code code = err_code_of(json_str(row, "code", ""));
		err_set(&said, code == ERR_CREDENTIALS || code == ERR_INVALID ? code : err->code, "%s", text);
		*err = said;
		return;
	}
}

static json_t *choose(const struct dag *d, int64_t cap_uusd_h, const json_t *live, const json_t *blocks, struct catalog *catalog, struct arena *a,
    int64_t now_ms, struct err *err)
{
	const struct offers **tables = arena_alloc(a, (json_array_size(live) + 1) * sizeof *tables);
	struct plan_request r = {.dag = d, .tables = tables, .cap_uusd_h = cap_uusd_h, .now_ms = now_ms};
	struct block *all;
	struct plan *plan;
	if (catalog)
		tables[r.n_tables++] = catalog_offers(catalog);
	r.enabled = answered(a, live, now_ms, tables, &r.n_tables, &r.n_enabled);
	if (!r.n_enabled) {
		nobody(live, err);
		return NULL;
	}
	r.n_blocks = blocks_of_json(a, blocks, &all);
	r.blocks = all;
	r.egress = catalog ? catalog_egress(catalog, NULL) : NULL;
	if (plan_make(&r, &plan, NULL, err)) {
		explain_silence(d, live, err);
		return NULL;
	}
	json_t *j = plan_json(plan, MAX_CANDIDATES);
	plan_destroy(plan);
	return j;
}

json_t *place_choose(struct engine *e, const struct dag *d, const json_t *clouds, const json_t *live, const json_t *own_blocks, bool only_own, struct err *err)
{
	int64_t now_ms = clock_now_ms(NULL);
	struct err ignored;
	(void)clouds; /* only these were asked, so that only they are in live */
	json_t *blocks = only_own ? NULL : state_blocks(e->state, now_ms, &ignored);
	if (!blocks)
		blocks = json_array();
	if (own_blocks)
		json_array_extend(blocks, (json_t *)(uintptr_t)own_blocks);
	/* Without a catalog there are still the live offers. */
	struct catalog *catalog = catalog_open(&ignored);
	if (!catalog)
		log_line(LOG_WARN, "planning without a catalog: %s", ignored.text);
	struct arena *a = arena_create();
	json_t *plan = choose(d, e->setup.max_hourly_uusd, live, blocks, catalog, a, now_ms, err);
	arena_destroy(a);
	catalog_close(catalog);
	json_decref(blocks);
	return plan;
}

/* ---- `plan` ------------------------------------------------------------------------------------------------------ */

struct place_plan {
	struct engine *e;
	struct dag *dag;
	bool only_own, known_quotas;
	json_t *clouds, *live, *own_blocks, *quota_blocks, *plan;
	json_t *candidates; /* of the plan, and those without quota */
	int looks;
	struct quota_ask *quota;
	unsigned timer;
	void (*fn)(void *arg, json_t *plan, const struct err *err);
	void *arg;
};

void place_plan_cancel(struct place_plan *p)
{
	if (!p)
		return;
	loop_cancel(p->e->loop, p->timer);
	quota_cancel(p->quota);
	dag_destroy(p->dag);
	json_decref(p->clouds);
	json_decref(p->live);
	json_decref(p->own_blocks);
	json_decref(p->quota_blocks);
	json_decref(p->plan);
	json_decref(p->candidates);
	free(p);
}

static void plan_over(struct place_plan *p, struct err *err)
{
	json_t *plan = p->plan;
	p->plan = NULL;
	if (plan)
		quota_show(plan, p->candidates);
	else if (json_array_size(p->quota_blocks))
		quota_error(p->quota_blocks, err);
	p->fn(p->arg, plan, plan ? NULL : err);
	place_plan_cancel(p);
}

static void quota_known(void *arg);

/* All that fits failed lately, for others: better tried again than refused unseen. */
static void choose_anyway(struct place_plan *p, const json_t *blocks, struct err *err)
{
	struct err own;
	p->plan = place_choose(p->e, p->dag, p->clouds, p->live, blocks, true, &own);
	if (!p->plan)
		return;
	p->only_own = true;
	char *note = xasprintf("%.*s: tried again all the same", (int)strcspn(err->text, ";"), err->text);
	json_array_append_new(json_arr(p->plan, "notes"), json_foreign(note));
	free(note);
	err->code = ERR_NONE;
}

/* Choose; look up what its candidates may still start; and choose again without those that have no room. */
static void plan_look(struct place_plan *p)
{
	struct err err = {.code = ERR_NONE};
	json_t *blocks = json_array();
	json_array_extend(blocks, p->own_blocks);
	json_array_extend(blocks, p->quota_blocks);
	json_decref(p->plan);
	p->plan = place_choose(p->e, p->dag, p->clouds, p->live, blocks, p->only_own, &err);
	if (!p->plan && !p->only_own && err.code == ERR_CAPACITY)
		choose_anyway(p, blocks, &err);
	json_decref(blocks);
	json_t *merged = p->plan ? quota_merge(p->candidates, json_arr(p->plan, "candidates")) : NULL;
	if (merged) {
		json_decref(p->candidates);
		p->candidates = merged;
	}
	if (!p->plan || p->looks++ >= QUOTA_LOOKS)
		plan_over(p, &err);
	else if (p->known_quotas)
		quota_known(p);
	else
		p->quota = quota_ask(p->e, p->plan, quota_known, p);
}

static void quota_known(void *arg)
{
	struct place_plan *p = arg;
	p->quota = NULL;
	if (quota_block(p->e, p->plan, p->known_quotas, p->quota_blocks))
		plan_look(p);
	else
		plan_over(p, NULL);
}

static void plan_first(void *arg)
{
	struct place_plan *p = arg;
	p->timer = 0;
	plan_look(p);
}

struct place_plan *place_plan(struct engine *e, struct dag *d, const struct place_question *q, void (*fn)(void *arg, json_t *plan, const struct err *err), void *arg)
{
	struct place_plan *p = xcalloc(1, sizeof *p);
	*p = (struct place_plan){.e = e, .dag = d, .only_own = q->only_own, .known_quotas = q->known_quotas, .clouds = json_incref((json_t *)(uintptr_t)q->clouds),
	    .live = json_incref((json_t *)(uintptr_t)q->live), .own_blocks = q->own_blocks ? json_deep_copy(q->own_blocks) : json_array(),
	    .quota_blocks = json_array(), .fn = fn, .arg = arg};
	p->timer = loop_after(e->loop, 0, plan_first, p);
	return p;
}

struct plan_ask {
	struct engine *e;
	json_t *params;
	void (*fn)(void *arg, json_t *plan, const struct err *err);
	void *arg;
};

static void planned(void *arg, json_t *plan, const struct err *err)
{
	struct plan_ask *p = arg;
	p->fn(p->arg, plan, err);
	json_decref(p->params);
	free(p);
}

static void plan_now(void *arg, json_t *live)
{
	struct plan_ask *p = arg;
	struct err err;
	struct dag *d = task_unpack(json_obj(p->params, "task"), &err);
	if (d)
		place_plan(p->e, d, &(struct place_question){.clouds = json_arr(p->params, "clouds"), .live = live,
				  .known_quotas = json_bool(p->params, "dryrun", false)}, planned, p);
	else
		planned(p, NULL, &err);
	json_decref(live);
}

void engine_plan(struct engine *e, const json_t *params, void (*fn)(void *arg, json_t *plan, const struct err *err), void *arg)
{
	struct plan_ask *p = xcalloc(1, sizeof *p);
	*p = (struct plan_ask){e, json_deep_copy(params), fn, arg};
	place_ask(e, json_arr(p->params, "clouds"), false, plan_now, p);
}

void engine_offers(struct engine *e, const json_t *clouds, void (*fn)(void *arg, json_t *live), void *arg)
{
	json_t *none = json_array();
	place_ask(e, json_is_array(clouds) ? clouds : none, true, fn, arg);
	json_decref(none);
}
