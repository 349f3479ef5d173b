/* launch: offers → plan → create → wait → agent → sync → submit → autostop; and exec, which is sync → submit on a cluster that is up.
 *
 * An attempt that fails before the cluster is up is cleaned: everything of it is confirmed gone before the next candidate is tried, or
 * before the request fails or is cancelled (data.outcome says which). What was up before the request is left as it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/access.h"
#include "core/run/hooks.h"
#include "core/run/hosts.h"
#include "core/run/launch.h"
#include "core/run/mounts.h"
#include "core/run/place.h"
#include "core/run/settings.h"
#include "core/run/sync.h"
#include "core/run/sweep.h"

enum {
	CREATE_TIMEOUT_MS = 15 * 60000,
	WAIT_TIMEOUT_MS = 20 * 60000,
	AGENT_STEP_TIMEOUT_MS = 5 * 60000,
	POLL_FIRST_MS = 100,
	POLL_MS = 1000,
	RETRY_UNTIL_UP_MS = 30000,
	CLEAN_RETRY_MS = 5000,
	CLEAN_SILENT_MS = 60000, /* so long a host that does not answer is waited for */
	MACHINES_WAIT_MS = 180000,
	MACHINES_PAUSE_MS = 2000,
	CLEAN_TRIES = 60,
	BLOCK_MS = 5 * 60000,
	NODES_MAX = 1000,
	HOOK_MAX = 1 << 20,
};

static const char *outcome(const struct op *op)
{
	return json_str(op->r->data, "outcome", "");
}

static void set_outcome(struct op *op, const char *what)
{
	json_put_str(op->r->data, "outcome", what);
}

/* ---- accepting --------------------------------------------------------------------------------------------------- */

static char *fresh_name(struct engine *e)
{
	for (;;) {
		char *name = xasprintf("top-%04x", num_random() & 0xffff);
		if (!run_unit(e, name) && !run_op_of(e, name, NULL))
			return name;
		free(name);
	}
}

/* Is there anything to ask it about? Machines of one's own are named in a file. */
static bool has_settings(struct engine *e, const struct provider *p)
{
	const char *path;
	struct err err;
	json_t *settings = p->settings_files ? settings_read(&e->calls.settings, p, &path, &err) : NULL;
	bool yes = !p->settings_files || settings || err.code != ERR_NONE;
	json_decref(settings);
	return yes;
}

/* Can its nodes only be folders on this machine? u: the cluster, if there is one already. */
static bool only_here(struct engine *e, const struct unit *u)
{
	for (const struct provider *const *p = e->setup.providers; p && *p; p++)
		if (!(*p)->cloud_side && run_provider_enabled(e, *p) && (!u || str_eq(u->c->provider, (*p)->name)) && has_settings(e, *p))
			return false;
	return true;
}

static int accept_task(struct engine *e, const json_t *args, const struct unit *u, struct err *err)
{
	struct dag *d = task_unpack(json_obj(args, "task"), err);
	if (!d)
		return -1;
	int rc = mounts_check(&d->tasks[0], only_here(e, u), err);
	if (!rc && d->tasks[0].num_nodes > NODES_MAX)
		rc = err_set(err, ERR_INVALID, "num_nodes: %" PRId64 " nodes; %d is the most", d->tasks[0].num_nodes, NODES_MAX);
	dag_destroy(d);
	return rc;
}

static int accept_launch(struct engine *e, struct request *r, struct err *err)
{
	const char *name = json_str(r->args, "cluster", NULL);
	if (accept_task(e, r->args, NULL, err) || launch_check_autostop(json_obj(r->args, "autostop"), err) || (name && cluster_name_check(name, err)))
		return -1;
	r->cluster = name ? xstrdup(name) : fresh_name(e);
	return 0;
}

static int accept_exec(struct engine *e, struct request *r, struct err *err)
{
	const char *name = json_str(r->args, "cluster", "");
	struct unit *u = run_unit(e, name);
	if (accept_task(e, r->args, u, err))
		return -1;
	if (!u)
		return run_no_cluster(e, name, err);
	if (u->c->status != CLUSTER_UP && !run_op_of(e, name, NULL))
		return err_set(err, ERR_CONFLICT, "cluster '%s' is %s, not UP: skytop start %s", name, cluster_status_name(u->c->status), name);
	r->cluster = xstrdup(name);
	return 0;
}

/* ---- offers and plan --------------------------------------------------------------------------------------------- */

static void got_offers(void *arg, json_t *live)
{
	struct op *op = arg;
	op->ask = NULL;
	json_object_set_new(op->r->data, "live", live);
	op_next(op);
}

static void step_offers(struct op *op)
{
	struct unit *u = op_unit(op);
	if (u && u->c->n_nodes) {
		if (json_bool(op->r->data, "fresh", false)) {
			set_outcome(op, "retry");
			op_goto(op, "clean");
		} else {
			op_goto(op, u->c->status == CLUSTER_INIT ? "inspect" : "reuse");
		}
		return;
	}
	op->ask = place_ask(op->engine, json_arr(op->r->args, "clouds"), true, got_offers, op);
}

static json_t *make_plan(struct op *op, struct err *err)
{
	struct dag *d = launch_task(op, err);
	if (!d)
		return NULL;
	if (launch_drop_folders(op, &d->tasks[0], err)) {
		dag_destroy(d);
		return NULL;
	}
	json_t *plan = place_choose(op->engine, d, json_arr(op->r->args, "clouds"), json_arr(op->r->data, "live"), json_arr(op->r->data, "blocks"), err);
	dag_destroy(d);
	return plan;
}

/* The cluster's row and its nodes' tokens: what the commit before `create` makes durable is the intent. */
static struct unit *intend(struct op *op, const json_t *chosen, int64_t num_nodes)
{
	struct engine *e = op->engine;
	struct unit *u = op_unit(op);
	if (!u) {
		struct cluster *c = xcalloc(1, sizeof *c);
		c->uid = xasprintf("%s-%08x%08x", op->r->cluster, num_random(), num_random());
		c->name = xstrdup(op->r->cluster);
		c->user = xstrdup(op->r->user);
		c->project = xstrdup(op->r->project);
		c->created_at_ms = wall_now_ms();
		u = run_unit_add(e, c);
	}
	struct cluster *c = u->c;
	c->status = CLUSTER_INIT;
	own_str(&c->reason, "being launched");
	own_str(&c->provider, json_str(chosen, "provider", NULL));
	own_str(&c->region, json_str(chosen, "region", NULL));
	own_str(&c->zone, json_str(chosen, "zone", NULL));
	own_str(&c->instance_type, json_str(chosen, "instance_type", NULL));
	own_str(&c->accelerator, json_str(chosen, "accelerator", NULL));
	own_str(&c->price_source, json_str(chosen, "price_source", NULL));
	c->accel_count_micro = json_int(chosen, "accelerator_count_micro", 0);
	c->vcpus_micro = json_int(chosen, "vcpus_micro", -1);
	c->mem_mib = json_int(chosen, "mem_mib", -1);
	c->use_spot = json_bool(chosen, "use_spot", false);
	c->price_uusd_h = json_int(chosen, "price_uusd_h", PRICE_UNKNOWN);
	c->price_estimated = json_bool(chosen, "price_estimated", false);
	c->autostop_minutes = e->setup.default_autostop_minutes;
	json_decref(c->task);
	c->task = json_incref(json_obj(op->r->args, "task"));
	c->nodes = xrealloc(c->nodes, (size_t)num_nodes * sizeof *c->nodes);
	c->n_nodes = (size_t)num_nodes;
	for (int64_t i = 0; i < num_nodes; i++)
		c->nodes[i] = (struct node){.rank = i, .status = NODE_INTENT, .created_at_ms = wall_now_ms(),
		    .token = xasprintf("%s-%" PRId64 "-%" PRId64, c->uid, json_int(op->r->data, "attempt", 0), i)};
	run_save(u);
	return u;
}

/* No candidate is left: the cluster that never came to be is history, and the request says all that was tried. */
static void give_up(struct op *op, const struct err *err)
{
	struct err all = *err;
	struct unit *u = op_unit(op);
	const json_t *tried = json_arr(op->r->data, "tried");
	if (json_array_size(tried)) {
		struct str s = str_new(900);
		size_t i;
		json_t *t;
		json_array_foreach(tried, i, t)
			str_addf(&s, "%s%s: %s", i ? "; " : "", json_str(t, "where", "?"), json_str(t, "text", "?"));
		const json_t *last = json_array_get(tried, json_array_size(tried) - 1);
		err_set(&all, err_code_of(json_str(last, "code", "failed")), "launch %s: nothing is left to try. Tried: %s", op->r->cluster, str_text(&s));
		str_free(&s);
	}
	if (u && json_bool(op->r->data, "fresh", false)) {
		u->c->status = CLUSTER_REMOVED;
		u->c->removed_at_ms = wall_now_ms();
		own_str(&u->c->reason, all.text);
		run_save(u);
		op_fail(op, &all);
		run_unit_remove(op->engine, u);
		return;
	}
	op_fail(op, &all);
}

/* Which machines of the chosen provider did not answer when it was asked for offers: it need not wait for them. */
static void keep_silent(struct op *op, const json_t *plan)
{
	const json_t *chosen = json_array_get(json_arr(plan, "plan"), 0);
	size_t i;
	json_t *row;
	json_object_del(op->r->data, "silent");
	json_array_foreach(json_arr(op->r->data, "live"), i, row) {
		json_t *silent = json_arr(json_obj(row, "result"), "silent");
		if (silent && str_eq(json_str(row, "provider", NULL), json_str(chosen, "provider", NULL)))
			json_object_set(op->r->data, "silent", silent);
	}
}

static void step_plan(struct op *op)
{
	struct err err;
	struct unit *u = op_unit(op);
	if (u && u->c->n_nodes) { /* intended just before a crash, and never asked for: still, the provider is asked */
		json_put_bool(op->r->data, "fresh", true);
		set_outcome(op, "retry");
		op_goto(op, "clean");
		return;
	}
	json_t *plan = make_plan(op, &err);
	keep_silent(op, plan);
	json_object_del(op->r->data, "live"); /* large, and old in a moment */
	if (!plan) {
		if (json_bool(op->r->args, "retry_until_up", false) && err.code == ERR_NO_RESOURCE && json_array_size(json_arr(op->r->data, "tried"))) {
			json_object_del(op->r->data, "blocks");
			op_progress(op, "nothing available: trying again in %d s", RETRY_UNTIL_UP_MS / 1000);
			run_event(op->engine, op_unit(op), op->r, "launch.retry", "warn", NULL, "nothing available, trying again in %d s: %s",
			    RETRY_UNTIL_UP_MS / 1000, err.text);
			op_goto_after(op, "offers", RETRY_UNTIL_UP_MS);
			return;
		}
		give_up(op, &err);
		return;
	}
	const json_t *chosen = json_array_get(json_arr(plan, "plan"), 0);
	json_object_set(op->r->data, "chosen", (json_t *)(uintptr_t)chosen);
	json_put_bool(op->r->data, "fresh", true);
	json_put_int(op->r->data, "attempt", json_int(op->r->data, "attempt", 0) + 1);
	intend(op, chosen, json_int(chosen, "num_nodes", 1));
	json_decref(plan);
	op_next(op);
}

/* ---- create, wait ------------------------------------------------------------------------------------------------ */

static json_t *create_args(struct op *op)
{
	struct unit *u = op_unit(op);
	const struct cluster *c = u->c;
	const json_t *chosen = json_obj(op->r->data, "chosen");
	json_t *nodes = json_array(), *a = json_object();
	for (size_t i = 0; i < c->n_nodes; i++)
		json_array_append_new(nodes, json_pack("{s:s, s:I}", "token", c->nodes[i].token, "rank", (json_int_t)c->nodes[i].rank));
	json_put_str(a, "cluster", c->uid);
	json_put_str(a, "name", c->name);
	json_object_set_new(a, "nodes", nodes);
	json_put_str(a, "instance_type", c->instance_type);
	json_put_str(a, "region", c->region);
	json_put_str(a, "zone", c->zone);
	json_put_bool(a, "use_spot", c->use_spot);
	json_put_str(a, "accelerator", c->accelerator);
	json_object_set_new(a, "accelerator_count", json_real((double)c->accel_count_micro / 1e6));
	json_put_int(a, "disk_size_gib", json_int(chosen, "disk_size_gib", 256));
	json_object_set_new(a, "price_uusd_h", c->price_uusd_h == PRICE_UNKNOWN ? json_null() : json_integer(c->price_uusd_h));
	json_object_set_new(a, "max_price_uusd_h", json_null());
	json_t *tags = json_object();
	json_put_str(tags, "user", c->user);
	json_put_str(tags, "project", c->project);
	if (c->accelerator)
		json_put_str(tags, "accelerator", c->accelerator);
	json_object_set_new(a, "tags", tags);
	json_object_set_new(a, "labels", json_object());
	json_t *silent = json_arr(op->r->data, "silent");
	json_object_set_new(a, "silent", silent ? json_incref(silent) : json_array());
	return a;
}

/* Machines of the user's own that cannot be reached just now: there is no other place where they are, so they are waited for. */
static bool wait_for_machines(struct op *op, const struct err *err)
{
	const struct unit *u = op_unit(op);
	const struct provider *p = u ? run_provider(op->engine, u->c->provider) : NULL;
	if (!p || !p->settings_files || (err->code != ERR_NETWORK && err->code != ERR_TIMEOUT))
		return false;
	int64_t now = wall_now_ms(), since = json_int(op->r->data, "waiting_since", 0);
	if (!since)
		json_put_int(op->r->data, "waiting_since", since = now);
	if (now < since || now - since > MACHINES_WAIT_MS)
		return false;
	op_progress(op, "waiting for machines: %s", err->text);
	op_again(op, MACHINES_PAUSE_MS);
	return true;
}

static void created(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	json_object_del(op->r->data, "waiting_since");
	nodes_take(u, result, false);
	if (json_bool(result, "unsure", false))
		sweep_expect_late(op->engine, u->c->provider);
	op_next(op);
}

static void step_create(struct op *op)
{
	struct unit *u = op_unit(op);
	const struct provider *p = u ? run_provider(op->engine, u->c->provider) : NULL;
	struct err err;
	if (!p) {
		err_set(&err, ERR_NOT_FOUND, "launch %s: its provider is not there any more", op->r->cluster);
		op_fail(op, &err);
		return;
	}
	if (!json_int(op->r->data, "waiting_since", 0))
		op_progress(op, "creating %zu node%s: %s %s %s", u->c->n_nodes, u->c->n_nodes == 1 ? "" : "s", u->c->provider, u->c->instance_type,
		    u->c->zone && u->c->zone[0] ? u->c->zone : u->c->region ? u->c->region : "");
	op_call(op, p, PROVIDER_CREATE, create_args(op), created);
}

static void step_wait(struct op *op);

static void waited(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	nodes_take(u, result, true);
	struct node_counts n = nodes_count(u, result);
	struct err err;
	if (n.running == n.n) {
		op_next(op);
	} else if (n.running + n.pending + n.stopped + n.intent < n.n || n.preempted) {
		err_set(&err, ERR_CAPACITY, "%s %s: a node was taken away before it was up", u->c->provider, u->c->region ? u->c->region : "");
		op_failed(op, &err);
	} else {
		op_progress(op, "waiting for nodes: %zu of %zu", n.running, n.n);
		op_again(op, mono_now_us() - op->step_started_us < 2000000 ? POLL_FIRST_MS : POLL_MS);
	}
}

static void step_wait(struct op *op)
{
	struct unit *u = op_unit(op);
	struct node_counts n = nodes_count(u, NULL);
	if (n.running == n.n) { /* create said so already */
		op_next(op);
		return;
	}
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_QUERY, nodes_query(u), waited);
}

static void agents_ready(struct op *op)
{
	struct unit *u = op_unit(op);
	if (!u->c->launched_at_ms)
		u->c->launched_at_ms = wall_now_ms();
	u->was_up_since_start = true;
	run_set_status(u, CLUSTER_UP, NULL);
	hosts_publish(op->engine);
	json_put_bool(op->r->data, "fresh", false); /* from here on a failure leaves the cluster up */
	watch_start(u);
	op_next(op);
}

static void step_agent(struct op *op)
{
	launch_agents(op, agents_ready);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void autostop_set(struct op *op)
{
	op_next(op);
}

static char *autostop_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	const struct cluster *c = op_unit(op)->c;
	if (c->autostop_minutes < 0)
		return xstrdup("exec sh \"$HOME/.skytop/skytop-agent\" autostop off </dev/null");
	struct str hook = str_new(HOOK_MAX), s = str_new(4096);
	int64_t timeout = 0;
	bool any = hooks_script(&hook, json_obj(c->task, "config"), hooks_at_autostop, &timeout);
	str_addf(&s, "%sexec sh \"$HOME/.skytop/skytop-agent\" autostop %" PRId64 "%s --wait-for %s", any ? "f=\"$HOME/.skytop/hook.new\"\ncat >\"$f\" || exit\n" : "",
	    c->autostop_minutes, c->autostop_down ? " --down" : "", c->autostop_wait_for ? c->autostop_wait_for : "jobs_and_ssh");
	if (any)
		str_addf(&s, " --hook-file \"$f\" --hook-timeout %" PRId64, timeout);
	str_add(&s, " </dev/null");
	*input_len = hook.len;
	*input = str_take(&hook);
	return str_take(&s);
}

/* The head hands it on: each node must be able to stop itself should the engine be away. */
void launch_autostop(struct op *op, void (*fn)(struct op *op))
{
	op_remote(op, &(struct op_remote_spec){.what = "set autostop", .timeout_ms = 60000, .command = autostop_command, .best_effort = true}, 0, 1,
	    fn);
}

int launch_check_autostop(const json_t *a, struct err *err)
{
	int64_t minutes = json_int(a, "idle_minutes", -2);
	const char *waits = json_str(a, "wait_for", NULL);
	if (!a)
		return 0;
	if (minutes < -1 || minutes > 60 * 24 * 365)
		return err_set(err, ERR_INVALID, "autostop: the idle minutes must be a number from 1 to 525600, or off");
	for (size_t i = 0; waits && wait_for_names[i]; i++)
		if (!strcmp(waits, wait_for_names[i]))
			return 0;
	return waits ? err_set(err, ERR_INVALID, "autostop: wait_for is jobs_and_ssh, jobs or none") : 0;
}

void launch_take_autostop(struct unit *u, const json_t *asked)
{
	const struct provider *p = run_provider(u->engine, u->c->provider);
	bool needs_down = json_bool(asked, "down_if_needed", false) && p && !(p->can & PROVIDER_CAN_STOP);
	u->c->autostop_minutes = json_int(asked, "idle_minutes", -1);
	u->c->autostop_down = json_bool(asked, "down", false) || needs_down;
	own_str(&u->c->autostop_wait_for, json_str(asked, "wait_for", NULL));
}

/* What the request asks, else what the task says, else what config.yaml says. */
static void step_autostop(struct op *op)
{
	struct unit *u = op_unit(op);
	struct err err;
	const json_t *asked = json_object_get(op->r->args, "autostop");
	struct dag *d = launch_task(op, &err);
	if (json_is_object(asked)) {
		launch_take_autostop(u, asked);
	} else if (d && d->tasks[0].n_resources && d->tasks[0].resources[0].autostop.set) {
		const struct autostop *a = &d->tasks[0].resources[0].autostop;
		u->c->autostop_minutes = a->enabled ? (a->idle_minutes > 0 ? a->idle_minutes : 1) : -1;
		u->c->autostop_down = a->down;
		own_str(&u->c->autostop_wait_for, a->wait_for_set ? wait_for_names[a->wait_for] : NULL);
	}
	dag_destroy(d);
	run_save(u);
	if (u->c->autostop_minutes < 0)
		op_next(op);
	else
		launch_autostop(op, autostop_set);
}

static void step_finish(struct op *op)
{
	json_t *result = json_pack("{s:s}", "cluster", op->r->cluster);
	json_put_int(result, "job_id", json_int(op->r->data, "job_id", 0));
	op_done(op, result);
}

/* A task without run and setup asks for the machine alone. */
static void submit(struct op *op)
{
	struct err err;
	struct dag *d = launch_task(op, &err);
	if (!d) {
		op_failed(op, &err);
		return;
	}
	bool debug = json_bool(op->r->args, "debug", false);
	bool nothing = (debug || !d->tasks[0].run) && (!d->tasks[0].setup || json_bool(op->r->args, "no_setup", false));
	dag_destroy(d);
	if (nothing)
		op_next(op);
	else
		launch_submit(op);
}

static void step_submit(struct op *op)
{
	if (json_bool(op->r->args, "debug", false))
		launch_debug(op, submit);
	else
		submit(op);
}

/* ---- reuse ------------------------------------------------------------------------------------------------------- */

static void step_reuse(struct op *op)
{
	struct unit *u = op_unit(op);
	struct err err;
	if (!u) { /* gone meanwhile */
		op_goto(op, "offers");
		return;
	}
	if (launch_check_reuse(op, u->c, &err)) {
		op_fail(op, &err);
		return;
	}
	json_put_bool(op->r->data, "fresh", false);
	json_decref(u->c->task);
	u->c->task = json_incref(json_obj(op->r->args, "task"));
	run_save(u);
	op_goto(op, u->c->status == CLUSTER_STOPPED ? "start" : u->c->status == CLUSTER_UP ? "sync" : "agent");
}

/* A cluster whose state is not known: the provider tells, and only what is whole is used again. */
static void inspected(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	struct err err;
	nodes_take(u, result, true);
	struct node_counts n = nodes_count(u, result);
	if (n.running == n.n || n.stopped == n.n) {
		u->c->status = n.stopped == n.n ? CLUSTER_STOPPED : CLUSTER_INIT;
		op_goto(op, "reuse");
	} else if (!n.running && !n.stopped && !n.pending) {
		json_put_bool(op->r->data, "fresh", true);
		set_outcome(op, "retry");
		op_goto(op, "clean");
	} else {
		err_set(&err, ERR_CONFLICT, "launch %s: of its %zu nodes %zu run and %zu are stopped: skytop start %s, or skytop down %s", u->c->name, n.n,
		    n.running, n.stopped, u->c->name, u->c->name);
		op_fail(op, &err);
	}
}

static void step_inspect(struct op *op)
{
	struct unit *u = op_unit(op);
	if (!u) {
		op_goto(op, "offers");
		return;
	}
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_QUERY, nodes_query(u), inspected);
}

static void started(struct op *op, const json_t *result)
{
	nodes_take(op_unit(op), result, false);
	op_goto(op, "wait");
}

static void step_start(struct op *op)
{
	struct unit *u = op_unit(op);
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_START, json_pack("{s:s, s:o}", "cluster", u->c->uid, "ids", nodes_ids(u)), started);
}

/* ---- when an attempt fails --------------------------------------------------------------------------------------- */

/* What an error says about other places: how much of the candidate's description the block keeps. */
static json_t *block_of(const struct cluster *c, const struct err *err)
{
	json_t *b = json_pack("{s:s, s:s, s:s, s:I}", "provider", c->provider, "code", err_info(err->code)->name, "text", err->text, "until",
	    (json_int_t)(wall_now_ms() + BLOCK_MS));
	if (err->code == ERR_CREDENTIALS || err->code == ERR_UNSUPPORTED)
		return b; /* all of the provider */
	json_put_str(b, "region", c->region);
	if (c->zone && c->zone[0])
		json_put_str(b, "zone", c->zone);
	json_put_str(b, "instance_type", c->instance_type);
	json_put_bool(b, "use_spot", c->use_spot);
	return b;
}

static void note_attempt(struct op *op, const struct err *err)
{
	struct unit *u = op_unit(op);
	const struct cluster *c = u->c;
	struct err ignored;
	char *where = xasprintf("%s %s %s%s", c->provider, c->zone && c->zone[0] ? c->zone : c->region ? c->region : "", c->instance_type,
	    c->use_spot ? " (spot)" : "");
	json_t *tried = json_arr(op->r->data, "tried"), *blocks = json_arr(op->r->data, "blocks");
	if (!tried)
		json_object_set_new(op->r->data, "tried", tried = json_array());
	if (!blocks)
		json_object_set_new(op->r->data, "blocks", blocks = json_array());
	json_array_append_new(tried, json_pack("{s:s, s:s, s:s}", "where", where, "code", err_info(err->code)->name, "text", err->text));
	json_t *b = block_of(c, err);
	const struct provider *p = run_provider(op->engine, c->provider);
	if (!p || !(p->can & PROVIDER_TELLS_STOCK))
		state_add_block(op->engine->state, b, &ignored);
	json_array_append_new(blocks, b);
	run_event(op->engine, u, op->r, "provision.failed", "warn", json_pack("{s:s, s:s}", "where", where, "code", err_info(err->code)->name), "%s: %s", where,
	    err->text);
	free(where);
}

/* The cluster stays, so that it can be taken down. */
static void not_cleaned(struct op *op, const struct err *err)
{
	struct unit *u = op_unit(op);
	const json_t *tried = json_arr(op->r->data, "tried");
	const char *why = json_str(json_array_get(tried, json_array_size(tried) - 1), "text", NULL);
	struct err e = *err;
	err_wrap(&e, "launch %s: %s%swhat was made could not be removed, and may still cost: skytop down %s", op->r->cluster, why ? why : "", why ? "; " : "",
	    op->r->cluster);
	if (u)
		run_set_status(u, CLUSTER_INIT, e.text);
	op_fail(op, &e);
}

static void launch_failed(struct op *op, const struct err *err)
{
	static const char *const provisioning[] = {"create", "wait", "agent"};
	const char *step = op->kind->steps[op->at].name;
	if (!strcmp(step, "create") && wait_for_machines(op, err))
		return;
	bool in_provisioning = false;
	for (size_t i = 0; i < ARRAY_LEN(provisioning); i++)
		in_provisioning = in_provisioning || !strcmp(step, provisioning[i]);
	if (!strcmp(step, "clean")) {
		int64_t tries = json_int(op->r->data, "clean_tries", 0) + 1;
		json_put_int(op->r->data, "clean_tries", tries);
		if (tries < CLEAN_TRIES) {
			op_progress(op, "removing what was made: trying again: %s", err->text);
			op_again(op, CLEAN_RETRY_MS);
			return;
		}
		not_cleaned(op, err);
		return;
	}
	if (!in_provisioning || !json_bool(op->r->data, "fresh", false) || !op_unit(op)) {
		struct err e = *err;
		err_wrap(&e, "%s %s", op->r->verb, op->r->cluster);
		op_fail(op, &e);
		return;
	}
	note_attempt(op, err);
	set_outcome(op, "retry");
	op_goto(op, "clean");
}

static void launch_cancelled(struct op *op)
{
	const char *step = op->kind->steps[op->at].name;
	op->r->cancel = false; /* it is being obeyed; the outcome carries it on */
	if (op_unit(op) && json_bool(op->r->data, "fresh", false)) {
		set_outcome(op, "cancel");
		op_goto(op, "clean");
	} else if (!strcmp(step, "clean")) {
		set_outcome(op, "cancel");
		op_goto(op, "clean");
	} else {
		op_cancelled(op);
	}
}

static void cleaned(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	int64_t pending = json_int(result, "pending", 0);
	const char *waiting = json_str(result, "waiting", NULL);
	if (pending) {
		struct err err;
		op_progress(op, "removing what was made: waiting for %" PRId64 " node%s to go%s%s", pending, pending == 1 ? "" : "s", waiting ? ": " : "",
		    waiting ? waiting : "");
		if (waiting && mono_now_us() - op->step_started_us > CLEAN_SILENT_MS * INT64_C(1000)) {
			err_set(&err, ERR_NETWORK, "%s", waiting);
			not_cleaned(op, &err);
		} else {
			op_again(op, POLL_MS);
		}
		return;
	}
	nodes_drop(u);
	if (!strcmp(outcome(op), "cancel")) {
		u->c->status = CLUSTER_REMOVED;
		u->c->removed_at_ms = wall_now_ms();
		own_str(&u->c->reason, "its launch was cancelled");
		run_save(u);
		op_cancelled(op);
		run_unit_remove(op->engine, u);
		return;
	}
	op_goto(op, "offers");
}

static void clean_nodes(struct op *op)
{
	struct unit *u = op_unit(op);
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_TERMINATE, json_pack("{s:s, s:o}", "cluster", u->c->uid, "ids", nodes_ids(u)), cleaned);
}

static char *revoke_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)input;
	(void)input_len;
	struct str s = str_new(4096);
	access_revoke(&s, op_unit(op)->c, i);
	str_add(&s, "exit 0");
	return str_take(&s);
}

static void step_clean(struct op *op)
{
	struct unit *u = op_unit(op);
	if (!u) {
		op_cancelled(op);
		return;
	}
	watch_stop(u);
	spool_stop_all(u);
	if (access_any(u->c))
		op_remote(op, &(struct op_remote_spec){.what = "take the keys back", .timeout_ms = 10000, .command = revoke_command, .best_effort = true}, 0,
		    u->c->n_nodes, clean_nodes);
	else
		clean_nodes(op);
}

static const struct op_step launch_steps[] = {
    {"offers", "looking at offers", step_offers, 120000},
    {"plan", "choosing where", step_plan, 0},
    {"create", "creating nodes", step_create, CREATE_TIMEOUT_MS},
    {"wait", "waiting for nodes", step_wait, WAIT_TIMEOUT_MS},
    {"agent", "installing the agent", step_agent, AGENT_STEP_TIMEOUT_MS},
    {"sync", "syncing files", sync_start, 0},
    {"submit", "submitting the job", step_submit, 0},
    {"autostop", "setting autostop", step_autostop, 0},
    {"finish", "finishing", step_finish, 0},
    {"reuse", "looking at the cluster", step_reuse, 0},
    {"inspect", "asking for its state", step_inspect, 120000},
    {"start", "starting nodes", step_start, CREATE_TIMEOUT_MS},
    {"clean", "removing what was made", step_clean, 0},
};

const struct op_kind op_launch = {.verb = "launch", .steps = launch_steps, .n_steps = ARRAY_LEN(launch_steps), .accept = accept_launch,
    .failed = launch_failed, .cancelled = launch_cancelled};

/* ---- exec -------------------------------------------------------------------------------------------------------- */

static void step_exec_check(struct op *op)
{
	struct unit *u = op_unit(op);
	struct err err;
	if (!u)
		run_no_cluster(op->engine, op->r->cluster, &err);
	else if (u->c->status != CLUSTER_UP)
		err_set(&err, ERR_CONFLICT, "exec: cluster '%s' is %s, not UP: skytop start %s", u->c->name, cluster_status_name(u->c->status), u->c->name);
	else if (launch_check_reuse(op, u->c, &err))
		err_wrap(&err, "exec");
	else {
		op_next(op);
		return;
	}
	op_fail(op, &err);
}

static void exec_failed(struct op *op, const struct err *err)
{
	struct err e = *err;
	err_wrap(&e, "exec on %s", op->r->cluster);
	op_fail(op, &e);
}

static const struct op_step exec_steps[] = {
    {"check", "looking at the cluster", step_exec_check, 0},
    {"sync", "syncing files", sync_start, 0},
    {"submit", "submitting the job", launch_submit, 0},
    {"finish", "finishing", step_finish, 0},
};

const struct op_kind op_exec = {.verb = "exec", .steps = exec_steps, .n_steps = ARRAY_LEN(exec_steps), .accept = accept_exec, .failed = exec_failed};
