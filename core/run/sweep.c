/* See sweep.h. One question (QUERY {}: all that this user's skytop made) and one way of sorting its answer, for the engine's start, for what
 * comes late, and for `skytop sweep`. */
#include "core/run/sweep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/run/left.h"

/* ---- who is it? -------------------------------------------------------------------------------------------------- */

static struct unit *unit_of(struct engine *e, const char *uid)
{
	for (size_t i = 0; uid && i < e->n_units; i++)
		if (!strcmp(e->units[i]->c->uid, uid))
			return e->units[i];
	return NULL;
}

static const struct node *node_of(const struct unit *u, const char *token, const char *id)
{
	for (size_t i = 0; i < u->c->n_nodes; i++)
		if (str_eq(u->c->nodes[i].token, token) || (id && str_eq(u->c->nodes[i].provider_id, id)))
			return &u->c->nodes[i];
	return NULL;
}

/* Made twice: an answer was lost, and another machine took its place. An operation that is at work there may be about to take this one. */
static bool is_double(struct engine *e, const struct unit *u, const struct node *n, const char *id)
{
	return n->provider_id && strcmp(n->provider_id, id) != 0 && !run_op_of(e, u->c->name, NULL);
}

/* "late", "left", "cluster", "ending"; NULL: it is known, or it is gone. */
static const char *kind_of(struct engine *e, const json_t *j)
{
	const char *token = json_str(j, "token", NULL), *status = json_str(j, "status", "");
	if (!strcmp(status, "TERMINATED") || !strcmp(status, "PREEMPTED") || !strcmp(status, "UNKNOWN") || !json_str(j, "id", NULL))
		return NULL;
	const char *id = json_str(j, "id", NULL);
	if (token && state_node_late(e->state, token, id))
		return "late";
	const struct unit *u = unit_of(e, json_str(j, "cluster", NULL));
	const struct node *n = u ? node_of(u, token, id) : NULL;
	return !u ? "cluster" : !n ? "left" : is_double(e, u, n, id) ? "late" : left_op(e, u->c->name) ? "ending" : NULL;
}

/* The cheapest offer of that type in that place; it is what is asked now, not what this machine was made for. */
static int64_t listed_price(const struct offers *o, const char *provider, const json_t *j)
{
	const char *type = json_str(j, "instance_type", ""), *region = json_str(j, "region", ""), *zone = json_str(j, "zone", "");
	int64_t best = PRICE_UNKNOWN;
	for (size_t i = 0; i < o->n_rows; i++) {
		const struct offer *r = &o->rows[i];
		const struct offer_type *t = &o->types[r->type];
		const struct offer_place *at = &o->places[r->place];
		int64_t price = json_bool(j, "use_spot", false) ? r->spot_uusd_h : r->price_uusd_h;
		if (strcmp(t->instance_type, type) || strcmp(t->provider, provider) || strcmp(at->region, region) || price == PRICE_UNKNOWN)
			continue;
		if ((!zone[0] || !at->zone[0] || !strcmp(at->zone, zone)) && (best == PRICE_UNKNOWN || price < best))
			best = price;
	}
	return best;
}

static void put_listed_price(struct catalog *catalog, const char *provider, json_t *j)
{
	int64_t price = catalog ? listed_price(catalog_offers(catalog), provider, j) : PRICE_UNKNOWN;
	if (price == PRICE_UNKNOWN)
		return;
	json_put_int(j, "price_uusd_h", price);
	json_put_bool(j, "price_estimated", true);
	json_put_str(j, "price_source", "the catalog, now");
}

static json_t *stranger(const struct provider *p, const json_t *node, const char *kind)
{
	static const char *const same[] = {"id", "token", "status", "instance_type", "region", "zone"};
	json_t *j = json_object(), *price = json_object_get(node, "price_uusd_h");
	const char *cluster = json_str(node, "cluster", NULL), *name = json_str(node, "name", NULL);
	json_put_str(j, "provider", p->name);
	json_put_str(j, "title", p->title);
	json_put_bool(j, "simulated", p->simulated);
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		json_put_str(j, same[i], json_str(node, same[i], NULL));
	json_put_str(j, "cluster_id", cluster);
	json_put_str(j, "cluster", name);
	json_put_int(j, "rank", json_int(node, "rank", 0));
	json_put_bool(j, "use_spot", json_bool(node, "use_spot", false));
	json_object_set(j, "created_at", json_is_integer(json_object_get(node, "created_at")) ? json_object_get(node, "created_at") : json_null());
	json_object_set(j, "price_uusd_h", json_is_integer(price) ? price : json_null());
	json_put_bool(j, "price_estimated", false);
	json_put_str(j, "price_source", json_is_integer(price) ? "the provider, when found" : NULL);
	json_put_str(j, "kind", kind);
	json_put_bool(j, "adoptable", !strcmp(kind, "cluster") && cluster && name && json_str(node, "token", NULL));
	return j;
}

json_t *sweep_strangers(struct engine *e, const struct provider *p, const json_t *result)
{
	struct catalog *catalog = NULL;
	bool asked = false;
	json_t *a = json_array(), *node, *all = json_array();
	size_t i;
	json_array_extend(all, json_arr(result, "nodes"));
	json_array_extend(all, json_arr(result, "doubles"));
	json_array_foreach(all, i, node) {
		const char *kind = kind_of(e, node);
		if (!kind)
			continue;
		json_t *j = stranger(p, node, kind);
		if (json_is_null(json_object_get(j, "price_uusd_h"))) {
			catalog = asked ? catalog : catalog_open(NULL);
			asked = true;
			put_listed_price(catalog, p->name, j);
		}
		json_array_append_new(a, j);
	}
	catalog_close(catalog);
	json_decref(all);
	return a;
}

/* ---- take in ----------------------------------------------------------------------------------------------------- */

static void take_machines(struct cluster *c, const json_t *all)
{
	size_t i, cap = 0;
	json_t *j;
	json_array_foreach(json_arr(all, "nodes"), i, j) {
		const char *status = json_str(j, "status", "");
		if (!str_eq(json_str(j, "cluster", NULL), c->uid) || !json_str(j, "token", NULL) || !strcmp(status, "TERMINATED") || !strcmp(status, "PREEMPTED"))
			continue;
		ARRAY_GROW(c->nodes, c->n_nodes, cap);
		c->nodes[c->n_nodes++] = (struct node){.rank = json_int(j, "rank", 0), .token = xstrdup(json_str(j, "token", "")),
		    .created_at_ms = json_int(j, "created_at", 0)};
	}
}

/* The marks of the first machine that has any. */
static const json_t *tags_of(const json_t *all, const char *uid)
{
	size_t i;
	json_t *j;
	json_array_foreach(json_arr(all, "nodes"), i, j)
		if (str_eq(json_str(j, "cluster", NULL), uid) && json_obj(j, "tags"))
			return json_obj(j, "tags");
	return NULL;
}

struct unit *sweep_adopt(struct engine *e, const struct provider *p, const json_t *of, const json_t *all)
{
	const char *uid = json_str(of, "cluster_id", ""), *name = json_str(of, "cluster", "");
	const json_t *tags = tags_of(all, uid);
	size_t len = strlen(uid);
	char *free_name = run_unit(e, name) ? xasprintf("%s-%s", name, uid + (len > 4 ? len - 4 : 0)) : xstrdup(name);
	struct cluster *c = xcalloc(1, sizeof *c);
	/* Perhaps the state believes that it is gone: then its row is taken up again. */
	*c = (struct cluster){.id = state_cluster_id(e->state, uid), .uid = xstrdup(uid), .name = free_name, .user = xstrdup(json_str(tags, "user", "?")),
	    .project = xstrdup(json_str(tags, "project", "default")), .provider = xstrdup(p->name), .region = xstrdup(json_str(of, "region", NULL)),
	    .zone = xstrdup(json_str(of, "zone", NULL)), .instance_type = xstrdup(json_str(of, "instance_type", NULL)),
	    .accelerator = xstrdup(json_str(tags, "accelerator", NULL)), .vcpus_micro = -1, .mem_mib = -1, .use_spot = json_bool(of, "use_spot", false),
	    .price_uusd_h = json_int(of, "price_uusd_h", PRICE_UNKNOWN), .price_estimated = json_bool(of, "price_estimated", false),
	    .price_source = xstrdup(json_str(of, "price_source", NULL)), .autostop_minutes = -1, .created_at_ms = wall_now_ms(),
	    .launched_at_ms = json_int(of, "created_at", wall_now_ms()), .reason = xstrdup("found at the provider, unknown to this state: taken in")};
	num_micro(json_str(tags, "accelerator_count", "0"), &c->accel_count_micro);
	take_machines(c, all);
	struct unit *u = run_unit_add(e, c);
	run_save(u);
	run_event(e, u, NULL, "cluster.adopted", "warn", NULL, "%s: %zu node%s found at %s that this state did not know: taken in", c->name, c->n_nodes,
	    c->n_nodes == 1 ? " was" : "s were", p->title);
	return u;
}

/* ---- what comes late --------------------------------------------------------------------------------------------- */

struct late_end {
	struct engine *e;
	const struct provider *p;
	bool again; /* it was told before */
};

static void look_later(struct engine *e, const char *provider, bool soon);

/* Refused: it is tried again at the next look, for as long as it takes. */
static void late_ended(void *arg, const json_t *result, const struct err *err)
{
	struct late_end l = *(struct late_end *)arg;
	free(arg);
	(void)result;
	if (!err)
		return;
	look_later(l.e, l.p->name, !l.again);
	if (l.again)
		return;
	run_event(l.e, NULL, NULL, "node.late", "error", NULL,
	    "a node that came too late could not be ended, and may cost: %s; it is tried again every two minutes, and `skytop sweep` shows it", err->text);
	run_commit(l.e);
}

/* Its cluster, or its attempt, was given up and confirmed gone while the request to make it was still under way, or another has taken its
 * place: nobody waits for it. */
static void end_late(struct engine *e, const struct provider *p, const json_t *j)
{
	const char *id = json_str(j, "id", "?");
	struct late_end *l = xcalloc(1, sizeof *l);
	*l = (struct late_end){e, p, json_object_get(e->late_told, id) != NULL};
	json_object_set_new(e->late_told, id, json_true());
	if (!l->again)
		run_event(e, NULL, NULL, "node.late", "warn", NULL, "%s: a node that had been given up came after all at %s: it is ended (%s)",
		    json_str(j, "cluster", "?"), p->title, id);
	call_start(&e->calls, p, PROVIDER_TERMINATE, json_pack("{s:[s]}", "ids", id), late_ended, l);
}

/* ---- by itself --------------------------------------------------------------------------------------------------- */

struct look {
	struct engine *e;
	const struct provider *p;
};

static void tell(struct engine *e, const struct provider *p, size_t n, int64_t uusd_h, bool unknown)
{
	char money[40];
	if (n)
		run_event(e, NULL, NULL, "sweep.found", "warn", json_pack("{s:s, s:I}", "provider", p->name, "machines", (json_int_t)n),
		    "%zu machine%s at %s that skytop made and this state does not know, $%s an hour%s: `skytop sweep` shows, adopts or destroys them", n,
		    n == 1 ? "" : "s", p->title, money_text(uusd_h, money, sizeof money), unknown ? " and more" : "");
}

static void on_look(void *arg, const json_t *result, const struct err *err)
{
	struct look s = *(struct look *)arg;
	free(arg);
	if (err) {
		log_line(LOG_INFO, "sweep of %s: %s", s.p->name, err->text);
		return;
	}
	json_t *found = sweep_strangers(s.e, s.p, result), *j;
	int64_t uusd_h = 0;
	size_t i, left = 0;
	bool unknown = false;
	json_array_foreach(found, i, j) {
		const char *uid = json_str(j, "cluster_id", NULL);
		if (!strcmp(json_str(j, "kind", ""), "late")) {
			end_late(s.e, s.p, j);
		} else if (json_bool(j, "adoptable", false) && !unit_of(s.e, uid) && (s.e->state_was_lost || state_cluster_id(s.e->state, uid))) {
			sweep_adopt(s.e, s.p, j, result);
		} else if (!unit_of(s.e, uid) || !strcmp(json_str(j, "kind", ""), "left")) {
			left++;
			uusd_h += json_int(j, "price_uusd_h", 0);
			unknown = unknown || !json_is_integer(json_object_get(j, "price_uusd_h"));
		}
	}
	if (!s.e->late_looks)
		tell(s.e, s.p, left, uusd_h, unknown);
	run_commit(s.e);
	for (i = 0; i < s.e->n_units; i++) {
		struct unit *u = s.e->units[i];
		if (!u->was_up_since_start && u->c->status != CLUSTER_STOPPED && str_eq(u->c->provider, s.p->name))
			reconcile_unit(u, NULL, NULL);
	}
	json_decref(found);
}

static void look(struct engine *e, const struct provider *p)
{
	struct look *s = xcalloc(1, sizeof *s);
	*s = (struct look){e, p};
	call_start(&e->calls, p, PROVIDER_QUERY, json_object(), on_look, s);
}

/* Machines of one's own are asked at each start. A cloud is asked only if something was made there, or if nobody knows any more. */
static bool may_have_machines(struct engine *e, const struct provider *p)
{
	return !run_is_cloud(p) || e->state_was_lost || state_used(e->state, p->name);
}

/* How long to wait before each look for late nodes. A request lives a minute at most, clouds take some time more to show what they did. A
 * machine of one's own that was away shows it when it is back; what nobody moved into ends there by itself after half an hour. */
static const int64_t late_ms[] = {2000, 8000, 30000, 80000};
enum { LATE_AGAIN_MS = 10000, LATE_EVERY_MS = 120000, LATE_LOOKS = ARRAY_LEN(late_ms) + 15, LATE_MS = LATE_LOOKS * LATE_EVERY_MS };

static void on_late(void *arg)
{
	struct engine *e = arg;
	bool shown = ++e->late_looks >= (int)ARRAY_LEN(late_ms);
	for (const struct provider *const *p = e->setup.providers; *p; p++) {
		if (run_provider_enabled(e, *p) && json_object_get(e->late_at, (*p)->name))
			look(e, *p);
		if (shown && !(*p)->settings_files)
			json_object_del(e->late_at, (*p)->name);
	}
	if (e->late_looks >= LATE_LOOKS) /* past it, when what was refused is tried again */
		json_object_clear(e->late_at);
	e->late = json_object_size(e->late_at) ? loop_after(e->loop, shown ? LATE_EVERY_MS : late_ms[e->late_looks], on_late, e) : 0;
}

static void look_later(struct engine *e, const char *provider, bool soon)
{
	json_object_set_new(e->late_at, provider, json_true());
	if (!e->late || soon) {
		loop_cancel(e->loop, e->late);
		e->late = loop_after(e->loop, soon ? LATE_AGAIN_MS : LATE_EVERY_MS, on_late, e);
	}
}

void sweep_expect_late(struct engine *e, const char *provider)
{
	if (!provider)
		return;
	json_object_set_new(e->late_at, provider, json_true());
	loop_cancel(e->loop, e->late);
	e->late_looks = 0;
	e->late = loop_after(e->loop, late_ms[0], on_late, e);
}

void sweep_start(struct engine *e)
{
	for (const struct provider *const *p = e->setup.providers; *p; p++) {
		if (!run_provider_enabled(e, *p))
			continue;
		if (state_any_unanswered(e->state, (*p)->name, wall_now_ms() - ((*p)->settings_files ? LATE_MS : 120000)))
			sweep_expect_late(e, (*p)->name);
		if (may_have_machines(e, *p))
			look(e, *p);
	}
}

/* ---- on request -------------------------------------------------------------------------------------------------- */

struct asking {
	struct engine *e;
	size_t open;
	json_t *result;
	void (*fn)(void *arg, const json_t *result);
	void *arg;
};

struct ask_one {
	struct asking *all;
	const struct provider *p;
	json_t *row; /* borrowed from the result */
};

static void asked_one(void *arg)
{
	struct asking *a = arg;
	if (--a->open)
		return;
	a->fn(a->arg, a->result);
	json_decref(a->result);
	free(a);
}

static void on_asked(void *arg, const json_t *result, const struct err *err)
{
	struct ask_one one = *(struct ask_one *)arg;
	free(arg);
	json_put_bool(one.row, "asked", !err);
	json_put_str(one.row, "reason", err ? err->text : NULL);
	json_put_str(one.row, "code", err ? err_info(err->code)->name : NULL);
	json_t *found = err ? NULL : sweep_strangers(one.all->e, one.p, result);
	if (found)
		json_array_extend(json_object_get(one.all->result, "machines"), found);
	json_decref(found);
	asked_one(one.all);
}

void engine_sweep(struct engine *e, const json_t *clouds, void (*fn)(void *arg, const json_t *result), void *arg)
{
	struct asking *a = xcalloc(1, sizeof *a);
	*a = (struct asking){e, 1, json_pack("{s:I, s:[], s:[]}", "at", (json_int_t)wall_now_ms(), "machines", "clouds"), fn, arg};
	for (const struct provider *const *p = e->setup.providers; *p; p++) {
		if (json_array_size(clouds) && !json_has(clouds, (*p)->name))
			continue;
		bool off = !run_provider_enabled(e, *p);
		if (off && !json_array_size(clouds))
			continue;
		json_t *row = json_pack("{s:s, s:s, s:b, s:b}", "name", (*p)->name, "title", (*p)->title, "simulated", (*p)->simulated, "asked", 0);
		json_array_append_new(json_object_get(a->result, "clouds"), row);
		if (off) {
			json_put_str(row, "reason", "switched off in config.yaml");
			json_put_str(row, "code", err_info(ERR_INVALID)->name);
			continue;
		}
		struct ask_one *one = xcalloc(1, sizeof *one);
		*one = (struct ask_one){a, *p, row};
		a->open++;
		call_start(&e->calls, *p, PROVIDER_QUERY, json_object(), on_asked, one);
	}
	loop_after(e->loop, 0, asked_one, a);
}
