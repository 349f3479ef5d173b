/* The optimizer in process, over 140,000 offers: one task, its re-planning among blocks, chains. The offers are made up
 * here: three clouds of 480 machine types (a fifth of them of the families that requests without accelerators go to,
 * one in eight with GPUs) in 33 regions of three zones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/plan/optimize.h"

#define M INT64_C(1000000)
enum { CLOUDS = 3, FAMILIES = 60, SIZES = 8, REGIONS = 33, ZONES = 3, RUNS = 31, CHAIN = 10, BLOCKS = 400 };

static const char *const clouds[CLOUDS] = {"aws", "gcp", "azure"};
static const char *const general[CLOUDS][9] = {
    {"m6i.", "m6id.", "m7i.", "r6i.", "r6id.", "r7i.", "c6i.", "c6id.", "c7i."},
    {"n2-standard-", "n2-highmem-", "n4-standard-", "n4-highmem-", "n4-highcpu-", "n2-highcpu-", "", "", ""},
    {"Ds_v5", "Es_v5", "Fs_v2", "", "", "", "", "", ""},
};

static struct offers market(struct arena *a)
{
	static const char *const gpus[] = {"H100", "A100", "T4", "L4", "V100", "A10G", "L40S"};
	size_t n_types = CLOUDS * FAMILIES * SIZES, n_places = CLOUDS * REGIONS * ZONES, n = 0;
	struct offer_type *types = arena_alloc(a, n_types * sizeof *types);
	struct offer_place *places = arena_alloc(a, n_places * sizeof *places);
	struct offer *rows = arena_alloc(a, n_types * REGIONS * ZONES * sizeof *rows);
	struct offer_source *source = arena_alloc(a, sizeof *source);
	uint32_t seed = 1;
	source->name = "made up";
	for (size_t i = 0; i < n_places; i++) {
		size_t cloud = i / (REGIONS * ZONES), region = i / ZONES % REGIONS;
		places[i] =
		    (struct offer_place){clouds[cloud], arena_printf(a, "%s-%zu", region % 2 ? "us" : "eu", region),
			cloud == 2 ? arena_printf(a, "z%zu", i % ZONES)
				   : arena_printf(a, "%zu%c", region, (char)('a' + i % ZONES))};
	}
	for (size_t i = 0; i < n_types; i++) {
		size_t cloud = i / (FAMILIES * SIZES), family = i / SIZES % FAMILIES, vcpus = (size_t)2 << i % SIZES;
		const char *name = family < 9 ? general[cloud][family] : "";
		bool gpu = family >= 9 && family % 8 == 0;
		types[i] = (struct offer_type){clouds[cloud], NULL, gpu ? gpus[family % 7] : NULL, "x86_64",
		    gpu ? M << i % 4 : 0, 81920, (int64_t)vcpus * M, (int64_t)vcpus * (4 << family % 2) * 1024};
		types[i].instance_type = !*name	      ? arena_printf(a, "family%zu.%zu", family, vcpus)
					 : cloud == 2 ? arena_printf(a, "Standard_%c%zu%s", *name, vcpus, name + 1)
						      : arena_printf(a, "%s%zu", name, vcpus);
		for (size_t p = 0; p < REGIONS * ZONES; p++) {
			/* A region's zones have one price, as clouds have it. */
			if (p % ZONES == 0)
				seed = seed * 1103515245u + 12345u;
			int64_t price = 10000 + (seed >> 8) % 9000000;
			rows[n] = (struct offer){price, price / 3, (uint32_t)i, (uint32_t)(cloud * REGIONS * ZONES + p),
			    0, AVAILABLE_UNKNOWN, 255, (uint32_t)n};
			n++;
		}
	}
	return (struct offers){rows, n, types, n_types, places, n_places, source, 1};
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The median of some runs. */
static void bench(const char *what, const struct plan_request *r, bool feasible, const char *bar)
{
	int64_t us[RUNS];
	size_t candidates = 0;
	for (int i = 0; i < RUNS; i++) {
		struct plan *p;
		struct plan_failure f;
		struct err err;
		int64_t start = mono_now_us();
		int rc = plan_make(r, &p, &f, &err);
		if (rc)
			plan_failure_free(&f);
		us[i] = mono_now_us() - start;
		if (!rc != feasible) {
			fprintf(stderr, "bench_plan: %s: %s\n", what, rc ? err.text : "planned");
			exit(1);
		}
		if (!rc) {
			candidates = p->tasks[0].all.n;
			plan_destroy(p);
		}
	}
	qsort(us, RUNS, sizeof *us, compare);
	printf("plan: %s, %zu candidates\t%.2f\tms\t%s\n", what, candidates, (double)us[RUNS / 2] / 1000, bar);
}

int main(void)
{
	struct arena *a = arena_create();
	struct offers o = market(a);
	const struct offers *tables[] = {&o};
	struct resources any = {.disk_size_gib = 256, .max_hourly_uusd = PRICE_UNKNOWN}, r[8], small[2];
	struct task t = {.name = "t", .num_nodes = 1, .resources = r, .n_resources = 1}, chain[CHAIN];
	struct dag one = {.tasks = &t, .n_tasks = 1}, many = {.tasks = chain, .n_tasks = CHAIN};
	struct plan_request q = {.dag = &one,
	    .tables = tables,
	    .n_tables = 1,
	    .enabled = clouds,
	    .n_enabled = CLOUDS,
	    .cap_uusd_h = PRICE_UNKNOWN,
	    .now_ms = 1};
	struct block *blocks = arena_alloc(a, BLOCKS * sizeof *blocks);

	r[0] = any;
	r[0].accelerator = "T4";
	r[0].accel_count_micro = 8 * M;
	bench("T4:8 among 140,000 offers", &q, true, "10");
	r[0] = any;
	r[0].cpus = (struct amount){.set = true, .at_least = true, .micro = 2 * M, .text = "2+"};
	bench("cpus 2+ among 140,000 offers", &q, true, "10");
	r[0].use_spot = true;
	bench("cpus 2+ on spot, each zone", &q, true, "10");
	for (size_t i = 0; i < BLOCKS; i++)
		blocks[i] = (struct block){clouds[i % 3], o.types[i % o.n_types].instance_type,
		    o.places[i % o.n_places].region, i % 2 ? NULL : o.places[i % o.n_places].zone, NULL, 1, 0};
	q.blocks = blocks;
	q.n_blocks = BLOCKS;
	bench("the same re-planned among 400 blocks", &q, true, "10");
	q.n_blocks = 0;
	for (size_t i = 0; i < 8; i++) {
		static const char *const four[] = {"H100", "A100", "L4", "V100"};
		r[i] = any;
		r[i].accelerator = four[i / 2];
		r[i].accel_count_micro = 8 * M;
		r[i].use_spot = i % 2;
	}
	t.n_resources = 8;
	bench("any_of 4 GPUs, spot or not", &q, true, "10");
	t.n_resources = 1;
	r[0].accel_count_micro = 3 * M;
	bench("H100:3, refused and explained", &q, false, "50");

	small[0] = small[1] = any;
	small[1].accelerator = "L4";
	small[1].accel_count_micro = M;
	for (size_t i = 0; i < CHAIN; i++)
		chain[i] = (struct task){
		    .num_nodes = 1, .resources = &small[i % 2], .n_resources = 1, .output_gb_micro = 50 * M};
	q.dag = &many;
	bench("a chain of 10 tasks with data between them", &q, true, "50");
	arena_destroy(a);
	return 0;
}
