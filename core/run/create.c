/* Nodes are made: CREATE with all that the provider must know, then QUERY until they run. What was intended is durable before: see launch.c. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/access.h"
#include "core/run/launch.h"
#include "core/run/sweep.h"

enum { MACHINES_WAIT_MS = 180000, MACHINES_PAUSE_MS = 2000 };

/* The image for a region: the one that the task names for it, else the one for all; NULL: the provider's own. */
static const char *image_of(const struct resources *r, const char *region)
{
	const char *image = region ? json_str(r->image_ids, region, NULL) : NULL;
	return image ? image : r->image_id ? r->image_id : json_str(r->image_ids, "null", NULL);
}

/* What a cloud is told besides. */
static int add_cloud_args(struct op *op, json_t *a, struct err *err)
{
	const struct cluster *c = op_unit(op)->c;
	struct dag *d = launch_task(op, err);
	char *key = d ? access_cluster_key(c, err) : NULL;
	if (!key) {
		dag_destroy(d);
		return -1;
	}
	const struct task *t = &d->tasks[0];
	size_t which = (size_t)json_int(json_obj(op->r->data, "chosen"), "alternative", 0);
	const struct resources *r = &t->resources[which < t->n_resources ? which : 0];
	json_t *ports = json_array();
	for (size_t i = 0; i < r->n_ports; i++)
		json_array_append_new(ports, json_string(r->ports[i]));
	json_put_str(a, "image", image_of(r, c->region));
	json_put_str(a, "disk_tier", r->disk_tier == DISK_TIER_UNSET ? NULL : disk_tier_names[r->disk_tier - 1]);
	json_object_set_new(a, "ports", ports);
	json_put_str(a, "ssh_public_key", key);
	if (json_is_object(r->labels))
		json_object_set(a, "labels", r->labels);
	json_t *own = json_obj(t->config, c->provider); /* what the task says for this cloud alone */
	if (own)
		json_object_set(a, "config", own);
	free(key);
	dag_destroy(d);
	return 0;
}

static json_t *create_args(struct op *op, const struct provider *p, struct err *err)
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
	/* Where the cloud ends what costs more, it is told; elsewhere it is what we walk away at. */
	json_t *cap = json_object_get(chosen, "spot_cap_uusd_h");
	bool takes_cap = c->use_spot && p && (p->can & PROVIDER_CAN_SPOT_CAP);
	json_object_set(a, "max_price_uusd_h", c->use_spot && !takes_cap && cap ? cap : json_null());
	if (takes_cap)
		json_object_set(a, "spot_cap_uusd_h", cap ? cap : json_null());
	json_t *tags = json_object();
	json_put_str(tags, "user", c->user);
	json_put_str(tags, "project", c->project);
	if (c->accelerator) {
		char count[32];
		json_put_str(tags, "accelerator", c->accelerator);
		json_put_str(tags, "accelerator_count", micro_text(c->accel_count_micro, count, sizeof count));
	}
	json_object_set_new(a, "tags", tags);
	json_object_set_new(a, "labels", json_object());
	json_t *silent = json_arr(op->r->data, "silent");
	json_object_set_new(a, "silent", silent ? json_incref(silent) : json_array());
	if (!run_is_cloud(p) || !add_cloud_args(op, a, err))
		return a;
	json_decref(a);
	return NULL;
}

/* Machines of the user's own that cannot be reached just now: there is no other place where they are, so they are waited for. */
bool launch_wait_for_machines(struct op *op, const struct err *err)
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

static void ask_create(struct op *op)
{
	struct err err;
	struct unit *u = op_unit(op);
	const struct provider *p = run_provider(op->engine, u->c->provider);
	json_t *args = create_args(op, p, &err);
	if (args)
		op_call(op, p, PROVIDER_CREATE, args, created);
	else
		op_failed(op, &err);
}

void launch_create(struct op *op)
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
	access_make_cluster_key(op, ask_create);
}

/* What the cloud says of a node that did not come up; NULL: nothing. */
static const char *why_gone(const json_t *result)
{
	size_t i;
	json_t *n;
	json_array_foreach(json_arr(result, "nodes"), i, n) {
		const char *status = json_str(n, "status", ""), *reason = json_str(n, "reason", NULL);
		if (reason && (!strcmp(status, "TERMINATED") || !strcmp(status, "PREEMPTED")))
			return reason;
	}
	return NULL;
}

static void waited(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	nodes_take(u, result, true);
	struct node_counts n = nodes_count(u, result);
	struct err err;
	if (n.running == n.n) {
		op_next(op);
	} else if (n.running + n.pending + n.stopped + n.intent < n.n || n.preempted) {
		const char *why = why_gone(result);
		err_set(&err, ERR_CAPACITY, "%s %s: a node was taken away before it was up%s%s", u->c->provider, u->c->region ? u->c->region : "", why ? ": " : "",
		    why ? why : "");
		op_failed(op, &err);
	} else {
		op_progress(op, "waiting for nodes: %zu of %zu", n.running, n.n);
		op_again(op, op_poll_ms(op));
	}
}

void launch_wait(struct op *op)
{
	struct unit *u = op_unit(op);
	struct node_counts n = nodes_count(u, NULL);
	if (n.running == n.n) { /* create said so already */
		op_next(op);
		return;
	}
	op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_QUERY, nodes_query(u), waited);
}

static const json_t *ports_of(const json_t *task)
{
	return json_object_get(json_array_get(json_arr(task, "resources"), 0), "ports");
}

bool launch_open_ports(struct op *op, const json_t *task_before, void (*fn)(struct op *op, const json_t *result))
{
	struct unit *u = op_unit(op);
	const struct provider *p = run_provider(op->engine, u->c->provider);
	struct err err;
	bool wanted = run_is_cloud(p) && ports_of(u->c->task);
	json_t *args = wanted ? create_args(op, p, &err) : NULL;
	if (wanted && !args)
		run_event(op->engine, u, op->r, "launch.ports", "warn", NULL, "the ports of this task could not be opened: %s", err.text);
	bool some = json_array_size(json_arr(args, "ports")), can = some && p->can & PROVIDER_CAN_OPEN_PORTS;
	if (some && !can && !json_equal(ports_of(task_before), ports_of(u->c->task)))
		run_event(op->engine, u, op->r, "launch.ports", "warn", NULL, "%s opens ports only for machines that it makes: those of this task are open if the "
			  "cluster had them", p->title);
	if (!can) {
		json_decref(args);
		return false;
	}
	json_put_bool(args, "open_ports", true);
	op_progress(op, "opening ports");
	op_call(op, p, PROVIDER_CREATE, args, fn);
	return true;
}
