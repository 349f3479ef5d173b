/* When an attempt to launch fails: what that says about other places, and that nothing of it is left before the next one is tried. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/access.h"
#include "core/run/launch.h"

enum {
	POLL_MS = 1000,
	CLEAN_RETRY_MS = 5000,
	CLEAN_SILENT_MS = 60000, /* so long a host that does not answer is waited for */
	CLEAN_TRIES = 60,
	BLOCK_MS = 5 * 60000,
};

static const char *outcome(const struct op *op)
{
	return json_str(op->r->data, "outcome", "");
}

void launch_set_outcome(struct op *op, const char *what)
{
	json_put_str(op->r->data, "outcome", what);
}

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

void launch_failed(struct op *op, const struct err *err)
{
	static const char *const provisioning[] = {"create", "wait", "agent"};
	const char *step = op->kind->steps[op->at].name;
	if (!strcmp(step, "create") && launch_wait_for_machines(op, err))
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
	launch_set_outcome(op, "retry");
	op_goto(op, "clean");
}

void launch_cancelled(struct op *op)
{
	const char *step = op->kind->steps[op->at].name;
	op->r->cancel = false; /* it is being obeyed; the outcome carries it on */
	if (op_unit(op) && json_bool(op->r->data, "fresh", false)) {
		launch_set_outcome(op, "cancel");
		op_goto(op, "clean");
	} else if (!strcmp(step, "clean")) {
		launch_set_outcome(op, "cancel");
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

void launch_clean(struct op *op)
{
	struct unit *u = op_unit(op);
	if (!u) {
		op_cancelled(op);
		return;
	}
	watch_stop(u);
	spool_stop_all(u);
	if (access_any(u->c) && !run_is_cloud(run_provider(op->engine, u->c->provider))) /* a machine that ends takes them along */
		op_remote(op, &(struct op_remote_spec){.what = "take the keys back", .timeout_ms = 10000, .command = revoke_command, .best_effort = true}, 0,
		    u->c->n_nodes, clean_nodes);
	else
		clean_nodes(op);
}
