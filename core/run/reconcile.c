/* What is unsure is asked of the provider, never guessed: a cluster left in INIT, one whose agent does not answer, and, when the engine
 * starts, whether there are nodes that no row knows (a state.db that was lost): those are taken in as clusters, so that they can be seen
 * and ended. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/hosts.h"
#include "core/run/op.h"
#include "core/run/run.h"

struct reconcile_waiter {
	void (*fn)(void *arg);
	void *arg;
	struct reconcile_waiter *next;
};

struct reconcile {
	struct unit *u;
	struct call *call;
	struct reconcile_waiter *waiters;
};

static void answer(struct reconcile *r)
{
	while (r->waiters) {
		struct reconcile_waiter *w = r->waiters;
		r->waiters = w->next;
		w->fn(w->arg);
		free(w);
	}
	free(r);
}

/* All nodes are gone: nothing costs any more, the cluster is history. */
static void lost(struct unit *u, bool preempted)
{
	const char *why = preempted ? "its spot nodes were taken back by the provider" : "its nodes are gone: terminated outside of skytop";
	watch_stop(u);
	spool_stop_all(u);
	jobs_end_all(u, why);
	nodes_drop(u);
	own_str(&u->c->reason, why);
	u->c->removed_at_ms = wall_now_ms();
	run_event(u->engine, u, NULL, preempted ? "cluster.preempted" : "cluster.gone", "error", NULL, "%s: %s", u->c->name, why);
	u->c->status = CLUSTER_REMOVED;
	run_save(u);
	run_commit(u->engine);
	run_unit_remove(u->engine, u);
}

static void settle(struct unit *u, const json_t *result)
{
	bool knew = u->c->status == CLUSTER_UP;
	nodes_take(u, result, true);
	struct node_counts n = nodes_count(u, result);
	size_t gone = n.n - n.running - n.stopped - n.pending - n.intent;
	if (n.n == gone || (!n.running && !n.stopped && !n.pending)) {
		lost(u, n.preempted > 0);
		return;
	}
	if (n.unknown) { /* what cannot be asked is what it was, until it can */
		if (u->c->status == CLUSTER_UP)
			watch_start(u);
	} else if (n.running == n.n) {
		run_set_status(u, CLUSTER_UP, NULL);
		u->was_up_since_start = true;
		hosts_publish(u->engine);
		watch_start(u);
	} else if (n.stopped == n.n) {
		watch_stop(u);
		spool_stop_all(u);
		jobs_end_all(u, "the node was stopped");
		run_set_status(u, CLUSTER_STOPPED, knew ? "stopped outside of skytop" : u->c->reason);
	} else {
		char why[120];
		snprintf(why, sizeof why, "of %zu nodes %zu run, %zu are stopped, %zu are gone: down it, or launch on it again", n.n, n.running,
		    n.stopped, gone);
		run_set_status(u, CLUSTER_INIT, why);
	}
	run_commit(u->engine);
	run_changed(u->engine);
}

static void on_query(void *arg, const json_t *result, const struct err *err)
{
	struct reconcile *r = arg;
	struct unit *u = r->u;
	r->call = NULL;
	u->query = NULL;
	if (err) {
		run_event(u->engine, u, NULL, "reconcile.failed", "warn", NULL, "%s: its state is not known: %s", u->c->name, err->text);
		own_str(&u->c->reason, err->text);
		run_save(u);
		run_commit(u->engine);
	} else if (!run_op_of(u->engine, u->c->name, NULL)) {
		settle(u, result); /* u may be gone now */
	}
	answer(r);
}

static void nothing(void *arg)
{
	(void)arg;
}

void reconcile_unit(struct unit *u, void (*fn)(void *arg), void *arg)
{
	struct engine *e = u->engine;
	const struct provider *p = run_provider(e, u->c->provider);
	if (!fn)
		fn = nothing;
	if (!p || (!u->query && run_op_of(e, u->c->name, NULL))) {
		loop_after(e->loop, 0, fn, arg);
		return;
	}
	if (!u->query) {
		u->query = xcalloc(1, sizeof *u->query);
		u->query->u = u;
		u->query->call = call_start(&e->calls, p, PROVIDER_QUERY, nodes_query(u), on_query, u->query);
	}
	struct reconcile_waiter *w = xcalloc(1, sizeof *w);
	*w = (struct reconcile_waiter){fn, arg, u->query->waiters};
	u->query->waiters = w;
}

void reconcile_cancel(struct unit *u)
{
	if (!u->query)
		return;
	call_cancel(u->query->call);
	struct reconcile *r = u->query;
	u->query = NULL;
	while (r->waiters) { /* they hear of it from the loop */
		struct reconcile_waiter *w = r->waiters;
		r->waiters = w->next;
		loop_after(u->engine->loop, 0, w->fn, w->arg);
		free(w);
	}
	free(r);
}

/* ---- nodes that no row knows ------------------------------------------------------------------------------------- */

struct sweep {
	struct engine *e;
	const struct provider *p;
};

static bool known(struct engine *e, const char *uid)
{
	for (size_t i = 0; i < e->n_units; i++)
		if (!strcmp(e->units[i]->c->uid, uid))
			return true;
	return false;
}

static void adopt(struct engine *e, const struct provider *p, const json_t *first, const json_t *all)
{
	const char *uid = json_str(first, "cluster", NULL), *name = json_str(first, "name", NULL);
	const json_t *tags = json_obj(first, "tags"), *price = json_object_get(first, "price_uusd_h");
	char *free_name = run_unit(e, name) ? xasprintf("%s-%s", name, uid + (strlen(uid) > 4 ? strlen(uid) - 4 : 0)) : xstrdup(name);
	struct cluster *c = xcalloc(1, sizeof *c);
	/* Perhaps the state believes that it is gone: then its row is taken up again. */
	*c = (struct cluster){.id = state_cluster_id(e->state, uid), .uid = xstrdup(uid), .name = free_name, .user = xstrdup(json_str(tags, "user", "?")),
	    .project = xstrdup(json_str(tags, "project", "default")), .provider = xstrdup(p->name), .region = xstrdup(json_str(first, "region", NULL)),
	    .zone = xstrdup(json_str(first, "zone", NULL)), .instance_type = xstrdup(json_str(first, "instance_type", NULL)),
	    .accelerator = xstrdup(json_str(tags, "accelerator", NULL)), .vcpus_micro = -1, .mem_mib = -1, .use_spot = json_bool(first, "use_spot", false),
	    .price_uusd_h = json_is_integer(price) ? json_integer_value(price) : PRICE_UNKNOWN, .price_source = xstrdup("the provider, when found"),
	    .autostop_minutes = -1, .created_at_ms = wall_now_ms(), .launched_at_ms = json_int(first, "created_at", wall_now_ms()),
	    .reason = xstrdup("found running at the provider, unknown to this state: taken in")};
	size_t i, cap = 0;
	json_t *j;
	json_array_foreach(all, i, j) {
		if (!str_eq(json_str(j, "cluster", NULL), uid) || !json_str(j, "token", NULL))
			continue;
		ARRAY_GROW(c->nodes, c->n_nodes, cap);
		c->nodes[c->n_nodes++] = (struct node){.rank = json_int(j, "rank", 0), .token = xstrdup(json_str(j, "token", "")),
		    .created_at_ms = json_int(j, "created_at", 0)};
	}
	struct unit *u = run_unit_add(e, c);
	run_save(u);
	run_event(e, u, NULL, "cluster.adopted", "warn", NULL, "%s: %zu nodes were found at %s that this state did not know: taken in", c->name, c->n_nodes, p->title);
}

static void late_ended(void *arg, const json_t *result, const struct err *err)
{
	struct engine *e = arg;
	(void)result;
	if (!err)
		return;
	run_event(e, NULL, NULL, "node.late", "error", NULL, "a node that came too late could not be ended, and may cost: %s", err->text);
	run_commit(e);
}

/* Its cluster, or its attempt, was given up and confirmed gone while the request to make it was still under way: nobody waits for it. */
static void end_late(struct engine *e, const struct provider *p, const json_t *node)
{
	run_event(e, NULL, NULL, "node.late", "warn", NULL, "%s: a node that had been given up came after all at %s: it is ended", json_str(node, "name", "?"),
	    p->title);
	call_start(&e->calls, p, PROVIDER_TERMINATE, json_pack("{s:[s]}", "ids", json_str(node, "id", "")), late_ended, e);
}

static void on_sweep(void *arg, const json_t *result, const struct err *err)
{
	struct sweep s = *(struct sweep *)arg;
	free(arg);
	if (err) {
		log_line(LOG_INFO, "sweep of %s: %s", s.p->name, err->text);
		return;
	}
	const json_t *nodes = json_arr(result, "nodes");
	size_t i;
	json_t *j;
	json_array_foreach(nodes, i, j) {
		const char *uid = json_str(j, "cluster", NULL), *status = json_str(j, "status", "");
		if (state_node_unanswered(s.e->state, json_str(j, "token", NULL)))
			end_late(s.e, s.p, j);
		else if (uid && json_str(j, "name", NULL) && strcmp(status, "TERMINATED") && strcmp(status, "PREEMPTED") && !known(s.e, uid))
			adopt(s.e, s.p, j, nodes);
	}
	run_commit(s.e);
	for (i = 0; i < s.e->n_units; i++)
		if (!s.e->units[i]->was_up_since_start && s.e->units[i]->c->status != CLUSTER_STOPPED)
			reconcile_unit(s.e->units[i], NULL, NULL);
}

static void look_around(struct engine *e)
{
	for (const struct provider *const *p = e->setup.providers; *p; p++) {
		if (!run_provider_enabled(e, *p))
			continue;
		struct sweep *s = xcalloc(1, sizeof *s);
		*s = (struct sweep){e, *p};
		call_start(&e->calls, *p, PROVIDER_QUERY, json_object(), on_sweep, s);
	}
}

/* How long to wait before each look for late nodes. A request lives a minute at most, clouds take some time more to show what they did. */
static const int64_t late_ms[] = {2000, 8000, 30000, 80000};

static void on_late(void *arg)
{
	struct engine *e = arg;
	look_around(e);
	e->late_looks++;
	e->late = e->late_looks < (int)ARRAY_LEN(late_ms) ? loop_after(e->loop, late_ms[e->late_looks], on_late, e) : 0;
}

void reconcile_expect_late(struct engine *e)
{
	loop_cancel(e->loop, e->late);
	e->late_looks = 0;
	e->late = loop_after(e->loop, late_ms[0], on_late, e);
}

void reconcile_all(struct engine *e)
{
	look_around(e);
	if (state_any_unanswered(e->state, wall_now_ms() - 120000))
		reconcile_expect_late(e);
	for (size_t i = 0; i < e->n_units; i++)
		reconcile_unit(e->units[i], NULL, NULL);
}
