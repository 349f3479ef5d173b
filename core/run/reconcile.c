/* What is unsure is asked of the provider, never guessed: a cluster left in INIT, one whose agent does not answer. Machines that no row
 * knows are sweep.h's. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/hosts.h"
#include "core/run/op.h"
#include "core/run/run.h"
#include "core/run/sweep.h"

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

/* So many clusters are asked about at once; the others stand in line. */
enum { ASKED_MAX = 16 };

static void ask_next(struct engine *e);

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

static void cleared(void *arg, const json_t *result, const struct err *err)
{
	(void)arg;
	(void)result;
	if (err)
		log_line(LOG_WARN, "what a cluster that is gone left behind: %s", err->text);
}

/* What a cloud made for the cluster beside its machines (rules, groups) goes as well; it costs nothing, so that one try will do. */
static void clear(struct unit *u)
{
	const struct provider *p = run_provider(u->engine, u->c->provider);
	if (p && (p->can & PROVIDER_CAN_IMAGES) && !p->cloud_side)
		call_start(&u->engine->calls, p, PROVIDER_TERMINATE, json_pack("{s:s}", "cluster", u->c->uid), cleared, NULL);
}

/* All nodes are gone: nothing costs any more, the cluster is history. */
static void lost(struct unit *u, bool preempted)
{
	const char *why = preempted ? "its spot nodes were taken back by the provider" : "its nodes are gone: terminated outside of skytop";
	watch_stop(u);
	spool_stop_all(u);
	jobs_end_all(u, why);
	nodes_drop(u);
	clear(u);
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
	struct engine *e = u->engine;
	r->call = NULL;
	u->query = NULL;
	if (err) {
		run_event(u->engine, u, NULL, "reconcile.failed", "warn", NULL, "%s: its state is not known: %s", u->c->name, err->text);
		own_str(&u->c->reason, err->text);
		run_save(u);
		run_commit(u->engine);
	} else if (!run_op_of(e, u->c->name, NULL)) {
		settle(u, result); /* u may be gone now */
	}
	answer(r);
	ask_next(e);
}

static void ask_next(struct engine *e)
{
	size_t asked = 0;
	for (size_t i = 0; i < e->n_units; i++)
		asked += e->units[i]->query && e->units[i]->query->call;
	for (size_t i = 0; i < e->n_units && asked < ASKED_MAX; i++) {
		struct unit *u = e->units[i];
		const struct provider *p = u->query && !u->query->call ? run_provider(e, u->c->provider) : NULL;
		if (!p)
			continue;
		u->query->call = call_start(&e->calls, p, PROVIDER_QUERY, nodes_query(u), on_query, u->query);
		asked++;
	}
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
		ask_next(e);
	}
	struct reconcile_waiter *w = xcalloc(1, sizeof *w);
	*w = (struct reconcile_waiter){fn, arg, u->query->waiters};
	u->query->waiters = w;
}

void reconcile_cancel(struct unit *u)
{
	if (!u->query)
		return;
	struct engine *e = u->engine;
	call_cancel(u->query->call);
	struct reconcile *r = u->query;
	u->query = NULL;
	while (r->waiters) { /* they hear of it from the loop */
		struct reconcile_waiter *w = r->waiters;
		r->waiters = w->next;
		loop_after(e->loop, 0, w->fn, w->arg);
		free(w);
	}
	free(r);
	ask_next(e);
}

void reconcile_all(struct engine *e)
{
	sweep_start(e);
	for (size_t i = 0; i < e->n_units; i++)
		reconcile_unit(e->units[i], NULL, NULL);
}
