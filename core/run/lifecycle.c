/* stop, start, down, autostop and cancel. Each says what it waits for; `down` is done only when the provider says that nothing is left. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/run/access.h"
#include "core/run/hooks.h"
#include "core/run/hosts.h"
#include "core/run/launch.h"
#include "core/run/left.h"

enum { AGENT_MS = 20000, PROVIDER_MS = 20 * 60000, DRAIN_MS = 2000, HOOK_MAX = 1 << 20 };

static int accept_cluster(struct engine *e, struct request *r, struct err *err)
{
	const char *name = json_str(r->args, "cluster", "");
	if (!run_unit(e, name) && !run_op_of(e, name, NULL))
		return run_no_cluster(e, name, err);
	r->cluster = xstrdup(name);
	return 0;
}

/* Asked for by the engine itself? */
static bool is_idle_stop(const struct op *op)
{
	return str_eq(json_str(op->r->args, "why", NULL), "idle");
}

/* Whatever is going on with the cluster is of no use any more. With purge also a stop or down that waits for machines that do not answer. What
 * tries to end the rest of it is taken over: see left.h. */
static int accept_down(struct engine *e, struct request *r, struct err *err)
{
	bool purge = json_bool(r->args, "purge", false);
	if (accept_cluster(e, r, err))
		return -1;
	for (size_t i = left_is(r) ? 0 : e->n_ops; i > 0; i--) {
		struct op *op = e->ops[i - 1];
		if (!str_eq(op->r->cluster, r->cluster) || op->r->cancel || request_is_over(op->r->state))
			continue;
		if (left_is(op->r)) {
			json_put_bool(r->args, "left", true);
			continue;
		}
		if (!strcmp(op->r->verb, "launch") || !strcmp(op->r->verb, "exec") || !strcmp(op->r->verb, "start") || is_idle_stop(op) ||
		    (purge && (!strcmp(op->r->verb, "down") || !strcmp(op->r->verb, "stop"))))
			engine_cancel(e, op->r->id, NULL);
	}
	return 0;
}

/* Durable now: so that at every moment something tries to end the rest. */
static void accepted_down(struct op *down)
{
	struct op *left = left_is(down->r) ? NULL : left_op(down->engine, down->r->cluster);
	if (left)
		engine_cancel(down->engine, left->r->id, NULL);
}

/* The cluster, or the request ends: it went away while this waited for its turn. For `down` that is what was wanted. */
static struct unit *unit_or_end(struct op *op)
{
	struct err err;
	struct unit *u = op_unit(op);
	if (!u && op->kind == &op_down) {
		op_done(op, json_pack("{s:s}", "cluster", op->r->cluster));
	} else if (!u) {
		run_no_cluster(op->engine, op->r->cluster, &err);
		op_fail(op, &err);
	}
	return u;
}

static void lifecycle_failed(struct op *op, const struct err *err)
{
	struct err e = *err;
	struct unit *u = op_unit(op);
	if (u)
		left_go_on(op);
	err_wrap(&e, "%s %s", op->r->verb, op->r->cluster);
	if (u) {
		run_set_status(u, CLUSTER_INIT, e.text);
		run_commit(op->engine);
	}
	op_fail(op, &e);
	if (u)
		u->was_up_since_start = false;
}

/* ---- the agent's part, before nodes stop ------------------------------------------------------------------------- */

static void drained(void *arg)
{
	struct op *op = arg;
	struct unit *u = op_unit(op);
	op->draining = false;
	watch_stop(u);
	spool_stop_all(u);
	op_next(op);
}

static void agents_down(struct op *op)
{
	/* Jobs have ended: give their last lines a moment to arrive in the spool. */
	op->draining = true;
	op_progress(op, "fetching the rest of the logs");
	spool_drain(op_unit(op), DRAIN_MS, drained, op);
}

static char *shutdown_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)input;
	(void)input_len;
	struct str s = str_new(4096);
	if (op->kind == &op_down)
		access_revoke(&s, op_unit(op)->c, i);
	str_add(&s, "exec sh \"$HOME/.skytop/skytop-agent\" shutdown </dev/null");
	return str_take(&s);
}

/* ---- hooks, before an idle cluster is stopped ---------------------------------------------------------------------- */

static char *hook_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	(void)input;
	(void)input_len;
	return xasprintf("exec sh \"$HOME/.skytop/skytop-agent\" run-hook %s </dev/null", op->kind->verb);
}

static void take_hook(struct op *op, size_t i, const char *out, size_t len)
{
	(void)i;
	struct unit *u = op_unit(op);
	json_t *j = json_parse(out, len, NULL);
	int64_t code = json_int(j, "exit_code", 0);
	bool late = json_bool(j, "timed_out", false);
	if (json_bool(j, "ran", false))
		run_event(op->engine, u, op->r, "hook", code || late ? "warn" : "info", NULL, "%s: its hook before %s ended with %" PRId64 "%s", u->c->name,
		    op->kind->verb, code, late ? ": its time was up" : "");
	json_decref(j);
}

/* It took its time: a job that came meanwhile keeps the cluster up. */
static void hook_over(struct op *op)
{
	struct unit *u = op_unit(op);
	if (jobs_any_open(u) && !str_eq(u->c->autostop_wait_for, "none")) {
		run_event(op->engine, u, op->r, "autostop.off", "info", NULL, "%s: a job came while its hook ran: it stays up", u->c->name);
		op_done(op, json_pack("{s:s, s:b}", "cluster", u->c->name, "kept", true));
		return;
	}
	op_next(op);
}

static void step_hook(struct op *op)
{
	struct unit *u = unit_or_end(op);
	int64_t timeout_s = 0;
	if (!u)
		return;
	if (left_is(op->r)) {
		op_goto(op, "terminate");
		return;
	}
	struct str unused = str_new(HOOK_MAX);
	if (is_idle_stop(op) && hooks_script(&unused, json_obj(u->c->task, "config"), hooks_at_autostop, &timeout_s)) {
		op_progress(op, "running the task's hooks");
		op_remote(op, &(struct op_remote_spec){.what = "run hooks", .timeout_ms = (timeout_s + 60) * 1000, .command = hook_command, .each = take_hook,
			.best_effort = true}, 0, 1, hook_over);
	} else {
		op_next(op);
	}
	str_free(&unused);
}

static void step_quiesce(struct op *op)
{
	struct unit *u = unit_or_end(op);
	if (!u)
		return;
	if (u->c->status == CLUSTER_STOPPED) {
		op_next(op);
		return;
	}
	op_remote(op, &(struct op_remote_spec){.what = "stop the agent", .timeout_ms = AGENT_MS, .command = shutdown_command, .best_effort = true}, 0,
	    u->c->n_nodes, agents_down);
}

static void lifecycle_cancelled(struct op *op)
{
	struct unit *u = op_unit(op);
	if (u)
		left_go_on(op);
	op_cancelled(op);
	if (u) { /* half done: ask what is */
		run_set_status(u, CLUSTER_INIT, "its last request was cancelled half way");
		u->was_up_since_start = false;
	}
}

/* ---- stop -------------------------------------------------------------------------------------------------------- */

static int accept_stop(struct engine *e, struct request *r, struct err *err)
{
	if (accept_cluster(e, r, err))
		return -1;
	struct unit *u = run_unit(e, r->cluster);
	const struct provider *p = u ? run_provider(e, u->c->provider) : NULL;
	if (p && !(p->can & PROVIDER_CAN_STOP))
		return err_set(err, ERR_UNSUPPORTED, "%s cannot stop machines, only end them: skytop down %s", p->title, r->cluster);
	return 0;
}

static void stop_poll(struct op *op);

static void stop_seen(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	nodes_take(u, result, true);
	struct node_counts n = nodes_count(u, result);
	struct err err;
	if (n.stopped == n.n) {
		jobs_end_all(u, "the cluster was stopped");
		run_set_status(u, CLUSTER_STOPPED, json_str(op->r->args, "why", NULL));
		op_done(op, json_pack("{s:s}", "cluster", u->c->name));
	} else if (n.stopped + n.pending + n.running < n.n) {
		err_set(&err, ERR_CONFLICT, "of %zu nodes %zu are gone", n.n, n.n - n.stopped - n.pending - n.running);
		op_failed(op, &err);
	} else {
		op_progress(op, "waiting for nodes to stop: %zu of %zu", n.stopped, n.n);
		op_again(op, op_poll_ms(op));
	}
}

static void stop_asked(struct op *op, const json_t *result)
{
	nodes_take(op_unit(op), result, false);
	stop_poll(op);
}

static void stop_poll(struct op *op)
{
	struct unit *u = op_unit(op);
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_QUERY, nodes_query(u), stop_seen);
}

static void step_stop(struct op *op)
{
	struct unit *u = unit_or_end(op);
	if (u)
		op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_STOP, json_pack("{s:s, s:o}", "cluster", u->c->uid, "ids", nodes_ids(u)), stop_asked);
}

static const struct op_step stop_steps[] = {
    {"hook", "running hooks", step_hook, 0},
    {"quiesce", "stopping jobs", step_quiesce, 60000},
    {"stop", "stopping nodes", step_stop, PROVIDER_MS},
};

const struct op_kind op_stop = {.verb = "stop", .steps = stop_steps, .n_steps = ARRAY_LEN(stop_steps), .accept = accept_stop,
    .failed = lifecycle_failed, .cancelled = lifecycle_cancelled};

/* ---- start ------------------------------------------------------------------------------------------------------- */

static void start_agents_ready(struct op *op)
{
	struct unit *u = op_unit(op);
	u->was_up_since_start = true;
	u->c->launched_at_ms = wall_now_ms(); /* idleness begins anew */
	json_decref(u->heartbeat);
	u->heartbeat = NULL;
	run_set_status(u, CLUSTER_UP, NULL);
	hosts_publish(op->engine);
	watch_start(u);
	op_next(op);
}

static void step_start_agents(struct op *op)
{
	launch_agents(op, start_agents_ready);
}

static void start_poll(struct op *op);

static void start_seen(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	nodes_take(u, result, true);
	struct node_counts n = nodes_count(u, result);
	struct err err;
	if (n.running == n.n) {
		op_next(op);
	} else if (n.stopped + n.pending + n.running < n.n) {
		err_set(&err, ERR_CONFLICT, "of %zu nodes %zu are gone", n.n, n.n - n.stopped - n.pending - n.running);
		op_failed(op, &err);
	} else {
		op_progress(op, "waiting for nodes: %zu of %zu", n.running, n.n);
		op_again(op, op_poll_ms(op));
	}
}

static void start_asked(struct op *op, const json_t *result)
{
	nodes_take(op_unit(op), result, false);
	start_poll(op);
}

static void start_poll(struct op *op)
{
	struct unit *u = op_unit(op);
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_QUERY, nodes_query(u), start_seen);
}

static void step_start_nodes(struct op *op)
{
	struct unit *u = unit_or_end(op);
	if (!u)
		return;
	own_str(&u->c->reason, "being started");
	if (u->c->status == CLUSTER_STOPPED)
		run_set_status(u, CLUSTER_INIT, "being started");
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_START, json_pack("{s:s, s:o}", "cluster", u->c->uid, "ids", nodes_ids(u)), start_asked);
}

static void reset_autostop(struct op *op)
{
	struct unit *u = op_unit(op);
	const json_t *asked = json_object_get(op->r->args, "autostop");
	if (json_is_object(asked))
		launch_take_autostop(u, asked);
	run_save(u);
}

static void start_done(struct op *op)
{
	op_done(op, json_pack("{s:s}", "cluster", op->r->cluster));
}

static void step_start_autostop(struct op *op)
{
	reset_autostop(op);
	launch_autostop(op, start_done); /* the agent's own setting did not survive the restart */
}

static const struct op_step start_steps[] = {
    {"start", "starting nodes", step_start_nodes, PROVIDER_MS},
    {"agent", "starting the agent", step_start_agents, PROVIDER_MS},
    {"autostop", "setting autostop", step_start_autostop, 0},
};

static int accept_start(struct engine *e, struct request *r, struct err *err)
{
	return launch_check_autostop(json_obj(r->args, "autostop"), err) || accept_cluster(e, r, err) ? -1 : 0;
}

const struct op_kind op_start = {.verb = "start", .steps = start_steps, .n_steps = ARRAY_LEN(start_steps), .accept = accept_start,
    .failed = lifecycle_failed, .cancelled = lifecycle_cancelled};

/* ---- down -------------------------------------------------------------------------------------------------------- */

/* What it has cost in all, and what is known of it where something has no price. */
static json_t *bill(struct engine *e, const struct cluster *c)
{
	const struct provider *p = run_provider(e, c->provider);
	struct cluster_cost cost = state_cluster_bill(e->state, c->id, wall_now_ms());
	json_t *j = json_pack("{s:s, s:b, s:b, s:I}", "cluster", c->name, "simulated", p && p->simulated, "estimated", cost.estimated, "known_uusd",
	    (json_int_t)cost.known_uusd);
	json_object_set_new(j, "cost_uusd", cost.unknown ? json_null() : json_integer(cost.known_uusd));
	return j;
}

static void bill_text(const json_t *j, char *buf, size_t size)
{
	char money[40];
	bool unknown = json_is_null(json_object_get(j, "cost_uusd"));
	int64_t known = json_int(j, "known_uusd", 0);
	if (unknown && !known)
		snprintf(buf, size, "what it cost is not known");
	else
		snprintf(buf, size, "it cost %s$%s%s in all%s", json_bool(j, "estimated", false) ? "~" : "", money_text(known, money, sizeof money), unknown ? "+" : "",
		    json_bool(j, "simulated", false) ? " (simulated: no money)" : "");
}

static void remove_cluster(struct op *op, const char *reason)
{
	char cost[160];
	struct unit *u = op_unit(op);
	jobs_end_all(u, "the cluster was terminated");
	nodes_drop(u);
	own_str(&u->c->reason, reason);
	u->c->status = CLUSTER_REMOVED;
	u->c->removed_at_ms = wall_now_ms();
	run_save(u);
	json_t *result = bill(op->engine, u->c);
	bill_text(result, cost, sizeof cost);
	run_event(op->engine, u, op->r, "cluster.removed", "info", json_incref(result), "%s: %s; %s", u->c->name, reason, cost);
	op_done(op, result);
	run_unit_remove(op->engine, u);
}

static void terminated(struct op *op, const json_t *result)
{
	int64_t pending = json_int(result, "pending", 0);
	const char *waiting = json_str(result, "waiting", NULL);
	struct err err;
	if (pending && waiting && json_bool(op->r->args, "purge", false)) {
		err_set(&err, ERR_NETWORK, "%s", waiting);
		op_failed(op, &err);
		return;
	}
	if (pending && waiting && !json_bool(op->r->data, "told_waiting", false)) {
		json_put_bool(op->r->data, "told_waiting", true);
		run_event(op->engine, op_unit(op), op->r, "down.waits", "warn", NULL, "%s is gone when they answer: %s. If they never will: skytop down --purge %s",
		    op->r->cluster, waiting, op->r->cluster);
		run_commit(op->engine);
	}
	if (pending) {
		op_progress(op, "waiting for %" PRId64 " node%s to go%s%s", pending, pending == 1 ? "" : "s", waiting ? ": " : "", waiting ? waiting : "");
		op_again(op, op_poll_ms(op));
		return;
	}
	remove_cluster(op, "terminated");
}

static void step_terminate(struct op *op)
{
	struct unit *u = unit_or_end(op);
	struct err err;
	if (!u)
		return;
	const struct provider *p = run_provider(op->engine, u->c->provider);
	if (p) {
		op_call(op, p, PROVIDER_TERMINATE, json_pack("{s:s, s:o}", "cluster", u->c->uid, "ids", nodes_ids(u)), terminated);
	} else if (!u->c->provider || json_bool(op->r->args, "purge", false)) {
		remove_cluster(op, u->c->provider ? "forgotten (purge): its provider is not known here" : "nothing had been made yet");
	} else {
		err_set(&err, ERR_NOT_FOUND, "this skytop has no provider '%s': with --purge the cluster is forgotten, whatever runs there", u->c->provider);
		op_failed(op, &err);
	}
}

static void down_failed(struct op *op, const struct err *err)
{
	struct unit *u = op_unit(op);
	if (left_is(op->r)) {
		left_failed(op, err);
		return;
	}
	if (u && json_bool(op->r->args, "purge", false) && !strcmp(op->r->step, "terminate")) {
		run_event(op->engine, u, op->r, "cluster.purged", "error", NULL, "%s: forgotten though the provider said: %s", u->c->name, err->text);
		remove_cluster(op, "forgotten (purge): it may still run, and cost");
		return;
	}
	lifecycle_failed(op, err);
}

static const struct op_step down_steps[] = {
    {"hook", "running hooks", step_hook, 0},
    {"quiesce", "stopping jobs", step_quiesce, 60000},
    {"terminate", "terminating nodes", step_terminate, PROVIDER_MS},
};

const struct op_kind op_down = {.verb = "down", .steps = down_steps, .n_steps = ARRAY_LEN(down_steps), .accept = accept_down, .accepted = accepted_down,
    .failed = down_failed, .cancelled = lifecycle_cancelled};

/* ---- autostop ---------------------------------------------------------------------------------------------------- */

static int accept_autostop(struct engine *e, struct request *r, struct err *err)
{
	const json_t *a = json_object_get(r->args, "autostop");
	int64_t minutes = json_int(a, "idle_minutes", -2);
	if (!json_is_object(a))
		return err_set(err, ERR_INVALID, "autostop: say after how many idle minutes, or off");
	if (launch_check_autostop(a, err) || accept_cluster(e, r, err))
		return -1;
	struct unit *u = run_unit(e, r->cluster);
	const struct provider *p = u ? run_provider(e, u->c->provider) : NULL;
	if (p && minutes >= 0 && !json_bool(a, "down", false) && !(p->can & PROVIDER_CAN_STOP))
		return err_set(err, ERR_UNSUPPORTED, "%s cannot stop machines, only end them: skytop autostop --down", p->title);
	return 0;
}

static void step_set_autostop(struct op *op)
{
	struct unit *u = unit_or_end(op);
	if (!u)
		return;
	reset_autostop(op);
	if (u->c->status == CLUSTER_UP)
		launch_autostop(op, start_done);
	else
		start_done(op);
}

static const struct op_step autostop_steps[] = {{"set", "setting autostop", step_set_autostop, 60000}};

const struct op_kind op_autostop = {.verb = "autostop", .steps = autostop_steps, .n_steps = ARRAY_LEN(autostop_steps), .accept = accept_autostop};

/* ---- cancel jobs ------------------------------------------------------------------------------------------------- */

static int accept_cancel(struct engine *e, struct request *r, struct err *err)
{
	const json_t *jobs = json_arr(r->args, "jobs");
	if (!json_bool(r->args, "all", false) && !json_array_size(jobs))
		return err_set(err, ERR_INVALID, "cancel: say which jobs, or all");
	struct unit *u = run_unit(e, json_str(r->args, "cluster", ""));
	if (!u)
		return run_no_cluster(e, json_str(r->args, "cluster", ""), err);
	if (u->c->status != CLUSTER_UP)
		return err_set(err, ERR_CONFLICT, "cluster '%s' is %s: no job runs there", u->c->name, cluster_status_name(u->c->status));
	size_t i;
	json_t *id;
	json_array_foreach(jobs, i, id)
		if (!json_is_integer(id) || !jobs_find(u, json_integer_value(id)))
			return err_set(err, ERR_NOT_FOUND, "cluster '%s' has no job %" PRId64, u->c->name, (int64_t)json_integer_value(id));
	r->cluster = xstrdup(u->c->name);
	return 0;
}

static char *cancel_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	(void)input;
	(void)input_len;
	struct str s = str_new(1 << 20);
	size_t k;
	json_t *id;
	str_add(&s, "exec sh \"$HOME/.skytop/skytop-agent\" cancel");
	if (json_bool(op->r->args, "all", false))
		str_add(&s, " --all");
	json_array_foreach(json_arr(op->r->args, "jobs"), k, id)
		str_addf(&s, " %" PRId64, (int64_t)json_integer_value(id));
	str_add(&s, " </dev/null");
	return str_take(&s);
}

static void take_cancelled(struct op *op, size_t i, const char *out, size_t len)
{
	(void)i;
	(void)len;
	json_t *ids = json_array();
	for (const char *p = out; *p;) {
		size_t n = strcspn(p, "\n");
		json_t *line = json_parse(p, n, NULL);
		if (str_eq(json_str(line, "type", ""), "job")) {
			jobs_take_line(op_unit(op), line);
			json_array_append_new(ids, json_integer(json_int(line, "job", 0)));
		}
		json_decref(line);
		p += n + (p[n] == '\n');
	}
	json_object_set_new(op->r->data, "ids", ids);
}

static void cancel_done(struct op *op)
{
	op_done(op, json_pack("{s:s, s:O}", "cluster", op->r->cluster, "jobs", json_arr(op->r->data, "ids")));
}

static void step_cancel(struct op *op)
{
	if (unit_or_end(op))
		op_remote(op, &(struct op_remote_spec){.what = "cancel jobs", .timeout_ms = 60000, .command = cancel_command, .each = take_cancelled}, 0, 1, cancel_done);
}

static const struct op_step cancel_steps[] = {{"cancel", "cancelling jobs", step_cancel, 90000}};

const struct op_kind op_cancel_jobs = {.verb = "cancel", .steps = cancel_steps, .n_steps = ARRAY_LEN(cancel_steps), .accept = accept_cancel, .beside = true};
