/* Pools as people write them. What SkyPilot takes is taken as it is: pool-wide user, identity_file and password, hosts as
 * texts or maps with an ip. Ours are port, jump, price_per_hour, max_leases and gpus, of a pool or of a host, which
 * comes first. A mistake is told with its place; what is merely not understood is noted and passed over, since files are
 * shared with other programs. */
#include "providers/ssh/pools.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/common/requests.h"

enum { NAME_MAX_LEN = 255, NOTES_MAX = 50 };

/* The keys that a pool and a host may have; "hosts" and "ip" apart. */
static const char *const known[] = {"user", "identity_file", "password", "port", "jump", "price_per_hour", "max_leases", "gpus", "hosts", "ip"};

struct reading {
	struct arena *a;
	struct pools *out;
	bool lenient;
	struct err *err;
};

static int wrong(struct reading *r, const char *where, const char *what)
{
	return err_set(r->err, ERR_INVALID, "%s: %s: %s", r->out->path, where, what);
}

/* A failure that is no reason to stop: noted, and 0. */
static int forgiven(struct reading *r, int rc)
{
	if (rc && r->lenient) {
		if (json_array_size(r->out->notes) < NOTES_MAX)
			json_array_append_new(r->out->notes, json_foreign(r->err->text));
		*r->err = (struct err){.code = ERR_NONE};
		return 0;
	}
	return rc;
}

static void note(struct reading *r, const char *where, const char *what)
{
	if (json_array_size(r->out->notes) < NOTES_MAX)
		json_array_append_new(r->out->notes, json_foreign(arena_printf(r->a, "%s: %s: %s", r->out->path, where, what)));
}

static void note_unknown(struct reading *r, const char *where, const json_t *map)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)map, key, value) {
		bool is_known = false;
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known = is_known || str_eq(known[i], key);
		const char *near = is_known ? NULL : text_nearest(key, known, ARRAY_LEN(known));
		if (!is_known)
			note(r, where, arena_printf(r->a, "'%.60s' is not known and is passed over%s%s%s", key, near ? "; did you mean '" : "",
				near ? near : "", near ? "'?" : ""));
	}
}

/* A name of a pool or a host becomes part of ids, of file names on our side, and of commands' arguments. */
static bool name_ok(const char *s)
{
	size_t n = strlen(s);
	if (!n || n > NAME_MAX_LEN || s[0] == '-' || s[0] == '.')
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '/' || *s == 0x7f)
			return false;
	return true;
}

/* A scalar as text, or NULL. YAML makes numbers of what is meant as a name. */
static const char *scalar(struct arena *a, const json_t *v)
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		return arena_printf(a, "%" PRId64, (int64_t)json_integer_value(v));
	return NULL;
}

static int take_text(struct reading *r, const char *where, const json_t *map, const char *key, const char **out)
{
	const json_t *v = json_object_get(map, key);
	if (!v || json_is_null(v))
		return 0;
	const char *s = scalar(r->a, v);
	if (!s)
		return wrong(r, arena_printf(r->a, "%s.%s", where, key), "must be a text");
	if (s[0]) /* "" is SkyPilot's way of saying nothing */
		*out = s;
	return 0;
}

static int take_number(struct reading *r, const char *where, const json_t *map, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(map, key);
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return wrong(r, arena_printf(r->a, "%s.%s", where, key), arena_printf(r->a, "must be a whole number from %" PRId64 " to %" PRId64, min, max));
	*out = json_integer_value(v);
	return 0;
}

/* "H100:8", or 8, or 0. */
static int take_gpus(struct reading *r, const char *where, const json_t *map, struct pool_host *h)
{
	const json_t *v = json_object_get(map, "gpus");
	const char *s = json_string_value(v), *colon = s ? strrchr(s, ':') : NULL;
	if (!s)
		return take_number(r, where, map, "gpus", 0, POOLS_GPUS_MAX, &h->gpus);
	int64_t n = 1;
	if ((colon && !num_int(colon + 1, 1, POOLS_GPUS_MAX, &n)) || colon == s || strpbrk(s, " /,"))
		return wrong(r, arena_printf(r->a, "%s.gpus", where), "must be a number, or MODEL:NUMBER as in H100:8");
	h->gpu_model = arena_strndup(r->a, s, colon ? (size_t)(colon - s) : strlen(s));
	h->gpus = n;
	return 0;
}

static int take_jump(struct reading *r, const char *where, const json_t *map, struct pool_host *h)
{
	const json_t *v = json_object_get(map, "jump");
	if (!v || json_is_null(v))
		return 0;
	const char *at = arena_printf(r->a, "%s.jump", where);
	if (json_is_string(v) && json_string_value(v)[0] && json_string_value(v)[0] != '-')
		h->jump = v;
	else if (json_is_object(v) && name_ok(json_str(v, "host", json_str(v, "ip", ""))))
		h->jump = v;
	else
		return wrong(r, at, "must be a host as ProxyJump takes it (user@host:port), or a map with ip, user, port, identity_file");
	return 0;
}

/* What may stand in a pool and in a host alike. */
static int take_settings(struct reading *r, const char *where, const json_t *map, struct pool_host *h)
{
	struct err e;
	int64_t port = h->port;
	if (take_text(r, where, map, "user", &h->user) || take_text(r, where, map, "identity_file", &h->identity_file) ||
	    take_number(r, where, map, "port", 1, 65535, &port) || take_number(r, where, map, "max_leases", 0, 100000, &h->max_leases) ||
	    take_gpus(r, where, map, h) || take_jump(r, where, map, h))
		return -1;
	h->port = (int)port;
	if (request_micro(map, "price_per_hour", where, h->price_uusd_h, &h->price_uusd_h, &e))
		return err_set(r->err, e.code, "%s: %s", r->out->path, e.text);
	const char *password = NULL;
	if (take_text(r, where, map, "password", &password))
		return -1;
	h->password = h->password || password;
	note_unknown(r, where, map);
	return 0;
}

static int add_host(struct reading *r, const char *where, const struct pool_host *h)
{
	if (pools_find(r->out, h->pool, strlen(h->pool), h->name, strlen(h->name))) {
		note(r, where, "listed a second time: passed over");
		return 0;
	}
	if (r->out->n == POOLS_HOSTS_MAX)
		return wrong(r, where, arena_printf(r->a, "more than %d hosts", POOLS_HOSTS_MAX));
	r->out->hosts[r->out->n++] = *h;
	return 0;
}

/* "user@host" is what people type. */
static const char *split_user(struct reading *r, const char *text, struct pool_host *h)
{
	const char *at = strrchr(text, '@');
	if (!at || at == text)
		return text;
	h->user = arena_strndup(r->a, text, (size_t)(at - text));
	return at + 1;
}

static int take_host(struct reading *r, const char *where, const struct pool_host *pool, const json_t *v)
{
	struct pool_host h = *pool;
	const char *ip = json_is_object(v) ? scalar(r->a, json_object_get(v, "ip")) : scalar(r->a, v);
	if (!json_is_object(v) && !json_is_string(v))
		return wrong(r, where, "must be an address, a name from ~/.ssh/config, or a map with ip");
	if (!ip)
		return wrong(r, where, "has no ip");
	h.name = split_user(r, ip, &h);
	if (!name_ok(h.name))
		return wrong(r, where, "is no name or address of a host");
	if (json_is_object(v) && take_settings(r, where, v, &h))
		return -1;
	return add_host(r, where, &h);
}

static int take_pool(struct reading *r, const char *name, const json_t *v)
{
	struct pool_host pool = {.pool = arena_strdup(r->a, name), .max_leases = -1, .gpus = -1};
	const json_t *hosts = json_object_get(v, "hosts");
	if (!name_ok(name))
		return wrong(r, arena_printf(r->a, "'%.60s'", name), "is no name for a pool: letters, digits, '-', '_' and '.' make one");
	if (!json_is_object(v))
		return wrong(r, name, "must be a map with a list of hosts");
	if (!json_is_array(hosts) || !json_array_size(hosts))
		return wrong(r, arena_printf(r->a, "%s.hosts", name), "must be a list of hosts");
	if (take_settings(r, name, v, &pool))
		return -1;
	size_t i;
	json_t *host;
	json_array_foreach(hosts, i, host)
		if (forgiven(r, take_host(r, arena_printf(r->a, "%s.hosts[%zu]", name, i), &pool, host)))
			return -1;
	r->out->n_pools++;
	return 0;
}

int pools_read(struct arena *a, const json_t *settings, const char *path, bool lenient, struct pools *out, struct err *err)
{
	struct pools p = {.path = path ? path : "ssh_pools.yaml", .notes = json_array()};
	p.hosts = arena_alloc(a, POOLS_HOSTS_MAX * sizeof *p.hosts);
	struct err own = {.code = ERR_NONE};
	struct reading r = {.a = a, .out = &p, .lenient = lenient, .err = err ? err : &own};
	int rc = 0;
	if (settings && !json_is_null(settings) && !json_is_object(settings))
		rc = forgiven(&r, err_set(r.err, ERR_INVALID, "%s: must be a map of pools", p.path));
	const char *name;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)settings, name, v)
		if (!rc)
			rc = forgiven(&r, take_pool(&r, name, v));
	if (rc)
		pools_clear(&p);
	else
		*out = p;
	return rc;
}

void pools_clear(struct pools *p)
{
	json_decref(p->notes);
	p->notes = NULL;
}

static bool same(const char *s, const char *t, size_t len)
{
	return strlen(s) == len && !memcmp(s, t, len);
}

const struct pool_host *pools_find(const struct pools *p, const char *pool, size_t pool_len, const char *name, size_t name_len)
{
	for (size_t i = 0; i < p->n; i++)
		if (same(p->hosts[i].pool, pool, pool_len) && same(p->hosts[i].name, name, name_len))
			return &p->hosts[i];
	return NULL;
}

bool pools_has(const struct pools *p, const char *pool)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->hosts[i].pool, pool))
			return true;
	return false;
}

static json_t *jump_reach(const json_t *jump)
{
	if (json_is_string(jump))
		return json_deep_copy(jump);
	json_t *j = json_object();
	json_put_str(j, "host", json_str(jump, "host", json_str(jump, "ip", "")));
	if (json_int(jump, "port", 0) > 0)
		json_put_int(j, "port", json_int(jump, "port", 0));
	if (json_str(jump, "user", NULL))
		json_put_str(j, "user", json_str(jump, "user", NULL));
	if (json_str(jump, "identity_file", NULL))
		json_object_set_new(j, "identity_files", json_pack("[o]", json_foreign(json_str(jump, "identity_file", NULL))));
	json_put_bool(j, "config", true);
	return j;
}

/* ~/.ssh/config is asked about every host, as ssh itself would. */
json_t *pool_reach(const struct pool_host *h)
{
	json_t *j = json_object();
	json_put_str(j, "kind", "ssh");
	json_put_str(j, "host", h->name);
	if (h->port)
		json_put_int(j, "port", h->port);
	if (h->user)
		json_put_str(j, "user", h->user);
	if (h->identity_file)
		json_object_set_new(j, "identity_files", json_pack("[o]", json_foreign(h->identity_file)));
	if (h->jump)
		json_object_set_new(j, "jump", jump_reach(h->jump));
	json_put_bool(j, "config", true);
	char pin[2 * NAME_MAX_LEN + 2];
	snprintf(pin, sizeof pin, "%s/%s", h->pool, h->name);
	json_put_str(j, "pin", pin);
	return j;
}

const char *pool_host_id(struct arena *a, const struct pool_host *h)
{
	return arena_printf(a, "%s/%s", h->pool, h->name);
}
