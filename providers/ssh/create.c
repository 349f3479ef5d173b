/* CREATE: look at the hosts of the pool, unless that was done just now, choose, lease on all chosen at once; whoever refuses or goes away
 * meanwhile is replaced, as long as there is somebody to replace it. What is there already, by its token, is found first. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/requests.h"
#include "providers/ssh/place.h"
#include "providers/ssh/ssh_priv.h"

enum { CREATE_LOOK, CREATE_SEEN, CREATE_LEASED };

/* A host's error loses its "pool/host: " where the host is named anyway. */
static void put_why(json_t *out, const char *host, const json_t *reply)
{
	struct err e;
	if (host_error(reply, &e))
		json_put_str(out, host, e.text);
}

/* What one probe says: leases of this cluster that are there already, the host. r is stolen. */
static int take_probe(struct turn *t, const struct pool_host *h, const char *id, json_t *r)
{
	json_t *made = turn_part(t, "made", false), *node;
	const char *cluster = json_str(t->c->args, "cluster", "");
	size_t k;
	json_object_set_new(turn_part(t, "seen", false), id, r);
	json_array_foreach(json_arr(t->c->args, "nodes"), k, node) {
		const char *token = json_str(node, "token", "");
		const json_t *l = lease_by_name(r, lease_name(t, cluster, token));
		if (!l || json_object_get(made, token))
			continue;
		if (str_eq(json_str(l, "state", ""), "ENDING"))
			return err_set(t->err, ERR_CONFLICT, "node %s/%s is being released; wait until it is gone", id, json_str(l, "id", ""));
		json_object_set_new(made, token, lease_node(t->c->arena, h, json_obj(r, "host"), l));
	}
	return 0;
}

static int take_probes(struct turn *t)
{
	for (size_t i = 0; i < turn_n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		json_t *r = turn_answer(t, i, &h, &row);
		if (r && take_probe(t, h, json_str(row, "host", ""), r))
			return -1;
	}
	return 0;
}

/* What a look at offers a moment ago saw will do: a host judges for itself whether there is room. It will do once, so that a call that is
 * repeated, since its answer was lost, looks again. False: there is none, or not of all hosts. */
static bool take_looks(struct turn *t, const char *pool, int *rc)
{
	json_t *looks = turn_recall(t);
	bool whole = looks != NULL;
	*rc = 0;
	for (size_t i = 0; i < t->pools.n && whole; i++)
		if (str_eq(t->pools.hosts[i].pool, pool))
			whole = json_object_get(looks, pool_host_id(t->c->arena, &t->pools.hosts[i])) != NULL;
	for (size_t i = 0; i < t->pools.n && whole && !*rc; i++) {
		const char *id = pool_host_id(t->c->arena, &t->pools.hosts[i]);
		if (str_eq(t->pools.hosts[i].pool, pool))
			*rc = take_probe(t, &t->pools.hosts[i], id, json_incref(json_object_get(looks, id)));
	}
	json_decref(looks);
	return whole;
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

static struct question lease_question(struct turn *t, const json_t *node, const struct shape *s, const struct host *h)
{
	struct arena *a = t->c->arena;
	const char **w = arena_alloc(a, 10 * sizeof *w);
	const char *token = json_str(node, "token", "");
	w[0] = "lease";
	w[1] = lease_name(t, json_str(t->c->args, "cluster", ""), token);
	w[2] = turn_owner(t);
	w[3] = turn_number(a, s->cpus, !s->cpus);
	w[4] = turn_number(a, s->mem_mib, !s->mem_mib);
	w[5] = turn_number(a, s->gpu_milli, false);
	w[6] = s->gpu_milli ? host_gpu_list(a, h, s->model) : "-";
	w[7] = turn_number(a, h->spec->max_leases, h->spec->max_leases < 0);
	w[8] = meta_of(t, node, s, h);
	return (struct question){.host = h->spec, .words = w, .keep = true, .token = token};
}

/* The hosts of the pool as the probes saw them; taken[i]: not for a new node of this cluster. */
static struct host *pool_hosts(struct turn *t, size_t *n, bool **taken)
{
	const json_t *seen = turn_part(t, "seen", false), *out = turn_part(t, "out", false), *made = turn_part(t, "made", false);
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
		const char *prefix = lease_prefix(a, json_str(t->c->args, "cluster", ""));
		bool busy = json_object_get(out, id) != NULL;
		size_t k;
		json_t *l;
		json_array_foreach(json_arr(r, "leases"), k, l)
			busy = busy || str_starts(json_str(l, "id", ""), prefix);
		const char *token;
		json_t *node;
		json_object_foreach((json_t *)(uintptr_t)made, token, node)
			busy = busy || turn_host_of_id(t, json_str(node, "id", "")) == spec;
		(*taken)[(*n)++] = busy;
	}
	return hosts;
}

static bool was_silent(struct turn *t, const struct pool_host *h)
{
	return json_has(json_arr(t->c->args, "silent"), pool_host_id(t->c->arena, h));
}

/* Why there are not enough hosts: for each that could be big enough, what is wrong with it. */
static enum provider_step no_room(struct turn *t, const struct host *hosts, size_t n, const bool *taken, const struct shape *s, size_t missing)
{
	const json_t *out = turn_part(t, "out", false);
	struct str why = str_new(WHY_MAX);
	size_t could = 0, silent = 0;
	for (size_t i = 0; i < n; i++) {
		const char *refused = json_str(out, pool_host_id(t->c->arena, hosts[i].spec), NULL);
		bool full = !hosts[i].why && !refused && !taken[i] && host_could(&hosts[i], s);
		could += host_could(&hosts[i], s);
		bool mute = !host_asked(hosts[i].reply) || json_object_get(turn_part(t, "mute", false), pool_host_id(t->c->arena, hosts[i].spec));
		silent += mute && !was_silent(t, hosts[i].spec);
		if (refused)
			str_addf(&why, "; %s", refused);
		else if (hosts[i].why)
			str_addf(&why, "; %s/%s: %s", hosts[i].spec->pool, hosts[i].spec->name, hosts[i].why);
		else if (full)
			str_addf(&why, "; %s/%s: %" PRId64 " of %" PRId64 " CPUs%s free", hosts[i].spec->pool, hosts[i].spec->name,
			    hosts[i].free_cpus, hosts[i].size.cpus,
			    s->gpu_milli ? arena_printf(t->c->arena, " and %" PRId64 " %s", host_free_gpus(&hosts[i], s->model), s->model) : "");
	}
	size_t total = json_array_size(json_arr(t->c->args, "nodes")), without = missing - place_count(hosts, n, taken, s);
	/* Who is silent now, and was not when offers were asked for, may soon be back: if they would do, it is worth waiting. */
	err_set(t->err, silent && silent >= without ? ERR_NETWORK : ERR_CAPACITY, "pool %s: no room for %zu of %zu node%s %s, one a host; %zu host%s large enough%s",
	    json_str(t->c->args, "region", ""), without, total, total == 1 ? "" : "s", json_str(t->c->args, "instance_type", ""), could,
	    could == 1 ? " is" : "s are", str_text(&why));
	str_free(&why);
	return PROVIDER_FAILED;
}

static enum provider_step place_missing(struct turn *t)
{
	struct shape s;
	size_t n, i, k = 0, missing = 0;
	bool *taken;
	json_t *node;
	const json_t *nodes = json_arr(t->c->args, "nodes"), *made = turn_part(t, "made", false);
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
		return turn_ask(t, q, k, LEASE_MS);
	}
	json_t *list = json_array();
	json_array_foreach(nodes, i, node)
		json_array_append(list, json_object_get(made, json_str(node, "token", "")));
	json_t *result = json_pack("{s:o}", "nodes", list);
	if (json_object_size(turn_part(t, "mute", false)))
		json_put_bool(result, "unsure", true);
	return turn_done(t, result);
}

/* Who refused, or does not answer any more, is not asked again in this call; another host takes its place. A lease may have been made though
 * its answer was lost: the caller is told to look for it. */
static void take_leases(struct turn *t)
{
	json_t *made = turn_part(t, "made", false), *out = turn_part(t, "out", false);
	for (size_t i = 0; i < turn_n_asked(t); i++) {
		const struct pool_host *h;
		const json_t *row;
		json_t *r = turn_answer(t, i, &h, &row);
		const char *host = json_str(row, "host", ""), *token = json_str(row, "token", "");
		const json_t *l = json_array_get(json_arr(r, "leases"), 0);
		const json_t *info = json_obj(json_object_get(turn_part(t, "seen", false), host), "host");
		if (h && l && !json_obj(r, "error"))
			json_object_set_new(made, token, lease_node(t->c->arena, h, info, l));
		else
			put_why(out, host, r);
		if (r && !host_asked(r))
			json_put_bool(turn_part(t, "mute", false), host, true);
		if (!json_object_get(made, token) && !json_object_get(out, host))
			json_put_str(out, host, arena_printf(t->c->arena, "%s: no lease came of it", host));
		json_decref(r);
	}
}

enum provider_step create_step(struct turn *t)
{
	struct shape s;
	int rc;
	const char *type = json_str(t->c->args, "instance_type", ""), *pool = json_str(t->c->args, "region", "");
	switch (t->c->step) {
	case CREATE_LOOK:
		if (request_check_create(t->c->args, t->err))
			return PROVIDER_FAILED;
		if (json_bool(t->c->args, "use_spot", false))
			return turn_failed(t, ERR_UNSUPPORTED, "machines of your own are not sold as spot");
		if (!shape_parse(type, &s))
			return turn_failed(t, ERR_INVALID,
			    arena_printf(t->c->arena, "no pool has a \"%.60s\"; what there is looks like 8cpu-32gb or 4xH100-48cpu-900gb", type));
		if (!pools_has(&t->pools, pool))
			return turn_failed(t, ERR_INVALID, arena_printf(t->c->arena, "there is no pool \"%.60s\" in %s", pool, t->pools.path));
		if (take_looks(t, pool, &rc))
			return rc ? PROVIDER_FAILED : place_missing(t);
		t->c->step = CREATE_SEEN;
		return turn_ask_hosts(t, pool, "probe", PROBE_MS);
	case CREATE_SEEN:
		return take_probes(t) ? PROVIDER_FAILED : place_missing(t);
	default:
		take_leases(t);
		return place_missing(t);
	}
}
