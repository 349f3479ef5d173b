/* When an attempt to launch fails: what that says about other places, and that nothing of it is left before the next one is tried. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/plan/block.h"
#include "core/run/access.h"
#include "core/run/launch.h"
#include "core/run/left.h"

enum {
	CLEAN_RETRY_MS = 5000,
	CLEAN_SILENT_MS = 60000, /* so long a host that does not answer is waited for */
	CLEAN_MS = 300000, /* so long it is tried before the launch gives up, and the rest is left to left.h */
	CLEAN_REFUSALS = 3, /* where trying again is of no use, as far as the error says */
	TRIED_MAX = 100, TOLD_MAX = 8,
	ROUND_FIRST_MS = 5000, ROUND_MAX_MS = 30000,
};

static const char *outcome(const struct op *op)
{
	return json_str(op->r->data, "outcome", "");
}

void launch_set_outcome(struct op *op, const char *what)
{
	json_put_str(op->r->data, "outcome", what);
}

/* As state.db keeps it. */
static json_t *block_json(const struct cluster *c, const struct err *err)
{
	struct block b = block_of_refusal(&(struct block){.provider = c->provider, .region = c->region, .zone = c->zone && c->zone[0] ? c->zone : NULL,
	    .instance_type = c->instance_type, .use_spot = c->use_spot}, block_scope(err));
	json_t *j = json_pack("{s:s, s:s, s:s, s:I}", "provider", b.provider, "code", err_info(err->code)->name, "text", err->text, "until",
	    (json_int_t)(wall_now_ms() + block_lifetime_ms(err->code)));
	if (b.region)
		json_put_str(j, "region", b.region);
	if (b.zone)
		json_put_str(j, "zone", b.zone);
	if (b.instance_type)
		json_put_str(j, "instance_type", b.instance_type);
	if (b.use_spot >= 0)
		json_put_bool(j, "use_spot", b.use_spot);
	return j;
}

/* Nobody else would do better: what was asked for is wrong, or nobody knows what happened. */
static bool ends_all(const char *step, const struct err *err)
{
	const struct err_info *info = err_info(err->code);
	return err->scope == ERR_SCOPE_TASK || (!strcmp(step, "create") && !info->failover && !info->retry);
}

static const char *const scope_names[] = {"place", "region", "region_all", "cloud", "task"};

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
	json_t *b = block_json(c, err), *own = json_deep_copy(b);
	const struct provider *p = run_provider(op->engine, c->provider);
	if (block_lifetime_ms(err->code) && (!p || !(p->can & PROVIDER_TELLS_STOCK)))
		state_add_block(op->engine->state, b, &ignored);
	json_put_int(own, "until", 0); /* for this launch, until it begins anew */
	json_array_append_new(blocks, own);
	json_decref(b);
	while (json_array_size(tried) > TRIED_MAX)
		json_array_remove(tried, 0);
	run_event(op->engine, u, op->r, "provision.failed", "warn", json_pack("{s:s, s:s, s:s}", "where", where, "code", err_info(err->code)->name, "scope",
	    scope_names[block_scope(err)]), "%s: %s", where, err->text);
	free(where);
}

/* All that was tried, in words. */
static void add_tried(struct op *op, struct err *err)
{
	const json_t *tried = json_arr(op->r->data, "tried");
	struct str s = str_new(900);
	size_t n = json_array_size(tried), first = n > TOLD_MAX ? n - TOLD_MAX : 0;
	for (size_t i = first; i < n; i++)
		str_addf(&s, "%s%s: %s", i > first ? "; " : "", json_str(json_array_get(tried, i), "where", "?"), json_str(json_array_get(tried, i), "text", "?"));
	if (n)
		err_set(err, err_code_of(json_str(json_array_get(tried, n - 1), "code", "failed")), "launch %s: nothing is left to try. Tried%s: %s",
		    op->r->cluster, first ? " last" : "", str_text(&s));
	str_free(&s);
}

void launch_nothing_left(struct op *op, const struct err *err)
{
	struct err all = *err;
	add_tried(op, &all);
	launch_give_up(op, &all);
}

/* The cluster that never came to be is history. */
void launch_give_up(struct op *op, const struct err *err)
{
	struct unit *u = op_unit(op);
	if (u && json_bool(op->r->data, "fresh", false)) {
		u->c->status = CLUSTER_REMOVED;
		u->c->removed_at_ms = wall_now_ms();
		own_str(&u->c->reason, err->text);
		run_save(u);
		op_fail(op, err);
		run_unit_remove(op->engine, u);
		return;
	}
	op_fail(op, err);
}

/* ---- from round to round ------------------------------------------------------------------------------------------- */

/* Has this round met anything that time may mend? Without a try: all that fits failed lately, for somebody else. */
static bool may_pass(const struct op *op)
{
	const json_t *tried = json_arr(op->r->data, "tried");
	size_t from = (size_t)json_int(op->r->data, "round_from", 0), n = json_array_size(tried);
	for (size_t i = from < n ? from : n; i < n; i++) {
		enum err_code code = err_code_of(json_str(json_array_get(tried, i), "code", ""));
		if (code != ERR_CREDENTIALS && code != ERR_UNSUPPORTED && code != ERR_INVALID)
			return true;
	}
	return from >= n;
}

bool launch_next_round(struct op *op, const struct err *err)
{
	bool blocked = err->code == ERR_CAPACITY || err->code == ERR_QUOTA || (err->code == ERR_NO_RESOURCE && json_array_size(json_arr(op->r->data, "tried")));
	int64_t round = json_int(op->r->data, "round", 0), wait_ms = ROUND_FIRST_MS << (round < 3 ? round : 3);
	if (!json_bool(op->r->args, "retry_until_up", false) || !blocked || !may_pass(op))
		return false;
	wait_ms = wait_ms < ROUND_MAX_MS ? wait_ms : ROUND_MAX_MS;
	json_object_del(op->r->data, "blocks");
	json_put_int(op->r->data, "round", round + 1);
	json_put_int(op->r->data, "round_from", (int64_t)json_array_size(json_arr(op->r->data, "tried")));
	op_progress(op, "nothing available: trying again in %d s", (int)(wait_ms / 1000));
	run_event(op->engine, op_unit(op), op->r, "launch.retry", "warn", NULL, "nothing available, trying again in %d s: %.*s", (int)(wait_ms / 1000),
	    (int)strcspn(err->text, ";"), err->text);
	op_goto_after(op, "offers", wait_ms);
	return true;
}

/* No other place is tried: what is there would be paid for as well, and nobody would know. It goes on being ended by itself. */
static void not_cleaned(struct op *op, const struct err *err)
{
	struct unit *u = op_unit(op);
	const json_t *tried = json_arr(op->r->data, "tried");
	const char *why = json_str(json_array_get(tried, json_array_size(tried) - 1), "text", NULL);
	struct err e;
	err_set(&e, err->code, "launch %s: %s%swhat was made could not be removed, and may still cost: %s. It is tried again for as long as it takes; "
	    "`skytop down %s` tries at once, `skytop down --purge %s` forgets it", op->r->cluster, why ? why : "", why ? "; " : "", err->text, op->r->cluster,
	    op->r->cluster);
	if (u) {
		run_set_status(u, CLUSTER_INIT, e.text);
		left_begin(u);
	}
	op_fail(op, &e);
}

static void clean_failed(struct op *op, const struct err *err)
{
	int64_t now = wall_now_ms(), tries = json_int(op->r->data, "clean_tries", 0) + 1, since = json_int(op->r->data, "clean_since", now);
	if (left_looked(op))
		return;
	json_put_int(op->r->data, "clean_tries", tries);
	json_put_int(op->r->data, "clean_since", since);
	if (now < since || now - since > CLEAN_MS || (tries >= CLEAN_REFUSALS && !err_info(err->code)->retry)) {
		not_cleaned(op, err);
		return;
	}
	op_progress(op, "removing what was made: trying again: %s", err->text);
	left_look(op, "clean", CLEAN_RETRY_MS);
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
		clean_failed(op, err);
		return;
	}
	if (!in_provisioning || !json_bool(op->r->data, "fresh", false) || !op_unit(op)) {
		struct err e = *err;
		err_wrap(&e, "%s %s", op->r->verb, op->r->cluster);
		op_fail(op, &e);
		return;
	}
	note_attempt(op, err);
	launch_set_outcome(op, ends_all(step, err) ? "end" : "retry");
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
			op_again(op, op_poll_ms(op));
		}
		return;
	}
	nodes_drop(u);
	json_object_del(op->r->data, "clean_tries"); /* the next attempt's are its own */
	json_object_del(op->r->data, "clean_since");
	if (!strcmp(outcome(op), "cancel")) {
		u->c->status = CLUSTER_REMOVED;
		u->c->removed_at_ms = wall_now_ms();
		own_str(&u->c->reason, "its launch was cancelled");
		run_save(u);
		op_cancelled(op);
		run_unit_remove(op->engine, u);
		return;
	}
	if (!strcmp(outcome(op), "end")) {
		const json_t *tried = json_arr(op->r->data, "tried"), *last = json_array_get(tried, json_array_size(tried) - 1);
		struct err err;
		err_set(&err, err_code_of(json_str(last, "code", "failed")), "launch %s: %s: %s", op->r->cluster, json_str(last, "where", "?"),
		    json_str(last, "text", "?"));
		launch_give_up(op, &err);
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
