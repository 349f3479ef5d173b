/* What could not be ended is a request like any other (a `down` of the engine's own), so that it is durable, survives a crash, has its place
 * in the lists of requests and holds other work on that cluster back; only that it never fails: it tries again, after pauses that grow to ten
 * minutes. A person's own `down` takes its place, and gives it back should it fail as well. */
#include "core/run/left.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/num.h"

enum { PAUSE_FIRST_MS = 10000, PAUSE_MAX_MS = 600000 };

bool left_is(const struct request *r)
{
	return !strcmp(r->verb, "down") && str_eq(json_str(r->args, "why", NULL), "left");
}

struct op *left_op(struct engine *e, const char *cluster)
{
	for (size_t i = 0; cluster && i < e->n_ops; i++)
		if (left_is(e->ops[i]->r) && str_eq(e->ops[i]->r->cluster, cluster) && !request_is_over(e->ops[i]->r->state) && !e->ops[i]->r->cancel)
			return e->ops[i];
	return NULL;
}

void left_begin(struct unit *u)
{
	struct err err;
	json_t *args = json_pack("{s:s, s:s}", "cluster", u->c->name, "why", "left");
	if (!left_op(u->engine, u->c->name) && !engine_submit(u->engine, u->c->user, "down", args, &err))
		log_line(LOG_ERROR, "what is left of %s: %s", u->c->name, err.text);
	json_decref(args);
}

void left_hurry(struct engine *e)
{
	for (size_t i = 0; i < e->n_ops; i++)
		if (left_is(e->ops[i]->r) && e->ops[i]->resting && !e->ops[i]->r->cancel)
			op_goto(e->ops[i], "terminate");
}

/* Another `down` of the cluster that is still to come, or at work. */
static struct op *other_down(const struct op *op)
{
	struct engine *e = op->engine;
	for (size_t i = 0; i < e->n_ops; i++)
		if (e->ops[i] != op && e->ops[i]->kind == op->kind && str_eq(e->ops[i]->r->cluster, op->r->cluster) && !e->ops[i]->r->cancel &&
		    !request_is_over(e->ops[i]->r->state))
			return e->ops[i];
	return NULL;
}

void left_go_on(struct op *op)
{
	struct err err;
	struct op *other = other_down(op);
	if (!left_is(op->r) && !json_bool(op->r->args, "left", false) && !json_bool(op->r->data, "left", false))
		return;
	if (!other) {
		left_begin(op_unit(op));
	} else if (!left_is(other->r)) { /* then it is for that one to hand it on */
		json_put_bool(other->r->data, "left", true);
		if (state_save_request(op->engine->state, other->r, &err))
			log_line(LOG_ERROR, "what is left of %s: %s", op->r->cluster, err.text);
	}
}

/* ---- what is there? ---------------------------------------------------------------------------------------------- */

static void go_on(struct op *op)
{
	const char *step = op->look_step;
	op->look_step = NULL;
	op_goto_after(op, step, op->look_ms);
}

static void looked(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	if (u)
		nodes_take(u, result, true);
	go_on(op);
}

bool left_looked(struct op *op)
{
	if (!op->look_step)
		return false;
	go_on(op);
	return true;
}

void left_look(struct op *op, const char *step, int64_t ms)
{
	struct unit *u = op_unit(op);
	const struct provider *p = u ? run_provider(op->engine, u->c->provider) : NULL;
	op->look_step = step;
	op->look_ms = ms;
	if (p)
		op_call(op, p, PROVIDER_QUERY, nodes_query(u), looked);
	else
		go_on(op);
}

/* ---- for as long as it takes ------------------------------------------------------------------------------------- */

void left_failed(struct op *op, const struct err *err)
{
	struct unit *u = op_unit(op);
	int64_t tries = json_int(op->r->data, "tries", 0);
	int64_t pause = tries < 6 ? (int64_t)PAUSE_FIRST_MS << tries : PAUSE_MAX_MS;
	char wait[32], why[600];
	if (left_looked(op))
		return;
	pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
	duration_text(pause, wait, sizeof wait);
	json_put_int(op->r->data, "tries", tries + 1);
	op_progress(op, "cannot be ended, and may still cost; trying again in %s: %.200s", wait, err->text);
	if (u) {
		snprintf(why, sizeof why, "could not be ended, and may still cost: %.300s; `skytop down %s` tries now", err->text, op->r->cluster);
		if (!str_eq(u->c->reason, why))
			run_event(op->engine, u, op->r, "cluster.left", "error", json_pack("{s:s}", "code", err_info(err->code)->name),
			    "%s could not be ended, and may still cost: %s; trying again in %s, and on. `skytop down %s` tries now; `skytop down --purge %s` forgets it",
			    u->c->name, err->text, wait, u->c->name, u->c->name);
		run_set_status(u, CLUSTER_INIT, why);
	}
	left_look(op, "terminate", pause);
}
