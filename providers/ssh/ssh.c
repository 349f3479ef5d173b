/* Machines that the user owns, as a cloud: a pool is a region, a node is a lease on one of its hosts (share/agent/skytop-host keeps them, there).
 * Nothing is remembered here; every call asks the hosts. An id is "pool/host/lease", and the lease's name is made of cluster and token, so that a call
 * that is repeated finds what it made.
 *
 * A host that does not answer is left out of offers and of new clusters. Of a node on such a host nothing is claimed: it is UNKNOWN,
 * and its end is pending. A host that was taken out of the file counts as gone for good when its nodes are to be ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "core/provider.h"
#include "providers/common/requests.h"
#include "providers/common/sandbox.h"
#include "providers/ssh/place.h"
#include "providers/ssh/report.h"

extern const struct provider provider_ssh;

enum { PROBE_MS = 15000, LIST_MS = 20000, LEASE_MS = 60000, LOOK_MS = 6000, STOP_MS = 60000, RELEASE_MS = 90000, OWNER_MAX = 20, ID_MAX_LEN = 600, WHY_MAX = 700 };

/* One call. The pools are read anew at each step; what lasts between steps is in c->scratch:
 *   "asked"     what was asked last: [{"host": "pool/host", "id": node id or null, "token": … }…], in order
 *   "reaches"   kept alive for the request
 *   "seen"      CREATE: {host id: host_read's}; "out": {host id: why it is not asked again}; "made": {token: node} */
struct turn {
	struct provider_call *c;
	struct pools pools;
	const struct provider_reply *reply;
	struct err *err;
};

/* ---- asking and reading ------------------------------------------------------------------------------------------ */

static json_t *part(struct turn *t, const char *key, bool list)
{
	json_t *v = json_object_get(t->c->scratch, key);
	if (!v) {
		v = list ? json_array() : json_object();
		json_object_set_new(t->c->scratch, key, v);
	}
	return v;
}

struct question {
	const struct pool_host *host;
	const char *const *words;
	bool keep;
	const char *id, *token; /* of the node it is about; NULL */
};

static enum provider_step ask(struct turn *t, const struct question *q, size_t n, int64_t timeout_ms)
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

/* "pool/host" or "pool/host/lease": the host, as far as it is still in the file. */
static const struct pool_host *host_of_id(const struct turn *t, const char *id)
{
	const char *slash = strchr(id, '/');
	return slash ? pools_find(&t->pools, id, (size_t)(slash - id), slash + 1, strcspn(slash + 1, "/")) : NULL;
}

static const char *lease_of_id(const char *id)
{
	const char *a = strchr(id, '/'), *b = a ? strchr(a + 1, '/') : NULL;
	return b ? b + 1 : "";
}

/* The i-th answer: NULL when there is none, or its host left the file meanwhile. New reference. */
static json_t *answer(struct turn *t, size_t i, const struct pool_host **host, const json_t **row)
{
	*row = json_array_get(json_arr(t->c->scratch, "asked"), i);
	*host = *row ? host_of_id(t, json_str(*row, "host", "")) : NULL;
	if (!*host || !t->reply || i >= t->reply->n_hosts)
		return NULL;
	return host_read(t->c->arena, *host, &t->reply->hosts[i]);
}

static size_t n_asked(const struct turn *t)
{
	return json_array_size(json_arr(t->c->scratch, "asked"));
}

static enum provider_step ask_hosts(struct turn *t, const char *pool, const char *verb, int64_t timeout_ms)
{
	const char **words = arena_alloc(t->c->arena, 2 * sizeof *words);
	struct question *q = arena_alloc(t->c->arena, (t->pools.n + 1) * sizeof *q);
	size_t n = 0;
	words[0] = verb;
	for (size_t i = 0; i < t->pools.n; i++)
		if (!pool || str_eq(pool, t->pools.hosts[i].pool))
			q[n++] = (struct question){.host = &t->pools.hosts[i], .words = words};
	return ask(t, q, n, timeout_ms);
}

static enum provider_step done(struct turn *t, json_t *result)
{
	t->c->result = result;
	return PROVIDER_DONE;
}

static enum provider_step failed(struct turn *t, enum err_code code, const char *text)
{
	err_set(t->err, code, "%s", text);
	return PROVIDER_FAILED;
}

static enum provider_step nodes_result(struct turn *t, json_t *nodes)
{
	json_t *r = json_object();
	json_object_set_new(r, "nodes", nodes);
	return done(t, r);
}

/* Who leases: this state folder on this machine. It tells our leases from those of other engines on the same hosts. */
static const char *owner_of(struct turn *t)
{
	char name[256] = "";
	if (gethostname(name, sizeof name - 1))
		name[0] = '\0';
	uint64_t h = sandbox_hash(t->c->env->state_dir ? t->c->env->state_dir : "", sandbox_hash(name, 5));
	return arena_printf(t->c->arena, "%016" PRIx64, h);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static const char *cluster_prefix(struct arena *a, const char *cluster)
{
	return arena_printf(a, "ssh-%08" PRIx32 "-", (uint32_t)sandbox_hash(cluster, 1));
}

static const char *lease_name(struct arena *a, const char *cluster, const char *token)
{
	uint64_t h = sandbox_hash(token, sandbox_hash(cluster, 2));
	return arena_printf(a, "%s%012" PRIx64, cluster_prefix(a, cluster), h & UINT64_C(0xffffffffffff));
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

static json_t *node_json(struct arena *a, const struct pool_host *h, const json_t *info, const json_t *lease)
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

static json_t *unknown_node(const char *id, const char *why)
{
	json_t *n = json_object();
	json_put_str(n, "id", id);
	json_put_str(n, "status", "UNKNOWN");
	json_put_str(n, "reason", why);
	return n;
}

static json_t *lease_by_name(const json_t *reply, const char *name)
{
	size_t i;
	json_t *l;
	json_array_foreach(json_arr(reply, "leases"), i, l)
		if (str_eq(json_str(l, "id", ""), name))
			return l;
	return NULL;
}

/* ---- check, offers ----------------------------------------------------------------------------------------------- */

static struct host *look_at_all(struct turn *t)
{
	struct host *hosts = arena_alloc(t->c->arena, (t->pools.n + 1) * sizeof *hosts);
	json_t *keep = part(t, "replies", true);
	for (size_t i = 0; i < t->pools.n; i++) {
		const struct pool_host *spec = NULL;
		const json_t *row = NULL;
		json_t *r = NULL;
		for (size_t k = i; k < n_asked(t) && !r; k++) { /* as a rule it is the i-th */
			r = answer(t, k, &spec, &row);
			if (r && spec != &t->pools.hosts[i]) {
				json_decref(r);
				r = NULL;
			}
		}
		if (!r)
			r = json_object();
		json_array_append_new(keep, r);
		host_look(t->c->arena, &t->pools.hosts[i], r, &hosts[i]);
	}
	return hosts;
}

static const char no_file[] = "no machines are listed: put them in ssh_pools.yaml in the config folder, or run `skytop ssh-pool add POOL HOST`";

static enum provider_step check(struct turn *t)
{
	if (t->c->step++ == 0) {
		if (!t->c->env->settings) {
			json_t *r = json_object();
			json_put_bool(r, "enabled", false);
			json_put_str(r, "identity", NULL);
			json_put_str(r, "reason", no_file);
			json_object_set_new(r, "hosts", json_array());
			return done(t, r);
		}
		json_put_int(t->c->scratch, "at", wall_now_ms());
		if (t->pools.n)
			return ask_hosts(t, NULL, "probe", PROBE_MS);
	}
	return done(t, report_check(t->c->arena, &t->pools, look_at_all(t), owner_of(t), json_int(t->c->scratch, "at", 0), wall_now_ms()));
}

static enum provider_step offers(struct turn *t)
{
	if (t->c->step++ == 0) {
		if (!t->c->env->settings)
			return failed(t, ERR_CREDENTIALS, no_file);
		if (t->pools.n)
			return ask_hosts(t, NULL, "probe", PROBE_MS);
	}
	return done(t, report_offers(t->c->arena, &t->pools, look_at_all(t)));
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

enum { CREATE_LOOK, CREATE_SEEN, CREATE_LEASED };

/* A host's error loses its "pool/host: " where the host is named anyway. */
static void put_why(json_t *out, const char *host, const json_t *reply)
{
	struct err e;
	if (host_error(reply, &e))
		json_put_str(out, host, e.text);
}

/* What the probes say: leases of this cluster that are there already, hosts. */
static int take_probes(struct turn *t)
{
	json_t *seen = part(t, "seen", false), *made = part(t, "made", false);
	const char *cluster = json_str(t->c->args, "cluster", "");
	for (size_t i = 0; i < n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		json_t *r = answer(t, i, &h, &row);
		if (!r)
			continue;
		json_object_set_new(seen, json_str(row, "host", ""), r);
		size_t k;
		json_t *node;
		json_array_foreach(json_arr(t->c->args, "nodes"), k, node) {
			const char *token = json_str(node, "token", "");
			const json_t *l = lease_by_name(r, lease_name(t->c->arena, cluster, token));
			if (!l || json_object_get(made, token))
				continue;
			if (str_eq(json_str(l, "state", ""), "ENDING"))
				return err_set(t->err, ERR_CONFLICT, "node %s/%s is being released; wait until it is gone", json_str(row, "host", ""), json_str(l, "id", ""));
			json_object_set_new(made, token, node_json(t->c->arena, h, json_obj(r, "host"), l));
		}
	}
	return 0;
}

static const char *meta_of(struct turn *t, const json_t *node, const struct shape *s, const struct host *h)
{
	static const char *const same[] = {"cluster", "name", "instance_type", "tags", "labels"};
	json_t *m = json_object();
	json_put_str(m, "token", json_str(node, "token", ""));
	json_put_int(m, "rank", json_int(node, "rank", 0));
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		json_t *v = json_object_get(t->c->args, same[i]);
		if (v)
			json_object_set(m, same[i], v);
	}
	const json_t *agreed = json_object_get(t->c->args, "price_uusd_h");
	json_put_int(m, "price_uusd_h", json_is_integer(agreed) ? json_integer_value(agreed) : shape_price(s, &h->size, h->spec->price_uusd_h));
	char *text = json_text(m);
	const char *out = arena_strdup(t->c->arena, text);
	free(text);
	json_decref(m);
	return out;
}

static const char *number(struct arena *a, int64_t v, bool unset)
{
	return unset ? "-" : arena_printf(a, "%" PRId64, v);
}

static struct question lease_question(struct turn *t, const json_t *node, const struct shape *s, const struct host *h)
{
	struct arena *a = t->c->arena;
	const char **w = arena_alloc(a, 10 * sizeof *w);
	const char *token = json_str(node, "token", "");
	w[0] = "lease";
	w[1] = lease_name(a, json_str(t->c->args, "cluster", ""), token);
	w[2] = owner_of(t);
	w[3] = number(a, s->cpus, !s->cpus);
	w[4] = number(a, s->mem_mib, !s->mem_mib);
	w[5] = number(a, s->gpu_milli, false);
	w[6] = s->gpu_milli ? host_gpu_list(a, h, s->model) : "-";
	w[7] = number(a, h->spec->max_leases, h->spec->max_leases < 0);
	w[8] = meta_of(t, node, s, h);
	return (struct question){.host = h->spec, .words = w, .keep = true, .token = token};
}

/* The hosts of the pool as the probes saw them; taken[i]: not for a new node of this cluster. */
static struct host *pool_hosts(struct turn *t, size_t *n, bool **taken)
{
	const json_t *seen = part(t, "seen", false), *out = part(t, "out", false), *made = part(t, "made", false);
	struct arena *a = t->c->arena;
	struct host *hosts = arena_alloc(a, (t->pools.n + 1) * sizeof *hosts);
	*taken = arena_alloc(a, (t->pools.n + 1) * sizeof **taken);
	*n = 0;
	for (size_t i = 0; i < t->pools.n; i++) {
		const struct pool_host *spec = &t->pools.hosts[i];
		const char *id = pool_host_id(a, spec);
		const json_t *r = json_object_get(seen, id);
		if (!r)
			continue;
		host_look(a, spec, r, &hosts[*n]);
		const char *prefix = cluster_prefix(a, json_str(t->c->args, "cluster", ""));
		bool busy = json_object_get(out, id) != NULL;
		size_t k;
		json_t *l;
		json_array_foreach(json_arr(r, "leases"), k, l)
			busy = busy || str_starts(json_str(l, "id", ""), prefix);
		const char *token;
		json_t *node;
		json_object_foreach((json_t *)(uintptr_t)made, token, node)
			busy = busy || host_of_id(t, json_str(node, "id", "")) == spec;
		(*taken)[(*n)++] = busy;
	}
	return hosts;
}

/* Why there are not enough hosts: for each that could be big enough, what is wrong with it. */
static enum provider_step no_room(struct turn *t, const struct host *hosts, size_t n, const bool *taken, const struct shape *s, size_t missing)
{
	const json_t *out = part(t, "out", false);
	struct str why = str_new(WHY_MAX);
	size_t could = 0, silent = 0;
	for (size_t i = 0; i < n; i++) {
		const char *refused = json_str(out, pool_host_id(t->c->arena, hosts[i].spec), NULL);
		bool full = !hosts[i].why && !refused && !taken[i] && host_could(&hosts[i], s);
		could += host_could(&hosts[i], s);
		silent += !host_asked(hosts[i].reply);
		if (refused)
			str_addf(&why, "; %s", refused);
		else if (hosts[i].why)
			str_addf(&why, "; %s/%s: %s", hosts[i].spec->pool, hosts[i].spec->name, hosts[i].why);
		else if (full)
			str_addf(&why, "; %s/%s: %" PRId64 " of %" PRId64 " CPUs%s free", hosts[i].spec->pool, hosts[i].spec->name, hosts[i].free_cpus, hosts[i].size.cpus,
			    s->gpu_milli ? arena_printf(t->c->arena, " and %" PRId64 " %s", host_free_gpus(&hosts[i], s->model), s->model) : "");
	}
	size_t room = place_count(hosts, n, taken, s), total = json_array_size(json_arr(t->c->args, "nodes"));
	err_set(t->err, silent && silent == n ? ERR_NETWORK : ERR_CAPACITY,
	    "pool %s: %zu node%s of %s asked for, one a host, %zu of them not placed yet, and %zu host%s (of %zu large enough) %s room%s", json_str(t->c->args, "region", ""), total,
	    total == 1 ? "" : "s", json_str(t->c->args, "instance_type", ""), missing, room, room == 1 ? "" : "s", could, room == 1 ? "has" : "have", str_text(&why));
	str_free(&why);
	return PROVIDER_FAILED;
}

static enum provider_step place_missing(struct turn *t)
{
	struct shape s;
	size_t n, i, k = 0, missing = 0;
	bool *taken;
	json_t *node;
	const json_t *nodes = json_arr(t->c->args, "nodes"), *made = part(t, "made", false);
	shape_parse(json_str(t->c->args, "instance_type", ""), &s);
	struct host *hosts = pool_hosts(t, &n, &taken);
	struct question *q = arena_alloc(t->c->arena, (json_array_size(nodes) + 1) * sizeof *q);
	json_array_foreach(nodes, i, node)
		missing += !json_object_get(made, json_str(node, "token", ""));
	if (missing > place_count(hosts, n, taken, &s))
		return no_room(t, hosts, n, taken, &s, missing);
	json_array_foreach(nodes, i, node) {
		if (json_object_get(made, json_str(node, "token", "")))
			continue;
		int h = place_one(hosts, n, taken, &s);
		taken[h] = true;
		q[k++] = lease_question(t, node, &s, &hosts[h]);
	}
	if (k) {
		t->c->step = CREATE_LEASED;
		return ask(t, q, k, LEASE_MS);
	}
	json_t *list = json_array();
	json_array_foreach(nodes, i, node)
		json_array_append(list, json_object_get(made, json_str(node, "token", "")));
	return nodes_result(t, list);
}

/* Who refused, or does not answer any more, is not asked again in this call; another host takes its place. (A lease that was made though its
 * answer was lost is given back by its host, since nobody moves in.) */
static void take_leases(struct turn *t)
{
	json_t *made = part(t, "made", false), *out = part(t, "out", false);
	for (size_t i = 0; i < n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		json_t *r = answer(t, i, &h, &row);
		const char *host = json_str(row, "host", ""), *token = json_str(row, "token", "");
		const json_t *l = json_array_get(json_arr(r, "leases"), 0);
		const json_t *info = json_obj(json_object_get(part(t, "seen", false), host), "host");
		if (h && l && !json_obj(r, "error"))
			json_object_set_new(made, token, node_json(t->c->arena, h, info, l));
		else
			put_why(out, host, r);
		if (!json_object_get(made, token) && !json_object_get(out, host))
			json_put_str(out, host, arena_printf(t->c->arena, "%s: no lease came of it", host));
		json_decref(r);
	}
}

static enum provider_step create(struct turn *t)
{
	struct shape s;
	const char *type = json_str(t->c->args, "instance_type", ""), *pool = json_str(t->c->args, "region", "");
	switch (t->c->step) {
	case CREATE_LOOK:
		if (request_check_create(t->c->args, t->err))
			return PROVIDER_FAILED;
		if (json_bool(t->c->args, "use_spot", false))
			return failed(t, ERR_UNSUPPORTED, "machines of your own are not sold as spot");
		if (!shape_parse(type, &s))
			return failed(t, ERR_INVALID, arena_printf(t->c->arena, "there is no \"%.60s\" in a pool; what there is looks like 8cpu-32gb or 4xH100-48cpu-900gb", type));
		if (!pools_has(&t->pools, pool))
			return failed(t, ERR_INVALID, arena_printf(t->c->arena, "there is no pool \"%.60s\" in %s", pool, t->pools.path));
		t->c->step = CREATE_SEEN;
		return ask_hosts(t, pool, "probe", PROBE_MS);
	case CREATE_SEEN:
		return take_probes(t) ? PROVIDER_FAILED : place_missing(t);
	default:
		take_leases(t);
		return place_missing(t);
	}
}

/* ---- query ------------------------------------------------------------------------------------------------------- */

static bool listed(const json_t *ids, const char *id)
{
	size_t i;
	json_t *v;
	json_array_foreach(ids, i, v)
		if (str_eq(json_string_value(v), id))
			return true;
	return false;
}

/* Only the hosts of these nodes. */
static enum provider_step ask_hosts_of(struct turn *t, const json_t *ids, const char *verb, int64_t timeout_ms)
{
	const char **words = arena_alloc(t->c->arena, 2 * sizeof *words);
	struct question *q = arena_alloc(t->c->arena, (t->pools.n + 1) * sizeof *q);
	bool *asked = arena_alloc(t->c->arena, t->pools.n + 1);
	size_t i, n = 0;
	json_t *id;
	words[0] = verb;
	json_array_foreach(ids, i, id) {
		const struct pool_host *h = json_is_string(id) ? host_of_id(t, json_string_value(id)) : NULL;
		if (!h || asked[h - t->pools.hosts])
			continue;
		asked[h - t->pools.hosts] = true;
		q[n++] = (struct question){.host = h, .words = words};
	}
	if (!n) { /* all of them were taken out of the file */
		json_object_set_new(t->c->scratch, "asked", json_array());
		return PROVIDER_DONE;
	}
	return ask(t, q, n, timeout_ms);
}

/* A token that was leased twice (an answer was lost, and another host took its place) is one node: the one that the caller knows, else
 * the newer. */
static void add_node(json_t *list, json_t *node, const json_t *ids)
{
	size_t i;
	json_t *other;
	json_array_foreach(list, i, other) {
		if (!str_eq(json_str(other, "token", ""), json_str(node, "token", "-")) || !str_eq(json_str(other, "cluster", ""), json_str(node, "cluster", "-")))
			continue;
		bool known = listed(ids, json_str(node, "id", "")), other_known = listed(ids, json_str(other, "id", ""));
		bool newer = json_int(node, "created_at", 0) > json_int(other, "created_at", 0);
		if (known > other_known || (known == other_known && newer))
			json_array_set(list, i, node);
		json_decref(node);
		return;
	}
	json_array_append_new(list, node);
}

struct listing {
	json_t *nodes;	     /* those meant, on hosts that answered */
	json_t *silent;	     /* {host id: why}, of hosts asked */
};

/* Which leases of an answer are meant: of the cluster, of the ids; all of ours when neither is given. */
static void take_list(struct turn *t, struct listing *l, const char *host_id, const struct pool_host *h, const json_t *r, const char *owner)
{
	const char *cluster = json_str(t->c->args, "cluster", NULL);
	const json_t *ids = json_arr(t->c->args, "ids");
	struct err e;
	if (host_error(r, &e)) {
		json_put_str(l->silent, host_id, e.text);
		return;
	}
	size_t i;
	json_t *lease;
	json_array_foreach(json_arr(r, "leases"), i, lease) {
		json_t *node = node_json(t->c->arena, h, json_obj(r, "host"), lease);
		bool of_cluster = cluster && str_eq(json_str(node, "cluster", ""), cluster);
		bool of_ids = listed(ids, json_str(node, "id", ""));
		bool ours = !cluster && !ids && str_eq(json_str(lease, "owner", ""), owner) && json_str(node, "cluster", NULL);
		if (of_cluster || of_ids || ours)
			add_node(l->nodes, node, ids);
		else
			json_decref(node);
	}
}

static struct listing read_list(struct turn *t)
{
	struct listing l = {json_array(), json_object()};
	const char *owner = owner_of(t);
	for (size_t i = 0; i < n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		json_t *r = answer(t, i, &h, &row);
		if (r)
			take_list(t, &l, json_str(row, "host", ""), h, r, owner);
		json_decref(r);
	}
	return l;
}

static const char *host_id_of(struct arena *a, const char *id)
{
	const char *slash = strchr(id, '/');
	size_t len = slash ? (size_t)(slash - id) + 1 + strcspn(slash + 1, "/") : strlen(id);
	return arena_strndup(a, id, len);
}

/* Known nodes about which nothing can be said now. */
static void add_unknown(struct turn *t, struct listing *l, const json_t *ids)
{
	size_t i;
	json_t *v;
	json_array_foreach(ids, i, v) {
		const char *id = json_string_value(v);
		const char *host = id ? host_id_of(t->c->arena, id) : "", *why = json_str(l->silent, host, NULL);
		if (!id)
			continue;
		if (!host_of_id(t, id))
			why = arena_printf(t->c->arena, "%s is not in %s any more: put it back, or end the cluster with skytop down", host, t->pools.path);
		if (why)
			json_array_append_new(l->nodes, unknown_node(id, why));
	}
}

static enum provider_step query(struct turn *t)
{
	const json_t *ids = json_arr(t->c->args, "ids");
	if (t->c->step++ == 0) {
		enum provider_step s = json_array_size(ids) ? ask_hosts_of(t, ids, "list", LIST_MS) : ask_hosts(t, NULL, "list", LIST_MS);
		if (s == PROVIDER_REQUEST && n_asked(t))
			return s;
	}
	struct listing l = read_list(t);
	/* Who asks for a cluster without knowing its nodes must not take silence for absence. */
	const char *host = json_object_iter_key(json_object_iter(l.silent));
	if (host && !ids && json_str(t->c->args, "cluster", NULL)) {
		err_set(t->err, ERR_NETWORK, "%s", json_str(l.silent, host, ""));
		json_decref(l.nodes);
		json_decref(l.silent);
		return PROVIDER_FAILED;
	}
	add_unknown(t, &l, ids);
	json_decref(l.silent);
	return nodes_result(t, l.nodes);
}

/* ---- start, stop, terminate -------------------------------------------------------------------------------------- */

enum { ACT_LOOK, ACT_LISTED, ACT_DONE };

/* Ask each node's host to do verb with it. Nodes whose host is not in the file are passed over. */
static enum provider_step act_on(struct turn *t, const json_t *ids, const char *verb, int64_t timeout_ms)
{
	struct arena *a = t->c->arena;
	struct question *q = arena_alloc(a, (json_array_size(ids) + 1) * sizeof *q);
	size_t i, n = 0;
	json_t *id;
	t->c->step = ACT_DONE;
	json_array_foreach(ids, i, id) {
		const struct pool_host *h = json_is_string(id) ? host_of_id(t, json_string_value(id)) : NULL;
		const char **w = arena_alloc(a, 4 * sizeof *w);
		if (!h)
			continue;
		w[0] = verb;
		w[1] = arena_strdup(a, lease_of_id(json_string_value(id)));
		if (t->c->verb == PROVIDER_START)
			w[2] = number(a, h->max_leases, h->max_leases < 0);
		q[n++] = (struct question){.host = h, .words = w, .keep = t->c->verb == PROVIDER_START, .id = arena_strdup(a, json_string_value(id))};
	}
	if (n)
		return ask(t, q, n, timeout_ms);
	json_object_set_new(t->c->scratch, "asked", json_array());
	return PROVIDER_DONE;
}

static json_t *ids_of(const json_t *nodes)
{
	json_t *ids = json_array();
	size_t i;
	json_t *n;
	json_array_foreach(nodes, i, n)
		json_array_append(ids, json_object_get(n, "id"));
	return ids;
}

/* The nodes found, and those named: one on a host that was silent is tried all the same. */
static enum provider_step act_on_found(struct turn *t, const char *verb, int64_t timeout_ms)
{
	struct listing l = read_list(t);
	json_t *ids = ids_of(l.nodes), *id;
	size_t i;
	json_array_foreach(json_arr(t->c->args, "ids"), i, id)
		if (json_is_string(id) && !listed(ids, json_string_value(id)))
			json_array_append(ids, id);
	enum provider_step s = act_on(t, ids, verb, timeout_ms);
	json_decref(ids);
	json_decref(l.nodes);
	json_decref(l.silent);
	return s;
}

/* Without ids all hosts are asked which nodes the cluster has. TERMINATE means all of the cluster, so it always looks, in case that one was
 * leased whose answer was lost; hosts that say nothing to that do not count: there, it is given back as one that nobody moved into.
 * Anything but PROVIDER_REQUEST: there is nothing (more) to ask. */
static enum provider_step act(struct turn *t, const char *verb, int64_t timeout_ms)
{
	const json_t *ids = json_arr(t->c->args, "ids");
	if (t->c->step == ACT_LOOK) {
		json_object_set_new(t->c->scratch, "asked", json_array());
		if (request_check_target(t->c->args, t->err))
			return PROVIDER_FAILED;
		bool cluster = json_str(t->c->args, "cluster", NULL) != NULL, ends = t->c->verb == PROVIDER_TERMINATE;
		if (ids && !(ends && cluster))
			return act_on(t, ids, verb, timeout_ms);
		t->c->step = ACT_LISTED;
		ask_hosts(t, NULL, "list", ends ? LOOK_MS : LIST_MS);
		return n_asked(t) ? PROVIDER_REQUEST : PROVIDER_DONE;
	}
	if (t->c->step == ACT_LISTED)
		return act_on_found(t, verb, timeout_ms);
	return PROVIDER_DONE;
}

static enum provider_step start_or_stop(struct turn *t)
{
	bool stop = t->c->verb == PROVIDER_STOP;
	enum provider_step s = act(t, stop ? "stop" : "start", stop ? STOP_MS : LEASE_MS);
	if (s != PROVIDER_DONE)
		return s;
	size_t i;
	json_t *id;
	json_array_foreach(json_arr(t->c->args, "ids"), i, id)
		if (stop)
			break;
		else if (!json_is_string(id) || !host_of_id(t, json_string_value(id)))
			return failed(t, ERR_NOT_FOUND, arena_printf(t->c->arena, "the host of node %.200s is not in %s", json_is_string(id) ? json_string_value(id) : "?", t->pools.path));
	json_t *list = json_array();
	struct err first = {0};
	for (i = 0; i < n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		struct err e;
		json_t *r = answer(t, i, &h, &row);
		const json_t *l = json_array_get(json_arr(r, "leases"), 0);
		if (r && host_error(r, &e)) {
			if (!first.code)
				first = e;
		} else if (l) {
			json_array_append_new(list, node_json(t->c->arena, h, NULL, l));
		}
		json_decref(r);
	}
	if (!first.code)
		return nodes_result(t, list);
	json_decref(list);
	*t->err = first;
	return PROVIDER_FAILED;
}

/* What was not confirmed is pending; which hosts are waited for, and why, is told. */
static enum provider_step terminate(struct turn *t)
{
	enum provider_step s = act(t, "release", RELEASE_MS);
	if (s != PROVIDER_DONE)
		return s;
	struct str waiting = str_new(WHY_MAX);
	struct err refused = {0};
	int64_t pending = 0;
	for (size_t i = 0; i < n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		struct err e;
		json_t *r = answer(t, i, &h, &row);
		if (r && host_error(r, &e)) {
			pending++;
			str_addf(&waiting, "%s%s", waiting.len ? "; " : "", e.text);
			if (host_asked(r) && !refused.code)
				refused = e;
		}
		json_decref(r);
	}
	if (refused.code) { /* it answers, and cannot: waiting does not help */
		str_free(&waiting);
		*t->err = refused;
		return PROVIDER_FAILED;
	}
	json_t *result = json_object();
	if (pending) {
		json_put_int(result, "pending", pending);
		json_put_str(result, "waiting", str_text(&waiting));
	}
	str_free(&waiting);
	return done(t, result);
}

/* ---- the provider ------------------------------------------------------------------------------------------------ */

static enum provider_step (*const verbs[PROVIDER_VERBS])(struct turn *t) = {
    [PROVIDER_CHECK] = check,
    [PROVIDER_OFFERS] = offers,
    [PROVIDER_CREATE] = create,
    [PROVIDER_QUERY] = query,
    [PROVIDER_START] = start_or_stop,
    [PROVIDER_STOP] = start_or_stop,
    [PROVIDER_TERMINATE] = terminate,
};

static enum provider_step ssh_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	struct turn t = {.c = c, .reply = reply, .err = err};
	if (pools_read(c->arena, c->env->settings, c->env->settings_path, &t.pools, err))
		return PROVIDER_FAILED;
	enum provider_step s = verbs[c->verb](&t);
	pools_clear(&t.pools);
	return s;
}

static const char *const files[] = {"ssh_pools.yaml", "~/.sky/ssh_node_pools.yaml", NULL};

const struct provider provider_ssh = {
    .name = "ssh",
    .title = "Your machines over SSH",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS,
    .credentials = "ssh_pools.yaml in the config folder, or ~/.sky/ssh_node_pools.yaml",
    .settings_files = files,
    .step = ssh_step,
};
