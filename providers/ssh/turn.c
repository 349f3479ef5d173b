/* One call to the provider: questions to hosts, their answers, and what both sides call things. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/sandbox.h"
#include "providers/ssh/ssh_priv.h"

enum { FRESH_MS = 10000 };

/* ---- asking and reading ------------------------------------------------------------------------------------------ */

json_t *turn_part(struct turn *t, const char *key, bool list)
{
	json_t *v = json_object_get(t->c->scratch, key);
	if (!v) {
		v = list ? json_array() : json_object();
		json_object_set_new(t->c->scratch, key, v);
	}
	return v;
}

enum provider_step turn_ask(struct turn *t, const struct question *q, size_t n, int64_t timeout_ms)
{
	struct arena *a = t->c->arena;
	struct provider_ssh *list = arena_alloc(a, (n + 1) * sizeof *list);
	json_t *asked = json_array(), *reaches = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *reach = pool_reach(q[i].host), *row = json_object();
		json_array_append_new(reaches, reach);
		json_put_str(row, "host", pool_host_id(a, q[i].host));
		json_put_str(row, "id", q[i].id);
		json_put_str(row, "token", q[i].token);
		json_array_append_new(asked, row);
		list[i] = (struct provider_ssh){reach, host_command(a, q[i].words, q[i].keep), ssh_host_script};
	}
	json_object_set_new(t->c->scratch, "asked", asked);
	json_object_set_new(t->c->scratch, "reaches", reaches);
	t->c->request = (struct provider_request){.kind = PROVIDER_SSH, .hosts = list, .n_hosts = n, .timeout_ms = timeout_ms};
	return PROVIDER_REQUEST;
}

const struct pool_host *turn_host_of_id(const struct turn *t, const char *id)
{
	const char *slash = strchr(id, '/');
	return slash ? pools_find(&t->pools, id, (size_t)(slash - id), slash + 1, strcspn(slash + 1, "/")) : NULL;
}

json_t *turn_answer(struct turn *t, size_t i, const struct pool_host **host, const json_t **row)
{
	*row = json_array_get(json_arr(t->c->scratch, "asked"), i);
	*host = *row ? turn_host_of_id(t, json_str(*row, "host", "")) : NULL;
	if (!*host || !t->reply || i >= t->reply->n_hosts)
		return NULL;
	return host_read(t->c->arena, *host, &t->reply->hosts[i]);
}

size_t turn_n_asked(const struct turn *t)
{
	return json_array_size(json_arr(t->c->scratch, "asked"));
}

enum provider_step turn_ask_hosts(struct turn *t, const char *pool, const char *verb, int64_t timeout_ms)
{
	const char **words = arena_alloc(t->c->arena, 2 * sizeof *words);
	struct question *q = arena_alloc(t->c->arena, (t->pools.n + 1) * sizeof *q);
	size_t n = 0;
	words[0] = verb;
	for (size_t i = 0; i < t->pools.n; i++)
		if (!pool || str_eq(pool, t->pools.hosts[i].pool))
			q[n++] = (struct question){.host = &t->pools.hosts[i], .words = words};
	return turn_ask(t, q, n, timeout_ms);
}

/* In the engine's memory only. A host that was not reached is looked at again. */
void turn_remember(struct turn *t, const struct host *hosts)
{
	json_t *looks = json_object(), *seen = json_object();
	for (size_t i = 0; i < t->pools.n; i++)
		if (host_asked(hosts[i].reply))
			json_object_set(looks, pool_host_id(t->c->arena, hosts[i].spec), (json_t *)(uintptr_t)hosts[i].reply);
	json_put_int(seen, "at", wall_now_ms());
	json_object_set_new(seen, "hosts", looks);
	if (t->c->env->memory)
		json_object_set(t->c->env->memory, "seen", seen);
	json_decref(seen);
}

json_t *turn_recall(struct turn *t)
{
	const json_t *seen = t->c->env->memory ? json_obj(t->c->env->memory, "seen") : NULL;
	int64_t age = wall_now_ms() - json_int(seen, "at", 0);
	json_t *looks = seen && age >= 0 && age <= FRESH_MS ? json_incref(json_obj(seen, "hosts")) : NULL;
	if (seen)
		json_object_del(t->c->env->memory, "seen");
	return looks;
}

enum provider_step turn_done(struct turn *t, json_t *result)
{
	t->c->result = result;
	return PROVIDER_DONE;
}

enum provider_step turn_failed(struct turn *t, enum err_code code, const char *text)
{
	err_set(t->err, code, "%s", text);
	return PROVIDER_FAILED;
}

enum provider_step turn_nodes(struct turn *t, json_t *nodes)
{
	json_t *r = json_object();
	json_object_set_new(r, "nodes", nodes);
	return turn_done(t, r);
}

const char *turn_owner(struct turn *t)
{
	char name[256] = "";
	if (gethostname(name, sizeof name - 1))
		name[0] = '\0';
	uint64_t h = sandbox_hash(t->c->env->state_dir ? t->c->env->state_dir : "", sandbox_hash(name, 5));
	return arena_printf(t->c->arena, "%016" PRIx64, h);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

const char *lease_prefix(struct arena *a, const char *cluster)
{
	return arena_printf(a, "ssh-%08" PRIx32 "-", (uint32_t)sandbox_hash(cluster, 1));
}

const char *lease_name(struct turn *t, const char *cluster, const char *token)
{
	struct arena *a = t->c->arena;
	const char *dir = t->c->env->state_dir ? t->c->env->state_dir : "";
	uint64_t h = sandbox_hash(token, sandbox_hash(cluster, sandbox_hash(dir, 2)));
	return arena_printf(a, "%s%012" PRIx64, lease_prefix(a, cluster), h & UINT64_C(0xffffffffffff));
}

const char *turn_number(struct arena *a, int64_t v, bool unset)
{
	return unset ? "-" : arena_printf(a, "%" PRId64, v);
}

static json_t *reach_of(struct arena *a, const struct pool_host *h, const json_t *lease)
{
	json_t *reach = pool_reach(h), *env = json_object();
	struct str gpus = str_new(1000);
	size_t i;
	json_t *index;
	json_array_foreach(json_arr(lease, "gpus"), i, index)
		str_addf(&gpus, "%s%" PRId64, i ? "," : "", (int64_t)json_integer_value(index));
	json_put_str(env, "SKYTOP_NODE_ID", json_str(lease, "id", ""));
	json_put_str(env, "SKYTOP_BOOT_ID", json_str(lease, "boot", ""));
	json_put_str(env, "SKYTOP_GPU_INDICES", arena_strdup(a, str_text(&gpus)));
	json_put_str(reach, "home", json_str(lease, "home", ""));
	json_object_set_new(reach, "env", env);
	str_free(&gpus);
	return reach;
}

static const char *status_of(const json_t *lease)
{
	const char *state = json_str(lease, "state", "");
	if (str_eq(state, "RUNNING") || str_eq(state, "STOPPED"))
		return state;
	return str_eq(state, "STOPPING") || str_eq(state, "ENDING") ? "STOPPING" : "UNKNOWN";
}

json_t *lease_node(struct arena *a, const struct pool_host *h, const json_t *info, const json_t *lease)
{
	static const char *const same[] = {"token", "cluster", "name", "rank", "tags", "labels", "price_uusd_h", "instance_type"};
	const json_t *meta = json_obj(lease, "meta");
	const char *status = status_of(lease);
	bool runs = str_eq(status, "RUNNING");
	json_t *n = json_object();
	json_put_str(n, "id", arena_printf(a, "%s/%s/%s", h->pool, h->name, json_str(lease, "id", "")));
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		json_t *v = json_object_get(meta, same[i]);
		json_object_set_new(n, same[i], v ? json_incref(v) : json_null());
	}
	json_put_str(n, "status", status);
	json_put_str(n, "region", h->pool);
	json_put_str(n, "zone", "");
	json_put_bool(n, "use_spot", false);
	json_put_int(n, "created_at", json_int(lease, "created_at", 0));
	json_put_str(n, "ip", runs ? json_str(info, "addr", h->name) : NULL);
	json_object_set_new(n, "reach", runs ? reach_of(a, h, lease) : json_null());
	json_put_str(n, "reason", str_eq(status, "UNKNOWN") ? arena_printf(a, "%s/%s: the record of its lease cannot be read there", h->pool, h->name) : NULL);
	return n;
}

json_t *lease_by_name(const json_t *reply, const char *name)
{
	size_t i;
	json_t *l;
	json_array_foreach(json_arr(reply, "leases"), i, l)
		if (str_eq(json_str(l, "id", ""), name))
			return l;
	return NULL;
}
