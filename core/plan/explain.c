/* Explanations by experiment: drop one requirement at a time and look what there is then. Costs a few passes over the
 * offers, and only when there is no plan. */
#include "core/plan/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"

enum { TEXT_MAX = 8000, INLINE_MAX = 600, NEAREST = 8, ELSEWHERE = 6 };

/* --- words ---------------------------------------------------------------------------------------------------------*/

static const char *dollars(int64_t uusd_h, char *buf, size_t size)
{
	char money[32];
	snprintf(buf, size, "$%s/h", money_text(uusd_h, money, sizeof money));
	return buf;
}

static void add_count(struct str *out, int64_t count_micro)
{
	char n[32];
	str_add(out, micro_text(count_micro, n, sizeof n));
}

void explain_asked(const struct task *t, const struct resources *r, struct str *out)
{
	char buf[48];
	if (t->num_nodes > 1)
		str_addf(out, "%lld nodes of ", (long long)t->num_nodes);
	size_t first = out->len;
	if (r->accelerator) {
		add_count(out, r->accel_count_micro);
		str_addf(out, "x %s", r->accelerator);
	}
	if (r->instance_type)
		str_addf(out, "%s%s", out->len > first ? " in " : "", r->instance_type);
	if (r->cpus.set)
		str_addf(out, "%s%s CPUs", out->len > first ? ", " : "", r->cpus.text ? r->cpus.text : "?");
	if (r->memory.set)
		str_addf(out, "%s%s GB memory", out->len > first ? ", " : "", r->memory.text ? r->memory.text : "?");
	if (r->local_disk)
		str_addf(out, "%slocal disk %s", out->len > first ? ", " : "", r->local_disk);
	if (out->len == first)
		str_add(out, "a machine");
	if (r->use_spot)
		str_add(out, " [spot]");
	if (r->max_hourly_uusd != PRICE_UNKNOWN)
		str_addf(out, " for at most %s", dollars(r->max_hourly_uusd, buf, sizeof buf));
	if (r->cloud || r->region || r->zone)
		str_addf(out, " at %s%s%s%s%s", r->cloud ? r->cloud : "*", r->region || r->zone ? "/" : "",
		    r->region ? r->region
		    : r->zone ? "*"
			      : "",
		    r->zone ? "/" : "", r->zone ? r->zone : "");
}

static void add_place(const struct candidate *c, struct str *out)
{
	str_addf(out, "%s %s", c->type->provider, *c->type->instance_type ? c->type->instance_type : "machine");
	if (*c->place->region)
		str_addf(out, " at %s", !c->any_zone && *c->place->zone ? c->place->zone : c->place->region);
}

void explain_candidate(const struct candidate *c, struct str *out)
{
	char buf[48];
	add_place(c, out);
	str_addf(out, ", %s%s", dollars(c->price_uusd_h, buf, sizeof buf), c->use_spot ? " spot" : "");
}

static json_t *candidate_or_null(const struct task *t, const struct candidate *c)
{
	return c ? candidate_json(t, c) : json_null();
}

/* --- an explanation being written ----------------------------------------------------------------------------------*/

struct explanation {
	const struct market *m;
	const struct plan_request *request;
	const struct task *t;
	struct str lines;	/* for failure.text */
	struct str inline_text; /* the same for err.text: the most useful one, or as many as there is room for */
	bool inline_all;
	bool only_price_cap; /* the price cap alone excludes everything */
	int64_t cheapest_uusd_h;
	json_t *detail;
};

/* One more way out: "on demand in place of spot there are 12 offers, the cheapest …". */
static void add_way(struct explanation *x, const char *text)
{
	if (!x->inline_text.len || (x->inline_all && x->inline_text.len + strlen(text) + 2 < INLINE_MAX))
		str_addf(&x->inline_text, "%s%s", x->inline_text.len ? "; " : "", text);
	else
		str_addf(&x->lines, "  - %s\n", text);
}

/* All candidates of the task's alternatives with one requirement less. */
static void find_relaxed(const struct explanation *x, enum relax relax, struct candidates *out)
{
	for (size_t i = 0; i < x->t->n_resources; i++) {
		struct want w;
		struct task one = *x->t;
		if (relax == RELAX_NODES)
			one.num_nodes = 1;
		if (!want_make(x->m, &one, &x->t->resources[i], relax, &w, NULL))
			candidates_find(x->m, &w, (uint32_t)i, NULL, false, out, NULL);
	}
	candidates_drop(out, candidates_last_resorts(out));
}

/* --- one requirement less ------------------------------------------------------------------------------------------*/

static bool asks(enum relax what, const struct task *t, const struct resources *r)
{
	switch (what) {
	case RELAX_SPOT:
		return r->use_spot;
	case RELAX_PRICE_CAP:
		return r->max_hourly_uusd != PRICE_UNKNOWN;
	case RELAX_CLOUD:
		return r->cloud;
	case RELAX_REGION:
		return r->cloud && r->region;
	case RELAX_ZONE:
		return r->zone;
	case RELAX_INSTANCE:
		return r->instance_type && (r->accelerator || r->cpus.set || r->memory.set);
	case RELAX_CPUS:
		return r->cpus.set;
	case RELAX_MEMORY:
		return r->memory.set;
	case RELAX_COUNT:
		return r->accelerator;
	case RELAX_LOCAL_DISK:
		return r->local_disk;
	case RELAX_NODES:
		return t->num_nodes > 1;
	case RELAX_NONE:
	case RELAX_ENABLED:
	case RELAX_FEATURES:
	case RELAXATIONS:
		break;
	}
	return false;
}

/* In the order in which a person would give way. */
static const struct way {
	enum relax relax;
	const char *name; /* of the field, in JSON */
	const char *text;
} ways[] = {
    {RELAX_PRICE_CAP, "max_hourly_cost", "without the price cap"},
    {RELAX_SPOT, "use_spot", "on demand, in place of spot,"},
    {RELAX_ZONE, "zone", "in any zone of the region"},
    {RELAX_REGION, "region", "in any region of the cloud"},
    {RELAX_CPUS, "cpus", "with any number of CPUs"},
    {RELAX_MEMORY, "memory", "with any amount of memory"},
    {RELAX_LOCAL_DISK, "local_disk", "without asking for a local disk"},
    {RELAX_INSTANCE, "instance_type", "on any instance type"},
    {RELAX_COUNT, "accelerators", "with more of the accelerator"},
    {RELAX_NODES, "num_nodes", "on one node"},
    {RELAX_CLOUD, "cloud", "at any enabled cloud"},
};

static bool asked_by_any(const struct task *t, enum relax what)
{
	for (size_t i = 0; i < t->n_resources; i++)
		if (asks(what, t, &t->resources[i]))
			return true;
	return false;
}

static void try_way(struct explanation *x, const struct way *w, json_t *list)
{
	struct candidates c = {0};
	find_relaxed(x, w->relax, &c);
	const struct candidate *first = candidates_first(x->m, &c, false);
	if (first) {
		struct str s = str_new(500);
		str_addf(&s, "%s there %s %zu offer%s, the cheapest ", w->text, c.n == 1 ? "is" : "are", c.n,
		    c.n == 1 ? "" : "s");
		if (w->relax == RELAX_COUNT) {
			add_count(&s, first->type->accel_count_micro);
			str_addf(&s, "x %s, ", first->type->accelerator);
		}
		explain_candidate(first, &s);
		add_way(x, str_text(&s));
		str_free(&s);
		json_t *j = json_object();
		json_put_str(j, "field", w->name);
		json_put_int(j, "offers", (int64_t)c.n);
		json_object_set_new(j, "cheapest", candidate_json(x->t, first));
		json_array_append_new(list, j);
	}
	if (first && w->relax == RELAX_PRICE_CAP) {
		x->only_price_cap = true;
		x->cheapest_uusd_h = first->price_uusd_h;
	}
	candidates_free(&c);
}

static void try_ways(struct explanation *x)
{
	json_t *list = json_array();
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (asked_by_any(x->t, ways[i].relax))
			try_way(x, &ways[i], list);
	json_object_set_new(x->detail, "relax", list);
}

/* --- clouds --------------------------------------------------------------------------------------------------------*/

/* The cheapest of each provider that is enabled, or of each that is not; the cheapest first. How many. */
static size_t cheapest_by_provider(
    const struct explanation *x, struct candidates *c, bool enabled, const struct candidate **out, size_t max)
{
	size_t n = 0;
	candidates_rank(x->m, c, false);
	for (size_t i = 0; i < c->n && n < max; i++) {
		size_t k = 0;
		if ((x->m->providers[c->v[i].provider].rank != SIZE_MAX) != enabled)
			continue;
		while (k < n && out[k]->provider != c->v[i].provider)
			k++;
		if (k == n)
			out[n++] = &c->v[i];
	}
	return n;
}

static void tell_not_enabled(struct explanation *x)
{
	struct candidates c = {0};
	const struct candidate *best[ELSEWHERE];
	char buf[48];
	json_t *list = json_array();
	find_relaxed(x, RELAX_ENABLED, &c);
	size_t n = cheapest_by_provider(x, &c, false, best, ARRAY_LEN(best));
	struct str s = str_new(600);
	for (size_t i = 0; i < n; i++) {
		str_addf(&s, "%s%s %s", i ? ", " : "offers exist at ", best[i]->type->provider,
		    dollars(best[i]->price_uusd_h, buf, sizeof buf));
		json_array_append_new(list, candidate_json(x->t, best[i]));
	}
	if (n) {
		str_addf(&s, ", but %s not enabled: skytop check says what is missing",
		    n == 1 ? "that cloud is" : "these clouds are");
		add_way(x, str_text(&s));
	}
	str_free(&s);
	json_object_set_new(x->detail, "not_enabled", list);
	candidates_free(&c);
}

/* Enabled clouds that have such machines, but lack something that is asked for. */
static void tell_lacking(struct explanation *x)
{
	struct candidates c = {0};
	const struct candidate *best[ELSEWHERE];
	json_t *list = json_array();
	find_relaxed(x, RELAX_FEATURES, &c);
	size_t n = cheapest_by_provider(x, &c, true, best, ARRAY_LEN(best));
	for (size_t i = 0; i < n; i++) {
		struct want w;
		unsigned lacking = 0;
		if (want_make(x->m, x->t, best[i]->asked, RELAX_NONE, &w, NULL) ||
		    want_provider(&w, &x->m->providers[best[i]->provider], &lacking) || !lacking)
			continue;
		struct str s = str_new(400), features = str_new(300);
		features_text(lacking, &features);
		str_addf(&s, "%s does not do this: %s", best[i]->type->provider, str_text(&features));
		add_way(x, str_text(&s));
		json_t *j = json_object();
		json_put_str(j, "cloud", best[i]->type->provider);
		json_put_str(j, "lacks", str_text(&features));
		json_array_append_new(list, j);
		str_free(&s);
		str_free(&features);
	}
	json_object_set_new(x->detail, "clouds", list);
	candidates_free(&c);
}

/* --- accelerators --------------------------------------------------------------------------------------------------*/

struct near {
	const struct offer_type *type;
	int64_t price_uusd_h;
};

static int cmp_near(const void *a, const void *b)
{
	const struct near *x = a, *y = b;
	if (x->price_uusd_h != y->price_uusd_h)
		return x->price_uusd_h < y->price_uusd_h ? -1 : 1;
	return strcmp(x->type->accelerator, y->type->accelerator);
}

/* The cheapest offer of each type that w allows but for the accelerator, whose name only has to contain the one asked
 * for. */
static size_t near_types(const struct explanation *x, const struct want *w, struct near **out)
{
	struct near *v = NULL;
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < x->m->n_tables; i++) {
		const struct market_table *t = &x->m->tables[i];
		int64_t *price = xcalloc(t->offers->n_types + 1, sizeof *price);
		for (size_t k = 0; k < t->offers->n_rows; k++) {
			const struct offer *o = &t->offers->rows[k];
			int64_t p = w->use_spot ? o->spot_uusd_h : o->price_uusd_h, *least = &price[o->type];
			if (p != PRICE_UNKNOWN && (!*least || p < *least))
				*least = p;
		}
		for (size_t k = 0; k < t->offers->n_types; k++) {
			const struct offer_type *type = &t->offers->types[k];
			uint32_t p = t->type_provider[k];
			if (!price[k] || !type->accelerator || p >= x->m->n_providers ||
			    type->accel_count_micro < w->count_lo_micro ||
			    !str_istr(type->accelerator, w->r->accelerator) ||
			    !want_provider(w, &x->m->providers[p], NULL))
				continue;
			ARRAY_GROW(v, n, cap);
			v[n++] = (struct near){type, price[k]};
		}
		free(price);
	}
	*out = v;
	return n;
}

static bool same_accelerator(const struct offer_type *a, const struct offer_type *b)
{
	return str_ieq(a->accelerator, b->accelerator) && a->accel_count_micro == b->accel_count_micro;
}

static void tell_nearest_of(struct explanation *x, const struct want *w, json_t *list)
{
	struct near *v, *told[NEAREST];
	size_t n = near_types(x, w, &v), k = 0;
	struct str s = str_new(600);
	if (n)
		qsort(v, n, sizeof *v, cmp_near);
	for (size_t i = 0; i < n && k < NEAREST; i++) {
		size_t j = 0;
		while (j < k && !same_accelerator(told[j]->type, v[i].type))
			j++;
		if (j < k)
			continue;
		told[k++] = &v[i];
		size_t start = s.len;
		str_addf(&s, "%s:", v[i].type->accelerator);
		add_count(&s, v[i].type->accel_count_micro);
		json_array_append_new(list, json_string(str_text(&s) + start));
		str_add(&s, ", ");
	}
	if (k) {
		struct str line = str_new(700);
		str_addf(&line, "offered here: %.*s", (int)s.len - 2, str_text(&s));
		add_way(x, str_text(&line));
		str_free(&line);
	}
	str_free(&s);
	free(v);
}

/* Accelerators that somebody sells, each once. The caller frees. */
static const char **all_names(const struct market *m, size_t *n)
{
	const char **v = NULL;
	size_t cap = 0;
	*n = 0;
	for (size_t i = 0; i < m->n_tables; i++)
		for (size_t k = 0; k < m->tables[i].offers->n_types; k++) {
			const char *name = m->tables[i].offers->types[k].accelerator;
			size_t j = 0;
			while (name && j < *n && strcmp(v[j], name))
				j++;
			if (!name || j < *n)
				continue;
			ARRAY_GROW(v, *n, cap);
			v[(*n)++] = name;
		}
	return v;
}

/* An accelerator that nobody sells, and what may have been meant. */
static void tell_unknown(struct explanation *x, const char *asked, const char *const *names, size_t n)
{
	const char *near = text_nearest(asked, names, n);
	struct str s = str_new(400);
	str_addf(&s, "nobody sells %s%s%s%s", asked, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	add_way(x, str_text(&s));
	str_free(&s);
}

/* Of the first few alternatives. Those that came from an amount of memory ("80GB+") are only some of many. */
static void tell_accelerators(struct explanation *x)
{
	enum { MAX = 4 };
	json_t *list = json_array();
	size_t n, told = 0;
	const char **names = all_names(x->m, &n);
	for (size_t i = 0; i < x->t->n_resources && told < MAX; i++) {
		struct want w;
		const struct resources *r = &x->t->resources[i];
		if (!r->accelerator || r->accel_by_memory || want_make(x->m, x->t, r, RELAX_NONE, &w, NULL))
			continue;
		size_t k = 0;
		while (k < n && !str_ieq(names[k], w.accelerator))
			k++;
		if (k == n)
			tell_unknown(x, r->accelerator, names, n);
		tell_nearest_of(x, &w, list);
		told++;
	}
	free(names);
	json_object_set_new(x->detail, "nearest", list);
}

/* --- places --------------------------------------------------------------------------------------------------------*/

/* A region or zone that the cloud does not have at all: said first, with the nearest that it has. */
static void tell_place(struct explanation *x, const struct resources *r)
{
	const char *word = r->zone ? r->zone : r->region;
	const char **names = NULL;
	size_t n = 0, cap = 0, provider = r->cloud ? market_find_provider(x->m, r->cloud) : SIZE_MAX;
	if (!word || provider == SIZE_MAX)
		return;
	bool known = false;
	for (size_t i = 0; i < x->m->n_tables; i++)
		for (size_t k = 0; k < x->m->tables[i].offers->n_places; k++) {
			const struct offer_place *p = &x->m->tables[i].offers->places[k];
			const char *name = r->zone ? p->zone : p->region;
			if (strcmp(p->provider, r->cloud) || !*name)
				continue;
			known = known || !strcmp(name, word);
			ARRAY_GROW(names, n, cap);
			names[n++] = name;
		}
	if (!known && n) {
		const char *near = text_nearest(word, names, n);
		struct str s = str_new(300);
		str_addf(&s, "%s has no %s %s%s%s%s", r->cloud, r->zone ? "zone" : "region", word,
		    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
		add_way(x, str_text(&s));
		str_free(&s);
	}
	free(names);
}

static void tell_places(struct explanation *x)
{
	for (size_t i = 0; i < x->t->n_resources; i++)
		tell_place(x, &x->t->resources[i]);
}

/* A cloud that is named but of which there is no offer at all, or that is not enabled. */
static void tell_clouds(struct explanation *x)
{
	for (size_t i = 0; i < x->t->n_resources; i++) {
		const char *cloud = x->t->resources[i].cloud;
		size_t p = cloud ? market_find_provider(x->m, cloud) : 0;
		if (!cloud || (p != SIZE_MAX && x->m->providers[p].rank != SIZE_MAX))
			continue;
		struct str s = str_new(200);
		if (p == SIZE_MAX)
			str_addf(&s, "no offers of %s are known", cloud);
		else
			str_addf(&s, "%s is not enabled: skytop check %s says what is missing", cloud, cloud);
		add_way(x, str_text(&s));
		str_free(&s);
		return;
	}
}

/* --- the whole -----------------------------------------------------------------------------------------------------*/

static void add_asked(const struct task *t, struct str *out)
{
	for (size_t i = 0; i < t->n_resources && i < 4; i++) {
		str_add(out, i ? ", or " : "");
		explain_asked(t, &t->resources[i], out);
	}
	if (t->n_resources > 4)
		str_addf(out, ", or %zu more", t->n_resources - 4);
}

static void add_enabled(const struct plan_request *r, struct str *out)
{
	for (size_t i = 0; i < r->n_enabled && i < 8; i++)
		str_addf(out, "%s%s", i ? ", " : "", r->enabled[i]);
	if (r->n_enabled > 8)
		str_addf(out, " and %zu more", r->n_enabled - 8);
}

static int finish(struct explanation *x, struct plan_failure *failure, struct err *err)
{
	struct str asked = str_new(500), enabled = str_new(200);
	char least[48];
	int rc;
	add_asked(x->t, &asked);
	add_enabled(x->request, &enabled);
	json_put_str(x->detail, "asked", str_text(&asked));
	if (x->only_price_cap)
		rc = err_set(err, ERR_BUDGET, "no offer fits %s: the cheapest costs %s (%s)", str_text(&asked),
		    dollars(x->cheapest_uusd_h, least, sizeof least), str_text(&x->inline_text));
	else
		rc = err_set(err, ERR_NO_RESOURCE, "no offer fits %s, with these clouds enabled: %s%s%s",
		    str_text(&asked), str_text(&enabled), x->inline_text.len ? "; " : "", str_text(&x->inline_text));
	if (failure) {
		failure->text = str_take(&x->lines);
		failure->detail = json_incref(x->detail);
	}
	json_decref(x->detail);
	str_free(&asked);
	str_free(&enabled);
	str_free(&x->lines);
	str_free(&x->inline_text);
	return rc;
}

/* Everything that fits has failed lately. */
static int explain_blocked(const struct explanation *x, const struct candidate_counts *counts, struct err *err)
{
	int64_t first = 0;
	char when[32];
	for (size_t i = 0; i < x->request->n_blocks; i++) {
		int64_t at = x->request->blocks[i].expiry_at_ms;
		if (at > x->request->now_ms && (!first || at < first))
			first = at;
	}
	struct str asked = str_new(500);
	add_asked(x->t, &asked);
	char which[48] = "the one offer that fits";
	if (counts->offers != 1)
		snprintf(which, sizeof which, "all %zu offers that fit", counts->offers);
	int rc = err_set(err, ERR_CAPACITY, "%s %s %s failed lately%s%s", which, str_text(&asked), counts->offers == 1 ? "has" : "have",
	    first ? "; the first may be tried again in " : "", first ? duration_text(first - x->request->now_ms, when, sizeof when) : "");
	str_free(&asked);
	return rc;
}

int explain_nothing(const struct market *m, const struct plan_request *r, const struct task *t,
    const struct candidate_counts *counts, struct plan_failure *failure, struct err *err)
{
	struct explanation x = {.m = m,
	    .request = r,
	    .t = t,
	    .lines = str_new(TEXT_MAX),
	    .inline_text = str_new(INLINE_MAX),
	    .inline_all = !failure,
	    .cheapest_uusd_h = PRICE_UNKNOWN};
	if (counts->offers)
		return explain_blocked(&x, counts, err);
	x.detail = json_object();
	json_put_str(x.detail, "task", t->name);
	tell_clouds(&x);
	tell_places(&x);
	try_ways(&x);
	tell_accelerators(&x);
	tell_not_enabled(&x);
	tell_lacking(&x);
	return finish(&x, failure, err);
}

int explain_over_budget(const struct task *t, const struct candidate *least, bool blocked, int64_t cap_uusd_h,
    struct plan_failure *failure, struct err *err)
{
	char total[48], over[48], cap[48];
	struct str what = str_new(300);
	if (t) {
		str_addf(&what, "the cheapest offer%s, ", blocked ? " that has not failed lately" : "");
		if (t->num_nodes > 1)
			str_addf(&what, "%lld times ", (long long)t->num_nodes);
		add_place(least, &what);
	} else {
		str_add(&what, "the cheapest plan for all tasks together");
	}
	if (failure) {
		failure->detail = json_object();
		json_put_str(failure->detail, "task", t ? t->name : NULL);
		json_put_int(failure->detail, "cap_uusd_h", cap_uusd_h);
		json_put_int(failure->detail, "least_uusd_h", least->total_uusd_h);
		json_object_set_new(failure->detail, "cheapest", candidate_or_null(t, t ? least : NULL));
		failure->text = xstrdup("");
	}
	int rc = err_set(err, ERR_BUDGET, "%s, costs %s, %s over the cap of %s", str_text(&what),
	    dollars(least->total_uusd_h, total, sizeof total),
	    dollars(least->total_uusd_h - cap_uusd_h, over, sizeof over), dollars(cap_uusd_h, cap, sizeof cap));
	str_free(&what);
	return rc;
}
