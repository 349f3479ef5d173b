/* `sweep` as a durable request: end these machines, or take their clusters in. What was seen may be old when it is confirmed, so the
 * provider is asked anew, and only what nobody knows then is touched: a machine that belongs to a cluster by now is refused. Ended means
 * that the provider says that they are gone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/left.h"
#include "core/run/op.h"
#include "core/run/sweep.h"

enum { PROVIDER_MS = 20 * 60000, IDS_MAX = 10000 };

static int accept_sweep(struct engine *e, struct request *r, struct err *err)
{
	const char *name = json_str(r->args, "provider", ""), *action = json_str(r->args, "action", "");
	const json_t *ids = json_arr(r->args, "ids");
	const struct provider *p = run_provider(e, name);
	size_t i;
	json_t *id;
	if (!p)
		return err_set(err, ERR_NOT_FOUND, "there is no provider '%.60s'", name);
	if (!run_provider_enabled(e, p))
		return err_set(err, ERR_INVALID, "%s is switched off in config.yaml (%s.enabled)", p->title, p->name);
	if (strcmp(action, "destroy") && strcmp(action, "adopt"))
		return err_set(err, ERR_INVALID, "sweep: say destroy or adopt");
	if (!json_array_size(ids) || json_array_size(ids) > IDS_MAX)
		return err_set(err, ERR_INVALID, "sweep: say which machines, at most %d at once", IDS_MAX);
	json_array_foreach(ids, i, id)
		if (!json_is_string(id))
			return err_set(err, ERR_INVALID, "sweep: the id of a machine is a text");
	return 0;
}

static const struct provider *provider_of(struct op *op)
{
	return run_provider(op->engine, json_str(op->r->args, "provider", NULL));
}

static const json_t *by_id(const json_t *list, const char *id)
{
	size_t i;
	json_t *j;
	json_array_foreach(list, i, j)
		if (str_eq(json_str(j, "id", NULL), id))
			return j;
	return NULL;
}

/* ---- look -------------------------------------------------------------------------------------------------------- */

/* The machine is no stranger. Of the clusters known here it is one's, or else it is gone already. */
static int check_gone(const struct provider *p, const json_t *nodes, const char *id, struct err *err)
{
	const json_t *j = by_id(nodes, id);
	const char *status = json_str(j, "status", "");
	if (!j || !strcmp(status, "TERMINATED") || !strcmp(status, "PREEMPTED"))
		return 0;
	if (!strcmp(status, "UNKNOWN"))
		return err_set(err, ERR_NETWORK, "%s: machine %s cannot be asked about: %s", p->title, id, json_str(j, "reason", "no reason given"));
	return err_set(err, ERR_CONFLICT, "%s: machine %s belongs to cluster %s, which is known here: skytop down ends it", p->title, id,
	    json_str(j, "name", "?"));
}

static void adopt_one(struct op *op, const json_t *machine, const json_t *result, json_t *names)
{
	const char *uid = json_str(machine, "cluster_id", "");
	for (size_t i = 0; i < op->engine->n_units; i++)
		if (!strcmp(op->engine->units[i]->c->uid, uid))
			return; /* with another of its machines */
	struct unit *u = sweep_adopt(op->engine, provider_of(op), machine, result);
	json_array_append_new(names, json_string(u->c->name));
	reconcile_unit(u, NULL, NULL);
}

static void adopt_all(struct op *op, const json_t *strangers, const json_t *result)
{
	struct err err;
	size_t i;
	json_t *id;
	json_array_foreach(json_arr(op->r->args, "ids"), i, id) {
		const json_t *j = by_id(strangers, json_string_value(id));
		if (j && json_bool(j, "adoptable", false))
			continue;
		err_set(&err, j ? ERR_CONFLICT : ERR_NOT_FOUND, "%s: machine %s %s", provider_of(op)->title, json_string_value(id),
		    !j ? "is not there any more" : "cannot be taken in: it lacks a cluster of its own; it can only be ended");
		op_failed(op, &err);
		return;
	}
	json_t *names = json_array();
	json_array_foreach(json_arr(op->r->args, "ids"), i, id)
		adopt_one(op, by_id(strangers, json_string_value(id)), result, names);
	op_done(op, json_pack("{s:o}", "adopted", names));
}

static void looked(struct op *op, const json_t *result)
{
	const struct provider *p = provider_of(op);
	bool adopt = str_eq(json_str(op->r->args, "action", NULL), "adopt");
	json_t *strangers = sweep_strangers(op->engine, p, result), *ids = json_array(), *id;
	struct err err = {.code = ERR_NONE};
	size_t i;
	json_array_foreach(json_arr(op->r->args, "ids"), i, id) {
		if (by_id(strangers, json_string_value(id)))
			json_array_append(ids, id);
		else if (!err.code)
			check_gone(p, json_arr(result, "nodes"), json_string_value(id), &err);
	}
	if (err.code) {
		op_failed(op, &err);
	} else if (adopt) {
		adopt_all(op, strangers, result);
	} else {
		json_object_set(op->r->data, "ids", ids);
		op_next(op);
	}
	json_decref(ids);
	json_decref(strangers);
}

static void step_look(struct op *op)
{
	op_call(op, provider_of(op), PROVIDER_QUERY, json_object(), looked);
}

/* ---- end --------------------------------------------------------------------------------------------------------- */

static void destroyed(struct op *op, const json_t *result)
{
	int64_t pending = json_int(result, "pending", 0);
	const char *waiting = json_str(result, "waiting", NULL);
	if (pending) {
		op_progress(op, "waiting for %" PRId64 " machine%s to go%s%s", pending, pending == 1 ? "" : "s", waiting ? ": " : "", waiting ? waiting : "");
		op_again(op, op_poll_ms(op));
		return;
	}
	const json_t *ids = json_arr(op->r->data, "ids");
	run_event(op->engine, NULL, op->r, "sweep.destroyed", "info", json_pack("{s:O}", "ids", ids), "%zu machine%s that this state did not know ended at %s",
	    json_array_size(ids), json_array_size(ids) == 1 ? "" : "s", provider_of(op)->title);
	left_hurry(op->engine);
	op_done(op, json_pack("{s:O}", "destroyed", ids));
}

static void step_destroy(struct op *op)
{
	json_t *ids = json_object_get(op->r->data, "ids");
	if (json_array_size(ids))
		op_call(op, provider_of(op), PROVIDER_TERMINATE, json_pack("{s:O}", "ids", ids), destroyed);
	else
		op_done(op, json_pack("{s:[]}", "destroyed"));
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

static void sweep_failed(struct op *op, const struct err *err)
{
	struct err e = *err;
	err_wrap(&e, "sweep");
	op_fail(op, &e);
}

static const struct op_step sweep_steps[] = {
    {"look", "looking what is there", step_look, PROVIDER_MS},
    {"destroy", "ending machines", step_destroy, PROVIDER_MS},
};

const struct op_kind op_sweep = {.verb = "sweep", .steps = sweep_steps, .n_steps = ARRAY_LEN(sweep_steps), .accept = accept_sweep, .failed = sweep_failed};
