/* Offers are by pool and shape: which host it will be is chosen when it comes to that, since any host with room will do. The report says
 * of each host how it is and, where something is wrong, what to do about it. */
#include "providers/ssh/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"

enum { OFFERS_MAX = 20000, REASON_MAX = 600 };

/* "pool/host: why", of those that cannot be used. */
static const char *whys(struct arena *a, const struct pools *p, const struct host *hosts)
{
	struct str s = str_new(REASON_MAX);
	for (size_t i = 0; i < p->n; i++)
		if (hosts[i].why)
			str_addf(&s, "%s%s/%s: %s", s.len ? "; " : "", hosts[i].spec->pool, hosts[i].spec->name, hosts[i].why);
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}

/* ---- offers ------------------------------------------------------------------------------------------------------ */

struct row {
	const char *pool;
	struct shape shape;
	int64_t price_uusd_h, gpu_mem_mib;
	bool room;
};

struct table {
	struct row *v;
	size_t n, cap;
};

static bool same_shape(const struct shape *a, const struct shape *b)
{
	return a->gpu_milli == b->gpu_milli && a->cpus == b->cpus && a->mem_mib == b->mem_mib && str_eq(a->model, b->model);
}

/* The same in the same pool is one offer, at the price of the cheapest host that has room. */
static void add_row(struct table *t, const struct row *r)
{
	for (size_t i = t->n; i-- > 0 && str_eq(t->v[i].pool, r->pool);) {
		struct row *o = &t->v[i];
		if (!same_shape(&o->shape, &r->shape))
			continue;
		if (r->room > o->room || (r->room == o->room && r->price_uusd_h < o->price_uusd_h))
			o->price_uusd_h = r->price_uusd_h;
		o->room = o->room || r->room;
		return;
	}
	if (t->n == OFFERS_MAX)
		return;
	ARRAY_GROW(t->v, t->n, t->cap);
	t->v[t->n++] = *r;
}

static int64_t mem_of_model(const struct host *h, const char *model)
{
	for (size_t i = 0; i < h->n_gpus; i++)
		if (str_eq(h->gpus[i].model, model))
			return h->gpus[i].mem_mib;
	return -1;
}

/* Hosts of one pool stand together in the file, hence in the table. Whether a shape has room is asked of every host, whatever its own
 * shapes are. */
static void add_host(struct table *t, const struct host *h, struct shape *shapes)
{
	size_t n = h->why ? 0 : shapes_of(&h->size, shapes);
	for (size_t i = 0; i < n; i++) {
		struct row r = {h->spec->pool, shapes[i], shape_price(&shapes[i], &h->size, h->spec->price_uusd_h),
		    shapes[i].gpu_milli ? mem_of_model(h, shapes[i].model) : 0, host_has_room(h, &shapes[i])};
		add_row(t, &r);
	}
}

static json_t *offer_json(const struct row *r)
{
	char name[SHAPE_NAME_MAX];
	shape_name(&r->shape, name);
	json_t *o = json_object();
	json_put_str(o, "instance_type", name);
	json_put_str(o, "accelerator", r->shape.gpu_milli ? r->shape.model : NULL);
	int64_t milli = r->shape.gpu_milli;
	json_object_set_new(o, "accelerator_count", milli % 1000 ? json_real((double)milli / 1000) : json_integer(milli / 1000));
	json_put_int(o, "gpu_mem_mib", r->gpu_mem_mib);
	json_object_set_new(o, "vcpus", r->shape.cpus ? json_integer(r->shape.cpus) : json_null());
	json_object_set_new(o, "mem_mib", r->shape.mem_mib ? json_integer(r->shape.mem_mib) : json_null());
	json_put_str(o, "region", r->pool);
	json_put_str(o, "zone", "");
	json_put_int(o, "price_uusd_h", r->price_uusd_h);
	json_object_set_new(o, "spot_uusd_h", json_null());
	json_put_str(o, "available", r->room ? "yes" : "no");
	return o;
}

static size_t count_answering(const struct pools *p, const struct host *hosts)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += host_asked(hosts[i].reply);
	return n;
}

json_t *report_offers(struct arena *a, const struct pools *p, const struct host *hosts)
{
	struct table t = {NULL, 0, 0};
	struct shape *shapes = arena_alloc(a, SHAPES_MAX * sizeof *shapes);
	for (size_t i = 0; i < p->n; i++)
		add_host(&t, &hosts[i], shapes);
	/* A shape of one host may fit another that does not offer it. */
	for (size_t k = 0; k < t.n; k++)
		for (size_t i = 0; i < p->n && !t.v[k].room; i++)
			t.v[k].room = str_eq(hosts[i].spec->pool, t.v[k].pool) && host_has_room(&hosts[i], &t.v[k].shape);
	json_t *list = json_array();
	for (size_t k = 0; k < t.n; k++)
		json_array_append_new(list, offer_json(&t.v[k]));
	free(t.v);
	json_t *result = json_object(), *silent = json_array();
	for (size_t i = 0; i < p->n; i++)
		if (!host_asked(hosts[i].reply))
			json_array_append_new(silent, json_foreign(pool_host_id(a, hosts[i].spec)));
	json_object_set_new(result, "offers", list);
	json_object_set_new(result, "silent", silent);
	json_put_str(result, "source", arena_printf(a, "%zu of %zu hosts of your pools", count_answering(p, hosts), p->n));
	return result;
}

/* Network errors are none that the caller should try again at once: it would be told the same. */
int report_none(struct arena *a, const struct pools *p, const struct host *hosts, struct err *err)
{
	struct err first = {.code = ERR_NONE};
	for (size_t i = 0; i < p->n; i++) {
		if (!hosts[i].why)
			return 0;
		if (!first.code)
			host_error(hosts[i].reply, &first);
	}
	if (!p->n)
		return err_set(err, ERR_INVALID, "%s lists no hosts", p->path);
	return err_set(err, first.code == ERR_CREDENTIALS ? ERR_CREDENTIALS : ERR_CAPACITY, "no host of your pools can be used: %s", whys(a, p, hosts));
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static void problem(json_t *list, const char *what, const char *advice)
{
	json_t *j = json_object();
	json_put_str(j, "what", what);
	json_put_str(j, "advice", advice);
	json_array_append_new(list, j);
}

static const char *ssh_words(struct arena *a, const struct pool_host *s)
{
	return arena_printf(a, "ssh%s%s%s%s %s%s%s", s->port ? " -p " : "", s->port ? arena_printf(a, "%d", s->port) : "", s->identity_file ? " -i " : "",
	    s->identity_file ? s->identity_file : "", s->user ? s->user : "", s->user ? "@" : "", s->name);
}

static const char *advice_for(struct arena *a, const struct host *h, enum err_code code)
{
	switch (code) {
	case ERR_CREDENTIALS:
		return arena_printf(a, "see that `%s true` works from here without a password", ssh_words(a, h->spec));
	case ERR_NETWORK:
	case ERR_TIMEOUT:
		return "is it on, and can its sshd be reached from here? It is used again as soon as it answers";
	case ERR_PROTOCOL:
		return arena_printf(a, "look at what `%s true` prints; start-up files of the login shell should print nothing", ssh_words(a, h->spec));
	default:
		return arena_printf(a, "look at it with `%s`", ssh_words(a, h->spec));
	}
}

/* What keeps the host from being used, and what merely is not as it should be. */
static json_t *problems_of(struct arena *a, const struct host *h, int64_t skew_ms)
{
	struct err err = {0};
	json_t *list = json_array();
	bool failed = host_error(h->reply, &err);
	if (failed)
		problem(list, h->why, advice_for(a, h, err.code));
	if (!h->info)
		return list;
	if (h->why && !failed) {
		bool tools = json_array_size(json_arr(h->info, "missing")) > 0;
		problem(list, h->why, tools ? "install them there" : "nothing is leased there until that is mended");
	}
	if (h->gpu_why)
		problem(list, arena_printf(a, "its GPUs are not offered: %s", h->gpu_why), "mend its driver, or say what it has: gpus: MODEL:NUMBER");
	if (llabs((long long)skew_ms) > HOST_SKEW_MS) {
		char buf[24];
		problem(list, arena_printf(a, "its clock is %s %s", duration_text(llabs((long long)skew_ms), buf, sizeof buf), skew_ms > 0 ? "ahead" : "behind"),
		    "have it set by NTP; times of jobs there are off until then");
	}
	if (!json_bool(h->info, "bash", true))
		problem(list, "it has no bash: jobs run in sh", "install bash, if a job needs it");
	if (h->spec->password)
		problem(list, "the file has a password for it, which is not used", "keys log in; take the password out of the file");
	return list;
}

/* How far a clock is off that said `theirs` at some time between two moments of ours. */
static int64_t skew(int64_t theirs, int64_t from, int64_t to)
{
	if (theirs <= 0 || !from)
		return 0;
	if (theirs % 1000 == 0) /* a clock of whole seconds */
		from -= 1000;
	return theirs < from ? theirs - from : theirs > to ? theirs - to : 0;
}

static json_t *lease_json(const json_t *l, const char *owner)
{
	const json_t *meta = json_obj(l, "meta"), *gpus = json_arr(l, "gpus");
	json_t *j = json_object();
	json_put_str(j, "id", json_str(l, "id", ""));
	json_put_str(j, "state", json_str(l, "state", ""));
	json_put_str(j, "cluster", json_str(meta, "name", NULL));
	json_put_int(j, "rank", json_int(meta, "rank", 0));
	json_put_str(j, "user", json_str(json_obj(meta, "tags"), "user", NULL));
	json_put_str(j, "instance_type", json_str(meta, "instance_type", NULL));
	json_object_set_new(j, "gpus", gpus ? json_incref((json_t *)(uintptr_t)gpus) : json_array());
	json_put_bool(j, "ours", str_eq(json_str(l, "owner", ""), owner));
	return j;
}

static void put_known(json_t *j, const char *key, int64_t v, bool known)
{
	json_object_set_new(j, key, known ? json_integer(v) : json_null());
}

static json_t *host_json(struct arena *a, const struct host *h, const char *owner, int64_t asked_ms, int64_t now_ms)
{
	json_t *j = json_object(), *gpus = json_array(), *leases = json_array(), *l;
	int64_t off = skew(json_int(h->info, "now", 0), asked_ms, now_ms);
	size_t i;
	json_put_str(j, "pool", h->spec->pool);
	json_put_str(j, "host", h->spec->name);
	json_put_str(j, "reached_as", arena_printf(a, "%s%s%s%s", h->spec->user ? h->spec->user : "", h->spec->user ? "@" : "", h->spec->name,
		h->spec->port && h->spec->port != 22 ? arena_printf(a, ":%d", h->spec->port) : ""));
	json_put_bool(j, "answers", host_asked(h->reply));
	json_put_bool(j, "usable", !h->why);
	json_put_str(j, "why", h->why);
	json_put_str(j, "addr", json_str(h->info, "addr", NULL));
	json_put_str(j, "system", json_str(h->info, "system", NULL));
	put_known(j, "cpus", h->size.cpus, h->size.cpus > 0);
	put_known(j, "free_cpus", h->free_cpus, h->size.cpus > 0);
	put_known(j, "mem_mib", h->size.mem_mib, h->size.mem_mib > 0);
	put_known(j, "free_mem_mib", h->free_mem_mib, h->size.mem_mib > 0);
	put_known(j, "disk_free_mib", json_int(h->info, "disk_free_mib", 0), json_is_integer(json_object_get(h->info, "disk_free_mib")));
	for (i = 0; i < h->size.n_models; i++) {
		json_t *g = json_object();
		json_put_str(g, "model", h->size.model[i]);
		json_put_int(g, "count", h->size.count[i]);
		json_put_int(g, "free", host_free_gpus(h, h->size.model[i]));
		json_array_append_new(gpus, g);
	}
	json_object_set_new(j, "gpus", gpus);
	json_array_foreach(json_arr(h->reply, "leases"), i, l)
		json_array_append_new(leases, lease_json(l, owner));
	json_object_set_new(j, "leases", leases);
	json_put_int(j, "price_uusd_h", h->spec->price_uusd_h);
	json_put_int(j, "clock_skew_ms", off);
	json_object_set_new(j, "problems", problems_of(a, h, off));
	return j;
}

json_t *report_check(struct arena *a, const struct pools *p, const struct host *hosts, const char *owner, int64_t asked_ms, int64_t now_ms)
{
	size_t answering = count_answering(p, hosts);
	const char *why = whys(a, p, hosts);
	json_t *result = json_object(), *list = json_array();
	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(list, host_json(a, &hosts[i], owner, asked_ms, now_ms));
	json_put_bool(result, "enabled", answering > 0);
	json_put_str(result, "identity", arena_printf(a, "%zu pool%s, %zu of %zu host%s answer%s", p->n_pools, p->n_pools == 1 ? "" : "s", answering, p->n,
					     p->n == 1 ? "" : "s", answering == 1 ? "s" : ""));
	json_put_str(result, "reason", why[0] ? why : p->n ? NULL : arena_printf(a, "%s lists no hosts", p->path));
	json_put_str(result, "file", p->path);
	json_object_set(result, "notes", p->notes);
	json_object_set_new(result, "hosts", list);
	return result;
}
