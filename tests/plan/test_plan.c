/* The optimizer against an evaluator written the slow and obvious way, over random markets, requests and blocks: the
 * same offers must be candidates, in an order that is right, and the choice must be the best there is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/plan/optimize.h"
#include "core/plan/transfer.h"
#include "tests/plan/world.h"

/* --- the slow evaluator --------------------------------------------------------------------------------------------*/

struct question {
	const struct world *w;
	const struct task *t;
	const char *const *enabled;
	size_t n_enabled;
	const struct block *blocks;
	size_t n_blocks;
	int64_t now_ms;
};

static int enabled_at(const struct question *q, const char *cloud)
{
	for (size_t i = 0; i < q->n_enabled; i++)
		if (!strcmp(q->enabled[i], cloud))
			return (int)i;
	return -1;
}

/* Of the clouds in the test's market. */
static bool cloud_can(const char *cloud, const struct task *t, const struct resources *r)
{
	bool spot = strcmp(cloud, "lambda") && strcmp(cloud, "local"), several = strcmp(cloud, "vast") != 0;
	bool ultra =
	    strcmp(cloud, "azure") && strcmp(cloud, "lambda") && strcmp(cloud, "vast") && strcmp(cloud, "local");
	bool tier = strcmp(cloud, "lambda") && strcmp(cloud, "vast") && strcmp(cloud, "local");
	if (r->use_spot && !spot)
		return false;
	if (t->num_nodes > 1 && !several)
		return false;
	if (r->disk_tier == DISK_TIER_ULTRA)
		return ultra;
	return r->disk_tier == DISK_TIER_UNSET || r->disk_tier == DISK_TIER_BEST || tier;
}

static bool in_amount(double has, const struct amount *a)
{
	double wanted = (double)a->micro / 1e6;
	return !a->set || (a->at_least ? has >= wanted : has == wanted);
}

/* 0: no. 1: yes. 2: only if nothing else is there. */
static int type_fits(const struct world_type *x, const struct resources *r)
{
	double per_vcpu = (double)x->mem_gib / x->vcpus, vcpus = x->vcpus, mem = x->mem_gib;
	bool big = !strcmp(x->provider, "aws") || !strcmp(x->provider, "gcp") || !strcmp(x->provider, "azure");
	if (r->instance_type && strcmp(r->instance_type, x->name))
		return 0;
	if (!in_amount(vcpus, &r->cpus))
		return 0;
	if (r->memory.set && r->memory.per_vcpu && per_vcpu < (double)r->memory.micro / 1e6)
		return 0;
	if (!(r->memory.set && r->memory.per_vcpu) && !in_amount(mem, &r->memory))
		return 0;
	if (r->accelerator) {
		if (!x->accelerator || strcasecmp(x->accelerator, r->accelerator) ||
		    x->count * M != r->accel_count_micro)
			return 0;
		if (str_starts(x->name, "n1-") && !r->instance_type) { /* T4: 4 vCPUs and 16 GiB at least */
			double least = r->cpus.set ? (double)r->cpus.micro / 1e6 : 4;
			if (!r->cpus.set && vcpus < 4)
				return 0;
			if (!r->memory.set && mem < 4 * least)
				return 0;
		}
		return 1;
	}
	if (r->instance_type)
		return 1;
	if (!x->general)
		return 0;
	if (big && !r->memory.set && per_vcpu < 4)
		return 0;
	if (big && !r->memory.set && !r->cpus.set && vcpus < 8)
		return 0;
	if (!strcmp(x->provider, "lambda") && !r->memory.set && (per_vcpu < 4 || (!r->cpus.set && vcpus < 30)))
		return 0;
	return x->accelerator ? 2 : 1;
}

static bool blocked(const struct question *q, const struct offer *o, bool spot)
{
	const struct offer_type *t = &q->w->types[o->type];
	const struct offer_place *p = &world_places[o->place];
	for (size_t i = 0; i < q->n_blocks; i++) {
		const struct block *b = &q->blocks[i];
		if ((!b->expiry_at_ms || b->expiry_at_ms > q->now_ms) &&
		    (!b->provider || !strcmp(b->provider, t->provider)) &&
		    (!b->instance_type || !strcmp(b->instance_type, t->instance_type)) &&
		    (!b->region || !strcmp(b->region, p->region)) && (!b->zone || !strcmp(b->zone, p->zone)) &&
		    (!b->accelerator || (t->accelerator && !strcmp(b->accelerator, t->accelerator))) &&
		    (b->use_spot < 0 || b->use_spot == (int)spot))
			return true;
	}
	return false;
}

struct fit_row {
	const struct offer *o;
	size_t alternative;
	int tier;
	int64_t total;
	bool blocked;
};

static size_t slow_rows(const struct question *q, struct fit_row *out)
{
	size_t n = 0;
	for (size_t a = 0; a < q->t->n_resources; a++) {
		const struct resources *r = &q->t->resources[a];
		for (size_t i = 0; i < q->w->offers.n_rows; i++) {
			const struct offer *o = &q->w->rows[i];
			const struct world_type *x = &world_types[o->type];
			const struct offer_place *p = &world_places[o->place];
			int64_t price = r->use_spot ? o->spot_uusd_h : o->price_uusd_h;
			int fits = type_fits(x, r);
			if (!fits || enabled_at(q, x->provider) < 0 || !cloud_can(x->provider, q->t, r) ||
			    price == PRICE_UNKNOWN || (r->cloud && strcmp(r->cloud, x->provider)) ||
			    (r->region && strcmp(r->region, p->region)) || (r->zone && strcmp(r->zone, p->zone)) ||
			    (r->max_hourly_uusd != PRICE_UNKNOWN && price > r->max_hourly_uusd))
				continue;
			int tier = (o->available == AVAILABLE_NO) + 2 * (fits == 2) +
				   4 * (!strcmp(x->provider, "local") && !r->cloud);
			out[n++] = (struct fit_row){o, a, tier, price * q->t->num_nodes, blocked(q, o, r->use_spot)};
		}
	}
	return n;
}

/* Take out rows with this bit if there is a row without. */
static size_t drop_tier(struct fit_row *v, size_t n, int bit)
{
	bool other = false;
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		other = other || !(v[i].tier & bit);
	for (size_t i = 0; i < n; i++)
		if (!other || !(v[i].tier & bit))
			v[k++] = v[i];
	return k;
}

static bool zone_matters(const struct fit_row *f, const struct resources *r)
{
	const char *provider = world_places[f->o->place].provider;
	return r->zone || !strcmp(provider, "gcp") || !strcmp(provider, "nocloud") ||
	       (!strcmp(provider, "aws") && r->use_spot);
}

/* Of rows that differ in the zone alone, where it does not matter, the best stands for all. */
static size_t fold_zones(const struct question *q, struct fit_row *v, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;
		bool same = false;
		for (; j < k && !same; j += !same)
			same = v[j].o->type == v[i].o->type && v[j].alternative == v[i].alternative &&
			       !strcmp(world_places[v[j].o->place].region, world_places[v[i].o->place].region) &&
			       !zone_matters(&v[i], &q->t->resources[v[i].alternative]);
		if (!same)
			v[k++] = v[i];
		else if (v[i].tier < v[j].tier || (v[i].tier == v[j].tier && v[i].total < v[j].total))
			v[j] = v[i];
	}
	return k;
}

static size_t slow_candidates(const struct question *q, struct fit_row *v)
{
	size_t n = slow_rows(q, v), k = 0;
	n = drop_tier(v, n, 2);
	n = drop_tier(v, n, 4);
	for (size_t i = 0; i < n; i++)
		if (!v[i].blocked)
			v[k++] = v[i];
	return fold_zones(q, v, k);
}

/* --- random questions ----------------------------------------------------------------------------------------------*/

static struct amount random_amount(struct dice *d, const int *values, uint32_t n, bool memory)
{
	if (dice_roll(d, 3))
		return (struct amount){0};
	struct amount a = {
	    .set = true, .at_least = dice_roll(d, 3) != 0, .micro = values[dice_roll(d, n)] * M, .text = "some"};
	if (memory && !dice_roll(d, 4)) {
		a.per_vcpu = true;
		a.micro = (1 + dice_roll(d, 8)) * M;
	}
	return a;
}

static struct resources random_resources(struct dice *d)
{
	static const int cpus[] = {2, 4, 8, 12, 16, 30, 64}, mems[] = {8, 16, 32, 64, 128, 512};
	static const char *const accelerators[] = {"T4", "a100", "A10", "H100"};
	struct resources r = resources_any();
	r.cpus = random_amount(d, cpus, ARRAY_LEN(cpus), false);
	r.memory = random_amount(d, mems, ARRAY_LEN(mems), true);
	if (dice_roll(d, 2)) {
		uint32_t a = dice_roll(d, 12);
		r.accelerator = accelerators[a < 5 ? 0 : a < 9 ? 1 : a < 11 ? 2 : 3];
		r.accel_count_micro = (r.accelerator[0] == 'a' ? 8 : 1) * M;
	}
	r.use_spot = !dice_roll(d, 4);
	if (!dice_roll(d, 6))
		r.max_hourly_uusd = (1 + dice_roll(d, 8)) * M / 4;
	if (!dice_roll(d, 5)) {
		const struct offer_place *p = &world_places[dice_roll(d, WORLD_PLACES)];
		r.cloud = p->provider;
		r.region = dice_roll(d, 2) && *p->region ? p->region : NULL;
		r.zone = r.region && *p->zone && dice_roll(d, 2) ? p->zone : NULL;
	}
	if (r.cloud && !dice_roll(d, 6))
		r.instance_type = world_types[dice_roll(d, WORLD_TYPES)].name;
	if (!dice_roll(d, 8))
		r.disk_tier = 1 + (enum disk_tier)dice_roll(d, 5);
	return r;
}

static struct block random_block(struct dice *d)
{
	const struct world_type *x = &world_types[dice_roll(d, WORLD_TYPES)];
	const struct offer_place *p = &world_places[dice_roll(d, WORLD_PLACES)];
	return (struct block){dice_roll(d, 3) ? p->provider : NULL, dice_roll(d, 2) ? x->name : NULL,
	    dice_roll(d, 3) ? p->region : NULL, dice_roll(d, 3) ? NULL : p->zone, dice_roll(d, 5) ? NULL : "T4",
	    (int)dice_roll(d, 3) - 1, dice_roll(d, 3) ? 0 : (int64_t)dice_roll(d, 200)};
}

static int64_t major_of(const struct candidate *c, bool ordered)
{
	return (ordered ? (int64_t)c->alternative * 256 : 0) + c->tier;
}

static void check_sorted(const struct task *t, const struct candidates *c)
{
	for (size_t i = 1; i < c->n; i++) {
		int64_t a = major_of(&c->v[i - 1], t->ordered), b = major_of(&c->v[i], t->ordered);
		assert_true(a < b || (a == b && c->v[i - 1].total_uusd_h <= c->v[i].total_uusd_h));
	}
}

/* Every candidate is one of the slow ones, and there are as many. */
static void check_same(const struct question *q, const struct candidates *c, const struct fit_row *v, size_t n)
{
	assert_int_equal(c->n, n);
	for (size_t i = 0; i < n; i++) {
		const struct candidate *x = &c->v[i];
		size_t k = 0;
		while (k < n && !(v[k].alternative == x->alternative && v[k].o->type == x->offer->type &&
				    v[k].total == x->total_uusd_h && v[k].tier == x->tier &&
				    !strcmp(world_places[v[k].o->place].region, x->place->region) &&
				    (x->any_zone || v[k].o->place == x->offer->place ||
					!zone_matters(&v[k], &q->t->resources[v[k].alternative]))))
			k++;
		assert_true(k < n);
		/* A zone left to the cloud is one where nothing of the region is blocked. */
		for (size_t b = 0; x->any_zone && b < q->w->offers.n_rows; b++)
			if (q->w->rows[b].type == x->offer->type &&
			    !strcmp(world_places[q->w->rows[b].place].region, x->place->region))
				assert_false(
				    blocked(q, &q->w->rows[b], x->use_spot) &&
				    (x->use_spot ? q->w->rows[b].spot_uusd_h : q->w->rows[b].price_uusd_h) !=
					PRICE_UNKNOWN &&
				    (x->asked->max_hourly_uusd == PRICE_UNKNOWN ||
					(x->use_spot ? q->w->rows[b].spot_uusd_h : q->w->rows[b].price_uusd_h) <=
					    x->asked->max_hourly_uusd));
	}
}

static void ask_one(struct dice *d, size_t *planned, size_t *refused)
{
	static const char *const all[] = {"gcp", "aws", "azure", "lambda", "vast", "local", "nocloud"};
	static struct world w;
	static struct fit_row v[4 * WORLD_TYPES * WORLD_PLACES];
	const char *enabled[ARRAY_LEN(all)];
	struct resources r[3];
	struct block blocks[12];
	struct task t = {.num_nodes = dice_roll(d, 4) ? 1 : 3,
	    .resources = r,
	    .n_resources = 1 + dice_roll(d, 3),
	    .ordered = dice_roll(d, 2)};
	struct question q = {.w = &w,
	    .t = &t,
	    .enabled = enabled,
	    .blocks = blocks,
	    .n_blocks = dice_roll(d, 2) ? dice_roll(d, ARRAY_LEN(blocks)) : 0,
	    .now_ms = 100};
	world_make(&w, d);
	for (size_t i = 0; i < t.n_resources; i++)
		r[i] = random_resources(d);
	for (size_t i = 0; i < q.n_blocks; i++)
		blocks[i] = random_block(d);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (dice_roll(d, 4))
			enabled[q.n_enabled++] = all[i];
	const struct offers *tables[] = {&w.offers};
	struct dag dag = {.tasks = &t, .n_tasks = 1};
	struct plan_request request = {.dag = &dag,
	    .tables = tables,
	    .n_tables = 1,
	    .enabled = enabled,
	    .n_enabled = q.n_enabled,
	    .blocks = blocks,
	    .n_blocks = q.n_blocks,
	    .cap_uusd_h = PRICE_UNKNOWN,
	    .now_ms = q.now_ms};
	struct plan *p = NULL;
	struct plan_failure f;
	struct err err = {0};
	size_t n = slow_candidates(&q, v);
	int rc = plan_make(&request, &p, &f, &err);
	if (rc) {
		if (n)
			fail_msg("refused, though there are %zu: %s", n, err.text);
		assert_true(err.code == ERR_NO_RESOURCE || err.code == ERR_CAPACITY || err.code == ERR_BUDGET ||
			    (!q.n_enabled && err.code == ERR_CREDENTIALS));
		assert_true(err.text[0]);
		plan_failure_free(&f);
		++*refused;
		return;
	}
	check_same(&q, &p->tasks[0].all, v, n);
	check_sorted(&t, &p->tasks[0].all);
	assert_int_equal(p->tasks[0].chosen, 0);
	assert_int_equal(p->rate_uusd_h, plan_chosen(p, 0)->total_uusd_h);
	plan_destroy(p);
	++*planned;
}

static void test_against_slow(void **state)
{
	(void)state;
	size_t planned = 0, refused = 0;
	for (uint64_t seed = 1; seed <= 6000; seed++) {
		struct dice d = {seed * UINT64_C(0x9e3779b97f4a7c15)};
		ask_one(&d, &planned, &refused);
	}
	/* Both happen often enough to mean something. */
	assert_true(planned > 1500 && refused > 500);
}

/* --- failover ------------------------------------------------------------------------------------------------------*/

static struct block block_of(const struct candidate *c)
{
	return (struct block){c->type->provider, c->type->instance_type, c->place->region,
	    c->any_zone ? NULL : c->place->zone, NULL, c->use_spot, 0};
}

static bool same_offer(const struct candidate *a, const struct candidate *b)
{
	return a->type == b->type && a->region == b->region && a->use_spot == b->use_spot &&
	       (a->any_zone || a->place == b->place);
}

/* Each place fails for lack of capacity, and is blocked: planning again goes down the first plan's list, place by
 * place, to the last one, and then says that all have failed. */
static void test_failover(void **state)
{
	static const char *const enabled[] = {"aws", "gcp", "azure", "lambda", "vast"};
	static struct world w;
	static struct block blocks[WORLD_TYPES * WORLD_PLACES + 1];
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct dice d = {seed * UINT64_C(0x9e3779b97f4a7c15)};
		struct resources r[2] = {resources_any(), resources_any()};
		struct task t = {.num_nodes = 1, .resources = r, .n_resources = 2, .ordered = dice_roll(&d, 2)};
		struct dag dag = {.tasks = &t, .n_tasks = 1};
		world_make(&w, &d);
		r[0].accelerator = "T4";
		r[0].accel_count_micro = M;
		r[0].use_spot = dice_roll(&d, 2);
		r[1].accelerator = "A100";
		r[1].accel_count_micro = 8 * M;
		r[1].use_spot = dice_roll(&d, 2);
		const struct offers *tables[] = {&w.offers};
		struct plan_request q = {.dag = &dag,
		    .tables = tables,
		    .n_tables = 1,
		    .enabled = enabled,
		    .n_enabled = ARRAY_LEN(enabled),
		    .blocks = blocks,
		    .cap_uusd_h = PRICE_UNKNOWN,
		    .now_ms = 1};
		struct plan *first, *p;
		struct err err;
		if (plan_make(&q, &first, NULL, &err))
			continue;
		const struct candidates *list = &first->tasks[0].all;
		for (size_t i = 0; i < list->n; i++) {
			assert_int_equal(plan_make(&q, &p, NULL, &err), 0);
			assert_true(same_offer(plan_chosen(p, 0), &list->v[i]));
			assert_int_equal(p->tasks[0].all.n, list->n - i);
			blocks[q.n_blocks++] = block_of(plan_chosen(p, 0));
			plan_destroy(p);
		}
		assert_int_equal(plan_make(&q, &p, NULL, &err), -1);
		assert_int_equal(err.code, ERR_CAPACITY);
		plan_destroy(first);
	}
}

/* --- chains and groups ---------------------------------------------------------------------------------------------*/

enum { CHAIN = 4 };

struct chain {
	struct world w;
	struct task t[CHAIN];
	struct resources r[CHAIN][2];
	struct dag dag;
	struct egress_price egress[64];
	struct egress_table table;
};

static int cmp_egress(const void *a, const void *b)
{
	const struct egress_price *x = a, *y = b;
	int d = strcmp(x->cloud, y->cloud);
	if (!d)
		d = strcmp(x->src_region, y->src_region);
	return d ? d : strcmp(x->dst, y->dst);
}

static void random_egress(struct chain *c, struct dice *d)
{
	size_t n = 0;
	for (size_t i = 0; i < 12; i++) {
		const struct offer_place *p = &world_places[dice_roll(d, 8)], *to = &world_places[dice_roll(d, 8)];
		bool known = false;
		const char *dst = strcmp(p->provider, to->provider) ? "internet" : to->region;
		for (size_t k = 0; k < n; k++)
			known =
			    known || (!strcmp(c->egress[k].cloud, p->provider) &&
					 !strcmp(c->egress[k].src_region, p->region) && !strcmp(c->egress[k].dst, dst));
		if (!known)
			c->egress[n++] = (struct egress_price){
			    p->provider, p->region, dst, 0, -1, dice_roll(d, 200) * 1000, "test", 0};
	}
	qsort(c->egress, n, sizeof *c->egress, cmp_egress);
	c->table = (struct egress_table){c->egress, n};
}

static void random_chain(struct chain *c, struct dice *d, bool parallel)
{
	static const char *const uris[] = {
	    NULL, "s3://b/x", "gs://b", "https://acct.blob.core.windows.net/c", "hf://m"};
	memset(c, 0, sizeof *c);
	world_make(&c->w, d);
	for (size_t i = 0; i < c->w.offers.n_rows; i++)
		c->w.rows[i].available = AVAILABLE_UNKNOWN; /* tiers are tested above */
	c->dag = (struct dag){.tasks = c->t, .n_tasks = 1 + dice_roll(d, CHAIN), .parallel = parallel};
	for (size_t i = 0; i < c->dag.n_tasks; i++) {
		for (size_t k = 0; k < 2; k++) {
			c->r[i][k] = resources_any();
			if (dice_roll(d, 2)) {
				c->r[i][k].accelerator = dice_roll(d, 2) ? "T4" : "A100";
				c->r[i][k].accel_count_micro = (c->r[i][k].accelerator[0] == 'A' ? 8 : 1) * M;
			}
			c->r[i][k].use_spot = !dice_roll(d, 3);
		}
		c->t[i] = (struct task){.num_nodes = 1,
		    .resources = c->r[i],
		    .n_resources = 1 + dice_roll(d, 2),
		    .input_uri = i ? NULL : uris[dice_roll(d, ARRAY_LEN(uris))],
		    .input_gb_micro = dice_roll(d, 40) * M,
		    .output_gb_micro = dice_roll(d, 3) ? dice_roll(d, 60) * M : 0};
	}
	random_egress(c, d);
}

struct best {
	int64_t first, second;
};

/* Every combination of candidates. */
static void try_all(const struct plan *p, const struct chain *c, enum plan_goal goal, size_t i,
    const struct candidate *before, int64_t cost, int64_t time_ms, struct best *best)
{
	if (i == p->n_tasks) {
		int64_t a = goal == PLAN_TIME ? time_ms : cost, b = goal == PLAN_TIME ? cost : time_ms;
		if (a < best->first || (a == best->first && b < best->second))
			*best = (struct best){a, b};
		return;
	}
	for (size_t k = 0; k < p->tasks[i].all.n; k++) {
		const struct candidate *x = &p->tasks[i].all.v[k];
		struct transfer_place from = {transfer_cloud_of_uri(c->t[0].input_uri), NULL},
				      to = {x->type->provider, x->place->region};
		if (before)
			from = (struct transfer_place){before->type->provider, before->place->region};
		int64_t gb = i ? c->t[i - 1].output_gb_micro : c->t[0].input_gb_micro;
		try_all(p, c, goal, i + 1, x, cost + x->total_uusd_h + transfer_cost_uusd(&c->table, &from, &to, gb),
		    time_ms + transfer_time_ms(&from, &to, gb), best);
	}
}

static void test_chains(void **state)
{
	static const char *const enabled[] = {"aws", "gcp", "azure", "vast"};
	static struct chain c;
	size_t moved = 0, solved = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct dice d = {seed * UINT64_C(0x9e3779b97f4a7c15)};
		enum plan_goal goal = seed % 3 ? PLAN_COST : PLAN_TIME;
		random_chain(&c, &d, false);
		const struct offers *tables[] = {&c.w.offers};
		struct plan_request request = {.dag = &c.dag,
		    .tables = tables,
		    .n_tables = 1,
		    .enabled = enabled,
		    .n_enabled = ARRAY_LEN(enabled),
		    .egress = seed % 5 ? &c.table : NULL,
		    .cap_uusd_h = PRICE_UNKNOWN,
		    .goal = goal};
		struct plan *p;
		struct err err;
		if (!(seed % 5))
			c.table.n = 0;
		if (plan_make(&request, &p, NULL, &err))
			continue;
		struct best best = {INT64_MAX, INT64_MAX};
		int64_t time_ms = 0, most = 0;
		for (size_t i = 0; i < p->n_tasks; i++)
			while (p->tasks[i].all.n > 14) /* only for the enumeration's sake: these are the dearest */
				p->tasks[i].all.n--;
		bool cut = false;
		for (size_t i = 0; i < p->n_tasks; i++)
			cut = cut || p->tasks[i].chosen >= p->tasks[i].all.n;
		if (!cut) {
			try_all(p, &c, goal, 0, NULL, 0, 0, &best);
			for (size_t i = 0; i < p->n_transfers; i++)
				time_ms += p->transfers[i].time_ms;
			assert_true((goal == PLAN_TIME ? time_ms : p->cost_uusd) <= best.first);
			assert_true((goal == PLAN_TIME ? time_ms : p->cost_uusd) == best.first);
			assert_true((goal == PLAN_TIME ? p->cost_uusd : time_ms) <= best.second || goal == PLAN_COST);
			solved++;
		}
		for (size_t i = 0; i < p->n_tasks; i++) {
			moved += p->tasks[i].chosen != 0;
			most = plan_chosen(p, i)->total_uusd_h > most ? plan_chosen(p, i)->total_uusd_h : most;
		}
		assert_int_equal(p->rate_uusd_h, most);
		plan_destroy(p);
	}
	assert_true(solved > 150 && moved > 30);
}

static void test_groups(void **state)
{
	static const char *const enabled[] = {"aws", "gcp", "azure", "vast"};
	static struct chain c;
	size_t together = 0, apart = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct dice d = {seed * UINT64_C(0x9e3779b97f4a7c15)};
		random_chain(&c, &d, true);
		const struct offers *tables[] = {&c.w.offers};
		struct plan_request request = {.dag = &c.dag,
		    .tables = tables,
		    .n_tables = 1,
		    .enabled = enabled,
		    .n_enabled = ARRAY_LEN(enabled),
		    .cap_uusd_h = PRICE_UNKNOWN};
		struct plan *p;
		struct err err;
		if (plan_make(&request, &p, NULL, &err))
			continue;
		int64_t best = INT64_MAX, separate = 0;
		for (size_t place = 0; place < WORLD_PLACES; place++) {
			int64_t sum = 0;
			for (size_t i = 0; i < p->n_tasks && sum < INT64_MAX; i++) {
				int64_t least = INT64_MAX;
				for (size_t k = 0; k < p->tasks[i].all.n; k++) {
					const struct candidate *x = &p->tasks[i].all.v[k];
					if (!strcmp(x->type->provider, world_places[place].provider) &&
					    !strcmp(x->place->region, world_places[place].region) &&
					    x->total_uusd_h < least)
						least = x->total_uusd_h;
				}
				sum = least == INT64_MAX ? INT64_MAX : sum + least;
			}
			best = sum < best ? sum : best;
		}
		for (size_t i = 0; i < p->n_tasks; i++)
			separate += p->tasks[i].all.v[0].total_uusd_h;
		assert_int_equal(p->rate_uusd_h, best == INT64_MAX ? separate : best);
		for (size_t i = 1; i < p->n_tasks && best != INT64_MAX; i++)
			assert_int_equal(plan_chosen(p, i)->region, plan_chosen(p, 0)->region);
		*(best == INT64_MAX ? &apart : &together) += 1;
		plan_destroy(p);
	}
	assert_true(together > 50 && apart > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_against_slow),
	    cmocka_unit_test(test_failover),
	    cmocka_unit_test(test_chains),
	    cmocka_unit_test(test_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
