/* The optimizer by example: what is chosen, what is refused and with which words, budgets, blocks, egress, JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "core/plan/bid.h"
#include "core/plan/machine.h"
#include "core/plan/optimize.h"
#include "core/plan/transfer.h"
#include "tests/plan/world.h"

#define GIB 1024
#define NO PRICE_UNKNOWN

static const struct offer_type types[] = {
    {"aws", "p5.48xlarge", "H100", NULL, 8 * M, 81920, 192 * M, 2048 * GIB},	     /* 0 */
    {"aws", "m6i.2xlarge", NULL, NULL, 0, -1, 8 * M, 32 * GIB},			     /* 1 */
    {"aws", "m6id.2xlarge", NULL, NULL, 0, -1, 8 * M, 32 * GIB},		     /* 2 */
    {"gcp", "a3-highgpu-8g", "H100", NULL, 8 * M, 81920, 208 * M, 1872 * GIB},	     /* 3 */
    {"gcp", "n2-standard-8", NULL, NULL, 0, -1, 8 * M, 32 * GIB},		     /* 4 */
    {"lambda", "gpu_8x_h100_sxm5", "H100", NULL, 8 * M, 81920, 208 * M, 1800 * GIB}, /* 5 */
    {"lambda", "gpu_1x_h100_pcie", "H100", NULL, 1 * M, 81920, 26 * M, 200 * GIB},   /* 6 */
    {"vast", "8x-A100-80GB", "A100-80GB", NULL, 8 * M, 81920, 64 * M, 512 * GIB},    /* 7 */
    {"vast", "1x-T4", "T4", NULL, 1 * M, 16384, 16 * M, 64 * GIB},		     /* 8 */
    {"azure", "Standard_D8s_v5", NULL, NULL, 0, -1, 8 * M, 32 * GIB},		     /* 9 */
    {"aws", "p4d.24xlarge", "A100", NULL, 8 * M, 40960, 96 * M, 1152 * GIB},	     /* 10 */
};
static const struct offer_place places[] = {
    {"aws", "us-east-1", "us-east-1a"}, {"aws", "us-east-1", "us-east-1b"},
    {"aws", "eu-west-1", "eu-west-1a"},								       /* 0 1 2 */
    {"gcp", "us-central1", "us-central1-a"}, {"lambda", "us-east-1", ""}, {"lambda", "us-west-1", ""}, /* 3 4 5 */
    {"vast", "US", ""}, {"azure", "eastus", ""}, {"aws", "eu-west-1", "eu-west-1b"},		       /* 6 7 8 */
};
static const struct offer_source sources[] = {
    {.name = "price list", .as_of_ms = 1750000000000, .as_of_known = true, .spot_estimated = true}, {.name = "market"}};
static const struct offer rows[] = {
    {55040000, 17000000, 0, 0, 0, AVAILABLE_UNKNOWN, 5, 1},
    {55040000, 15000000, 0, 1, 0, AVAILABLE_UNKNOWN, 5, 2},
    {60000000, 14000000, 0, 2, 0, AVAILABLE_UNKNOWN, 5, 3},
    {384000, 150000, 1, 0, 0, AVAILABLE_UNKNOWN, 5, 4},
    {384000, 140000, 1, 1, 0, AVAILABLE_UNKNOWN, 5, 5},
    {428000, 160000, 1, 2, 0, AVAILABLE_UNKNOWN, 5, 6},
    {474600, NO, 2, 0, 0, AVAILABLE_UNKNOWN, 5, 7},
    {88448200, 32107470, 3, 3, 0, AVAILABLE_UNKNOWN, 5, 8},
    {388500, NO, 4, 3, 0, AVAILABLE_UNKNOWN, 5, 9},
    {23920000, NO, 5, 4, 1, AVAILABLE_NO, 255, 10},
    {24920000, NO, 5, 5, 1, AVAILABLE_YES, 255, 11},
    {2490000, NO, 6, 4, 1, AVAILABLE_YES, 255, 12},
    {7414200, 3467800, 7, 6, 1, AVAILABLE_YES, 255, 13},
    {97700, 58600, 8, 6, 1, AVAILABLE_YES, 255, 14},
    {384000, 38530, 9, 7, 0, AVAILABLE_UNKNOWN, 255, 15},
    {21957642, NO, 10, 0, 0, AVAILABLE_UNKNOWN, 255, 16},
};
static const struct offers table = {
    rows, ARRAY_LEN(rows), types, ARRAY_LEN(types), places, ARRAY_LEN(places), sources, ARRAY_LEN(sources)};

static const char *const three[] = {"aws", "gcp", "lambda"};
static const char *const all[] = {"aws", "gcp", "azure", "lambda", "vast"};

struct ask {
	struct resources r[3];
	struct task t;
	struct dag dag;
	const struct offers *tables[2];
	struct plan_request q;
	struct plan *plan;
	struct plan_failure failure;
	struct err err;
};

static void ask_init(struct ask *a)
{
	memset(a, 0, sizeof *a);
	for (size_t i = 0; i < ARRAY_LEN(a->r); i++)
		a->r[i] = resources_any();
	a->t = (struct task){.name = "train", .num_nodes = 1, .resources = a->r, .n_resources = 1};
	a->dag = (struct dag){.tasks = &a->t, .n_tasks = 1};
	a->tables[0] = &table;
	a->q = (struct plan_request){.dag = &a->dag,
	    .tables = a->tables,
	    .n_tables = 1,
	    .enabled = all,
	    .n_enabled = ARRAY_LEN(all),
	    .cap_uusd_h = NO,
	    .now_ms = 1000};
}

static void gpus(struct resources *r, const char *name, int n)
{
	r->accelerator = name;
	r->accel_count_micro = n * M;
}

/* Plan, and let go of what an earlier question left. */
static int plan(struct ask *a)
{
	plan_destroy(a->plan);
	plan_failure_free(&a->failure);
	a->plan = NULL;
	a->err = (struct err){0};
	return plan_make(&a->q, &a->plan, &a->failure, &a->err);
}

static void done(struct ask *a)
{
	plan_destroy(a->plan);
	plan_failure_free(&a->failure);
}

static void wants(struct ask *a, const char *provider, const char *type, const char *region, int64_t price)
{
	if (plan(a))
		fail_msg("refused: %s", a->err.text);
	const struct candidate *c = plan_chosen(a->plan, 0);
	assert_string_equal(c->type->provider, provider);
	assert_string_equal(c->type->instance_type, type);
	assert_string_equal(c->place->region, region);
	assert_int_equal(c->price_uusd_h, price);
}

static void refused(struct ask *a, enum err_code code, const char *words)
{
	if (!plan(a))
		fail_msg("planned, instead of: %s", words);
	if (a->err.code != code || !strstr(a->err.text, words))
		fail_msg("%s, %s: lacks: %s", err_info(a->err.code)->name, a->err.text, words);
}

static void lines_say(const struct ask *a, const char *words)
{
	if (!strstr(a->failure.text, words) && !strstr(a->err.text, words))
		fail_msg("%s: lacks: %s", a->failure.text, words);
}

/* --- choices -------------------------------------------------------------------------------------------------------*/

static void test_choices(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	gpus(&a.r[0], "h100", 8);
	/* What the cloud says is sold out comes last, however cheap. */
	wants(&a, "lambda", "gpu_8x_h100_sxm5", "us-west-1", 24920000);
	const struct candidates *c = &a.plan->tasks[0].all;
	assert_int_equal(c->v[c->n - 1].offer->id, 10);
	/* Zones of a region are one candidate on demand, and one each as spot. */
	assert_int_equal(c->n, 5);
	assert_true(c->v[1].any_zone && !strcmp(c->v[1].place->region, "us-east-1"));
	a.r[0].use_spot = true;
	wants(&a, "aws", "p5.48xlarge", "eu-west-1", 14000000);
	assert_int_equal(a.plan->tasks[0].all.n, 4);
	assert_false(plan_chosen(a.plan, 0)->any_zone);
	/* Several nodes: the total, on clouds that have networks. */
	a.r[0].use_spot = false;
	a.t.num_nodes = 4;
	wants(&a, "lambda", "gpu_8x_h100_sxm5", "us-west-1", 24920000);
	assert_int_equal(a.plan->rate_uusd_h, 4 * INT64_C(24920000));
	a.t.num_nodes = 1;
	/* A zone that was asked for is kept. */
	a.r[0].cloud = "aws";
	a.r[0].region = "us-east-1";
	a.r[0].zone = "us-east-1b";
	wants(&a, "aws", "p5.48xlarge", "us-east-1", 55040000);
	assert_false(plan_chosen(a.plan, 0)->any_zone);
	assert_string_equal(plan_chosen(a.plan, 0)->place->zone, "us-east-1b");
	done(&a);
}

static void test_machines(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	/* No accelerators: a machine without, although one with is cheaper. Ties: the cloud enabled first. */
	wants(&a, "aws", "m6i.2xlarge", "us-east-1", 384000);
	a.r[0].local_disk = "nvme:300+";
	wants(&a, "aws", "m6id.2xlarge", "us-east-1", 474600);
	a.r[0].local_disk = "nvme:900+";
	refused(&a, ERR_NO_RESOURCE, "without asking for a local disk there are 5 offers");
	a.r[0].local_disk = NULL;
	/* Nothing else at this cloud. */
	a.q.enabled = &all[4];
	a.q.n_enabled = 1;
	wants(&a, "vast", "1x-T4", "US", 97700);
	assert_string_equal(a.plan->notes[0], "train asks for no accelerators, but no machine without fits");
	/* An instance type says all. */
	a.q.enabled = all;
	a.q.n_enabled = ARRAY_LEN(all);
	a.r[0].instance_type = "p5.48xlarge";
	wants(&a, "aws", "p5.48xlarge", "us-east-1", 55040000);
	gpus(&a.r[0], "T4", 1);
	refused(&a, ERR_NO_RESOURCE, "on any instance type");
	done(&a);
}

static void test_alternatives(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	gpus(&a.r[0], "H100", 8);
	gpus(&a.r[1], "A100-80GB", 8);
	a.t.n_resources = 2;
	wants(&a, "vast", "8x-A100-80GB", "US", 7414200);
	a.t.ordered = true;
	wants(&a, "lambda", "gpu_8x_h100_sxm5", "us-west-1", 24920000);
	/* The second alternative comes after all of the first, sold out or not. */
	const struct candidates *c = &a.plan->tasks[0].all;
	assert_int_equal(c->v[c->n - 1].alternative, 1);
	gpus(&a.r[0], "B200", 8);
	wants(&a, "vast", "8x-A100-80GB", "US", 7414200);
	assert_int_equal(plan_chosen(a.plan, 0)->alternative, 1);
	done(&a);
}

static void test_names(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	gpus(&a.r[0], "nvidia-tesla-t4", 1);
	wants(&a, "vast", "1x-T4", "US", 97700);
	gpus(&a.r[0], "100", 8);
	refused(&a, ERR_INVALID, "accelerator '100' may be any of H100, A100-80GB, A100");
	gpus(&a.r[0], "0-80", 8); /* a part of one name alone */
	wants(&a, "vast", "8x-A100-80GB", "US", 7414200);
	/* A region that two clouds have, of which both are enabled; and a zone, an instance type that one has. */
	gpus(&a.r[0], "H100", 8);
	a.r[0].region = "us-east-1";
	refused(&a, ERR_INVALID, "region 'us-east-1' is one of several enabled clouds (aws, lambda)");
	a.q.n_enabled = 2; /* aws, gcp */
	wants(&a, "aws", "p5.48xlarge", "us-east-1", 55040000);
	a.r[0].region = NULL;
	a.r[0].zone = "us-central1-a";
	wants(&a, "gcp", "a3-highgpu-8g", "us-central1", 88448200);
	a.r[0].zone = NULL;
	a.r[0].image_id = "ami-123";
	refused(&a, ERR_INVALID, "say which, as in infra");
	a.r[0].cloud = "aws";
	refused(&a, ERR_INVALID, "an image of one region");
	a.r[0].region = "eu-west-1";
	wants(&a, "aws", "p5.48xlarge", "eu-west-1", 60000000);
	done(&a);
}

/* --- refusals ------------------------------------------------------------------------------------------------------*/

static void test_refusals(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	gpus(&a.r[0], "A100", 3);
	refused(&a, ERR_NO_RESOURCE, "no offer fits 3x A100, with these clouds enabled: aws, gcp, azure, lambda, vast");
	lines_say(&a, "with more of the accelerator there is 1 offer, the cheapest 8x A100, aws p4d.24xlarge at "
		      "us-east-1, $21.96/h");
	lines_say(&a, "offered here: A100-80GB:8, A100:8");
	assert_string_equal(json_string_value(json_array_get(json_arr(a.failure.detail, "nearest"), 0)), "A100-80GB:8");
	gpus(&a.r[0], "H10O", 8);
	refused(&a, ERR_NO_RESOURCE, "nobody sells H10O; did you mean H100?");
	gpus(&a.r[0], "A100", 8);
	a.r[0].use_spot = true;
	refused(&a, ERR_NO_RESOURCE, "8x A100 [spot]");
	lines_say(&a, "on demand, in place of spot, there is 1 offer");
	a.r[0].use_spot = false;
	a.q.enabled = &all[1]; /* gcp, azure */
	a.q.n_enabled = 2;
	refused(&a, ERR_NO_RESOURCE,
	    "gcp, azure; offers exist at aws $21.96/h, but that cloud is not enabled: skytop check");
	a.r[0].cloud = "aws";
	refused(&a, ERR_NO_RESOURCE, "aws is not enabled: skytop check aws");
	a.r[0].cloud = "runpod";
	refused(&a, ERR_NO_RESOURCE, "no offers of runpod are known");
	a.q.enabled = all;
	a.q.n_enabled = ARRAY_LEN(all);
	a.r[0].cloud = "aws";
	a.r[0].region = "us-esat-1";
	refused(&a, ERR_NO_RESOURCE, "aws has no region us-esat-1; did you mean us-east-1?");
	lines_say(&a, "in any region of the cloud there is 1 offer");
	a.r[0].region = NULL;
	a.r[0].cloud = NULL;
	gpus(&a.r[0], "T4", 1);
	a.t.num_nodes = 2;
	refused(&a, ERR_NO_RESOURCE, "2 nodes of 1x T4");
	lines_say(&a, "on one node there is 1 offer");
	lines_say(&a, "vast does not do this: several nodes");
	a.q.n_enabled = 0;
	refused(&a, ERR_CREDENTIALS, "no cloud is enabled");
	done(&a);
}

static void test_without_failure(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	gpus(&a.r[0], "A100", 3);
	/* Where only the error's text goes on, it has as much as there is room for. */
	assert_int_equal(plan_make(&a.q, &a.plan, NULL, &a.err), -1);
	assert_non_null(strstr(a.err.text, "with more of the accelerator"));
	assert_non_null(strstr(a.err.text, "; offered here: "));
	done(&a);
}

/* --- money ---------------------------------------------------------------------------------------------------------*/

static void test_caps(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	gpus(&a.r[0], "H100", 8);
	a.r[0].max_hourly_uusd = 25 * M;
	wants(&a, "lambda", "gpu_8x_h100_sxm5", "us-west-1", 24920000);
	assert_int_equal(a.plan->tasks[0].all.n, 2);
	a.r[0].max_hourly_uusd = 10 * M;
	refused(&a, ERR_BUDGET, "for at most $10.00/h: the cheapest costs $24.92/h");
	/* Only to look at: what SkyPilot would do, marked. */
	a.q.dry_run = true;
	wants(&a, "gcp", "a3-highgpu-8g", "us-central1", 88448200);
	assert_true(plan_chosen(a.plan, 0)->over_cap);
	a.q.dry_run = false;
	/* The caller's cap is for all nodes, and for what comes after the first candidate too. */
	a.r[0].max_hourly_uusd = NO;
	a.q.cap_uusd_h = 60 * M;
	wants(&a, "lambda", "gpu_8x_h100_sxm5", "us-west-1", 24920000);
	for (size_t i = 0; i < a.plan->tasks[0].all.n; i++)
		assert_true(a.plan->tasks[0].all.v[i].total_uusd_h <= 60 * M);
	a.t.num_nodes = 4;
	refused(&a, ERR_BUDGET,
	    "the cheapest offer, 4 times lambda gpu_8x_h100_sxm5 at us-east-1, costs $95.68/h, $35.68/h over the cap "
	    "of $60.00/h");
	assert_int_equal(json_int(a.failure.detail, "least_uusd_h", 0), 4 * INT64_C(23920000));
	done(&a);
}

static void test_group_cap(void **state)
{
	(void)state;
	struct ask a;
	struct resources r[2] = {resources_any(), resources_any()};
	struct task t[2] = {{.name = "a", .num_nodes = 1, .resources = &r[0], .n_resources = 1},
	    {.name = "b", .num_nodes = 1, .resources = &r[1], .n_resources = 1}};
	ask_init(&a);
	a.dag = (struct dag){.tasks = t, .n_tasks = 2, .parallel = true};
	gpus(&r[0], "H100", 8);
	a.q.enabled = three;
	a.q.n_enabled = ARRAY_LEN(three);
	/* Together at aws us-east-1, though each alone would be elsewhere. */
	assert_int_equal(plan(&a), 0);
	assert_string_equal(plan_chosen(a.plan, 0)->type->provider, "aws");
	assert_string_equal(plan_chosen(a.plan, 1)->type->provider, "aws");
	assert_int_equal(a.plan->n_notes, 1);
	assert_int_equal(a.plan->rate_uusd_h, 55040000 + 384000);
	/* Unless that is too much. */
	a.q.cap_uusd_h = 30 * M;
	assert_int_equal(plan(&a), 0);
	assert_string_equal(plan_chosen(a.plan, 0)->type->provider, "lambda");
	a.q.cap_uusd_h = 25 * M;
	refused(&a, ERR_BUDGET, "the cheapest plan for all tasks together");
	/* One after the other they cost no more than the dearest. */
	a.dag.parallel = false;
	assert_int_equal(plan(&a), 0);
	assert_int_equal(a.plan->rate_uusd_h, 24920000);
	/* Nowhere together. */
	a.dag.parallel = true;
	a.q.cap_uusd_h = NO;
	gpus(&r[0], "A100-80GB", 8);
	a.q.enabled = all;
	a.q.n_enabled = ARRAY_LEN(all);
	r[1].cloud = "azure";
	assert_int_equal(plan(&a), 0);
	assert_non_null(strstr(a.plan->notes[0], "no region has offers for all tasks"));
	done(&a);
}

/* --- blocks --------------------------------------------------------------------------------------------------------*/

static void test_blocks(void **state)
{
	(void)state;
	struct ask a;
	struct block b[3];
	ask_init(&a);
	gpus(&a.r[0], "H100", 8);
	a.q.blocks = b;
	a.q.n_blocks = 1;
	b[0] = (struct block){.provider = "lambda", .use_spot = -1};
	wants(&a, "aws", "p5.48xlarge", "us-east-1", 55040000);
	assert_true(plan_chosen(a.plan, 0)->any_zone);
	/* A blocked zone leaves the region's other one, which the cloud is then told. */
	a.q.n_blocks = 2;
	b[1] = (struct block){.provider = "aws", .zone = "us-east-1a", .use_spot = 0};
	wants(&a, "aws", "p5.48xlarge", "us-east-1", 55040000);
	assert_false(plan_chosen(a.plan, 0)->any_zone);
	assert_string_equal(plan_chosen(a.plan, 0)->place->zone, "us-east-1b");
	/* Spot and on demand are blocked apart. */
	a.r[0].use_spot = true;
	b[1].use_spot = 1;
	b[1].zone = "eu-west-1a";
	wants(&a, "aws", "p5.48xlarge", "us-east-1", 15000000);
	b[1].use_spot = 0;
	wants(&a, "aws", "p5.48xlarge", "eu-west-1", 14000000);
	/* They end. */
	b[1].use_spot = 1;
	b[1].expiry_at_ms = 1000;
	wants(&a, "aws", "p5.48xlarge", "eu-west-1", 14000000);
	b[1].expiry_at_ms = 1001;
	wants(&a, "aws", "p5.48xlarge", "us-east-1", 15000000);
	/* Everything. */
	b[1] = (struct block){.accelerator = "H100", .use_spot = -1, .expiry_at_ms = 61000};
	refused(&a, ERR_CAPACITY,
	    "all 4 offers that fit 8x H100 [spot] have failed lately; the first may be tried again in 1m");
	/* A request without accelerators does not fall back to machines that have some. */
	a.r[0] = resources_any();
	a.q.n_blocks = 1;
	b[0] = (struct block){.use_spot = -1, .instance_type = "m6i.2xlarge"};
	wants(&a, "azure", "Standard_D8s_v5", "eastus", 384000);
	a.q.enabled = &all[2];
	a.q.n_enabled = 3; /* azure, lambda, vast */
	b[0].instance_type = "Standard_D8s_v5";
	refused(&a, ERR_CAPACITY, "failed lately");
	done(&a);
}

static void test_blocks_of_json(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	struct block *b;
	struct err err;
	static const char text[] = "[{\"provider\":\"aws\",\"region\":null,\"use_spot\":true,\"until\":5},{"
				   "\"accelerator\":\"nvidia-tesla-t4\"},7]";
	json_t *j = json_parse(text, sizeof text - 1, &err);
	assert_int_equal(blocks_of_json(a, j, &b), 2);
	assert_string_equal(b[0].provider, "aws");
	assert_null(b[0].region);
	assert_int_equal(b[0].use_spot, 1);
	assert_int_equal(b[0].expiry_at_ms, 5);
	assert_string_equal(b[1].accelerator, "T4");
	assert_int_equal(b[1].use_spot, -1);
	json_decref(j);
	arena_destroy(a);
}

/* --- this machine --------------------------------------------------------------------------------------------------*/

static void test_local(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"source\":\"this "
	    "machine\",\"offers\":[{\"instance_type\":\"local\",\"region\":\"local\",\"vcpus\":4,\"mem_mib\":8192,"
	    "\"price_uusd_h\":0,\"available\":\"yes\"},{\"region\":\"x\"},"
	    "{\"instance_type\":\"local-gpu\",\"accelerator\":\"Tesla "
	    "T4\",\"accelerator_count\":1,\"region\":\"local\",\"vcpus\":4,\"price_uusd_h\":null}]}";
	static const char *const enabled[] = {"local", "aws"};
	struct arena *arena = arena_create();
	struct err err;
	size_t skipped;
	json_t *j = json_parse(text, sizeof text - 1, &err);
	struct ask a;
	ask_init(&a);
	a.tables[1] = offers_of_provider(arena, "local", j, 1000, &skipped);
	assert_int_equal(skipped, 1);
	assert_int_equal(a.tables[1]->n_rows, 2);
	assert_string_equal(a.tables[1]->types[1].accelerator, "T4");
	a.q.n_tables = 2;
	a.q.enabled = enabled;
	a.q.n_enabled = 1;
	wants(&a, "local", "local", "local", 0);
	/* Only when asked for, where there is another. */
	a.q.n_enabled = 2;
	wants(&a, "aws", "m6i.2xlarge", "us-east-1", 384000);
	a.r[0].cloud = "local";
	wants(&a, "local", "local", "local", 0);
	a.r[0].cloud = NULL;
	/* A price that is not known is no offer. */
	gpus(&a.r[0], "T4", 1);
	a.r[0].cloud = "local";
	refused(&a, ERR_NO_RESOURCE, "1x T4 at local");
	done(&a);
	json_decref(j);
	arena_destroy(arena);
}

/* Asked again, the same offers have the ids they had, whatever stands between them; in one table with a catalog's they point at their own. */
static void test_live_ids(void **state)
{
	(void)state;
	static const char first[] = "{\"offers\":[{\"instance_type\":\"a\",\"region\":\"lab\"},{\"instance_type\":\"b\",\"region\":\"lab\",\"price_uusd_h\":5},"
				    "{\"instance_type\":\"b\",\"region\":\"lab\"}]}";
	static const char then[] = "{\"offers\":[{\"instance_type\":\"c\",\"region\":\"lab\"},{\"instance_type\":\"b\",\"region\":\"lab\"}]}";
	struct arena *arena = arena_create();
	struct err err;
	json_t *j = json_parse(first, sizeof first - 1, &err), *k = json_parse(then, sizeof then - 1, &err);
	const struct offers *o = offers_of_provider(arena, "ssh", j, 1000, NULL), *p = offers_of_provider(arena, "ssh", k, 2000, NULL);
	assert_int_equal(o->rows[1].id, p->rows[1].id);
	assert_int_not_equal(o->rows[0].id, o->rows[1].id);
	assert_int_not_equal(o->rows[1].id, o->rows[2].id);
	assert_true(o->rows[0].id & OFFER_LIVE && o->sources[0].live);
	assert_int_not_equal(p->rows[0].id, o->rows[0].id);
	const struct offers *const tables[] = {p, o};
	const struct offers *both = offers_join(arena, tables, 2);
	assert_int_equal(both->n_rows, 5);
	assert_string_equal(both->types[both->rows[3].type].instance_type, "b");
	assert_string_equal(both->places[both->rows[3].place].region, "lab");
	assert_int_equal(both->sources[both->rows[3].source].as_of_ms, 1000);
	assert_int_equal(both->rows[3].price_uusd_h, 5);
	json_decref(j);
	json_decref(k);
	arena_destroy(arena);
}

/* What a provider says itself stands in place of what the catalog has of it. */
static void test_superseded(void **state)
{
	(void)state;
	static const char text[] = "{\"offers\":[{\"instance_type\":\"gpu_8x_h100_sxm5\",\"accelerator\":\"H100\","
				   "\"accelerator_count\":8,\"region\":\"us-south-1\",\"vcpus\":208,"
				   "\"mem_mib\":1843200,\"price_uusd_h\":22000000,\"available\":\"low\"}]}";
	struct arena *arena = arena_create();
	struct err err;
	json_t *j = json_parse(text, sizeof text - 1, &err);
	struct ask a;
	ask_init(&a);
	a.tables[1] = offers_of_provider(arena, "lambda", j, 1000, NULL);
	a.q.n_tables = 2;
	gpus(&a.r[0], "H100", 8);
	wants(&a, "lambda", "gpu_8x_h100_sxm5", "us-south-1", 22000000);
	for (size_t i = 1; i < a.plan->tasks[0].all.n; i++)
		assert_string_not_equal(a.plan->tasks[0].all.v[i].type->provider, "lambda");
	done(&a);
	json_decref(j);
	arena_destroy(arena);
}

/* --- egress --------------------------------------------------------------------------------------------------------*/

static int64_t move(const struct egress_table *t, const char *from, const char *from_region, const char *to,
    const char *to_region, int64_t gb)
{
	return transfer_cost_uusd(
	    t, &(struct transfer_place){from, from_region}, &(struct transfer_place){to, to_region}, gb * M);
}

static void test_transfer(void **state)
{
	(void)state;
	static const struct egress_price prices[] = {
	    {"aws", "*", "internet", 0, 10, 200000, "t", 0},
	    {"aws", "*", "internet", 10, -1, 100000, "t", 0},
	    {"aws", "us-east-1", "eu-west-1", 0, -1, 20000, "t", 0},
	    {"aws", "us-east-1", "internet", 0, 100, 90000, "t", 0},
	    {"aws", "us-east-1", "internet", 100, -1, 50000, "t", 0},
	};
	const struct egress_table t = {prices, ARRAY_LEN(prices)};
	/* Steps are added up. */
	assert_int_equal(move(&t, "aws", "us-east-1", "gcp", "x", 100), 9 * M);
	assert_int_equal(move(&t, "aws", "us-east-1", "gcp", "x", 300), 9 * M + 10 * M);
	assert_int_equal(move(&t, "aws", "us-east-1", "aws", "eu-west-1", 50), M);
	assert_int_equal(move(&t, "aws", "ap-south-1", "gcp", "x", 20), 3 * M);
	assert_int_equal(move(&t, "aws", "us-east-1", "aws", "us-east-1", 500), 0);
	assert_int_equal(move(&t, "aws", NULL, "aws", "us-east-1", 500), 0);
	assert_int_equal(move(&t, NULL, NULL, "aws", "us-east-1", 500), 0);
	assert_int_equal(move(&t, "lambda", "x", "aws", "us-east-1", 500), 0);
	/* Without a table: the general tariffs. 1 GB is free; then .09 to 10 TB, .085 to 50, .07 to 150, .05. */
	assert_int_equal(move(NULL, "aws", "r", "gcp", "x", 1), 0);
	assert_int_equal(move(NULL, "aws", "r", "gcp", "x", 11), 900000);
	assert_int_equal(move(NULL, "aws", "r", "gcp", "x", 10240), 10239 * INT64_C(90000));
	assert_int_equal(move(NULL, "aws", "r", "gcp", "x", 60 * 1024),
	    10239 * INT64_C(90000) + 40 * 1024 * INT64_C(85000) + 10 * 1024 * INT64_C(70000));
	assert_int_equal(move(NULL, "aws", "r", "gcp", "x", 200 * 1024),
	    10239 * INT64_C(90000) + 40 * 1024 * INT64_C(85000) + 100 * 1024 * INT64_C(70000) +
		50 * 1024 * INT64_C(50000));
	assert_int_equal(move(NULL, "gcp", "r", "aws", "x", 2048), 1024 * INT64_C(120000) + 1024 * INT64_C(110000));
	assert_int_equal(move(NULL, "oci", "r", "aws", "x", 10240), 0);
	assert_int_equal(move(NULL, "azure", "r", "azure", "x", 100), 2 * M);
	/* More than anyone has: no overflow. */
	assert_true(move(NULL, "aws", "r", "gcp", "x", INT64_MAX / M) > 0);
	/* A GB at 10 Gbit/s. */
	assert_int_equal(
	    transfer_time_ms(&(struct transfer_place){"aws", "a"}, &(struct transfer_place){"gcp", "b"}, 10 * M), 8000);
	assert_string_equal(transfer_cloud_of_uri("gs://b/x"), "gcp");
	assert_string_equal(transfer_cloud_of_uri("https://me.blob.core.windows.net/c"), "azure");
	assert_null(transfer_cloud_of_uri("https://example.com/.blob.core.windows.net"));
	assert_null(transfer_cloud_of_uri(NULL));
}

static void test_chain(void **state)
{
	(void)state;
	struct ask a;
	struct resources r[2] = {resources_any(), resources_any()};
	struct task t[2] = {{.name = "prepare",
				.num_nodes = 1,
				.resources = &r[0],
				.n_resources = 1,
				.output_gb_micro = 1000 * M,
				.output_uri = "s3://x"},
	    {.name = "train", .num_nodes = 1, .resources = &r[1], .n_resources = 1}};
	ask_init(&a);
	a.dag = (struct dag){.tasks = t, .n_tasks = 2};
	gpus(&r[1], "A100-80GB", 8);
	/* From azure or aws the data would cost some 87 dollars to leave; gcp 120. Nothing can be done: it is needed at
	 * vast. */
	assert_int_equal(plan(&a), 0);
	assert_string_equal(plan_chosen(a.plan, 0)->type->provider, "azure");
	assert_int_equal(a.plan->n_transfers, 1);
	assert_int_equal(a.plan->transfers[0].cost_uusd, 999 * INT64_C(87500));
	assert_int_equal(a.plan->cost_uusd, 999 * INT64_C(87500) + 384000 + 7414200);
	/* With H100s at aws or lambda it is worth to stay. */
	gpus(&r[1], "H100", 8);
	t[0].output_gb_micro = 100 * M;
	a.q.enabled = three;
	a.q.n_enabled = ARRAY_LEN(three);
	assert_int_equal(plan(&a), 0);
	assert_string_equal(plan_chosen(a.plan, 1)->type->provider, "lambda");
	t[0].output_gb_micro = 1000 * M;
	assert_int_equal(plan(&a), 0);
	assert_string_equal(plan_chosen(a.plan, 1)->type->provider, "aws");
	assert_int_equal(a.plan->n_transfers, 0);
	/* By time, any way costs less than waiting; by cost, a little data does not matter. */
	t[0].output_gb_micro = M;
	a.q.goal = PLAN_TIME;
	assert_int_equal(plan(&a), 0);
	assert_string_equal(plan_chosen(a.plan, 1)->type->provider, "aws");
	/* Inputs pull the first task. */
	a.q.goal = PLAN_COST;
	t[0].output_gb_micro = 0;
	t[0].input_uri = "gs://data";
	t[0].input_gb_micro = 10 * M;
	assert_int_equal(plan(&a), 0);
	assert_string_equal(plan_chosen(a.plan, 0)->type->provider, "gcp");
	done(&a);
}

/* --- JSON, facts ---------------------------------------------------------------------------------------------------*/

static void test_json(void **state)
{
	(void)state;
	struct ask a;
	ask_init(&a);
	gpus(&a.r[0], "H100", 8);
	a.r[0].use_spot = true;
	a.t.num_nodes = 2;
	assert_int_equal(plan(&a), 0);
	json_t *j = plan_json(a.plan, 2), *c = json_array_get(json_arr(j, "plan"), 0);
	assert_string_equal(json_str(c, "task", ""), "train");
	assert_string_equal(json_str(c, "provider", ""), "aws");
	assert_string_equal(json_str(c, "zone", ""), "eu-west-1a");
	assert_true(json_bool(c, "use_spot", false));
	assert_int_equal(json_int(json_obj(c, "accelerators"), "H100", 0), 8);
	assert_int_equal(json_int(c, "num_nodes", 0), 2);
	assert_int_equal(json_int(c, "price_uusd_h", 0), 14000000);
	assert_int_equal(json_int(c, "total_uusd_h", 0), 28000000);
	assert_true(json_bool(c, "price_estimated", false));
	assert_int_equal(json_int(c, "price_as_of", 0), 1750000000000);
	assert_int_equal(json_array_size(json_array_get(json_arr(j, "candidates"), 0)), 2);
	assert_int_equal(json_array_size(json_array_get(json_arr(j, "summary"), 0)), 2); /* aws, gcp */
	json_decref(j);
	a.r[0].use_spot = false;
	a.t.num_nodes = 1;
	a.r[0].cloud = "aws";
	assert_int_equal(plan(&a), 0);
	j = plan_json(a.plan, 0);
	c = json_array_get(json_arr(j, "plan"), 0);
	assert_true(json_is_null(json_object_get(c, "zone")));
	assert_int_equal(json_array_size(json_array_get(json_arr(j, "candidates"), 0)), 0);
	json_decref(j);
	done(&a);
}

static void test_facts(void **state)
{
	(void)state;
	const struct machine_defaults *azure = machine_defaults_of("azure"), *aws = machine_defaults_of("aws");
	assert_true(machine_in_family(azure, "Standard_D8s_v5"));
	assert_true(machine_in_family(azure, "Standard_E96s_v5"));
	assert_false(machine_in_family(azure, "Standard_D8as_v5"));
	assert_false(machine_in_family(azure, "Standard_D8s_v6"));
	assert_false(machine_in_family(azure, "Standard_DC8s_v5"));
	assert_false(machine_in_family(azure, "Standard_E8-2s_v5"));
	assert_false(machine_in_family(azure, "D8s_v5"));
	assert_true(machine_in_family(aws, "m6i.large"));
	assert_false(machine_in_family(aws, "m6in.large"));
	assert_false(machine_in_family(aws, "m6i.metal"));
	assert_null(machine_defaults_of("vast"));
	struct offer_type t = {.provider = "aws", .instance_type = "m6id.2xlarge", .vcpus_micro = 8 * M};
	assert_int_equal(machine_local_disk_gb(&t), 474);
	t.instance_type = "m5.large";
	assert_int_equal(machine_local_disk_gb(&t), 0);
	t.instance_type = "g5.xlarge";
	assert_int_equal(machine_local_disk_gb(&t), 250);
	t.instance_type = "new9d.large";
	assert_int_equal(machine_local_disk_gb(&t), -1);
	t = (struct offer_type){
	    .provider = "gcp", .instance_type = "n1-standard-8", .accelerator = "T4", .accel_count_micro = 4 * M};
	assert_int_equal(machine_host_vcpus(&t), 48);
	/* Every feature has a name, and nothing is held against a cloud that is not known. */
	struct str s = str_new(1000);
	features_text((1u << FEATURES) - 1, &s);
	assert_null(strstr(str_text(&s), "(null)"));
	str_free(&s);
	assert_true(cloud_features_of("somewhere")->can & FEATURE_SPOT);
}

/* How far a refusal reaches, and for how long. */
static void test_refused_places(void **state)
{
	(void)state;
	struct block tried = {.provider = "aws", .region = "r", .zone = "r-a", .instance_type = "p5", .accelerator = "H100", .use_spot = 1};
	struct block b = block_of_refusal(&tried, ERR_SCOPE_PLACE);
	assert_string_equal(b.zone, "r-a");
	assert_string_equal(b.instance_type, "p5");
	assert_int_equal(b.use_spot, 1);
	assert_null(b.accelerator);
	b = block_of_refusal(&tried, ERR_SCOPE_REGION);
	assert_null(b.zone);
	assert_string_equal(b.region, "r");
	assert_string_equal(b.instance_type, "p5");
	assert_int_equal(b.use_spot, 1);
	b = block_of_refusal(&tried, ERR_SCOPE_REGION_ALL);
	assert_null(b.zone);
	assert_null(b.instance_type);
	assert_string_equal(b.region, "r");
	assert_int_equal(b.use_spot, -1);
	b = block_of_refusal(&tried, ERR_SCOPE_CLOUD);
	assert_null(b.region);
	assert_string_equal(b.provider, "aws");
	assert_int_equal(b.use_spot, -1);
	tried.zone = NULL; /* the region, where no zone was asked for */
	b = block_of_refusal(&tried, ERR_SCOPE_PLACE);
	assert_null(b.zone);
	assert_string_equal(b.region, "r");
	/* What a code means where the provider says nothing in particular. */
	assert_int_equal(block_scope(&(struct err){.code = ERR_CAPACITY}), ERR_SCOPE_PLACE);
	assert_int_equal(block_scope(&(struct err){.code = ERR_CREDENTIALS}), ERR_SCOPE_CLOUD);
	assert_int_equal(block_scope(&(struct err){.code = ERR_CREDENTIALS, .scope = ERR_SCOPE_REGION_ALL}), ERR_SCOPE_REGION_ALL);
	assert_int_equal(block_lifetime_ms(ERR_CREDENTIALS), 0);
	assert_true(block_lifetime_ms(ERR_NETWORK) < block_lifetime_ms(ERR_CAPACITY));
}

static void test_bid(void **state)
{
	(void)state;
	assert_int_equal(bid_uusd_h(10000000, 3000000, 0, PRICE_UNKNOWN), 10000000);
	assert_int_equal(bid_uusd_h(10000000, 3000000, 20, PRICE_UNKNOWN), 9600000);
	assert_int_equal(bid_uusd_h(10000000, 3000000, 50, PRICE_UNKNOWN), 7500000);
	assert_int_equal(bid_uusd_h(10000000, 3000000, 99, PRICE_UNKNOWN), 3000000); /* not below what it costs now */
	assert_int_equal(bid_uusd_h(10000000, 3000000, 20, 4000000), 4000000);
	assert_int_equal(bid_uusd_h(10000000, 3000000, 20, 2000000), 2000000);
	assert_int_equal(bid_uusd_h(10000000, 3000000, RECLAIM_UNKNOWN, PRICE_UNKNOWN), PRICE_UNKNOWN);
	assert_int_equal(bid_uusd_h(10000000, 3000000, RECLAIM_UNKNOWN, 4000000), 4000000);
	assert_int_equal(bid_uusd_h(PRICE_UNKNOWN, 3000000, 20, PRICE_UNKNOWN), PRICE_UNKNOWN);
	assert_int_equal(bid_uusd_h(INT64_C(900000000000000), 1, 20, PRICE_UNKNOWN), INT64_C(864000000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_choices),
	    cmocka_unit_test(test_machines),
	    cmocka_unit_test(test_alternatives),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_without_failure),
	    cmocka_unit_test(test_caps),
	    cmocka_unit_test(test_group_cap),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_blocks_of_json),
	    cmocka_unit_test(test_refused_places),
	    cmocka_unit_test(test_bid),
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_live_ids), cmocka_unit_test(test_superseded),
	    cmocka_unit_test(test_transfer),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_facts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
