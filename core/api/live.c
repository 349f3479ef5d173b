/* See live.h. Offers come in parts of some thousands and go into a price list each (a few MB for the largest cloud); the catalog is touched
 * once, at the end, by catalog.h's way of writing. A call that starts again from the top makes its list anew. */
#include "core/api/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/io/loop.h"
#include "core/model/credentials.h"
#include "core/plan/market.h"
#include "core/run/call.h"
#include "core/run/user.h"
#include "core/store/import.h"
#include "core/store/on_demand.h"

/* Under which the catalog keeps the marks of regions that were told one by one. */
#define LIVE_URL "live"

enum { DEADLINE_MS = 15 * 60000, CLOUDS_MAX = 64, OFFERS_MAX = 2000000 };

struct run;

/* One cloud's answer on its way. */
struct asked {
	struct run *run;
	const struct provider *p;
	struct call *call;
	struct pricelist list;
	uint16_t source;
	size_t skipped;
	json_t *since;	 /* {region: mark} of what the catalog has; */
	json_t *regions; /* {region: mark} of which prices on demand alone came; NULL: it is no such list */
	bool done; /* all of it came */
	struct err err;
};

struct run {
	const struct live_update *want;
	const char *path, *snapshot;
	struct loop *loop;
	struct call_context calls;
	struct asked v[CLOUDS_MAX];
	size_t n, open;
	bool named;
};

bool live_has_list(const struct provider *p)
{
	return !p->cloud_side && !p->settings_files && credentials_of(p->name);
}

static void tell(const struct asked *a, const char *text, bool over)
{
	if (a->run->want->progress)
		a->run->want->progress(a->run->want->arg, a->p->name, a->list.n_rows, text ? text : "", over);
}

static void begin_list(struct asked *a)
{
	char name[120];
	json_decref(a->regions);
	a->regions = NULL;
	pricelist_init(&a->list, a->p->name);
	snprintf(name, sizeof name, "%s, asked directly", a->p->title);
	a->source = pricelist_source(&a->list, &(struct offer_source){.name = name, .as_of_ms = wall_now_ms(), .as_of_known = true});
	a->skipped = 0;
}

static void take(struct asked *a, const json_t *part)
{
	size_t skipped;
	struct arena *arena = arena_create();
	const struct offers *o = offers_of_provider(arena, a->p->name, part, wall_now_ms(), &skipped);
	a->skipped += skipped;
	for (size_t i = 0; i < o->n_rows && a->list.n_rows < OFFERS_MAX; i++) {
		struct offer row = o->rows[i];
		struct offer_type type = o->types[row.type];
		offer_type_complete(&type);
		row.type = pricelist_type(&a->list, &type);
		row.place = pricelist_place(&a->list, o->places[o->rows[i].place].region, o->places[o->rows[i].place].zone);
		row.source = a->source;
		pricelist_add(&a->list, &row);
	}
	arena_destroy(arena);
	if (!a->regions && json_obj(part, "regions"))
		a->regions = json_object();
	if (a->regions)
		json_object_update(a->regions, json_obj(part, "regions"));
}

static void on_part(void *arg, const json_t *part)
{
	struct asked *a = arg;
	if (!part) {
		pricelist_free(&a->list);
		begin_list(a);
		tell(a, "once more", false);
		return;
	}
	take(a, part);
	tell(a, json_str(part, "progress", NULL), false);
}

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct asked *a = arg;
	a->call = NULL;
	if (err)
		a->err = *err;
	else
		take(a, result);
	if (!err && !a->list.n_rows && !a->regions)
		err_set(&a->err, ERR_PROTOCOL, "%s: no offer at all came", a->p->title);
	const json_t *silent = json_arr(result, "silent");
	if (!err && a->regions && json_array_size(silent))
		err_set(&a->err, ERR_NETWORK, "%s: %s", a->p->title, json_string_value(json_array_get(silent, 0)));
	a->done = !a->err.code;
	if (a->done || (a->err.code == ERR_CREDENTIALS && !a->run->named)) /* of the others the report tells */
		tell(a, a->err.code ? a->err.text : NULL, true);
	if (--a->run->open == 0)
		loop_stop(a->run->loop);
}

static void on_deadline(void *arg)
{
	struct run *r = arg;
	for (size_t i = 0; i < r->n; i++) {
		struct asked *a = &r->v[i];
		if (!a->call)
			continue;
		call_cancel(a->call);
		a->call = NULL;
		err_set(&a->err, ERR_TIMEOUT, "%s: not all of its offers came in time", a->p->title);
	}
	loop_stop(r->loop);
}

/* ---- whom to ask ------------------------------------------------------------------------------------------------- */

static const struct provider *find(const struct live_update *want, const char *name)
{
	for (const struct provider *const *p = want->providers; *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

static bool switched_off(const struct live_update *want, const struct provider *p)
{
	return !json_bool(json_obj(want->provider_config, p->name), "enabled", !p->needs_flag);
}

static int choose(struct run *r, struct err *err)
{
	const struct live_update *want = r->want;
	for (size_t i = 0; r->named && want->clouds[i] && r->n < CLOUDS_MAX; i++) {
		const struct provider *p = find(want, want->clouds[i]);
		if (!p || !live_has_list(p))
			return err_set(err, ERR_USAGE, "'%s' cannot be asked for prices directly; without --live the hosted lists are fetched", want->clouds[i]);
		bool twice = false;
		for (size_t k = 0; k < r->n; k++)
			twice = twice || r->v[k].p == p;
		if (!twice)
			r->v[r->n++].p = p;
	}
	for (const struct provider *const *p = want->providers; !r->named && *p && r->n < CLOUDS_MAX; p++)
		if (live_has_list(*p) && !switched_off(want, *p))
			r->v[r->n++].p = *p;
	return r->n ? 0 : err_set(err, ERR_NOT_FOUND, "no cloud can be asked for prices directly: all are switched off");
}

/* With the marks of what the catalog has from there. */
static json_t *question(const struct run *r, struct asked *a)
{
	struct err e;
	char *text = r->want->force ? xstrdup("") : import_known(r->path, a->p->name, LIVE_URL);
	a->since = *text ? json_parse(text, strlen(text), &e) : NULL;
	if (!a->since)
		a->since = json_object();
	free(text);
	return json_pack("{s:b, s:b, s:O}", "catalog", 1, "named", r->named, "since", a->since);
}

static void ask_all(struct run *r)
{
	char *state = home_path(HOME_STATE, ""), *user = user_hash();
	r->loop = loop_create();
	r->calls = (struct call_context){.loop = r->loop, .self = r->want->self, .state_dir = state, .config = r->want->provider_config, .user = user,
	    .var = r->want->var};
	r->open = r->n;
	for (size_t i = 0; i < r->n; i++) {
		struct asked *a = &r->v[i];
		a->run = r;
		begin_list(a);
		a->call = call_start(&r->calls, a->p, PROVIDER_OFFERS, question(r, a), on_answer, a);
		call_on_part(a->call, on_part);
	}
	loop_after(r->loop, r->want->deadline_ms ? r->want->deadline_ms : DEADLINE_MS, on_deadline, r);
	loop_run(r->loop);
	call_context_clear(&r->calls);
	loop_destroy(r->loop);
	free(state);
	free(user);
}

/* ---- into the catalog -------------------------------------------------------------------------------------------- */

static bool covers(void *arg, const char *region)
{
	return json_object_get(arg, region) != NULL;
}

/* Half a list may be what is left of a broken one: nothing is taken for no longer sold then. */
static void drop_short(const struct run *r, struct asked *a, const struct offers *had)
{
	const char *region;
	json_t *mark;
	void *next;
	json_object_foreach_safe(a->regions, next, region, mark) {
		size_t n = on_demand_listed(&a->list, region), before = on_demand_had(had, a->p->name, region);
		if (r->want->force || n * 2 >= before)
			continue;
		err_set(&a->err, ERR_PROTOCOL, "%s, %s: only %zu types where there were %zu; --force takes it", a->p->title, region, n, before);
		a->done = false;
		json_object_del(a->regions, region);
	}
}

/* Prices on demand of some regions: each is whole, also when the answer broke off after it. */
static int put_regions(const struct run *r, struct import *im, struct asked *a, struct err *err)
{
	struct catalog *had = catalog_open_at(r->path, r->snapshot, err);
	if (!had)
		return -1;
	drop_short(r, a, catalog_offers(had));
	if (json_object_size(a->regions)) {
		on_demand_over(&a->list, catalog_offers(had), covers, a->regions);
		json_object_update(a->since, a->regions);
		char *marks = json_text(a->since);
		import_list(im, &a->list, a->skipped, false);
		import_hosted(im, LIVE_URL, marks, true);
		free(marks);
	} else if (a->done) {
		import_unchanged(im, a->p->name, a->list.sources[0].name);
	}
	pricelist_free(&a->list);
	catalog_close(had);
	return 0;
}

/* What every cloud without credentials would be: no failure, unless it was asked for by name. */
static int put(const struct run *r, struct import *im, struct asked *a, struct err *err)
{
	int rc = a->regions ? put_regions(r, im, a, err) : 0; /* may find that it was not all */
	bool no_credentials = a->err.code == ERR_CREDENTIALS, whole = a->done && !a->regions;
	if (whole)
		import_list(im, &a->list, a->skipped, !r->want->force);
	else if (no_credentials && r->named)
		import_refused(im, a->p->name, a->p->title, a->err.text);
	else if (!a->done && !no_credentials)
		import_failed(im, a->p->name, a->p->title, a->err.text);
	if (!whole)
		pricelist_free(&a->list);
	return rc;
}

/* Nothing new: why, from the first that says more than that there are no credentials. */
static int nothing(const struct run *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].err.code && (r->named || r->v[i].err.code != ERR_CREDENTIALS))
			return err_set(err, r->v[i].err.code, "no cloud gave its prices; the offers are kept as they were: %s", r->v[i].err.text);
	return err_set(err, ERR_CREDENTIALS, "no cloud could be asked: for none of them are there credentials here");
}

int live_update_at(const char *path, const char *snapshot, const struct live_update *want, struct import_report *report, struct err *err)
{
	struct run *r = xcalloc(1, sizeof *r);
	struct import *im = import_create(report);
	r->want = want;
	r->path = path;
	r->snapshot = snapshot;
	r->named = want->clouds && want->clouds[0];
	int rc = choose(r, err);
	size_t taken = 0;
	if (!rc) {
		ask_all(r);
		for (size_t i = 0; i < r->n; i++) {
			taken += r->v[i].done || json_object_size(r->v[i].regions);
			rc = rc ? rc : put(r, im, &r->v[i], err);
			json_decref(r->v[i].since);
			json_decref(r->v[i].regions);
		}
		if (!rc)
			rc = import_commit(im, path, snapshot, wall_now_ms(), err);
	}
	if (!rc && !taken)
		rc = nothing(r, err);
	import_destroy(im);
	free(r);
	return rc;
}

int live_update(const struct live_update *want, struct import_report *report, struct err *err)
{
	char *path = catalog_path(), *snapshot = share_path("catalog/snapshot.db");
	int rc = live_update_at(path, snapshot, want, report, err);
	free(path);
	free(snapshot);
	return rc;
}
