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
#include "core/run/fetch.h"
#include "core/run/hooks.h"
#include "core/run/hosts.h"
#include "core/run/launch.h"
#include "core/run/listing.h"
#include "core/run/mounts.h"
#include "core/run/place.h"
#include "core/run/quota.h"
#include "core/run/settings.h"
#include "core/run/sync.h"

enum {
	CREATE_TIMEOUT_MS = 15 * 60000,
	WAIT_TIMEOUT_MS = 20 * 60000,
	AGENT_STEP_TIMEOUT_MS = 20 * 60000, /* a machine boots meanwhile */
	NODES_MAX = 1000,
	HOOK_MAX = 1 << 20,
};

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

/* Is there anything to ask it about? Machines of one's own are named in a file; a cloud that lacked credentials a moment ago has none. */
static bool has_settings(struct engine *e, const struct provider *p)
{
	const char *path;
	struct err err;
	if (json_object_get(e->locked_out, p->name))
		return false;
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
	int rc = mounts_check(&d->tasks[0], only_here(e, u), err) || listing_check(e, &d->tasks[0], err) ? -1 : 0;
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
	if (fetch_looks_first(op))
		return;
	if (u && u->c->n_nodes) {
		if (json_bool(op->r->data, "fresh", false)) {
			launch_set_outcome(op, "retry");
			op_goto(op, "clean");
		} else {
			op_goto(op, u->c->status == CLUSTER_INIT ? "inspect" : "reuse");
		}
		return;
	}
	op->ask = place_ask(op->engine, json_arr(op->r->args, "clouds"), true, got_offers, op);
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

static void no_quota(void *arg, const char *text, json_t *data)
{
	struct op *op = arg;
	run_event(op->engine, op_unit(op), op->r, "launch.no_quota", "warn", data, "%s", text);
}

static void chosen_place(struct op *op, json_t *plan)
{
	const json_t *chosen = json_array_get(json_arr(plan, "plan"), 0);
	quota_tell(plan, no_quota, op);
	json_object_set(op->r->data, "chosen", (json_t *)(uintptr_t)chosen);
	json_put_bool(op->r->data, "fresh", true);
	json_put_int(op->r->data, "attempt", json_int(op->r->data, "attempt", 0) + 1);
	intend(op, chosen, json_int(chosen, "num_nodes", 1));
	fetch_tell_cost(op, chosen);
	op_next(op);
}

static void planned(void *arg, json_t *plan, const struct err *err)
{
	struct op *op = arg;
	op->plan = NULL;
	keep_silent(op, plan);
	json_object_del(op->r->data, "live"); /* large, and old in a moment */
	if (plan)
		chosen_place(op, plan);
	else if (!launch_next_round(op, err))
		launch_nothing_left(op, err);
	json_decref(plan);
}

static void step_plan(struct op *op)
{
	struct err err;
	struct unit *u = op_unit(op);
	if (u && u->c->n_nodes) { /* intended just before a crash, and never asked for: still, the provider is asked */
		json_put_bool(op->r->data, "fresh", true);
		launch_set_outcome(op, "retry");
		op_goto(op, "clean");
		return;
	}
	struct dag *d = launch_task(op, &err);
	if (!d || launch_drop_folders(op, &d->tasks[0], &err)) {
		dag_destroy(d);
		planned(op, NULL, &err);
		return;
	}
	op->plan = place_plan(op->engine, d, &(struct place_question){.clouds = json_arr(op->r->args, "clouds"), .live = json_arr(op->r->data, "live"),
	    .own_blocks = json_arr(op->r->data, "blocks"), .only_own = json_int(op->r->data, "round", 0) > 0}, planned, op);
}

/* There is room after all, whatever an earlier launch was told. */
static void lift_blocks(struct op *op)
{
	const struct cluster *c = op_unit(op)->c;
	struct err ignored;
	json_t *place = json_object();
	json_put_str(place, "provider", c->provider);
	json_put_str(place, "region", c->region);
	json_put_str(place, "zone", c->zone);
	json_put_str(place, "instance_type", c->instance_type);
	json_put_bool(place, "use_spot", c->use_spot);
	state_lift_blocks(op->engine->state, place, &ignored);
	json_decref(place);
}

static void agents_ready(struct op *op)
{
	struct unit *u = op_unit(op);
	if (json_bool(op->r->data, "fresh", false))
		lift_blocks(op);
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
	u->idle_from_ms = wall_now_ms(); /* the agent counts anew, too, but what it said before that is known still */
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

static void reuse(struct op *op, const json_t *result)
{
	const struct unit *u = op_unit(op);
	(void)result;
	op_goto(op, u->c->status == CLUSTER_STOPPED ? "start" : u->c->status == CLUSTER_UP ? "sync" : "agent");
}

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
	json_t *before = u->c->task;
	u->c->task = json_incref(json_obj(op->r->args, "task"));
	run_save(u);
	if (!launch_open_ports(op, before, reuse))
		reuse(op, NULL);
	json_decref(before);
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
		launch_set_outcome(op, "retry");
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

static const struct op_step launch_steps[] = {
    {"offers", "looking at offers", step_offers, 120000},
    {"plan", "choosing where", step_plan, 0},
    {"create", "creating nodes", launch_create, CREATE_TIMEOUT_MS},
    {"wait", "waiting for nodes", launch_wait, WAIT_TIMEOUT_MS},
    {"agent", "installing the agent", step_agent, AGENT_STEP_TIMEOUT_MS},
    {"sync", "syncing files", sync_start, 0},
    {"submit", "submitting the job", step_submit, 0},
    {"autostop", "setting autostop", step_autostop, 0},
    {"finish", "finishing", step_finish, 0},
    {"reuse", "looking at the cluster", step_reuse, 0},
    {"inspect", "asking for its state", step_inspect, 120000},
    {"start", "starting nodes", step_start, CREATE_TIMEOUT_MS},
    {"clean", "removing what was made", launch_clean, 0},
    {"sources", "looking at what is to be copied", fetch_look, 10 * 60000},
    {"fetch", "copying from elsewhere", fetch_start, 0},
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
