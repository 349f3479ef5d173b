/* catalog.db: price lists against a plain loop over their lines, bad lists, history, the prices that come with the program. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/catalog.h"
#include "core/store/csv.h"
#include "core/store/prices_file.h"
#include "tests/store/catalog_box.h"

/* --- reading ----------------------------------------------------------------------------------------------------------*/

static void test_snapshot(void **state)
{
	struct box *b = *state;
	struct catalog *c = box_open(b);
	const struct offers *o = catalog_offers(c);
	assert_null(catalog_warning(c));
	assert_true(fs_exists(b->db)); /* made of the snapshot */
	assert_int_equal(o->n_rows, 8);
	const struct offer *r = box_find(c, "aws", "p5.48xlarge", "H100", "us-east-1");
	assert_int_equal(r->price_uusd_h, 55040000);
	assert_int_equal(r->spot_uusd_h, 17000000);
	assert_int_equal(r->reclaim, 10);
	assert_string_equal(o->places[r->place].zone, "us-east-1a");
	assert_true(o->sources[r->source].spot_estimated);
	assert_string_equal(o->sources[r->source].name, "snap");
	assert_int_equal(o->types[r->type].gpu_mem_mib, 81920);
	r = box_find(c, "aws", "p5.48xlarge", "H100", "eu-west-1");
	assert_int_equal(r->spot_uusd_h, PRICE_UNKNOWN);
	assert_int_equal(r->reclaim, RECLAIM_UNKNOWN);
	r = box_find(c, "aws", "m7g.large", NULL, "us-west-2");
	assert_string_equal(o->types[r->type].arch, "arm64");
	assert_int_equal(o->types[r->type].accel_count_micro, 0);
	r = box_find(c, "vast", "1x", "RTX4090", "Denmark, DK"); /* canonical */
	assert_string_equal(o->places[r->place].zone, "zone+1");
	assert_int_equal(o->types[r->type].vcpus_micro, -1);
	r = box_find(c, "vast", "1x", "RTX4090", "");
	assert_int_equal(r->price_uusd_h, PRICE_UNKNOWN);
	assert_false(o->sources[r->source].as_of_known);
	assert_int_equal(catalog_find(c, r->id), r - o->rows);
	assert_int_equal(catalog_find(c, 999999), SIZE_MAX);
	for (size_t i = 1; i < o->n_rows; i++)
		assert_true(o->rows[i].type >= o->rows[i - 1].type);
	catalog_close(c);
}

static void test_egress_and_status(void **state)
{
	struct box *b = *state;
	struct err err;
	struct catalog *c = box_open(b);
	const struct egress_table *e = catalog_egress(c, &err);
	assert_int_equal(e->n, 3);
	assert_string_equal(e->rows[0].dst, "internet");
	assert_int_equal(e->rows[0].to_gb, 10240);
	assert_int_equal(e->rows[1].to_gb, -1);
	assert_int_equal(e->rows[1].price_uusd_per_gb, 85000);
	assert_ptr_equal(catalog_egress(c, &err), e);
	const struct catalog_status *s = catalog_status(c, &err);
	assert_int_equal(s->n_offers, 8);
	assert_int_equal(s->n_sources, 2);
	assert_true(s->from_snapshot);
	assert_string_equal(s->sources[0].cloud, "aws");
	assert_int_equal(s->sources[0].n_offers, 5);
	catalog_close(c);
}

static void test_newer_snapshot(void **state)
{
	struct box *b = *state;
	struct err err;
	catalog_close(box_open(b));
	/* Another version of the program brings other prices: an untouched copy is replaced… */
	char *prices = path_join(b->dir, "y.prices");
	box_write(prices, "skytop-prices 1\ncloud\taws\t+\nsource\tnew\t2026-03-02\ntype\tt3.small\t\t\t\t2\t2\n\tus-east-1=0.02\n");
	const char *files[] = {prices};
	assert_int_equal(catalog_build_snapshot(files, 1, b->snapshot, &err), 0);
	struct catalog *c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, 1);
	catalog_close(c);
	/* …one with imported prices is not. */
	box_list(b, "azure", HEAD "Standard_D2s_v5,,,2,8,,0.1,,eastus,\n");
	box_must_import(b, NOW);
	box_write(prices, "skytop-prices 1\ncloud\taws\t+\nsource\tnew\t2026-03-02\ntype\tt3.tiny\t\t\t\t2\t2\n\tus-east-1=0.02\n");
	assert_int_equal(catalog_build_snapshot(files, 1, b->snapshot, &err), 0);
	c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, 2);
	assert_non_null(box_find(c, "aws", "t3.small", NULL, "us-east-1"));
	assert_false(catalog_status(c, &err)->from_snapshot);
	catalog_close(c);
	free(prices);
}

static void test_bad_price_files(void **state)
{
	struct box *b = *state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"nonsense\n", "x.prices:1: "},
		{"skytop-prices 1\nfoo\tbar\n", "x.prices:2: no such line: 'foo'"},
		{"skytop-prices 1\ncloud\taws\t*\n", "x.prices:2: a cloud has"},
		{"skytop-prices 1\ncloud\taws\t+\ntype\tx\n", "x.prices:3: a type before"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\tyesterday\n", "x.prices:3: a source has"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\t2026-01-01\n\tus=1\n", "prices without a type"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\t2026-01-01\ntype\tx\n\tus\n", "no price in 'us'"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\t2026-01-01\ntype\tx\n\tus=0\n", "a price of nothing"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\t2026-01-01\ntype\tx\n\tus=\n", "not a price"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\t2026-01-01\ntype\tx\n\tus=-1\n", "not a price"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\t2026-01-01\ntype\tx\tH100\n", "how many accelerators"},
		{"skytop-prices 1\ncloud\taws\t+\nsource\ts\t2026-01-01\ntype\tx\n\tu%zz=1\n", "not a region"},
		{"skytop-prices 1\ncloud\taws\t+\ncloud\taws\t+\n", "a second time"},
		{"skytop-prices 1\negress\taws\tx\t0\t-\t1\ty\n", "egress is"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prices p;
		struct err err = {0};
		char *text = xstrdup(cases[i].text);
		prices_init(&p);
		assert_int_equal(prices_read(&p, "x.prices", text, strlen(text), &err), -1);
		if (!strstr(err.text, cases[i].says))
			fail_msg("want '%s', got '%s'", cases[i].says, err.text);
		prices_free(&p);
		free(text);
	}
	(void)b;
}

/* --- CSV --------------------------------------------------------------------------------------------------------------*/

static void test_csv(void **state)
{
	(void)state;
	char text[] = "\xef\xbb\xbf" "a,\"b \"\"q\"\", c\",\r\n\n\"x\ny\",2,3\r\nbad\"quote,1\n1,\"never closed,2\nlast,,end";
	struct csv c;
	csv_start(&c, text, sizeof text - 1);
	assert_int_equal(csv_next(&c), CSV_ROW);
	assert_int_equal(c.n, 3);
	assert_string_equal(c.fields[0], "a");
	assert_string_equal(c.fields[1], "b \"q\", c");
	assert_string_equal(c.fields[2], "");
	assert_int_equal(c.line, 1);
	assert_int_equal(csv_next(&c), CSV_ROW);
	assert_string_equal(c.fields[0], "x\ny");
	assert_string_equal(c.fields[2], "3");
	assert_int_equal(c.line, 3);
	assert_int_equal(csv_next(&c), CSV_BAD);
	assert_int_equal(c.line, 5);
	assert_non_null(strstr(c.problem, "quote inside"));
	assert_int_equal(csv_next(&c), CSV_BAD);
	assert_non_null(strstr(c.problem, "never closed"));
	assert_int_equal(csv_next(&c), CSV_ROW); /* one slip costs one line */
	assert_string_equal(c.fields[0], "last");
	assert_string_equal(c.fields[2], "end");
	assert_int_equal(csv_next(&c), CSV_END);
	char nul[] = "a,b\0c,d\nx,y\n";
	csv_start(&c, nul, sizeof nul - 1);
	assert_int_equal(csv_next(&c), CSV_BAD);
	assert_int_equal(csv_next(&c), CSV_ROW);
	char empty[] = "";
	csv_start(&c, empty, 0);
	assert_int_equal(csv_next(&c), CSV_END);
}

/* --- imports ----------------------------------------------------------------------------------------------------------*/

static void test_import_columns(void **state)
{
	struct box *b = *state;
	/* Other order, other columns, other case, CRLF, no end of the last line. */
	box_list(b, "runpod", "Region,price,SPOTPRICE,InstanceType,Extra,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo\r\n"
			      "CA,1.64,0.82,1x_A100,zz,a100 80gb,1.0,8.0,117.5,\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 80}}]}\"\r\n"
			      "CA,,,none,zz,,,,,\r\n"
			      "EU,0.0,nan,zero,zz,,,1,2,\r\n"
			      "EU,5e-05,,tiny,zz,,,1,0.5,");
	box_must_import(*state, NOW);
	struct catalog *c = box_open(b);
	const struct offers *o = catalog_offers(c);
	const struct offer *r = box_find(c, "runpod", "1x_A100", "A100-80GB", "CA");
	assert_int_equal(r->price_uusd_h, 1640000);
	assert_int_equal(o->types[r->type].gpu_mem_mib, 81920); /* the list had GiB there */
	assert_int_equal(o->types[r->type].mem_mib, 117 * 1024 + 512);
	r = box_find(c, "runpod", "none", NULL, "CA");
	assert_int_equal(r->price_uusd_h, PRICE_UNKNOWN);
	assert_int_equal(o->types[r->type].vcpus_micro, -1);
	assert_int_equal(o->types[r->type].mem_mib, -1);
	r = box_find(c, "runpod", "zero", NULL, "EU"); /* 0 is where a list has no price */
	assert_int_equal(r->price_uusd_h, PRICE_UNKNOWN);
	assert_int_equal(r->spot_uusd_h, PRICE_UNKNOWN);
	r = box_find(c, "runpod", "tiny", NULL, "EU");
	assert_int_equal(r->price_uusd_h, 50);
	assert_int_equal(o->types[r->type].mem_mib, 512);
	assert_int_equal(o->n_rows, 12); /* the other clouds are still there */
	catalog_close(c);
}

static void test_import_merges(void **state)
{
	struct box *b = *state;
	struct import_report r;
	struct err err;
	box_list(b, "vast", HEAD "m,T4,1,4,16,,0.5,0.3,DK,\nm,T4,1,4,16,,0.4,,DK,\nm,T4,1,4,16,,0.6,0.2,DK,\n");
	assert_int_equal(box_import(b, NOW, &r, &err), 0);
	assert_int_equal(r.clouds[0].merged, 2);
	assert_int_equal(r.clouds[0].offers, 1);
	import_report_free(&r);
	struct catalog *c = box_open(b);
	const struct offer *o = box_find(c, "vast", "m", "T4", "DK");
	assert_int_equal(o->price_uusd_h, 400000);
	assert_int_equal(o->spot_uusd_h, 200000);
	catalog_close(c);
}

static void test_bad_lines(void **state)
{
	struct box *b = *state;
	struct import_report r;
	struct err err;
	struct str s = str_new(100000);
	str_add(&s, HEAD);
	for (int i = 0; i < 60; i++)
		str_addf(&s, "good%d,,,4,16,,0.5,,r,\n", i);
	str_add(&s, "few,fields\n,,,4,16,,0.5,,r,\nx,,,four,16,,0.5,,r,\nx,,,4,16,,-1,,r,\nx,,,4,16,,abc,,r,\nx\xff,,,4,16,,1,,r,\n");
	box_list(b, "do", str_text(&s));
	assert_int_equal(box_import(b, NOW, &r, &err), 0);
	assert_int_equal(r.clouds[0].rows, 66);
	assert_int_equal(r.clouds[0].skipped, 6);
	assert_int_equal(r.clouds[0].offers, 60);
	assert_int_equal(r.n_problems, 5); /* the first of them */
	assert_string_equal(r.problems[0], "do/vms.csv:62: 2 fields where the header has 10");
	assert_non_null(strstr(r.problems[2], "do/vms.csv:64: vCPUs is 'four'"));
	import_report_free(&r);

	/* One more bad line is more than a tenth: the file is refused, and what was there stays. */
	str_add(&s, "few,fields\n");
	box_list(b, "do", str_text(&s));
	box_list(b, "oci", HEAD "ok,,,4,16,,0.5,,r,\n");
	assert_int_equal(box_import(b, NOW + 1, &r, &err), 0);
	assert_non_null(strstr(r.clouds[0].refused, "7 of 67 lines are bad"));
	assert_null(r.clouds[1].refused);
	import_report_free(&r);
	struct catalog *c = box_open(b);
	assert_non_null(box_find(c, "do", "good0", NULL, "r"));
	assert_non_null(box_find(c, "oci", "ok", NULL, "r"));
	catalog_close(c);
	str_free(&s);
}

static void test_refused(void **state)
{
	struct box *b = *state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "no header"},
		{"\n\n", "no header"},
		{"a,b,c\n1,2,3\n", "no column InstanceType"},
		{"InstanceType,Price\nx,1\n", "no column Region"},
		{HEAD, "no offer"},
		{"<html><body>Not found</body></html>\n", "no column"},
		{"\x7f" "ELF\x02\x01", "no column"},
		{"InstanceType,\"Price", "no header"},
	};
	struct import_report r;
	struct err err;
	struct catalog *c = box_open(b);
	size_t before = catalog_offers(c)->n_rows;
	catalog_close(c);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		box_list(b, "aws", cases[i].text);
		assert_int_equal(box_import(b, NOW, &r, &err), -1);
		if (!strstr(err.text, cases[i].says))
			fail_msg("want '%s', got '%s'", cases[i].says, err.text);
		assert_int_equal(err.code, ERR_INVALID);
		import_report_free(&r);
	}
	c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, before);
	catalog_close(c);
	assert_int_equal(catalog_import_at(b->db, b->snapshot, "/nonexistent", 0, NOW, &r, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	import_report_free(&r);
	char *empty = path_join(b->dir, "empty");
	fs_mkdirs(empty, NULL);
	assert_int_equal(catalog_import_at(b->db, b->snapshot, empty, 0, NOW, &r, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	import_report_free(&r);
	free(empty);
}

static void test_one_folder(void **state)
{
	struct box *b = *state;
	struct import_report r;
	struct err err;
	box_list(b, "ibm", HEAD "bx2,,,2,8,,0.1,,us-south,us-south-1\n");
	char *dir = path_join(b->lists, "ibm"), *file = path_join(dir, "vms.csv");
	const char *ways[] = {dir, file};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(catalog_import_at(b->db, b->snapshot, ways[i], NOW - 5, NOW, &r, &err), 0);
		assert_string_equal(r.clouds[0].cloud, "ibm");
		import_report_free(&r);
	}
	struct catalog *c = box_open(b);
	const struct offer *o = box_find(c, "ibm", "bx2", NULL, "us-south");
	assert_int_equal(catalog_offers(c)->sources[o->source].as_of_ms, NOW - 5);
	assert_true(catalog_offers(c)->sources[o->source].as_of_known);
	catalog_close(c);
	free(file);
	free(dir);
}

static void test_zone_ids(void **state)
{
	struct box *b = *state;
	box_list(b, "aws", HEAD "m6i.large,,,2,8,,0.1,,us-east-1,use1-az1\nm6i.large,,,2,8,,0.1,,us-east-1,use1-az9\n");
	char *map = path_join(b->lists, "aws/az_mappings-abc.csv");
	box_write(map, "AvailabilityZoneName,AvailabilityZone\nus-east-1d,use1-az1\n");
	box_must_import(b, NOW);
	struct catalog *c = box_open(b);
	const struct offers *o = catalog_offers(c);
	bool named = false, kept = false;
	for (size_t i = 0; i < o->n_places; i++) {
		named |= str_eq(o->places[i].zone, "us-east-1d");
		kept |= str_eq(o->places[i].zone, "use1-az9");
	}
	assert_true(named && kept);
	catalog_close(c);
	free(map);
}

/* --- Google -----------------------------------------------------------------------------------------------------------*/

static void expect_price(struct catalog *c, const char *type, const char *accel, int64_t price, int64_t spot)
{
	const struct offer *o = box_find(c, "gcp", type, accel, "us-central1");
	if (!o)
		fail_msg("no %s with %s", type, accel);
	assert_int_equal(o->price_uusd_h, price);
	assert_int_equal(o->spot_uusd_h, spot);
}

static void test_gcp(void **state)
{
	struct box *b = *state;
	struct import_report r;
	struct err err;
	/* Machine and accelerator apart, as SkyPilot has them. */
	box_list(b, "gcp", HEAD "a2-highgpu-1g,,,12,85,,0.8,0.3,us-central1,us-central1-a\n"
				"g2-standard-4,,,4,16,,0.2,,us-central1,us-central1-a\n"
				"g2-standard-8,,,8,32,,0.3,0.1,us-central1,us-central1-a\n"
				"a3-highgpu-8g,,,208,1872,,0,0,us-central1,us-central1-a\n"
				"n1-standard-4,,,4,15,,0.19,0.04,us-central1,us-central1-a\n"
				"n1-standard-8,,,8,30,,0.38,0.08,us-central1,us-central1-a\n"
				"n1-standard-32,,,32,120,,1.52,0.3,us-central1,us-central1-a\n"
				"n2-standard-4,,,4,16,,0.2,0.05,us-central1,us-central1-a\n"
				",A100,1,,,A100,2.93,1.14,us-central1,us-central1-a\n"
				",L4,1,,,L4,0.5,0.2,us-central1,us-central1-a\n"
				",H100,8,,,H100,88,30,us-central1,us-central1-a\n"
				",T4,1,,,T4,0.35,0.11,us-central1,us-central1-a\n"
				",V100,1,,,V100,2.48,,us-central1,us-central1-a\n"
				",T4,1,,,T4,0.35,0.11,us-east1,us-east1-b\n"
				",A100-80GB,1,,,x,3,1,us-central1,us-central1-a\n"
				",tpu-v2-8,1,,,tpu-v2-8,4.5,1.35,us-central1,us-central1-b\n"
				",tpu-v4-8,1,,,tpu-v4-8,12.88,,us-central2,us-central2-b\n");
	assert_int_equal(box_import(b, NOW, &r, &err), 0);
	assert_int_equal(r.clouds[0].unmatched, 2); /* T4 in us-east1, A100-80GB: no machine there */
	import_report_free(&r);
	struct catalog *c = box_open(b);
	expect_price(c, "a2-highgpu-1g", "A100", 3730000, 1440000);
	expect_price(c, "g2-standard-4", "L4", 700000, PRICE_UNKNOWN);
	expect_price(c, "g2-standard-8", "L4", 800000, 300000);
	expect_price(c, "a3-highgpu-8g", "H100", 88000000, PRICE_UNKNOWN); /* the whole price is on the second line; spot of the machine is unknown */
	expect_price(c, "n1-standard-4", "T4", 540000, 150000);
	expect_price(c, "n1-standard-32", "T4", 1870000, 410000);
	expect_price(c, "n1-standard-8", "V100", 2860000, PRICE_UNKNOWN);
	expect_price(c, "TPU-VM", "tpu-v2-8", 4500000, 1350000);
	expect_price(c, "n2-standard-4", NULL, 200000, 50000);
	assert_null(box_find(c, "gcp", "n2-standard-4", "T4", "us-central1"));
	assert_null(box_find(c, "gcp", "n1-standard-32", "V100", "us-central1")); /* too large for one */
	assert_null(box_find(c, "gcp", "a2-highgpu-1g", NULL, "us-central1"));    /* not sold without */
	const struct offers *o = catalog_offers(c);
	const struct offer *tpu = box_find(c, "gcp", "TPU-VM", "tpu-v4-8", "us-central2");
	assert_int_equal(o->types[tpu->type].vcpus_micro, 240000000);
	assert_int_equal(o->types[tpu->type].mem_mib, 400 * 1024);
	assert_int_equal(o->types[box_find(c, "gcp", "n1-standard-4", "T4", "us-central1")->type].gpu_mem_mib, 16384);
	catalog_close(c);
	/* The whole on the machine's line. Here GPUs for N1 have no zone. */
	box_list(b, "gcp", HEAD "a2-highgpu-1g,A100,1,12,85,,3.67,1.1,us-central1,us-central1-a\n"
				",A100,1,,,A100,2.93,1.14,us-central1,us-central1-a\n"
				"n1-standard-4,,,4,15,,0.19,0.04,us-central1,us-central1-a\n"
				",T4,1,,,T4,0.35,0.11,us-central1,\n");
	box_must_import(b, NOW + 1);
	c = box_open(b);
	expect_price(c, "a2-highgpu-1g", "A100", 3670000, 1100000);
	expect_price(c, "n1-standard-4", "T4", 540000, 150000);
	assert_int_equal(catalog_offers(c)->n_rows, 8 + 3);
	catalog_close(c);
}

/* --- history ----------------------------------------------------------------------------------------------------------*/

static void test_history(void **state)
{
	struct box *b = *state;
	struct price_point p[8];
	struct err err;
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\nstays,,,4,16,,1,,r,\n");
	box_must_import(b, NOW);
	struct catalog *c = box_open(b);
	uint32_t id = box_find(c, "do", "m", NULL, "r")->id;
	assert_int_equal(catalog_history(c, id, p, 8, &err), 0);
	box_list(b, "do", HEAD "m,,,4,16,,0.4,0.1,r,\nstays,,,4,16,,1,,r,\n");
	box_must_import(b, NOW + 1000);
	box_must_import(b, NOW + 2000); /* the same again is no change */
	box_list(b, "do", HEAD "stays,,,4,16,,1,,r,\n");
	box_must_import(b, NOW + 3000);
	assert_int_equal(catalog_history(c, id, p, 8, &err), 0); /* what was opened stays as it was */
	assert_true(catalog_changed(c));
	catalog_close(c);
	c = box_open(b);
	assert_false(catalog_changed(c));
	assert_null(box_find(c, "do", "m", NULL, "r"));
	catalog_close(c);
	box_list(b, "do", HEAD "m,,,4,16,,0.45,0.1,r,\nstays,,,4,16,,1,,r,\n");
	box_must_import(b, NOW + 4000);
	c = box_open(b);
	assert_int_equal(box_find(c, "do", "m", NULL, "r")->id, id); /* comes back as itself */
	assert_int_equal(catalog_history(c, id, p, 8, &err), 3);
	assert_int_equal(p[0].at_ms, NOW);
	assert_int_equal(p[0].price_uusd_h, 500000);
	assert_int_equal(p[0].spot_uusd_h, PRICE_UNKNOWN);
	assert_int_equal(p[1].at_ms, NOW + 1000);
	assert_int_equal(p[1].price_uusd_h, 400000);
	assert_int_equal(p[1].spot_uusd_h, 100000);
	assert_int_equal(p[2].price_uusd_h, 450000);
	assert_int_equal(catalog_history(c, id, p, 2, &err), 2); /* the last ones */
	assert_int_equal(p[1].price_uusd_h, 450000);
	assert_int_equal(catalog_history(c, box_find(c, "do", "stays", NULL, "r")->id, p, 8, &err), 0);
	catalog_close(c);
}

static void test_reclaim_survives(void **state)
{
	struct box *b = *state;
	/* The snapshot knows reclaims of p5 in us-east-1; a hosted list says nothing about them. */
	box_list(b, "aws", HEAD "p5.48xlarge,H100,8,192,2048,,55,18,us-east-1,us-east-1a\np5.48xlarge,H100,8,192,2048,,55,18,us-east-1,us-east-1f\n"
				"p5.48xlarge,H100,8,192,2048,,60,18,us-west-2,us-west-2a\n");
	box_must_import(b, NOW);
	struct catalog *c = box_open(b);
	const struct offers *o = catalog_offers(c);
	for (size_t i = 0; i < o->n_rows; i++) {
		const struct offer_place *p = &o->places[o->rows[i].place];
		if (str_eq(o->types[o->rows[i].type].instance_type, "p5.48xlarge"))
			assert_int_equal(o->rows[i].reclaim, str_eq(p->region, "us-east-1") ? 10 : RECLAIM_UNKNOWN);
	}
	catalog_close(c);
}

/* --- against a plain loop ---------------------------------------------------------------------------------------------*/

struct naive_row {
	char type[24], region[16], zone[24];
	int count; /* 0: no accelerator */
	int64_t price, spot;
};

static size_t random_rows(unsigned *seed, struct naive_row *v, size_t max)
{
	size_t n = 0;
	while (n < max) {
		struct naive_row r;
		int type = (int)box_random(seed, 40);
		snprintf(r.type, sizeof r.type, "type-%d", type);
		snprintf(r.region, sizeof r.region, "region-%u", box_random(seed, 12));
		snprintf(r.zone, sizeof r.zone, "%s%c", r.region, 'a' + (int)box_random(seed, 3));
		r.count = type % 3 ? 1 << (type % 4) : 0;
		r.price = box_random(seed, 8) ? 1 + (int64_t)box_random(seed, 50000000) : -1;
		r.spot = box_random(seed, 3) ? 1 + (int64_t)box_random(seed, 20000000) : -1;
		bool known = false;
		for (size_t i = 0; i < n && !known; i++)
			known = !strcmp(v[i].type, r.type) && !strcmp(v[i].zone, r.zone);
		if (!known)
			v[n++] = r;
	}
	return n;
}

static void put_rows(struct box *b, const struct naive_row *v, size_t n)
{
	struct str s = str_new(1 << 20);
	str_add(&s, HEAD);
	for (size_t i = 0; i < n; i++) {
		char price[40] = "", spot[40] = "", count[8] = "";
		if (v[i].price >= 0)
			micro_text(v[i].price, price, sizeof price);
		if (v[i].spot >= 0)
			micro_text(v[i].spot, spot, sizeof spot);
		if (v[i].count)
			snprintf(count, sizeof count, "%d.0", v[i].count);
		str_addf(&s, "%s,%s,%s,4,16,,%s,%s,%s,%s\n", v[i].type, v[i].count ? "V100" : "", count, price, spot, v[i].region, v[i].zone);
	}
	box_list(b, "lambda", str_text(&s));
	str_free(&s);
}

/* Every line is in the catalog, with its numbers, and nothing else of the cloud is; in the pack and in SQL alike. */
static void check_rows(struct box *b, const struct naive_row *v, size_t n)
{
	struct catalog *c = box_open(b);
	const struct offers *o = catalog_offers(c);
	size_t of_cloud = 0;
	sqlite3 *db;
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_open_v2(b->db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT instance_type, accelerator, count, price, spot FROM offers WHERE id = ?", -1, &s, NULL),
	    SQLITE_OK);
	for (size_t i = 0; i < o->n_rows; i++) {
		const struct offer *r = &o->rows[i];
		const struct offer_type *y = &o->types[r->type];
		if (!str_eq(y->provider, "lambda"))
			continue;
		of_cloud++;
		const struct naive_row *w = NULL;
		for (size_t k = 0; k < n && !w; k++)
			if (str_eq(v[k].type, y->instance_type) && str_eq(v[k].zone, o->places[r->place].zone))
				w = &v[k];
		assert_non_null(w);
		assert_int_equal(r->price_uusd_h, w->price);
		assert_int_equal(r->spot_uusd_h, w->spot);
		assert_int_equal(y->accel_count_micro, w->count * INT64_C(1000000));
		assert_string_equal(o->places[r->place].region, w->region);
		sqlite3_bind_int64(s, 1, r->id);
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
		assert_string_equal(sqlite3_column_text(s, 0), w->type);
		if (w->price < 0)
			assert_int_equal(sqlite3_column_type(s, 3), SQLITE_NULL);
		else
			assert_int_equal((int64_t)(sqlite3_column_double(s, 3) * 1e6 + 0.5), w->price);
		sqlite3_reset(s);
	}
	assert_int_equal(of_cloud, n);
	sqlite3_finalize(s);
	sqlite3_close(db);
	catalog_close(c);
}

static void test_random_lists(void **state)
{
	struct box *b = *state;
	unsigned seed = 7;
	static struct naive_row v[900];
	for (int round = 0; round < 6; round++) {
		size_t n = random_rows(&seed, v, 200 + box_random(&seed, 700));
		put_rows(b, v, n);
		box_must_import(b, NOW + round);
		check_rows(b, v, n);
	}
}

/* --- the prices that come with the program ----------------------------------------------------------------------------*/

static void check_type(const struct offer_type *t)
{
	bool ok = t->provider && *t->provider && t->instance_type && *t->instance_type;
	if (t->accelerator)
		ok &= t->accel_count_micro > 0 && t->accel_count_micro <= 64000000 && (t->gpu_mem_mib == -1 || t->gpu_mem_mib >= 1024) &&
		    t->gpu_mem_mib <= 300 * 1024;
	else
		ok &= t->accel_count_micro == 0 && t->gpu_mem_mib == -1;
	ok &= t->vcpus_micro == -1 || (t->vcpus_micro >= 125000 && t->vcpus_micro <= 2000 * INT64_C(1000000));
	ok &= t->mem_mib == -1 || (t->mem_mib >= 512 && t->mem_mib <= 33 * 1024 * 1024);
	if (!ok)
		fail_msg("%s %s: %s × %lld µ, %lld MiB, %lld µ vCPU, %lld MiB", t->provider, t->instance_type, t->accelerator ? t->accelerator : "-",
		    (long long)t->accel_count_micro, (long long)t->gpu_mem_mib, (long long)t->vcpus_micro, (long long)t->mem_mib);
}

static void test_bundled(void **state)
{
	(void)state;
	struct err err;
	const char *build = getenv("top_builddir");
	char *path = xasprintf("%s/share/catalog/snapshot.db", build ? build : ".");
	if (!fs_exists(path)) {
		free(path);
		path = xasprintf("%s/share/catalog/snapshot.db", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	}
	struct catalog *c = catalog_open_at(NULL, path, &err);
	if (!c)
		fail_msg("%s", err.text);
	assert_null(catalog_warning(c));
	const struct offers *o = catalog_offers(c);
	assert_true(o->n_rows > 40000);
	for (size_t i = 0; i < o->n_types; i++)
		check_type(&o->types[i]);
	for (size_t i = 0; i < o->n_rows; i++) {
		const struct offer *r = &o->rows[i];
		const struct offer_type *t = &o->types[r->type];
		bool ok = (r->price_uusd_h > 0 || r->price_uusd_h == PRICE_UNKNOWN) && (r->spot_uusd_h > 0 || r->spot_uusd_h == PRICE_UNKNOWN) &&
		    (r->price_uusd_h > 0 || r->spot_uusd_h > 0) && r->price_uusd_h < 2000 * INT64_C(1000000);
		ok &= r->spot_uusd_h == PRICE_UNKNOWN || r->price_uusd_h == PRICE_UNKNOWN || r->spot_uusd_h <= r->price_uusd_h;
		ok &= str_eq(t->provider, o->places[r->place].provider);
		if (!ok)
			fail_msg("%s %s at %s: %lld, spot %lld", t->provider, t->instance_type, o->places[r->place].region,
			    (long long)r->price_uusd_h, (long long)r->spot_uusd_h);
	}
	for (size_t i = 0; i < o->n_sources; i++)
		assert_true(*o->sources[i].name && o->sources[i].as_of_ms > INT64_C(1700000000000));
	/* Facts that anyone can look up. */
	const struct offer *p5 = box_find(c, "aws", "p5.48xlarge", "H100", "us-east-1");
	assert_int_equal(p5->price_uusd_h, 55040000);
	assert_int_equal(box_find(c, "azure", "Standard_ND96isr_H100_v5", "H100", "eastus")->price_uusd_h, 98320000);
	assert_int_equal(box_find(c, "gcp", "a2-highgpu-1g", "A100", "us-central1")->price_uusd_h, 3673385);
	assert_non_null(box_find(c, "aws", "m6i.2xlarge", NULL, "us-east-1"));
	assert_non_null(box_find(c, "gcp", "n1-standard-8", "T4", "us-central1"));
	const struct egress_table *e = catalog_egress(c, &err);
	assert_true(e->n > 1000);
	for (size_t i = 0; i < e->n; i++)
		assert_true(e->rows[i].price_uusd_per_gb >= 0 && e->rows[i].price_uusd_per_gb < 1000000);
	catalog_close(c);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BOXED(test_snapshot),
	    BOXED(test_egress_and_status),
	    BOXED(test_newer_snapshot),
	    BOXED(test_bad_price_files),
	    cmocka_unit_test(test_csv),
	    BOXED(test_import_columns),
	    BOXED(test_import_merges),
	    BOXED(test_bad_lines),
	    BOXED(test_refused),
	    BOXED(test_one_folder),
	    BOXED(test_zone_ids),
	    BOXED(test_gcp),
	    BOXED(test_history),
	    BOXED(test_reclaim_survives),
	    BOXED(test_random_lists),
	    cmocka_unit_test(test_bundled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
