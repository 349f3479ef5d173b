/* The catalog in process, over 140,000 offers: importing them, opening, filtering, sorting. The offers are made up here (three
 * clouds of 1,400 machine types in 33 regions), so that the figures mean the same everywhere.
 * usage: bench_catalog            the figures
 *        bench_catalog --lists DIR  write the price lists there, for other benches */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/plan/filter.h"
#include "core/plan/order.h"
#include "core/store/catalog.h"

enum { TYPES = 1400, REGIONS = 33, RUNS = 31 };

static void die(const struct err *err)
{
	fprintf(stderr, "bench_catalog: %s\n", err->text);
	exit(1);
}

static void put_row(struct str *s, int type, int region, unsigned *seed)
{
	static const char *const gpus[] = {"H100", "A100", "A100-80GB", "T4", "L4", "V100", "A10G", "L40S"};
	static const char *const areas[] = {"us-east", "us-west", "eu-west", "eu-central", "ap-south"};
	int vcpus = 1 << type % 8;
	*seed = *seed * 1103515245u + 12345u;
	unsigned price = 10000 + (*seed >> 8) % 9000000;
	str_addf(s, "family%d.%dxlarge,", type / 8, vcpus);
	if (type % 16 == 0) /* every sixteenth has GPUs */
		str_addf(s, "%s,%d,", gpus[type / 16 % 8], 1 << type / 128 % 4);
	else
		str_add(s, ",,");
	str_addf(s, "%d,%d,,%u.%06u,%u.%06u,%s-%d,\n", vcpus, vcpus * 4, price / 1000000, price % 1000000, price / 3 / 1000000,
	    price / 3 % 1000000, areas[region % 5], region / 5 + 1);
}

static void write_lists(const char *dir)
{
	static const char *const clouds[] = {"aws", "azure", "oci"};
	struct err err;
	unsigned seed = 1;
	for (size_t c = 0; c < ARRAY_LEN(clouds); c++) {
		struct str s = str_new(64 << 20);
		str_add(&s, "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone\n");
		for (int t = 0; t < TYPES + 15; t++)
			for (int r = 0; r < REGIONS; r++)
				put_row(&s, t, r, &seed);
		char *folder = path_join(dir, clouds[c]), *file = path_join(folder, "vms.csv");
		if (fs_mkdirs(folder, &err) < 0 || fs_write(file, s.data, s.len, 0644, &err) < 0)
			die(&err);
		free(file);
		free(folder);
		str_free(&s);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static void row(const char *name, int64_t us, const char *bar)
{
	printf("%s\t%.2f\tms\t%s\n", name, (double)us / 1000, bar);
}

static int64_t import_us(const char *db, const char *lists)
{
	struct import_report r;
	struct err err;
	int64_t start = mono_now_us();
	if (catalog_import_at(db, NULL, lists, 0, wall_now_ms(), &r, &err) < 0)
		die(&err);
	start = mono_now_us() - start;
	import_report_free(&r);
	return start;
}

static int64_t open_us(const char *db)
{
	int64_t v[RUNS];
	for (int i = 0; i < RUNS; i++) {
		struct err err;
		v[i] = mono_now_us();
		struct catalog *c = catalog_open_at(db, NULL, &err);
		v[i] = mono_now_us() - v[i];
		if (!c)
			die(&err);
		catalog_close(c);
	}
	qsort(v, RUNS, sizeof v[0], compare);
	return v[RUNS / 2];
}

/* Compile, filter, sort; all of it or the first 50 rows. The median. */
static int64_t page_us(const struct offers *o, const char *text, const char *sort, size_t first)
{
	int64_t v[RUNS];
	struct offer_list l = {0};
	for (int i = 0; i < RUNS; i++) {
		struct err err;
		struct offer_order order;
		v[i] = mono_now_us();
		struct filter *f = filter_compile(text, NULL, &err);
		if (!f || offer_order_parse(sort, &order, &err) < 0)
			die(&err);
		filter_run(f, o, &l);
		offer_sort_first(o, &order, l.rows, l.n, first && first < l.n ? first : l.n);
		v[i] = mono_now_us() - v[i];
		filter_destroy(f);
	}
	offer_list_free(&l);
	qsort(v, RUNS, sizeof v[0], compare);
	return v[RUNS / 2];
}

static void figures(const char *db, const char *lists)
{
	struct err err;
	row("catalog import, 140,000 offers", import_us(db, lists), "2000");
	row("catalog import, nothing new", import_us(db, lists), "2000");
	row("catalog open, 140,000 offers", open_us(db), "5");
	struct catalog *c = catalog_open_at(db, NULL, &err);
	if (!c)
		die(&err);
	const struct offers *o = catalog_offers(c);
	row("filter by words and price, first 50 sorted", page_us(o, "us-east price<5", "pergpu,price,region", 50), "10");
	row("filter by regular expression, first 50 sorted", page_us(o, "/2xlarge|8xlarge/ !azure", "spot,instance", 50), "10");
	row("no filter, first 50 sorted", page_us(o, "", "pergpu,price,region", 50), "10");
	row("no filter, all sorted by three keys", page_us(o, "", "pergpu,price,region", 0), "10");
	struct offer_list l = {0};
	struct offer_group *g;
	filter_run(NULL, o, &l);
	int64_t start = mono_now_us();
	offer_groups(o, l.rows, l.n, &g);
	row("group by accelerator", mono_now_us() - start, "10");
	free(g);
	offer_list_free(&l);
	catalog_close(c);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--lists")) {
		write_lists(argv[2]);
		return 0;
	}
	char dir[] = "/tmp/skytop-bench-XXXXXX";
	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	char *lists = path_join(dir, "lists"), *db = path_join(dir, "cache/catalog.db");
	write_lists(lists);
	figures(db, lists);
	fs_remove_tree(dir, NULL);
	free(lists);
	free(db);
	return 0;
}
