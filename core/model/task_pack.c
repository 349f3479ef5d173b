/* Tasks on the wire and in state.db: everything, secrets included, and back. The reader trusts nothing: what it reads
 * may be from another version, or from a damaged file.
 *
 * Scalar fields are driven by two tables, one for tasks and one for alternatives; a new scalar field is a line there.
 */
#include <stddef.h>
#include <string.h>

#include "core/base/json.h"
#include "core/model/task_priv.h"

enum pack_type { PACK_TEXT, PACK_INT, PACK_BOOL, PACK_JSON };
struct pack_field {
	const char *name;
	size_t offset;
	enum pack_type type;
};
#define P(type, kind, field) \
	{ \
#field, offsetof(struct type, field), kind \
	}

static const struct pack_field task_fields[] = {
    P(task, PACK_TEXT, name),
    P(task, PACK_TEXT, workdir),
    P(task, PACK_TEXT, git_url),
    P(task, PACK_TEXT, git_ref),
    P(task, PACK_INT, num_nodes),
    P(task, PACK_BOOL, ordered),
    P(task, PACK_JSON, storage_mounts),
    P(task, PACK_JSON, volumes),
    P(task, PACK_TEXT, setup),
    P(task, PACK_TEXT, run),
    P(task, PACK_BOOL, is_service),
    P(task, PACK_BOOL, is_pool),
    P(task, PACK_JSON, service),
    P(task, PACK_JSON, config),
    P(task, PACK_TEXT, input_uri),
    P(task, PACK_TEXT, output_uri),
    P(task, PACK_INT, input_gb_micro),
    P(task, PACK_INT, output_gb_micro),
    P(task, PACK_TEXT, event_callback),
    P(task, PACK_JSON, managed_secrets),
    P(task, PACK_BOOL, api_server_access),
};

static const struct pack_field resource_fields[] = {
    P(resources, PACK_TEXT, cloud),
    P(resources, PACK_TEXT, region),
    P(resources, PACK_TEXT, zone),
    P(resources, PACK_TEXT, instance_type),
    P(resources, PACK_TEXT, accelerator),
    P(resources, PACK_INT, accel_count_micro),
    P(resources, PACK_BOOL, accel_by_memory),
    P(resources, PACK_JSON, accelerator_args),
    P(resources, PACK_INT, disk_size_gib),
    P(resources, PACK_BOOL, disk_at_least),
    P(resources, PACK_TEXT, local_disk),
    P(resources, PACK_INT, max_hourly_uusd),
    P(resources, PACK_BOOL, use_spot),
    P(resources, PACK_BOOL, use_spot_set),
    P(resources, PACK_JSON, job_recovery),
    P(resources, PACK_TEXT, image_id),
    P(resources, PACK_JSON, image_ids),
    P(resources, PACK_JSON, labels),
    P(resources, PACK_BOOL, priority_set),
    P(resources, PACK_INT, priority),
    P(resources, PACK_TEXT, priority_class),
    P(resources, PACK_JSON, volumes),
    P(resources, PACK_INT, ephemeral_gib),
    P(resources, PACK_JSON, autostop_hook),
};

/* --- out --------------------------------------------------------------------------------------------------------- */

static void pack_fields(json_t *j, const void *of, const struct pack_field *f, size_t n)
{
	for (; n--; f++) {
		const char *p = (const char *)of + f->offset;
		json_t *v = NULL;
		switch (f->type) {
		case PACK_TEXT:
			v = *(const char *const *)p ? json_string(*(const char *const *)p) : NULL;
			break;
		case PACK_INT:
			v = json_integer(*(const int64_t *)p);
			break;
		case PACK_BOOL:
			v = *(const bool *)p ? json_true() : NULL;
			break;
		case PACK_JSON:
			v = json_incref(*(json_t *const *)p);
			break;
		}
		if (v)
			json_object_set_new(j, f->name, v);
	}
}

static void pack_amount(json_t *j, const char *name, const struct amount *a)
{
	if (a->set)
		json_object_set_new(j, name,
		    json_pack("{s:s, s:I, s:b, s:b}", "text", a->text, "micro", (json_int_t)a->micro, "at_least",
			a->at_least, "per_vcpu", a->per_vcpu));
}

static json_t *pack_resources(const struct resources *r)
{
	json_t *j = json_object();
	pack_fields(j, r, resource_fields, ARRAY_LEN(resource_fields));
	pack_amount(j, "cpus", &r->cpus);
	pack_amount(j, "memory", &r->memory);
	json_put_int(j, "disk_tier", r->disk_tier);
	json_put_int(j, "network_tier", r->network_tier);
	json_t *ports = json_array();
	for (size_t i = 0; i < r->n_ports; i++)
		json_array_append_new(ports, json_string(r->ports[i]));
	json_object_set_new(j, "ports", ports);
	const struct autostop *a = &r->autostop;
	if (a->set)
		json_object_set_new(j, "autostop",
		    json_pack("{s:b, s:I, s:b, s:i, s:b}", "enabled", a->enabled, "idle_minutes",
			(json_int_t)a->idle_minutes, "down", a->down, "wait_for", (int)a->wait_for, "wait_for_set",
			a->wait_for_set));
	return j;
}

json_t *task_pack(const struct task *t)
{
	json_t *j = json_object(), *resources = json_array(), *envs = json_array(), *mounts = json_array();
	json_put_int(j, "version", 1);
	pack_fields(j, t, task_fields, ARRAY_LEN(task_fields));
	for (size_t i = 0; i < t->n_resources; i++)
		json_array_append_new(resources, pack_resources(&t->resources[i]));
	for (size_t i = 0; i < t->n_envs; i++) {
		json_t *e = json_object();
		json_put_str(e, "name", t->envs[i].name);
		json_object_set_new(e, "value", json_foreign(t->envs[i].value));
		json_put_bool(e, "secret", t->envs[i].secret);
		json_array_append_new(envs, e);
	}
	for (size_t i = 0; i < t->n_mounts; i++)
		json_array_append_new(mounts, json_pack("[s, s]", t->mounts[i].dst, t->mounts[i].src));
	json_object_set_new(j, "resources", resources);
	json_object_set_new(j, "envs", envs);
	json_object_set_new(j, "mounts", mounts);
	return j;
}

/* --- in ---------------------------------------------------------------------------------------------------------- */

static int nonsense(struct err *err, const char *what)
{
	return err_set(err, ERR_PROTOCOL, "a packed task has nonsense at '%s'", what);
}

static int unpack_field(struct dag *d, const json_t *v, const struct pack_field *f, char *p, struct err *err)
{
	switch (f->type) {
	case PACK_TEXT:
		if (!json_is_string(v))
			break;
		*(const char **)p = arena_strdup(d->memory->arena, json_string_value(v));
		return 0;
	case PACK_INT:
		if (!json_is_integer(v))
			break;
		*(int64_t *)p = json_integer_value(v);
		return 0;
	case PACK_BOOL:
		if (!json_is_boolean(v))
			break;
		*(bool *)p = json_is_true(v);
		return 0;
	case PACK_JSON:
		if (!json_is_object(v) && !json_is_array(v))
			break;
		*(json_t **)p = dag_own(d, json_deep_copy(v));
		return 0;
	}
	return nonsense(err, f->name);
}

static int unpack_fields(
    struct dag *d, const json_t *j, void *to, const struct pack_field *f, size_t n, struct err *err)
{
	for (; n--; f++) {
		const json_t *v = json_object_get(j, f->name);
		if (v && unpack_field(d, v, f, (char *)to + f->offset, err))
			return -1;
	}
	return 0;
}

static void unpack_amount(struct dag *d, const json_t *j, const char *name, struct amount *a)
{
	const json_t *o = json_obj(j, name);
	const char *text = json_str(o, "text", NULL);
	if (!text)
		return;
	*a = (struct amount){.set = true,
	    .at_least = json_bool(o, "at_least", false),
	    .per_vcpu = json_bool(o, "per_vcpu", false),
	    .micro = json_int(o, "micro", 0),
	    .text = arena_strdup(d->memory->arena, text)};
}

/* An enum's number, within its bounds. */
static int bounded(const json_t *j, const char *name, int max)
{
	int64_t v = json_int(j, name, 0);
	return v < 0 || v > max ? 0 : (int)v;
}

static int unpack_ports(struct dag *d, const json_t *list, struct resources *r, struct err *err)
{
	struct port_set *set = port_set_create();
	const char *wrong = NULL;
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
	{
		if (!wrong)
			wrong = json_is_string(v) ? port_set_add(set, d->memory->arena, json_string_value(v)) : "text";
	}
	if (!wrong)
		r->ports = port_set_ranges(set, d->memory->arena, &r->n_ports);
	port_set_destroy(set);
	return wrong ? nonsense(err, "ports") : 0;
}

static int unpack_resources(struct dag *d, const json_t *j, struct resources *r, struct err *err)
{
	*r = (struct resources){.max_hourly_uusd = PRICE_UNKNOWN, .disk_size_gib = 256};
	if (!json_is_object(j))
		return nonsense(err, "resources");
	if (unpack_fields(d, j, r, resource_fields, ARRAY_LEN(resource_fields), err) ||
	    unpack_ports(d, json_arr(j, "ports"), r, err))
		return -1;
	unpack_amount(d, j, "cpus", &r->cpus);
	unpack_amount(d, j, "memory", &r->memory);
	r->disk_tier = (enum disk_tier)bounded(j, "disk_tier", DISK_TIER_BEST);
	r->network_tier = (enum network_tier)bounded(j, "network_tier", NETWORK_TIER_BEST);
	const json_t *a = json_obj(j, "autostop");
	if (a)
		r->autostop = (struct autostop){.set = true,
		    .enabled = json_bool(a, "enabled", true),
		    .idle_minutes = json_int(a, "idle_minutes", 0),
		    .down = json_bool(a, "down", false),
		    .wait_for = (enum wait_for)bounded(a, "wait_for", WAIT_FOR_NONE),
		    .wait_for_set = json_bool(a, "wait_for_set", false)};
	return 0;
}

static int unpack_envs(struct dag *d, const json_t *list, struct task *t, struct err *err)
{
	size_t i;
	json_t *e;
	t->envs = arena_alloc(d->memory->arena, (json_array_size(list) + 1) * sizeof *t->envs);
	json_array_foreach(list, i, e)
	{
		const char *name = json_str(e, "name", NULL), *value = json_str(e, "value", NULL);
		if (!name || !*name || !value)
			return nonsense(err, "envs");
		t->envs[t->n_envs++] = (struct task_env){arena_strdup(d->memory->arena, name),
		    arena_strdup(d->memory->arena, value), json_bool(e, "secret", false)};
	}
	return 0;
}

static int unpack_mounts(struct dag *d, const json_t *list, struct task *t, struct err *err)
{
	size_t i;
	json_t *m;
	t->mounts = arena_alloc(d->memory->arena, (json_array_size(list) + 1) * sizeof *t->mounts);
	json_array_foreach(list, i, m)
	{
		const char *dst = json_string_value(json_array_get(m, 0)),
			   *src = json_string_value(json_array_get(m, 1));
		if (!dst || !src)
			return nonsense(err, "mounts");
		t->mounts[t->n_mounts++] =
		    (struct task_mount){arena_strdup(d->memory->arena, dst), arena_strdup(d->memory->arena, src)};
	}
	return 0;
}

static int unpack(struct dag *d, const json_t *j, struct err *err)
{
	const json_t *list = json_arr(j, "resources");
	struct task *t = d->tasks = arena_alloc(d->memory->arena, sizeof *d->tasks);
	size_t i, n = json_array_size(list);
	json_t *r;
	if (json_int(j, "version", 0) != 1)
		return err_set(err, ERR_PROTOCOL, "a packed task is of another version of skytop");
	t->num_nodes = 1;
	if (unpack_fields(d, j, t, task_fields, ARRAY_LEN(task_fields), err))
		return -1;
	if (!n || t->num_nodes < 1)
		return nonsense(err, n ? "num_nodes" : "resources");
	t->resources = arena_alloc(d->memory->arena, n * sizeof *t->resources);
	json_array_foreach(list, i, r)
	{
		if (unpack_resources(d, r, &t->resources[i], err))
			return -1;
	}
	t->n_resources = n;
	d->n_tasks = 1;
	d->name = t->name;
	return unpack_envs(d, json_arr(j, "envs"), t, err) || unpack_mounts(d, json_arr(j, "mounts"), t, err) ? -1 : 0;
}

struct dag *task_unpack(const json_t *packed, struct err *err)
{
	struct dag *d = dag_create();
	if (!unpack(d, packed, err))
		return d;
	dag_destroy(d);
	return NULL;
}
