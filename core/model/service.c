/* service: and pool: in their canonical form, with the defaults written out, and the rules between their fields. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "core/model/task_priv.h"

enum { INITIAL_DELAY_S = 1200, PROBE_TIMEOUT_S = 15 };

/* Copy the listed fields that are set, in this order. */
static void copy_fields(const struct yaml_node *from, const char *const *keys, json_t *to)
{
	for (; *keys; keys++) {
		const struct yaml_node *n = yaml_get_set(from, *keys);
		if (n)
			json_object_set_new(to, *keys, yaml_json(n));
	}
}

/* --- readiness_probe --------------------------------------------------------------------------------------------- */

static int read_post_data(struct reading *r, const struct yaml_node *n, json_t *probe)
{
	if (!n)
		return 0;
	if (n->kind == YAML_MAP) {
		json_object_set_new(probe, "post_data", yaml_json(n));
		return 0;
	}
	json_error_t e;
	json_t *j = json_loadb(n->text, n->len, JSON_DECODE_ANY, &e);
	if (!j)
		return refuse_at(
		    r, n, "readiness_probe.post_data is no valid JSON: %s (at its character %d)", e.text, e.position);
	json_object_set_new(probe, "post_data", j);
	return 0;
}

static int read_probe(struct reading *r, const struct yaml_node *n, json_t *out)
{
	static const char *const more[] = {
	    "endpoint_probe_interval_seconds", "consecutive_failure_threshold_timeout", "headers", NULL};
	const struct yaml_node *path = n && n->kind == YAML_MAP ? yaml_get_set(n, "path") : n;
	const char *text = path ? path->text : "/";
	if (text[0] != '/')
		return refuse_at(r, path, "readiness_probe: the path must start with a slash, like /health");
	json_t *probe = json_object();
	json_object_set_new(out, "readiness_probe", probe);
	json_object_set_new(probe, "path", json_string(text));
	const struct yaml_node *delay = n ? yaml_get_set(n, "initial_delay_seconds") : NULL,
			       *timeout = n ? yaml_get_set(n, "timeout_seconds") : NULL;
	json_object_set_new(probe, "initial_delay_seconds", delay ? yaml_json(delay) : json_integer(INITIAL_DELAY_S));
	if (n && read_post_data(r, yaml_get_set(n, "post_data"), probe))
		return -1;
	json_object_set_new(probe, "timeout_seconds", timeout ? yaml_json(timeout) : json_integer(PROBE_TIMEOUT_S));
	if (n)
		copy_fields(n, more, probe);
	return 0;
}

/* --- replicas ---------------------------------------------------------------------------------------------------- */

static int check_policy(struct reading *r, const struct yaml_node *p, const char *balancing)
{
	const struct yaml_node *min = yaml_get_set(p, "min_replicas"), *max = yaml_get_set(p, "max_replicas"),
			       *qps = yaml_get_set(p, "target_qps_per_replica"),
			       *dynamic = yaml_get_set(p, "dynamic_ondemand_fallback"),
			       *base = yaml_get_set(p, "base_ondemand_fallback_replicas");
	bool by_gpu = str_eq(balancing, "instance_aware_least_load"), map = qps && qps->kind == YAML_MAP;
	if (max && max->real < min->real)
		return refuse_at(r, max, "max_replicas (%s) must not be below min_replicas (%s)", max->text, min->text);
	if (qps && !max)
		return refuse_at(r, qps, "target_qps_per_replica needs max_replicas: how far may it scale?");
	if (!qps && max && max->real != min->real)
		return refuse_at(
		    r, max, "min_replicas and max_replicas differ, but there is no target_qps_per_replica to scale by");
	if (map && !by_gpu)
		return refuse_at(r, qps,
		    "target_qps_per_replica by accelerator needs load_balancing_policy: instance_aware_least_load");
	if (by_gpu && !map)
		return refuse_at(r, qps ? qps : p,
		    "load_balancing_policy: instance_aware_least_load needs target_qps_per_replica as a map of "
		    "accelerators to "
		    "requests a second");
	if (map && ((dynamic && dynamic->flag) || (base && base->real > 0)))
		return refuse_at(
		    r, qps, "target_qps_per_replica by accelerator does not go together with on-demand fallback");
	return 0;
}

static int read_replicas(struct reading *r, const struct yaml_node *map, const char *balancing, json_t *out)
{
	static const char *const keys[] = {"min_replicas", "max_replicas", "num_overprovision",
	    "target_qps_per_replica", "upscale_delay_seconds", "downscale_delay_seconds", "dynamic_ondemand_fallback",
	    "base_ondemand_fallback_replicas", NULL};
	const struct yaml_node *replicas = yaml_get_set(map, "replicas"), *policy = yaml_get_set(map, "replica_policy");
	if (replicas && policy)
		return refuse_at(
		    r, yaml_key(map, "replicas"), "both 'replicas' and 'replica_policy' are given; keep one of them");
	json_t *j = json_object();
	json_object_set_new(out, "replica_policy", j);
	if (!policy) {
		int64_t n = 1;
		if (str_eq(balancing, "instance_aware_least_load"))
			return refuse_at(r, map,
			    "load_balancing_policy: instance_aware_least_load needs a replica_policy with "
			    "target_qps_per_replica by accelerator");
		if (replicas)
			yaml_whole(replicas, &n);
		if (n < 0)
			warn_at(r, replicas, "replicas is below 0: such a service cannot be started");
		json_object_set_new(j, "min_replicas", json_integer(n));
		return 0;
	}
	if (check_policy(r, policy, balancing))
		return -1;
	copy_fields(policy, keys, j);
	const struct yaml_node *placer = yaml_get_set(policy, "spot_placer");
	if (placer)
		json_object_set_new(j, "spot_placer", json_string("dynamic_fallback"));
	return 0;
}

static const char *lower(struct reading *r, const char *text)
{
	char *s = keep(r, text);
	for (char *c = s; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return s;
}

int service_read(struct reading *r, const struct yaml_node *map, struct task *t)
{
	static const char *const rest[] = {"ports", "load_balancer", "tls", NULL};
	if (schema_check(&schema_service, map, &r->place))
		return -1;
	const char *balancing = lower(r, keep_text(r, map, "load_balancing_policy"));
	json_t *j = dag_own(r->dag, json_object());
	if (read_probe(r, yaml_get_set(map, "readiness_probe"), j) || read_replicas(r, map, balancing, j))
		return -1;
	if (balancing)
		json_object_set_new(j, "load_balancing_policy", json_string(balancing));
	copy_fields(map, rest, j);
	t->is_service = true;
	t->service = j;
	return 0;
}

/* --- pools ------------------------------------------------------------------------------------------------------- */

static int check_pool(struct reading *r, const struct yaml_node *map)
{
	const struct yaml_node *workers = yaml_get_set(map, "workers"), *min = yaml_get_set(map, "min_workers"),
			       *max = yaml_get_set(map, "max_workers"),
			       *queue = yaml_get_set(map, "queue_length_threshold");
	if (!workers && !min && !max)
		return refuse_at(r, map, "a pool needs 'workers', or both 'min_workers' and 'max_workers'");
	if (queue && !max)
		return refuse_at(r, queue, "queue_length_threshold needs max_workers: how far may the pool grow?");
	if (min && !max)
		return refuse_at(r, min, "min_workers needs max_workers: how far may the pool grow?");
	if (min && min->real > max->real)
		return refuse_at(r, min, "min_workers (%s) must not be above max_workers (%s)", min->text, max->text);
	return 0;
}

int pool_read(struct reading *r, const struct yaml_node *map, struct task *t)
{
	static const char *const keys[] = {"workers", "min_workers", "max_workers", "queue_length_threshold",
	    "upscale_delay_seconds", "downscale_delay_seconds", NULL};
	if (schema_check(&schema_pool, map, &r->place) || check_pool(r, map))
		return -1;
	json_t *j = dag_own(r->dag, json_object()), *pool = json_object();
	json_object_set_new(j, "pool", pool);
	copy_fields(map, keys, pool);
	if (json_object_get(pool, "max_workers")) {
		/* A pool that scales has a floor and a threshold, written or not. */
		if (!json_object_get(pool, "min_workers"))
			json_object_set_new(pool, "min_workers", json_integer(json_int(pool, "workers", 1)));
		if (!json_object_get(pool, "queue_length_threshold"))
			json_object_set_new(pool, "queue_length_threshold", json_integer(1));
		if (json_int(pool, "min_workers", 0) > json_int(pool, "max_workers", 0))
			return refuse_at(r, map, "the pool starts with more workers than max_workers allows");
	}
	t->is_pool = true;
	t->service = j;
	return 0;
}
