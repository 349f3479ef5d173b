/* A scripted cloud, for tests and demonstrations: regions, prices that move, capacity that runs out, machines that take
 * time to boot and are taken back, calls that fail in every way that calls can fail. Its nodes are sandboxes of this
 * machine, so jobs really run on them. Time makes things happen when somebody looks: there is no process behind it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/provider.h"
#include "providers/common/cloudside.h"
#include "providers/common/machines.h"
#include "providers/sim/faults.h"
#include "providers/sim/scenario.h"

extern const struct provider provider_sim;

enum { GRACE_MS = 500 };

struct sim {
	const struct request *r;
	const struct scenario *s;
	const struct sim_failure *fault; /* strikes in this call; NULL */
	int64_t age_ms;			 /* of the cloud */
	int64_t epoch_ms;
};

/* --- capacity
 * -------------------------------------------------------------------------------------------------------*/

static bool holds_machine(const json_t *rec)
{
	return sandbox_state_is(rec, "RUNNING") || sandbox_state_is(rec, "STOPPING") ||
	       sandbox_state_is(rec, "TERMINATING");
}

static int64_t count_held(const struct sandbox *sb, const struct sim_type *t, const struct sim_zone *z, bool only_spot)
{
	int64_t n = 0;
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i, rec) n +=
	    holds_machine(rec) && str_eq(json_str(rec, "instance_type", ""), t->name) &&
	    str_eq(json_str(rec, "zone", ""), z->name) && (!only_spot || json_bool(rec, "use_spot", false));
	return n;
}

/* After a zone's spot nodes were all taken back there is none for a while. */
static bool spot_closed(const struct sim *m, const struct sim_type *t, const struct sim_zone *z)
{
	json_t *what = json_pack(
	    "{s:s, s:s, s:s, s:b}", "region", z->region, "zone", z->name, "instance_type", t->name, "use_spot", 1);
	json_put_str(what, "accelerator", t->accelerator);
	bool closed = false;
	for (size_t i = 0; i < m->s->n_reclaims; i++) {
		const struct sim_reclaim *r = &m->s->reclaims[i];
		closed |= r->at_ms >= 0 && m->age_ms >= r->at_ms && m->age_ms < r->at_ms + r->closed_ms &&
			  scenario_matches(&r->match, what);
	}
	json_decref(what);
	return closed;
}

static int64_t room(
    const struct sim *m, const struct sandbox *sb, const struct sim_type *t, const struct sim_zone *z, bool spot)
{
	int64_t left = t->capacity - count_held(sb, t, z, false);
	if (spot) {
		int64_t spot_left = spot_closed(m, t, z) ? 0 : t->spot_capacity - count_held(sb, t, z, true);
		left = left < spot_left ? left : spot_left;
	}
	return left > 0 ? left : 0;
}

/* --- what is sold
 * ---------------------------------------------------------------------------------------------------*/

static const char *availability(int64_t left, int64_t capacity)
{
	return left <= 0 ? "no" : left * 4 <= capacity ? "low" : "yes";
}

static json_t *offer(const struct sim *m, const struct sandbox *sb, const struct sim_type *t, const struct sim_zone *z)
{
	int64_t price = scenario_price(m->s, t, z, false, m->age_ms),
		spot = scenario_price(m->s, t, z, true, m->age_ms);
	json_t *o = json_object();
	json_put_str(o, "instance_type", t->name);
	json_put_str(o, "accelerator", t->accelerator);
	json_put_int(o, "accelerator_count", t->count);
	json_put_int(o, "gpu_mem_mib", t->gpu_mem_mib);
	json_put_int(o, "vcpus", t->vcpus);
	json_put_int(o, "mem_mib", t->mem_mib);
	json_put_str(o, "region", z->region);
	json_put_str(o, "zone", z->name);
	json_object_set_new(o, "price_uusd_h", price == PRICE_UNKNOWN ? json_null() : json_integer(price));
	json_object_set_new(o, "spot_uusd_h", spot == PRICE_UNKNOWN ? json_null() : json_integer(spot));
	json_put_str(o, "available", availability(room(m, sb, t, z, false), t->capacity));
	return o;
}

static json_t *offers(const struct sim *m, struct err *err)
{
	struct sandbox sb;
	if (sandbox_open(&sb, m->r->state_dir, provider_sim.name, NULL, m->r->now_ms, err))
		return NULL;
	json_t *list = json_array();
	for (size_t t = 0; t < m->s->n_types; t++)
		for (size_t z = 0; z < m->s->n_zones; z++)
			if (scenario_sells(&m->s->types[t], &m->s->zones[z]))
				json_array_append_new(list, offer(m, &sb, &m->s->types[t], &m->s->zones[z]));
	sandbox_close(&sb);
	json_t *reply = json_object();
	json_object_set_new(reply, "offers", list);
	json_put_str(reply, "source", "simulated prices");
	return reply;
}

static json_t *check(void)
{
	json_t *reply = json_object();
	json_put_bool(reply, "enabled", true);
	json_put_str(reply, "identity", "simulated");
	json_put_str(reply, "reason", NULL);
	return reply;
}

/* --- nodes
 * ----------------------------------------------------------------------------------------------------------*/

/* The cheapest way to say no: what of quota and price forbids. */
static int check_limits(
    const struct sim *m, const struct sandbox *sb, const struct sim_type *t, size_t n, struct err *err)
{
	int64_t nodes = (int64_t)n, gpus = (int64_t)n * t->count;
	size_t i;
	json_t *rec;
	json_array_foreach(sb->nodes, i, rec)
	{
		const struct sim_type *its = scenario_type(m->s, json_str(rec, "instance_type", ""));
		if (!holds_machine(rec))
			continue;
		nodes++;
		gpus += its ? its->count : 0;
	}
	if (m->s->quota_nodes >= 0 && nodes > m->s->quota_nodes)
		return err_set(err, ERR_QUOTA, "the account may have %lld nodes, this would make %lld",
		    (long long)m->s->quota_nodes, (long long)nodes);
	if (m->s->quota_gpus >= 0 && gpus > m->s->quota_gpus)
		return err_set(err, ERR_QUOTA, "the account may have %lld GPUs, this would make %lld",
		    (long long)m->s->quota_gpus, (long long)gpus);
	return 0;
}

static int check_cap(
    const struct sim *m, const struct sim_type *t, const struct sim_zone *z, const json_t *like, struct err *err)
{
	const json_t *cap = json_object_get(like, "max_price_uusd_h");
	int64_t price = scenario_price(m->s, t, z, true, m->age_ms);
	char a[32], b[32];
	if (!json_is_integer(cap) || price <= json_integer_value(cap))
		return 0;
	return err_set(err, ERR_CAPACITY, "the spot price of %s in %s is %s, above the cap of %s", t->name, z->name,
	    money_text(price, a, sizeof a), money_text(json_integer_value(cap), b, sizeof b));
}

/* The zone that is asked for, or the first of the region that has room for all; *sold: is there any at all? */
static const struct sim_zone *choose_zone(const struct sim *m, const struct sandbox *sb, const struct sim_type *t,
    const json_t *like, size_t n, const struct sim_zone **sold)
{
	const char *region = json_str(like, "region", ""), *zone = json_str(like, "zone", "");
	bool spot = json_bool(like, "use_spot", false);
	*sold = NULL;
	for (size_t i = 0; i < m->s->n_zones; i++) {
		const struct sim_zone *z = &m->s->zones[i];
		if (!str_eq(z->region, region) || (zone[0] && !str_eq(z->name, zone)) || !scenario_sells(t, z))
			continue;
		*sold = z;
		if (room(m, sb, t, z, spot) >= (int64_t)n)
			return z;
	}
	return NULL;
}

static int admit(void *arg, const struct sandbox *sb, json_t *like, size_t n, struct err *err)
{
	const struct sim *m = arg;
	const char *type = json_str(like, "instance_type", ""), *region = json_str(like, "region", ""),
		   *zone = json_str(like, "zone", "");
	bool spot = json_bool(like, "use_spot", false);
	const struct sim_type *t = scenario_type(m->s, type);
	if (!t)
		return err_set(err, ERR_INVALID, "there is no instance type \"%.60s\"", type);
	if (spot && t->spot_uusd_h == PRICE_UNKNOWN)
		return err_set(err, ERR_INVALID, "%s is not sold as spot", type);
	const struct sim_zone *sold, *z = choose_zone(m, sb, t, like, n, &sold);
	if (!sold)
		return err_set(err, ERR_INVALID, "%s is not sold in %.60s%s%.60s", type,
		    region[0] ? region : "no region", zone[0] ? " " : "", zone);
	if (check_limits(m, sb, t, n, err))
		return -1;
	if (!z)
		return err_set(err, ERR_CAPACITY, "there is no capacity for %zu × %s%s in %s", n, type,
		    spot ? " (spot)" : "", zone[0] ? zone : region);
	if (spot && check_cap(m, t, z, like, err))
		return -1;
	json_put_str(like, "zone", z->name);
	if (!json_is_integer(json_object_get(like, "price_uusd_h")))
		json_put_int(like, "price_uusd_h", scenario_price(m->s, t, z, spot, m->age_ms));
	return 0;
}

static int equip(void *arg, const struct sandbox *sb, json_t *rec, size_t made, struct err *err)
{
	(void)sb;
	const struct sim *m = arg;
	const struct sim_type *t = scenario_type(m->s, json_str(rec, "instance_type", ""));
	json_t *indices = json_array();
	for (int64_t i = 0; t && i < t->count; i++)
		json_array_append_new(indices, json_integer(i));
	json_object_set_new(rec, "gpus", indices);
	if (m->fault && m->fault->after_nodes == (int64_t)made && faults_strike(m->fault, m->r->verb, err))
		return -1;
	return 0;
}

/* --- time
 * -----------------------------------------------------------------------------------------------------------*/

static int64_t started_ms(const json_t *rec)
{
	return json_int(rec, "started_at", 0);
}

static const char *status(void *arg, const struct sandbox *sb, const json_t *rec)
{
	const struct sim *m = arg;
	return sb->now_ms < started_ms(rec) + m->s->boot_ms ? "PENDING" : "RUNNING";
}

/* How long a node lives when nodes are taken back so often an hour: each node has its own luck, the same at every look.
 */
static int64_t lifetime_ms(const struct sim *m, const json_t *rec, size_t rule, int64_t rate_micro)
{
	if (rate_micro <= 0)
		return INT64_MAX;
	uint64_t h = sandbox_hash(
	    json_str(rec, "id", ""), sandbox_hash(json_str(rec, "boot_id", ""), 7 + rule + (uint64_t)m->s->seed));
	double u = ((double)(h >> 11) + 1) / 9007199254740993.0; /* (0, 1] */
	double hours = -log(u) * 1e6 / (double)rate_micro;
	return hours < 1e6 ? (int64_t)(hours * 3600 * 1000) : INT64_MAX;
}

/* When a rule takes a node back; INT64_MAX: never. */
static int64_t rule_takes_at(const struct sim *m, const json_t *rec, size_t i)
{
	const struct sim_reclaim *r = &m->s->reclaims[i];
	int64_t started = started_ms(rec);
	if (r->after_ms >= 0)
		return started + r->after_ms;
	if (r->at_ms >= 0)
		return started <= m->epoch_ms + r->at_ms ? m->epoch_ms + r->at_ms : INT64_MAX;
	int64_t life = lifetime_ms(m, rec, i, r->rate_micro);
	return life == INT64_MAX ? life : started + life;
}

static bool taken_back(const struct sim *m, const json_t *rec, int64_t now_ms)
{
	if (!sandbox_state_is(rec, "RUNNING") || !json_bool(rec, "use_spot", false))
		return false;
	for (size_t i = 0; i < m->s->n_reclaims; i++)
		if (scenario_matches(&m->s->reclaims[i].match, rec) && rule_takes_at(m, rec, i) <= now_ms)
			return true;
	return false;
}

static int progress(void *arg, struct sandbox *sb, struct err *err)
{
	const struct sim *m = arg;
	size_t i;
	json_t *rec;
	json_array_foreach(
	    sb->nodes, i, rec) if (taken_back(m, rec, sb->now_ms) &&
				   sandbox_end(sb, rec, "PREEMPTED", 0, "taken back by the cloud", err)) return -1;
	return 0;
}

static int64_t end_ms(void *arg, enum provider_verb verb)
{
	const struct sim *m = arg;
	return verb == PROVIDER_STOP ? m->s->stop_ms : m->s->terminate_ms;
}

static const struct machine_cloud cloud = {
    .name = "sim",
    .grace_ms = GRACE_MS,
    .forgetful = true,
    .admit = admit,
    .equip = equip,
    .progress = progress,
    .status = status,
    .end_ms = end_ms,
};

/* --- one call
 * -------------------------------------------------------------------------------------------------------*/

static json_t *work(struct sim *m, struct err *err)
{
	if (m->r->verb == PROVIDER_CHECK)
		return check();
	if (m->r->verb == PROVIDER_OFFERS)
		return offers(m, err);
	return machines_serve(&cloud, m, m->r, err);
}

static json_t *serve(struct sim *m, struct err *err)
{
	if (faults_count(m->s, m->r, &m->fault, &m->epoch_ms, err))
		return NULL;
	m->age_ms = m->r->now_ms - m->epoch_ms;
	int64_t latency = m->s->latency_ms[m->r->verb];
	if (latency)
		nanosleep(&(struct timespec){.tv_sec = latency / 1000, .tv_nsec = latency % 1000 * 1000000}, NULL);
	const struct sim_failure *f = m->fault;
	bool inside = f && f->after_nodes >= 0, at_start = f && !inside && !f->lost_reply;
	if (at_start && faults_strike(f, m->r->verb, err))
		return NULL;
	json_t *reply = work(m, err);
	if (reply && f && !inside && f->lost_reply && faults_strike(f, m->r->verb, err)) {
		json_decref(reply);
		reply = NULL;
	}
	return reply;
}

/* A scenario that cannot be read stops what would make something, and never what looks after machines or ends them. */
static bool needs_scenario(enum provider_verb v)
{
	return v != PROVIDER_QUERY && v != PROVIDER_STOP && v != PROVIDER_TERMINATE;
}

static json_t *sim_cloud_side(const json_t *request, struct err *err)
{
	static const struct scenario quiet = {.quota_nodes = -1, .quota_gpus = -1}; /* nothing goes wrong, and all at once */
	struct request r;
	if (request_parse(request, &r, err))
		return NULL;
	struct scenario *s = scenario_load(r.config, err);
	struct sim m = {.r = &r, .s = s ? s : &quiet};
	json_t *reply = s || !needs_scenario(r.verb) ? serve(&m, err) : NULL;
	scenario_free(s);
	return reply;
}

static enum provider_step sim_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	return cloudside_step(provider_sim.name, c, reply, err);
}

const struct provider provider_sim = {
    .name = "sim",
    .title = "Simulated cloud",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_SPOT | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS | PROVIDER_CAN_SPOT_CAP,
    .credentials = "none needed; nothing of it is real but the jobs",
    .needs_flag = true,
    .simulated = true,
    .step = sim_step,
    .cloud_side = sim_cloud_side,
};
