/* Scenarios: read, checked key by key, and put into plain structs. A slip in a scenario must not look like a failure of
 * what is tested with it, so unknown keys and odd values are errors that say where. */
#include "providers/sim/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/yaml.h"
#include "providers/common/requests.h"
#include "providers/common/sandbox.h"

enum { SCENARIO_BYTES_MAX = 1 << 20, LIST_MAX = 1000, KEYS_MAX = 24 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define LONG_MS (INT64_C(10000) * DAY_MS)
#define PRICE_MAX INT64_C(10000000000) /* so that products stay within int64 */

/* Where in a scenario something stands, for messages: "types[3]". */
struct place {
	const char *file;
	char at[80];
};

static int wrong(const struct place *p, struct err *err)
{
	return err_wrap(err, "%s", p->file);
}

/* Keys that nobody knows are slips. known ends with NULL. */
static int check_keys(const json_t *obj, const struct place *p, const char *const *known, struct err *err)
{
	if (!json_is_object(obj))
		return err_set(err, ERR_INVALID, "%s: %s must be a map", p->file, p->at);
	size_t n = 0;
	while (known[n])
		n++;
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)obj, key, v)
	{
		bool found = false;
		for (size_t i = 0; i < n; i++)
			found |= str_eq(known[i], key);
		if (found)
			continue;
		const char *near = text_nearest(key, known, n);
		return err_set(err, ERR_INVALID, "%s: %s has no key \"%.60s\"%s%s", p->file, p->at, key,
		    near ? "; did you mean " : "", near ? near : "");
	}
	return 0;
}

static int get_whole(
    const json_t *obj, const char *key, const struct place *p, int64_t max, int64_t dflt, int64_t *out, struct err *err)
{
	return request_whole(obj, key, p->at, max, dflt, out, err) ? wrong(p, err) : 0;
}

static int get_micro(
    const json_t *obj, const char *key, const struct place *p, int64_t dflt, int64_t *out, struct err *err)
{
	return request_micro(obj, key, p->at, dflt, out, err) ? wrong(p, err) : 0;
}

/* A number of seconds, fractions allowed, as ms. */
static int get_seconds(
    const json_t *obj, const char *key, const struct place *p, int64_t dflt_ms, int64_t *out_ms, struct err *err)
{
	int64_t micro = -1;
	if (get_micro(obj, key, p, -1, &micro, err))
		return -1;
	*out_ms = micro < 0 ? dflt_ms : micro / 1000;
	return 0;
}

static int get_text(
    const json_t *obj, const char *key, const struct place *p, bool needed, const char **out, struct err *err)
{
	const json_t *v = json_object_get(obj, key);
	if ((!v || json_is_null(v)) && !needed)
		return 0;
	if (!json_is_string(v) || !json_string_value(v)[0] || json_string_length(v) > REQUEST_NAME_MAX)
		return err_set(err, ERR_INVALID, "%s: %s.%s must be a text", p->file, p->at, key);
	*out = json_string_value(v);
	return 0;
}

static int get_bool(const json_t *obj, const char *key, const struct place *p, bool *out, struct err *err)
{
	const json_t *v = json_object_get(obj, key);
	if (v && !json_is_boolean(v))
		return err_set(err, ERR_INVALID, "%s: %s.%s must be true or false", p->file, p->at, key);
	*out = json_is_true(v);
	return 0;
}

/* --- rules
 * ----------------------------------------------------------------------------------------------------------*/

static int parse_match(const json_t *obj, const struct place *p, struct sim_match *m, struct err *err)
{
	static const char *const keys[] = {
	    "cluster", "name", "region", "zone", "instance_type", "accelerator", "use_spot", NULL};
	const char **texts[] = {&m->cluster, &m->name, &m->region, &m->zone, &m->instance_type, &m->accelerator};
	*m = (struct sim_match){.use_spot = -1};
	if (!obj)
		return 0;
	if (check_keys(obj, p, keys, err))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (get_text(obj, keys[i], p, false, texts[i], err))
			return -1;
	bool spot = false;
	if (get_bool(obj, "use_spot", p, &spot, err))
		return -1;
	if (json_object_get(obj, "use_spot"))
		m->use_spot = spot;
	return 0;
}

static bool glob_matches(const char *glob, const json_t *what, const char *key)
{
	const char *v = json_str(what, key, NULL);
	return !glob || (v && str_glob(glob, v));
}

bool scenario_matches(const struct sim_match *m, const json_t *what)
{
	return glob_matches(m->cluster, what, "cluster") && glob_matches(m->name, what, "name") &&
	       glob_matches(m->region, what, "region") && glob_matches(m->zone, what, "zone") &&
	       glob_matches(m->instance_type, what, "instance_type") &&
	       glob_matches(m->accelerator, what, "accelerator") &&
	       (m->use_spot < 0 || m->use_spot == json_bool(what, "use_spot", false));
}

static int add_verb(const json_t *v, const struct place *p, unsigned *verbs, struct err *err)
{
	const char *name = json_is_string(v) ? json_string_value(v) : "";
	const char *known[PROVIDER_VERBS];
	for (int i = 0; i < PROVIDER_VERBS; i++) {
		known[i] = provider_verb_name((enum provider_verb)i);
		if (str_eq(name, "*") || str_eq(name, known[i]))
			*verbs |= 1u << i;
	}
	if (str_eq(name, "*"))
		return 0;
	for (int i = 0; i < PROVIDER_VERBS; i++)
		if (str_eq(name, known[i]))
			return 0;
	const char *near = text_nearest(name, known, PROVIDER_VERBS);
	return err_set(err, ERR_INVALID, "%s: %s.verb: there is no verb \"%.40s\"%s%s", p->file, p->at, name,
	    near ? "; did you mean " : "", near ? near : "");
}

static int parse_verbs(const json_t *v, const struct place *p, unsigned *verbs, struct err *err)
{
	*verbs = 0;
	if (!json_is_array(v))
		return add_verb(v, p, verbs, err);
	size_t i;
	json_t *one;
	json_array_foreach(v, i, one) if (add_verb(one, p, verbs, err)) return -1;
	return 0;
}

/* One number or a list of them. */
static int parse_nth(const json_t *v, const struct place *p, const json_t **out, struct err *err)
{
	bool ok = !v || json_is_array(v) || json_is_integer(v);
	size_t i;
	json_t *one;
	json_array_foreach(v, i, one) ok &= json_is_integer(one);
	*out = v;
	return ok ? 0
		  : err_set(err, ERR_INVALID, "%s: %s.nth must be a whole number or a list of them", p->file, p->at);
}

static int parse_error(const json_t *obj, const struct place *p, struct sim_failure *f, struct err *err)
{
	const char *name = NULL;
	if (get_text(obj, "error", p, false, &name, err))
		return -1;
	f->error = name ? err_code_of(name) : f->lost_reply ? ERR_NETWORK : ERR_NONE;
	if (name && f->error == ERR_FAILED && !str_eq(name, "failed"))
		return err_set(
		    err, ERR_INVALID, "%s: %s.error: there is no error called \"%.40s\"", p->file, p->at, name);
	if (!f->error && !f->crash && !f->hang_ms)
		return err_set(
		    err, ERR_INVALID, "%s: %s does nothing: give error, lost_reply, crash or hang_ms", p->file, p->at);
	return 0;
}

static int parse_failure(struct scenario *s, const json_t *obj, struct place *p, void *out, struct err *err)
{
	(void)s;
	static const char *const keys[] = {"verb", "match", "nth", "every", "probability", "times", "error", "message",
	    "lost_reply", "crash", "after_nodes", "hang_ms", NULL};
	struct sim_failure *f = out;
	*f = (struct sim_failure){.after_nodes = -1};
	if (check_keys(obj, p, keys, err) || parse_verbs(json_object_get(obj, "verb"), p, &f->verbs, err) ||
	    parse_match(json_object_get(obj, "match"), p, &f->match, err) ||
	    parse_nth(json_object_get(obj, "nth"), p, &f->nth, err) ||
	    get_whole(obj, "every", p, INT32_MAX, 0, &f->every, err) ||
	    get_micro(obj, "probability", p, -1, &f->probability_micro, err) ||
	    get_whole(obj, "times", p, INT32_MAX, 0, &f->times, err) ||
	    get_text(obj, "message", p, false, &f->message, err) ||
	    get_bool(obj, "lost_reply", p, &f->lost_reply, err) || get_bool(obj, "crash", p, &f->crash, err) ||
	    get_whole(obj, "after_nodes", p, REQUEST_NODES_MAX, -1, &f->after_nodes, err) ||
	    get_whole(obj, "hang_ms", p, DAY_MS, 0, &f->hang_ms, err))
		return -1;
	return parse_error(obj, p, f, err);
}

static int parse_reclaim(struct scenario *s, const json_t *obj, struct place *p, void *out, struct err *err)
{
	(void)s;
	static const char *const keys[] = {"match", "after_s", "at_s", "per_hour", "closed_s", NULL};
	struct sim_reclaim *r = out;
	if (check_keys(obj, p, keys, err) || parse_match(json_object_get(obj, "match"), p, &r->match, err) ||
	    get_seconds(obj, "after_s", p, -1, &r->after_ms, err) || get_seconds(obj, "at_s", p, -1, &r->at_ms, err) ||
	    get_micro(obj, "per_hour", p, -1, &r->rate_micro, err) ||
	    get_seconds(obj, "closed_s", p, 0, &r->closed_ms, err))
		return -1;
	if ((r->after_ms >= 0) + (r->at_ms >= 0) + (r->rate_micro >= 0) != 1)
		return err_set(err, ERR_INVALID, "%s: %s must have one of after_s, at_s and per_hour", p->file, p->at);
	return 0;
}

/* --- what is sold
 * ---------------------------------------------------------------------------------------------------*/

static int parse_type(struct scenario *s, const json_t *obj, struct place *p, void *out, struct err *err)
{
	(void)s;
	static const char *const keys[] = {"name", "accelerator", "count", "gpu_mem_gib", "vcpus", "mem_gib", "price",
	    "spot", "capacity", "spot_capacity", "zones", NULL};
	struct sim_type *t = out;
	int64_t gpu_mem_gib = 0, mem_gib = 0;
	t->zones = "*";
	if (check_keys(obj, p, keys, err) || get_text(obj, "name", p, true, &t->name, err) ||
	    get_text(obj, "accelerator", p, false, &t->accelerator, err) ||
	    get_whole(obj, "count", p, 1024, t->accelerator ? 1 : 0, &t->count, err) ||
	    get_whole(obj, "gpu_mem_gib", p, 1 << 20, 0, &gpu_mem_gib, err) ||
	    get_whole(obj, "vcpus", p, 1 << 20, 1, &t->vcpus, err) ||
	    get_whole(obj, "mem_gib", p, 1 << 20, 1, &mem_gib, err) ||
	    get_micro(obj, "price", p, PRICE_UNKNOWN, &t->price_uusd_h, err) ||
	    get_micro(obj, "spot", p, PRICE_UNKNOWN, &t->spot_uusd_h, err) ||
	    get_whole(obj, "capacity", p, 1000000, 1000, &t->capacity, err) ||
	    get_whole(obj, "spot_capacity", p, 1000000, t->capacity, &t->spot_capacity, err) ||
	    get_text(obj, "zones", p, false, &t->zones, err))
		return -1;
	if (t->price_uusd_h > PRICE_MAX || t->spot_uusd_h > PRICE_MAX)
		return err_set(err, ERR_INVALID, "%s: %s.price: more than 10000 dollars an hour", p->file, p->at);
	t->gpu_mem_mib = gpu_mem_gib * 1024;
	t->mem_mib = mem_gib * 1024;
	return 0;
}

static int parse_region(struct scenario *s, const json_t *obj, struct place *p, struct err *err)
{
	static const char *const keys[] = {"name", "zones", "price_factor", NULL};
	const char *region = NULL;
	int64_t factor;
	if (check_keys(obj, p, keys, err) || get_text(obj, "name", p, true, &region, err) ||
	    get_micro(obj, "price_factor", p, 1000000, &factor, err))
		return -1;
	if (factor > 100000000)
		return err_set(err, ERR_INVALID, "%s: %s.price_factor is above 100", p->file, p->at);
	const json_t *zones = json_arr(obj, "zones");
	size_t n = json_array_size(zones), i;
	if (!n || n + s->n_zones > LIST_MAX)
		return err_set(err, ERR_INVALID, "%s: %s.zones must be a list of names", p->file, p->at);
	struct sim_zone *grown = arena_alloc(s->arena, (s->n_zones + n) * sizeof *grown);
	memcpy(grown, s->zones ? s->zones : grown, s->n_zones * sizeof *grown);
	json_t *name;
	json_array_foreach(zones, i, name)
	{
		if (!json_is_string(name) || !json_string_value(name)[0])
			return err_set(err, ERR_INVALID, "%s: %s.zones[%zu] must be a name", p->file, p->at, i);
		grown[s->n_zones++] = (struct sim_zone){region, json_string_value(name), factor};
	}
	s->zones = grown;
	return 0;
}

static int parse_regions(struct scenario *s, const json_t *root, struct place *p, struct err *err)
{
	const json_t *list = json_arr(root, "regions");
	size_t i;
	json_t *one;
	if (!json_array_size(list))
		return err_set(err, ERR_INVALID, "%s: it has no regions", p->file);
	json_array_foreach(list, i, one)
	{
		snprintf(p->at, sizeof p->at, "regions[%zu]", i);
		if (parse_region(s, one, p, err))
			return -1;
	}
	return 0;
}

/* A list of maps, each parsed into one element of an array of the arena. */
static int parse_list(struct scenario *s, const json_t *root, const char *key, struct place *p, size_t size,
    int (*parse)(struct scenario *, const json_t *, struct place *, void *, struct err *), void *array, size_t *n,
    struct err *err)
{
	const json_t *list = json_object_get(root, key);
	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > LIST_MAX)
		return err_set(err, ERR_INVALID, "%s: %s must be a list of at most %d", p->file, key, LIST_MAX);
	char *elements = arena_alloc(s->arena, (json_array_size(list) + 1) * size);
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
	{
		snprintf(p->at, sizeof p->at, "%s[%zu]", key, i);
		if (parse(s, one, p, elements + i * size, err))
			return -1;
	}
	*(void **)array = elements;
	*n = json_array_size(list);
	return 0;
}

/* --- the whole
 * ------------------------------------------------------------------------------------------------------*/

static int parse_latency(struct scenario *s, const json_t *root, struct place *p, struct err *err)
{
	const json_t *v = json_object_get(root, "latency_ms");
	int64_t all = 0;
	snprintf(p->at, sizeof p->at, "scenario");
	if (!json_is_object(v) && get_whole(root, "latency_ms", p, DAY_MS, 0, &all, err))
		return -1;
	const char *keys[PROVIDER_VERBS + 1] = {NULL};
	for (int i = 0; i < PROVIDER_VERBS; i++)
		keys[i] = provider_verb_name((enum provider_verb)i);
	snprintf(p->at, sizeof p->at, "latency_ms");
	if (json_is_object(v) && check_keys(v, p, keys, err))
		return -1;
	for (int i = 0; i < PROVIDER_VERBS; i++) {
		s->latency_ms[i] = all;
		if (json_is_object(v) && get_whole(v, keys[i], p, DAY_MS, 0, &s->latency_ms[i], err))
			return -1;
	}
	return 0;
}

static int parse_prices(struct scenario *s, const json_t *root, struct place *p, struct err *err)
{
	static const char *const keys[] = {"move_every_s", "swing", "spot_swing", NULL};
	const json_t *v = json_object_get(root, "prices");
	snprintf(p->at, sizeof p->at, "prices");
	if (v && check_keys(v, p, keys, err))
		return -1;
	if (get_seconds(v, "move_every_s", p, 0, &s->move_every_ms, err) ||
	    get_micro(v, "swing", p, 0, &s->swing_micro, err) ||
	    get_micro(v, "spot_swing", p, 0, &s->spot_swing_micro, err))
		return -1;
	if (s->swing_micro >= 1000000 || s->spot_swing_micro >= 1000000)
		return err_set(err, ERR_INVALID, "%s: prices: a swing must be below 1", p->file);
	return 0;
}

static int parse_quota(struct scenario *s, const json_t *root, struct place *p, struct err *err)
{
	static const char *const keys[] = {"nodes", "gpus", NULL};
	const json_t *v = json_object_get(root, "quota");
	snprintf(p->at, sizeof p->at, "quota");
	if (v && check_keys(v, p, keys, err))
		return -1;
	return get_whole(v, "nodes", p, INT32_MAX, -1, &s->quota_nodes, err) ||
	       get_whole(v, "gpus", p, INT32_MAX, -1, &s->quota_gpus, err);
}

static int parse_scalars(struct scenario *s, const json_t *root, struct place *p, struct err *err)
{
	static const char *const keys[] = {"version", "seed", "time_scale", "boot_ms", "stop_ms", "terminate_ms",
	    "latency_ms", "quota", "prices", "regions", "types", "failures", "reclaims", NULL};
	int64_t version;
	snprintf(p->at, sizeof p->at, "scenario");
	if (check_keys(root, p, keys, err) || get_whole(root, "version", p, INT32_MAX, 1, &version, err) ||
	    get_whole(root, "seed", p, INT64_MAX, 1, &s->seed, err) ||
	    get_micro(root, "time_scale", p, 1000000, &s->time_scale_micro, err) ||
	    get_whole(root, "boot_ms", p, LONG_MS, 0, &s->boot_ms, err) ||
	    get_whole(root, "stop_ms", p, LONG_MS, 0, &s->stop_ms, err) ||
	    get_whole(root, "terminate_ms", p, LONG_MS, 0, &s->terminate_ms, err))
		return -1;
	if (version != 1)
		return err_set(err, ERR_INVALID, "%s: version %lld is not known, only 1", p->file, (long long)version);
	if (s->time_scale_micro <= 0)
		return err_set(err, ERR_INVALID, "%s: time_scale must be above 0", p->file);
	return 0;
}

/* From time in the scenario to time on this machine. */
static void scale(const struct scenario *s, int64_t *ms)
{
	if (*ms <= 0)
		return;
	double real = (double)*ms * 1e6 / (double)s->time_scale_micro;
	*ms = real < (double)LONG_MS ? (int64_t)real : LONG_MS;
}

static void scale_all(struct scenario *s)
{
	scale(s, &s->boot_ms);
	scale(s, &s->stop_ms);
	scale(s, &s->terminate_ms);
	for (int i = 0; i < PROVIDER_VERBS; i++)
		scale(s, &s->latency_ms[i]);
	bool moves = s->move_every_ms > 0;
	scale(s, &s->move_every_ms);
	if (moves && s->move_every_ms < 1)
		s->move_every_ms = 1;
	for (size_t i = 0; i < s->n_reclaims; i++) {
		struct sim_reclaim *r = &s->reclaims[i];
		scale(s, &r->after_ms);
		scale(s, &r->at_ms);
		scale(s, &r->closed_ms);
		if (r->rate_micro > 0)
			r->rate_micro = (int64_t)((double)r->rate_micro * (double)s->time_scale_micro / 1e6);
	}
}

static int parse(struct scenario *s, const char *file, struct err *err)
{
	struct place p = {.file = file};
	const json_t *root = s->source;
	if (parse_scalars(s, root, &p, err) || parse_latency(s, root, &p, err) || parse_prices(s, root, &p, err) ||
	    parse_quota(s, root, &p, err) || parse_regions(s, root, &p, err) ||
	    parse_list(s, root, "types", &p, sizeof *s->types, parse_type, &s->types, &s->n_types, err) ||
	    parse_list(
		s, root, "failures", &p, sizeof *s->failures, parse_failure, &s->failures, &s->n_failures, err) ||
	    parse_list(s, root, "reclaims", &p, sizeof *s->reclaims, parse_reclaim, &s->reclaims, &s->n_reclaims, err))
		return -1;
	if (!s->n_types)
		return err_set(err, ERR_INVALID, "%s: it has no types", file);
	scale_all(s);
	return 0;
}

static json_t *read_file(const char *path, struct err *err)
{
	const struct yaml_options options = {.limits = {.bytes = SCENARIO_BYTES_MAX}};
	struct yaml_file *file = yaml_parse_file(path, &options, NULL, err);
	json_t *j = file && file->n == 1 ? yaml_json(file->docs[0]) : NULL;
	if (file && file->n != 1)
		err_set(err, ERR_INVALID, "%s: it must hold one document", path);
	yaml_file_free(file);
	return j;
}

/* The file, or the object, that the configuration names; *file its name for messages, the caller frees. */
static json_t *find_source(const json_t *config, char **file, struct err *err)
{
	const json_t *named = json_object_get(config, "scenario");
	if (json_is_object(named)) {
		*file = xstrdup("sim.scenario");
		return json_deep_copy(named);
	}
	const char *name = json_is_string(named) ? json_string_value(named) : "default";
	if (strchr(name, '/')) {
		*file = path_expand(name);
	} else {
		char *below = xasprintf("sim/%s.yaml", name);
		*file = share_path(below);
		free(below);
	}
	return read_file(*file, err);
}

static void put_over(json_t *source, const json_t *config)
{
	static const char *const own[] = {"enabled", "scenario"};
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)config, key, v) if (!str_eq(key, own[0]) && !str_eq(key, own[1]))
	    json_object_set_new(source, key, json_deep_copy(v));
}

struct scenario *scenario_load(const json_t *config, struct err *err)
{
	char *file = NULL;
	json_t *source = find_source(config, &file, err);
	struct scenario *s = NULL;
	if (source && !json_is_object(source)) {
		err_set(err, ERR_INVALID, "%s: it must be a map", file);
		json_decref(source);
	} else if (source) {
		put_over(source, config);
		s = xcalloc(1, sizeof *s);
		s->arena = arena_create();
		s->source = source;
		if (parse(s, file, err)) {
			scenario_free(s);
			s = NULL;
		}
	}
	if (!s)
		err_wrap(err, "simulated cloud");
	free(file);
	return s;
}

void scenario_free(struct scenario *s)
{
	if (!s)
		return;
	json_decref(s->source);
	arena_destroy(s->arena);
	free(s);
}

/* --- questions
 * ------------------------------------------------------------------------------------------------------*/

const struct sim_type *scenario_type(const struct scenario *s, const char *name)
{
	for (size_t i = 0; i < s->n_types; i++)
		if (str_eq(s->types[i].name, name))
			return &s->types[i];
	return NULL;
}

bool scenario_sells(const struct sim_type *t, const struct sim_zone *z)
{
	return str_glob(t->zones, z->name);
}

/* −1000…1000, the same for the same place in time; three waves of different length, so that prices drift more than they
 * jump. */
static int64_t wave(const char *what, int64_t seed, int64_t step)
{
	int64_t sum = 0;
	for (int octave = 0; octave < 3; octave++) {
		uint64_t at = (uint64_t)(step >> (2 * octave)) * 8 + (uint64_t)octave;
		sum += (int64_t)(sandbox_hash(what, (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + at) % 2001) - 1000;
	}
	return sum / 3;
}

int64_t scenario_price(
    const struct scenario *s, const struct sim_type *t, const struct sim_zone *z, bool spot, int64_t at_ms)
{
	int64_t base = spot ? t->spot_uusd_h : t->price_uusd_h, swing = spot ? s->spot_swing_micro : s->swing_micro;
	if (base == PRICE_UNKNOWN)
		return PRICE_UNKNOWN;
	char what[600];
	snprintf(what, sizeof what, "%s\n%s\n%d", t->name, z->name, spot);
	int64_t step = s->move_every_ms > 0 && at_ms > 0 ? at_ms / s->move_every_ms : 0;
	int64_t price = base * z->price_micro / 1000000;
	price += price * swing / 1000000 * wave(what, s->seed, step) / 1000;
	return price - price % 100;
}
