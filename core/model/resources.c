/* The resources of a task: one map, or several alternatives of it (any_of, ordered, sets and lists of accelerators),
 * each read into a struct of its own. What an alternative does not say it takes from the map around it.
 *
 * Nothing here needs prices or a network: whether a region or an instance type exists is asked later, by the optimizer.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/str.h"
#include "core/model/amount.h"
#include "core/model/cloud.h"
#include "core/model/task_priv.h"

enum { DEFAULT_DISK_GIB = 256, MAX_ALTERNATIVES = 1000 };

/* One resources map on its way into a struct. */
struct single {
	struct reading *r;
	const struct yaml_node *map;
	struct resources *out;
};

static struct arena *arena_of(const struct single *s)
{
	return s->r->dag->memory->arena;
}

/* The text of a number or text field; NULL when it is not there. Numbers as Python prints them: 4.0 stays 4.0. */
static const char *text_of(const struct single *s, const char *key, const struct yaml_node **n)
{
	*n = yaml_get_set(s->map, key);
	return *n ? yaml_python(s->r->tree, *n) : NULL;
}

/* --- where ------------------------------------------------------------------------------------------------------- */

static int read_cloud_name(struct single *s, const struct yaml_node *n)
{
	const struct cloud *c = cloud_find(n->text);
	if (c) {
		s->out->cloud = c->name;
		return 0;
	}
	const char *near = cloud_nearest(n->text);
	if (near)
		return refuse_at(s->r, n, "cloud: '%.40s' is not known; did you mean '%s'?", n->text, near);
	return refuse_at(s->r, n,
	    "cloud: '%.40s' is not known; it is one of aws, gcp, azure, kubernetes, lambda, runpod, …", n->text);
}

static int read_place(struct single *s)
{
	static const char *const apart[] = {"cloud", "region", "zone"};
	const struct yaml_node *infra = yaml_get_set(s->map, "infra"), *cloud = yaml_get_set(s->map, "cloud");
	for (size_t i = 0; infra && i < ARRAY_LEN(apart); i++)
		if (yaml_get_set(s->map, apart[i]))
			return refuse_at(s->r, infra,
			    "both 'infra' and '%s' are given; write it all in infra, as cloud/region/zone", apart[i]);
	if (infra) {
		struct place p;
		const char *wrong = infra_parse(arena_of(s), infra->text, &p);
		if (wrong)
			return refuse_value(s->r, infra, "infra", wrong);
		s->out->cloud = p.cloud;
		s->out->region = p.region;
		s->out->zone = p.zone;
		return 0;
	}
	s->out->region = keep_text(s->r, s->map, "region");
	s->out->zone = keep_text(s->r, s->map, "zone");
	return cloud ? read_cloud_name(s, cloud) : 0;
}

/* --- size -------------------------------------------------------------------------------------------------------- */

static int read_amounts(struct single *s)
{
	const struct yaml_node *n;
	const char *text = text_of(s, "cpus", &n), *wrong = NULL;
	if (text && (wrong = amount_cpus(arena_of(s), text, &s->out->cpus)))
		return refuse_value(s->r, n, "cpus", wrong);
	text = text_of(s, "memory", &n);
	/* Slurm without memory accounting wants a plain 0. */
	if (text && (wrong = amount_memory(arena_of(s), text, str_eq(s->out->cloud, "slurm"), &s->out->memory)))
		return refuse_value(s->r, n, "memory", wrong);
	return 0;
}

static int read_disks(struct single *s)
{
	const struct yaml_node *n;
	const char *text = text_of(s, "disk_size", &n), *wrong;
	s->out->disk_size_gib = DEFAULT_DISK_GIB;
	if (text && (wrong = amount_disk(text, &s->out->disk_size_gib, &s->out->disk_at_least)))
		return refuse_value(s->r, n, "disk_size", wrong);
	text = text_of(s, "ephemeral_storage", &n);
	if (text && (wrong = amount_disk(text, &s->out->ephemeral_gib, NULL)))
		return refuse_value(s->r, n, "ephemeral_storage", wrong);
	text = text_of(s, "local_disk", &n);
	if (text && (wrong = amount_local_disk(arena_of(s), text, &s->out->local_disk)))
		return refuse_value(s->r, n, "local_disk", wrong);
	return 0;
}

/* The words of disk_tier and network_tier, in the order of their enums; the schema has checked them. */
static int word_index(const struct yaml_node *n, const char *const *words)
{
	for (int i = 0; n && words[i]; i++)
		if (str_ieq(words[i], n->text))
			return i + 1;
	return 0;
}

static void read_tiers(struct single *s)
{
	s->out->disk_tier = (enum disk_tier)word_index(yaml_get_set(s->map, "disk_tier"), disk_tier_names);
	s->out->network_tier = (enum network_tier)word_index(yaml_get_set(s->map, "network_tier"), network_tier_names);
}

static int read_cost(struct single *s)
{
	const struct yaml_node *n = yaml_get_set(s->map, "max_hourly_cost");
	s->out->max_hourly_uusd = PRICE_UNKNOWN;
	if (!n)
		return 0;
	if (!(n->real > 0) || n->real > 1e9)
		return refuse_at(s->r, n, "max_hourly_cost must be dollars an hour above 0, not %.40s", n->text);
	s->out->max_hourly_uusd = (int64_t)llround(n->real * 1e6);
	if (!s->out->max_hourly_uusd)
		s->out->max_hourly_uusd = 1;
	return 0;
}

/* --- ports ------------------------------------------------------------------------------------------------------- */

static const char *add_port(struct single *s, struct port_set *set, const struct yaml_node *n)
{
	return port_set_add(set, arena_of(s), yaml_python(s->r->tree, n));
}

static int read_ports(struct single *s)
{
	const struct yaml_node *n = yaml_get_set(s->map, "ports"), *at = n;
	if (!n)
		return 0;
	struct port_set *set = port_set_create();
	const char *wrong = NULL;
	if (n->kind != YAML_LIST)
		wrong = add_port(s, set, n);
	for (size_t i = 0; n->kind == YAML_LIST && !wrong && i < n->n; i++) {
		at = n->items[i];
		wrong = add_port(s, set, at);
	}
	if (!wrong)
		s->out->ports = port_set_ranges(set, arena_of(s), &s->out->n_ports);
	port_set_destroy(set);
	return wrong ? refuse_at(s->r, at, "ports %s", wrong) : 0;
}

/* --- images ------------------------------------------------------------------------------------------------------ */

static const char *trim(struct single *s, const char *text)
{
	size_t from = strspn(text, " \t\n"), to = strlen(text);
	while (to > from && strchr(" \t\n", text[to - 1]))
		to--;
	return arena_strndup(arena_of(s), text + from, to - from);
}

static bool is_docker(const char *image)
{
	return str_starts(image, "docker:");
}

/* An image on Kubernetes is a container, with the prefix or without. */
static const char *image_of(struct single *s, const char *text)
{
	const char *image = trim(s, text);
	if (str_eq(s->out->cloud, "kubernetes") && !is_docker(image))
		return arena_printf(arena_of(s), "docker:%s", image);
	return image;
}

/* The key under which the image of the one region stands; "null" for all regions. */
static const char *any_region(const struct single *s)
{
	return s->out->region ? s->out->region : "null";
}

static int check_image_map(struct single *s, const struct yaml_node *n)
{
	char what[128];
	bool docker_key = yaml_get(n, "docker") != NULL, docker_value = false;
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_node *key = n->pairs[i].key, *value = n->pairs[i].value;
		if (value->kind != YAML_STRING)
			return refuse_at(s->r, value, "image_id: the image for '%.60s' must be text, not %s", key->text,
			    yaml_describe(value, what, sizeof what));
		if (key->kind != YAML_STRING && key->kind != YAML_NULL)
			return refuse_at(
			    s->r, key, "image_id: regions are text, not %s", yaml_describe(key, what, sizeof what));
		docker_value = docker_value || (is_docker(value->text) && strcmp(key->text, "docker"));
	}
	if (docker_key && docker_value)
		return refuse_at(s->r, n, "image_id has both a 'docker' entry and a 'docker:' image; keep one of them");
	return 0;
}

static int read_image(struct single *s)
{
	const struct yaml_node *n = yaml_get_set(s->map, "image_id"), *all;
	if (!n)
		return 0;
	json_t *ids = dag_own(s->r->dag, json_object());
	s->out->image_ids = ids;
	if (n->kind == YAML_STRING) {
		s->out->image_id = image_of(s, n->text);
		json_object_set_new(ids, any_region(s), json_string(s->out->image_id));
		return 0;
	}
	if (check_image_map(s, n))
		return -1;
	for (size_t i = 0; i < n->n; i++)
		if (n->pairs[i].key->kind == YAML_NULL) {
			all = n->pairs[i].value;
			s->out->image_id = image_of(s, all->text);
			json_object_set_new(ids, any_region(s), json_string(s->out->image_id));
			return 0;
		}
	for (size_t i = 0; i < n->n; i++) {
		const char *key = trim(s, n->pairs[i].key->text), *image = image_of(s, n->pairs[i].value->text);
		if (!strcmp(key, "docker") && is_docker(image))
			image += strlen("docker:");
		json_object_set_new(ids, key, json_string(image));
	}
	return 0;
}

/* --- autostop and recovery --------------------------------------------------------------------------------------- */

static int read_autostop_map(struct single *s, const struct yaml_node *n)
{
	static const char *const waits[] = {"jobs_and_ssh", "jobs", "none", NULL};
	struct autostop *a = &s->out->autostop;
	const struct yaml_node *v;
	if ((v = yaml_get(n, "idle_minutes")))
		yaml_whole(v, &a->idle_minutes);
	if ((v = yaml_get(n, "down")))
		a->down = v->flag;
	if ((v = yaml_get(n, "wait_for"))) {
		a->wait_for = (enum wait_for)(word_index(v, waits) - 1);
		a->wait_for_set = true;
	}
	v = yaml_get(n, "hook");
	if (!v)
		return 0;
	warn_at(s->r, v, "autostop.hook is deprecated; write it in config.hooks, with events: [stop]");
	json_t *hook = json_pack("{s:s, s:[s]}", "run", v->text, "events", "stop");
	int64_t timeout = 3600;
	if ((v = yaml_get(n, "hook_timeout")))
		yaml_whole(v, &timeout);
	json_object_set_new(hook, "timeout", json_integer(timeout));
	s->out->autostop_hook = dag_own(s->r->dag, hook);
	return 0;
}

static int read_autostop(struct single *s)
{
	const struct yaml_node *n = yaml_get_set(s->map, "autostop");
	struct autostop *a = &s->out->autostop;
	if (!n)
		return 0;
	*a = (struct autostop){.set = true, .enabled = true};
	switch ((int)n->kind) {
	case YAML_BOOL:
		a->enabled = n->flag;
		return 0;
	case YAML_MAP:
		return read_autostop_map(s, n);
	case YAML_STRING: {
		const char *wrong = amount_minutes(n->text, &a->idle_minutes);
		return wrong ? refuse_value(s->r, n, "autostop", wrong) : 0;
	}
	default:
		yaml_whole(n, &a->idle_minutes);
	}
	if (a->idle_minutes < 0)
		return refuse_at(s->r, n, "autostop must be minutes from 0 up, or false for never, not %.40s", n->text);
	return 0;
}

static void uppercase(json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));
	if (!text)
		return;
	char *upper = xstrdup(text);
	for (char *c = upper; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	json_object_set_new(obj, key, json_string(upper));
	free(upper);
}

static int read_recovery(struct single *s)
{
	const struct yaml_node *n = yaml_get_set(s->map, "job_recovery"), *old = yaml_get_set(s->map, "spot_recovery");
	if (n && old)
		return refuse_at(s->r, old, "both 'job_recovery' and the deprecated 'spot_recovery' are given");
	if (old)
		warn_at(s->r, old, "spot_recovery is deprecated; it is now called job_recovery");
	n = n ? n : old;
	if (!n)
		return 0;
	json_t *j = n->kind == YAML_MAP ? yaml_json(n) : json_pack("{s:s}", "strategy", n->text);
	const char *strategy = json_string_value(json_object_get(j, "strategy"));
	if (str_eq(strategy, "none")) {
		json_decref(j);
		return 0;
	}
	if (!strategy)
		json_object_set_new(j, "strategy", json_null());
	uppercase(j, "strategy");
	s->out->job_recovery = dag_own(s->r->dag, j);
	return 0;
}

/* --- disks that are attached ------------------------------------------------------------------------------------- */

/* Lower case when it is one of the words, else the default. */
static void volume_word(json_t *volume, const char *key, const char *dflt, const char *const *words)
{
	const char *text = json_string_value(json_object_get(volume, key)), *found = dflt;
	for (; text && *words; words++)
		if (str_ieq(text, *words))
			found = *words;
	if (found)
		json_object_set_new(volume, key, json_string(found));
}

static int read_volume(struct single *s, const struct yaml_node *n, json_t *all)
{
	static const char *const types[] = {"network", "instance", NULL};
	static const char *const modes[] = {"read_only", "read_write", NULL};
	if (!yaml_get_set(n, "path"))
		return refuse_at(s->r, n, "a volume needs a 'path', where it is mounted");
	json_t *v = yaml_json(n);
	json_array_append_new(all, v);
	volume_word(v, "storage_type", "network", types);
	volume_word(v, "attach_mode", "read_write", modes);
	bool network = str_eq(json_string_value(json_object_get(v, "storage_type")), "network");
	if (network && !json_object_get(v, "name"))
		return refuse_at(s->r, n,
		    "the network volume at '%.60s' needs a 'name'; or write storage_type: instance",
		    yaml_get(n, "path")->text);
	if (!network)
		json_object_del(v, "name");
	if (network || json_object_get(v, "disk_tier"))
		volume_word(v, "disk_tier", "best", disk_tier_names);
	if (!json_object_get(v, "auto_delete"))
		json_object_set_new(v, "auto_delete", json_false());
	return 0;
}

static int read_volumes(struct single *s)
{
	const struct yaml_node *n = yaml_get_set(s->map, "volumes");
	if (!n || !n->n)
		return 0;
	json_t *all = dag_own(s->r->dag, json_array());
	for (size_t i = 0; i < n->n; i++)
		if (read_volume(s, n->items[i], all))
			return -1;
	s->out->volumes = all;
	return 0;
}

/* --- TPUs -------------------------------------------------------------------------------------------------------- */

/* The names under which GKE, and not Compute Engine, sells TPUs. */
static bool is_gke_tpu(const char *name)
{
	static const char *const names[] = {
	    "tpu-v4-podslice", "tpu-v5-lite-device", "tpu-v5-lite-podslice", "tpu-v5p-slice", "tpu-v6e-slice"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static const char *tpu_runtime(const char *name, bool vm)
{
	if (!vm)
		return "2.12.0";
	if (str_starts(name, "tpu-v5"))
		return "v2-alpha-tpuv5";
	return str_starts(name, "tpu-v6e") ? "v2-alpha-tpuv6e" : "tpu-vm-base";
}

/* A TPU is Google's: that settles the cloud, and the software it is started with. */
static int settle_tpu(struct single *s, const struct yaml_node *at)
{
	struct resources *o = s->out;
	if (!o->accelerator || !str_istr(o->accelerator, "tpu"))
		return 0;
	bool gke = is_gke_tpu(o->accelerator);
	if (!o->cloud)
		o->cloud = gke ? "kubernetes" : "gcp";
	if (strcmp(o->cloud, "gcp") && strcmp(o->cloud, "kubernetes"))
		return refuse_at(s->r, at, "TPUs are on gcp or kubernetes, not on %s", o->cloud);
	if (gke || strcmp(o->cloud, "gcp"))
		return 0;
	json_t *args = o->accelerator_args ? json_deep_copy(o->accelerator_args) : json_object();
	bool vm = !json_is_false(json_object_get(args, "tpu_vm"));
	o->accelerator_args = dag_own(s->r->dag, args);
	if (!json_object_get(args, "runtime_version"))
		json_object_set_new(args, "runtime_version", json_string(tpu_runtime(o->accelerator, vm)));
	if (vm && o->instance_type && strcmp(o->instance_type, "TPU-VM"))
		return refuse_at(s->r, at, "a TPU VM has no instance_type; leave '%.60s' out", o->instance_type);
	return 0;
}

/* --- one alternative --------------------------------------------------------------------------------------------- */

static json_t *json_of(struct single *s, const char *key)
{
	const struct yaml_node *n = yaml_get_set(s->map, key);
	return n && n->n ? dag_own(s->r->dag, yaml_json(n)) : NULL;
}

static void read_simple(struct single *s)
{
	const struct yaml_node *n = yaml_get_set(s->map, "use_spot");
	struct resources *o = s->out;
	o->use_spot_set = n != NULL;
	o->use_spot = n && n->flag;
	n = yaml_get_set(s->map, "priority");
	o->priority_set = n && yaml_whole(n, &o->priority);
	o->priority_class = keep_text(s->r, s->map, "priority_class");
	if (o->priority_class && !*trim(s, o->priority_class))
		o->priority_class = NULL;
	o->instance_type = keep_text(s->r, s->map, "instance_type");
	o->labels = json_of(s, "labels");
	o->accelerator_args = json_of(s, "accelerator_args");
}

static int read_single(
    struct reading *r, const struct yaml_node *map, const struct accelerator_ask *ask, struct resources *out)
{
	struct single s = {r, map, out};
	const struct yaml_node *at = yaml_get(map, "accelerators");
	*out = (struct resources){.where = {.file = r->dag->file, .line = map->line, .column = map->column}};
	if (ask) {
		out->accelerator = ask->name;
		out->accel_count_micro = ask->count_micro;
		out->accel_by_memory = ask->by_memory;
	}
	if (read_place(&s))
		return -1;
	read_simple(&s);
	read_tiers(&s);
	if (read_amounts(&s) || read_disks(&s) || read_cost(&s) || read_ports(&s) || read_image(&s) ||
	    read_autostop(&s) || read_recovery(&s) || read_volumes(&s))
		return -1;
	return settle_tpu(&s, at ? at : map);
}

/* --- several ----------------------------------------------------------------------------------------------------- */

struct alternatives {
	struct resources *v;
	size_t n, cap;
};

static int add_asks(
    struct reading *r, const struct yaml_node *map, const struct accelerator_asks *asks, struct alternatives *all)
{
	for (size_t i = 0; i < (asks->n ? asks->n : 1); i++) {
		if (all->n == MAX_ALTERNATIVES)
			return refuse_at(r, map, "more than %d alternatives", MAX_ALTERNATIVES);
		ARRAY_GROW(all->v, all->n, all->cap);
		if (read_single(r, map, asks->n ? &asks->v[i] : NULL, &all->v[all->n]))
			return -1;
		all->n++;
	}
	return 0;
}

/* The alternative over what stands around it; labels of both count. The map keeps the position of the alternative. */
static struct yaml_node *overlay(struct reading *r, const struct yaml_node *base, const struct yaml_node *item)
{
	struct yaml_node *map = yaml_copy(r->tree, base);
	map->line = item->line;
	map->column = item->column;
	map->source = item->source;
	yaml_put(r->tree, map, "any_of", NULL);
	yaml_put(r->tree, map, "ordered", NULL);
	for (size_t i = 0; i < item->n; i++) {
		const char *key = item->pairs[i].key->text;
		struct yaml_node *value = item->pairs[i].value, *old = yaml_get_set(map, key);
		if (!strcmp(key, "labels") && old) {
			struct yaml_node *both = yaml_copy(r->tree, old);
			for (size_t k = 0; k < value->n; k++)
				yaml_put(r->tree, both, value->pairs[k].key->text, value->pairs[k].value);
			value = both;
		}
		yaml_put(r->tree, map, key, value);
	}
	return map;
}

static int add_items(
    struct reading *r, const struct yaml_node *base, const struct yaml_node *items, struct alternatives *all)
{
	for (size_t i = 0; i < items->n; i++) {
		struct yaml_node *map = overlay(r, base, items->items[i]);
		struct accelerator_asks asks;
		int rc = accelerators_read(r, yaml_get(map, "accelerators"), &asks);
		rc = rc ? rc : add_asks(r, map, &asks, all);
		free(asks.v);
		if (rc)
			return -1;
	}
	return 0;
}

/* gpus is accelerators by another name. */
static int rename_gpus(struct reading *r, struct yaml_node *map)
{
	struct yaml_node *gpus = yaml_get(map, "gpus");
	if (!gpus)
		return 0;
	if (yaml_get(map, "accelerators"))
		return refuse_at(
		    r, yaml_key(map, "gpus"), "both 'accelerators' and 'gpus' are given; they are the same");
	for (size_t i = 0; i < map->n; i++) {
		if (map->pairs[i].value != gpus || strcmp(map->pairs[i].key->text, "gpus"))
			continue;
		struct yaml_node *key = yaml_copy(r->tree, map->pairs[i].key);
		key->text = "accelerators";
		key->len = strlen(key->text);
		map->pairs[i].key = key;
	}
	return 0;
}

/* A copy of the map, and of the maps in its list under `key`, in which gpus is renamed. */
static int rename_in_items(struct reading *r, struct yaml_node *map, const char *key)
{
	struct yaml_node *list = yaml_get(map, key);
	if (!list || list->kind != YAML_LIST)
		return 0;
	list = yaml_copy(r->tree, list);
	yaml_put(r->tree, map, key, list);
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i]->kind != YAML_MAP)
			continue;
		list->items[i] = yaml_copy(r->tree, list->items[i]);
		if (rename_gpus(r, list->items[i]))
			return -1;
	}
	return 0;
}

static int read_alternatives(struct reading *r, const struct yaml_node *map, struct alternatives *all, bool *ordered)
{
	const struct yaml_node *any_of = yaml_get_set(map, "any_of"), *in_order = yaml_get_set(map, "ordered");
	if (any_of && in_order)
		return refuse_at(
		    r, yaml_key(map, "ordered"), "both 'any_of' and 'ordered' are given; keep one of them");
	bool several_any = any_of && any_of->n, several_ordered = in_order && in_order->n;
	struct accelerator_asks asks;
	const struct yaml_node *accelerators = yaml_get(map, "accelerators");
	int rc = accelerators_read(r, accelerators, &asks);
	if (!rc && asks.n > 1 && several_ordered)
		rc = refuse_at(r, accelerators,
		    "several accelerators and 'ordered' cannot go together; put one in each alternative");
	else if (!rc && asks.n > 1 && several_any && asks.list)
		rc = refuse_at(r, accelerators,
		    "a list of accelerators (tried in order) and 'any_of' cannot go together; a set {A100, H100} can");
	*ordered = several_ordered || (asks.list && !several_any);
	if (!rc && (several_any || several_ordered)) {
		/* Each accelerator of a set with each alternative; an alternative may name its own instead. */
		rc = add_items(r, map, several_any ? any_of : in_order, all);
	} else if (!rc) {
		rc = add_asks(r, map, &asks, all);
	}
	free(asks.v);
	return rc;
}

/* An option may have made alternatives alike: only the first of each kind stays. */
static void drop_repeated(struct alternatives *all)
{
	json_t **seen = xreallocarray(NULL, all->n + 1, sizeof(*seen));
	size_t kept = 0;
	for (size_t i = 0; i < all->n; i++) {
		json_t *j = resources_to_json(&all->v[i]);
		size_t k = 0;
		while (k < kept && !json_equal(seen[k], j))
			k++;
		if (k < kept) {
			json_decref(j);
			continue;
		}
		seen[kept] = j;
		all->v[kept++] = all->v[i];
	}
	for (size_t i = 0; i < kept; i++)
		json_decref(seen[i]);
	free(seen);
	all->n = kept;
}

int resources_read(struct reading *r, struct yaml_node *map, struct task *t)
{
	struct alternatives all = {0};
	if (map && map->kind == YAML_MAP) {
		map = yaml_copy(r->tree, map);
		if (rename_gpus(r, map) || rename_in_items(r, map, "any_of") || rename_in_items(r, map, "ordered"))
			return -1;
	}
	if (!map)
		map = yaml_new_map(r->tree, NULL);
	bool ordered = false;
	int rc = schema_check(&schema_resources, map, &r->place);
	rc = rc ? rc : read_alternatives(r, map, &all, &ordered);
	if (!rc && all.n > 1 && override_changes_resources(r->over))
		drop_repeated(&all);
	if (!rc) {
		t->ordered = ordered;
		t->n_resources = all.n;
		t->resources = arena_alloc(r->dag->memory->arena, all.n * sizeof *all.v);
		memcpy(t->resources, all.v, all.n * sizeof *all.v);
	}
	free(all.v);
	return rc;
}
