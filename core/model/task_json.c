/* Tasks as JSON: the canonical form that `skytop task --json` prints (only what was asked for, secrets without their
 * values), and a line of text for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/cloud.h"
#include "core/model/instance.h"
#include "core/model/task_priv.h"

/* Whole numbers as integers, others as decimals. */
static json_t *micro_json(int64_t micro)
{
	return micro % 1000000 ? json_real((double)micro / 1e6) : json_integer(micro / 1000000);
}

static void put_ref(json_t *obj, const char *key, json_t *value)
{
	if (value)
		json_object_set(obj, key, value);
}

static void put_text(json_t *obj, const char *key, const char *text)
{
	if (text)
		json_object_set_new(obj, key, json_string(text));
}

static void put_infra(json_t *j, const struct resources *r)
{
	struct arena *a = arena_create();
	put_text(j, "infra", infra_text(a, &(struct place){r->cloud, r->region, r->zone}));
	arena_destroy(a);
}

/* What the instance type has, when nothing was asked for: it is part of the canonical form. */
static void put_memory(json_t *j, const struct resources *r)
{
	char text[32];
	int64_t mib;
	if (r->memory.set) {
		put_text(j, "memory", r->memory.text);
	} else if (r->cloud && r->instance_type && (mib = instance_memory_mib(r->cloud, r->instance_type)) > 0) {
		micro_text(mib * 1000000 / 1024, text, sizeof text);
		json_object_set_new(j, "memory", json_sprintf("%s%s", text, strchr(text, '.') ? "" : ".0"));
	}
}

static void put_accelerators(json_t *j, const struct resources *r)
{
	if (!r->accelerator)
		return;
	json_t *a = json_object();
	json_object_set_new(a, r->accelerator, micro_json(r->accel_count_micro));
	json_object_set_new(j, "accelerators", a);
	put_ref(j, "accelerator_args", r->accelerator_args);
}

static void put_autostop(json_t *j, const struct autostop *a)
{
	if (!a->set)
		return;
	if (!a->enabled) {
		json_object_set_new(j, "autostop", json_false());
		return;
	}
	json_t *o = json_pack("{s:I, s:b}", "idle_minutes", (json_int_t)a->idle_minutes, "down", a->down);
	if (a->wait_for_set)
		json_object_set_new(o, "wait_for", json_string(wait_for_names[a->wait_for]));
	json_object_set_new(j, "autostop", o);
}

static void put_ports(json_t *j, const struct resources *r)
{
	if (!r->n_ports)
		return;
	json_t *ports = json_array();
	for (size_t i = 0; i < r->n_ports; i++)
		json_array_append_new(ports, json_string(r->ports[i]));
	json_object_set_new(j, "ports", ports);
}

json_t *resources_to_json(const struct resources *r)
{
	json_t *j = json_object();
	put_infra(j, r);
	put_text(j, "instance_type", r->instance_type);
	if (r->cpus.set)
		put_text(j, "cpus", r->cpus.text);
	put_memory(j, r);
	put_accelerators(j, r);
	if (r->use_spot_set)
		json_object_set_new(j, "use_spot", json_boolean(r->use_spot));
	put_ref(j, "job_recovery", r->job_recovery);
	json_object_set_new(j, "disk_size", json_integer(r->disk_size_gib));
	if (r->disk_at_least)
		json_object_set_new(j, "disk_size_at_least", json_true());
	if (r->ephemeral_gib)
		json_object_set_new(j, "ephemeral_storage", json_integer(r->ephemeral_gib));
	put_ref(j, "image_id", r->image_ids);
	if (r->disk_tier)
		put_text(j, "disk_tier", disk_tier_names[r->disk_tier - 1]);
	if (r->network_tier)
		put_text(j, "network_tier", network_tier_names[r->network_tier - 1]);
	put_text(j, "local_disk", r->local_disk);
	if (r->max_hourly_uusd != PRICE_UNKNOWN)
		json_object_set_new(j, "max_hourly_cost", micro_json(r->max_hourly_uusd));
	put_ports(j, r);
	put_ref(j, "labels", r->labels);
	put_ref(j, "volumes", r->volumes);
	put_autostop(j, &r->autostop);
	if (r->accel_by_memory)
		json_object_set_new(j, "_no_missing_accel_warnings", json_true());
	if (r->priority_set)
		json_object_set_new(j, "priority", json_integer(r->priority));
	put_text(j, "priority_class", r->priority_class);
	return j;
}

/* --- tasks ------------------------------------------------------------------------------------------------------- */

/* The ports of all alternatives together. */
static json_t *all_ports(const struct task *t)
{
	struct port_set *set = port_set_create();
	struct arena *a = arena_create();
	for (size_t i = 0; i < t->n_resources; i++)
		for (size_t k = 0; k < t->resources[i].n_ports; k++)
			port_set_add(set, a, t->resources[i].ports[k]);
	size_t n;
	const char **ranges = port_set_ranges(set, a, &n);
	json_t *j = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(j, json_string(ranges[i]));
	arena_destroy(a);
	port_set_destroy(set);
	return j;
}

static json_t *workdir_json(const struct task *t)
{
	if (!t->git_url)
		return t->workdir ? json_string(t->workdir) : json_null();
	json_t *j = json_object();
	put_text(j, "url", t->git_url);
	put_text(j, "ref", t->git_ref);
	return j;
}

static void put_env(json_t *j, const struct task *t)
{
	json_t *envs = json_object(), *secrets = json_array();
	for (size_t i = 0; i < t->n_envs; i++) {
		if (t->envs[i].secret)
			json_array_append_new(secrets, json_string(t->envs[i].name));
		else
			json_object_set_new(envs, t->envs[i].name, json_foreign(t->envs[i].value));
	}
	json_object_set_new(j, "envs", envs);
	json_object_set_new(j, "secret_keys", secrets);
}

static void put_mounts(json_t *j, const struct task *t)
{
	json_t *mounts = json_object();
	for (size_t i = 0; i < t->n_mounts; i++)
		json_object_set_new(mounts, t->mounts[i].dst, json_string(t->mounts[i].src));
	json_object_set_new(j, "file_mounts", mounts);
	json_object_set_new(j, "storage_mounts", t->storage_mounts ? json_incref(t->storage_mounts) : json_object());
	json_object_set_new(j, "volumes", t->volumes ? json_incref(t->volumes) : json_object());
}

static void put_egress(json_t *j, const char *key, const char *uri, int64_t gb_micro)
{
	if (!uri)
		return;
	json_t *e = json_object();
	json_object_set_new(e, uri, micro_json(gb_micro));
	json_object_set_new(j, key, e);
}

static json_t *task_to_json(const struct task *t)
{
	json_t *j = json_object(), *resources = json_array();
	json_put_str(j, "name", t->name);
	json_put_int(j, "num_nodes", t->num_nodes);
	json_put_bool(j, "ordered", t->ordered);
	for (size_t i = 0; i < t->n_resources; i++)
		json_array_append_new(resources, resources_to_json(&t->resources[i]));
	json_object_set_new(j, "resources", resources);
	json_object_set_new(j, "ports", all_ports(t));
	json_object_set_new(j, "workdir", workdir_json(t));
	put_env(j, t);
	if (t->managed_secrets)
		json_object_set(j, "managed_secrets", t->managed_secrets);
	put_mounts(j, t);
	json_put_str(j, "setup", t->setup);
	json_put_str(j, "run", t->run);
	json_put_bool(j, "is_service", t->is_service);
	json_put_bool(j, "is_pool", t->is_pool);
	json_object_set_new(j, "service", t->service ? json_incref(t->service) : json_null());
	put_ref(j, "config", t->config);
	put_egress(j, "inputs", t->input_uri, t->input_gb_micro);
	put_egress(j, "outputs", t->output_uri, t->output_gb_micro);
	put_text(j, "event_callback", t->event_callback);
	if (!t->api_server_access)
		json_object_set_new(j, "api_server_access", json_false());
	return j;
}

json_t *dag_to_json(const struct dag *d)
{
	json_t *j = json_object(), *tasks = json_array(), *list;
	json_put_str(j, "name", d->name);
	json_put_str(j, "execution", d->parallel ? "parallel" : "serial");
	if (d->n_primary_tasks) {
		json_object_set_new(j, "primary_tasks", list = json_array());
		for (size_t i = 0; i < d->n_primary_tasks; i++)
			json_array_append_new(list, json_string(d->primary_tasks[i]));
	}
	put_ref(j, "termination_delay", d->termination_delay);
	for (size_t i = 0; i < d->n_tasks; i++)
		json_array_append_new(tasks, task_to_json(&d->tasks[i]));
	json_object_set_new(j, "tasks", tasks);
	if (d->n_warnings) {
		json_object_set_new(j, "warnings", list = json_array());
		for (size_t i = 0; i < d->n_warnings; i++)
			json_array_append_new(list, json_foreign(d->warnings[i]));
	}
	return j;
}

/* --- for people -------------------------------------------------------------------------------------------------- */

const char *resources_text(const struct resources *r, char *buf, size_t size)
{
	struct arena *a = arena_create();
	struct str s = str_new(size > 8 ? size - 8 : 0);
	char number[32];
	const char *infra = infra_text(a, &(struct place){r->cloud, r->region, r->zone});
#define PART(...) (str_add(&s, s.len ? ", " : ""), str_addf(&s, __VA_ARGS__))
	if (r->accelerator)
		PART("%sx %s", micro_text(r->accel_count_micro, number, sizeof number), r->accelerator);
	if (r->instance_type)
		PART("%s", r->instance_type);
	if (r->cpus.set)
		PART("%s CPUs", r->cpus.text);
	if (r->memory.set)
		PART("%s GB%s", r->memory.text, r->memory.per_vcpu ? " a CPU" : "");
	if (r->disk_size_gib != 256 || r->disk_at_least)
		PART("%lld%s GB disk", (long long)r->disk_size_gib, r->disk_at_least ? "+" : "");
	if (infra)
		PART("%s", infra);
#undef PART
	snprintf(buf, size, "%s%s", s.len ? str_text(&s) : "any", r->use_spot ? " [spot]" : "");
	str_free(&s);
	arena_destroy(a);
	return buf;
}
