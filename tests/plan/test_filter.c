/* The filter language, sorting and grouping: by example, and against evaluators written the slow and obvious way. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/plan/filter.h"
#include "core/plan/order.h"

#define M INT64_C(1000000)
#define NO PRICE_UNKNOWN

static const struct offer_type types[] = {
	{"aws", "p5.48xlarge", "H100", "x86_64", 8 * M, 81920, 192 * M, 2048 * 1024},
	{"aws", "m6i.2xlarge", NULL, "x86_64", 0, -1, 8 * M, 32 * 1024},
	{"aws", "g5g.xlarge", "T4g", "arm64", 1 * M, 16384, 4 * M, 8 * 1024},
	{"azure", "Standard_NV6ads_A10_v5", "A10", NULL, 166667, 24576, 6 * M, 55 * 1024},
	{"gcp", "a2-ultragpu-1g", "A100-80GB", NULL, 1 * M, 81920, 12 * M, 170 * 1024},
	{"lambda", "gpu_1x_h100_pcie", "H100", NULL, 1 * M, -1, -1, -1},
};
static const struct offer_place places[] = {
	{"aws", "us-east-1", "us-east-1a"}, {"aws", "eu-west-1", ""},	   {"azure", "eastus", ""},
	{"gcp", "us-central1", "us-central1-a"}, {"lambda", "us-east-1", ""},
};
static const struct offer_source sources[] = {{.name = "price list"}, {.name = "imported file"}};
static const struct offer rows[] = {
	{55040000, 17000000, 0, 0, 0, AVAILABLE_YES, 5, 1},
	{60000000, NO, 0, 1, 0, AVAILABLE_UNKNOWN, RECLAIM_UNKNOWN, 2},
	{384000, 150000, 1, 0, 0, AVAILABLE_LOW, 20, 3},
	{420000, 0, 2, 1, 0, AVAILABLE_NO, 10, 4},
	{454000, 90800, 3, 2, 1, AVAILABLE_UNKNOWN, RECLAIM_UNKNOWN, 5},
	{5060000, 2530000, 4, 3, 0, AVAILABLE_UNKNOWN, 255, 6},
	{NO, 1100000, 4, 3, 1, AVAILABLE_UNKNOWN, 255, 7},
	{2490000, NO, 5, 4, 0, AVAILABLE_UNKNOWN, RECLAIM_UNKNOWN, 8},
};
static const struct offers table = {rows, ARRAY_LEN(rows), types, ARRAY_LEN(types), places, ARRAY_LEN(places), sources,
    ARRAY_LEN(sources)};

/* The ids that a filter lets through, as text. */
static const char *ids(const char *text, char *buf)
{
	struct err err;
	struct filter *f = filter_compile(text, NULL, &err);
	if (!f)
		fail_msg("%s: %s", text, err.text);
	struct offer_list l = {0};
	filter_run(f, &table, &l);
	*buf = '\0';
	for (size_t i = 0; i < l.n; i++)
		sprintf(buf + strlen(buf), "%u", rows[l.rows[i]].id);
	for (size_t i = 0; i < table.n_rows; i++) {
		char id[8];
		sprintf(id, "%u", rows[i].id);
		assert_int_equal(filter_match(f, &table, i), strstr(buf, id) != NULL);
	}
	offer_list_free(&l);
	filter_destroy(f);
	return buf;
}

static void test_terms(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", "12345678"},
		{"  \t ", "12345678"},
		{"h100", "128"},
		{"H100 us-east", "18"},
		{"h100,t4g", "1248"},
		{"!h100", "34567"},
		{"us-east-1a", "13"},
		{"standard_nv", "5"},
		{"cloud:aws", "1234"},
		{"cloud:AWS,lambda", "12348"},
		{"!cloud:aws", "5678"},
		{"cloud!=aws", "5678"},
		{"cloud=aws", "1234"},
		{"cloud:a*", "12345"},
		{"infra:google", "67"},
		{"region:us-*", "13678"},
		{"zone:us-central1-?", "67"},
		{"gpu:h100", "128"},
		{"gpu:a100", ""},
		{"gpu:A100*", "67"},
		{"gpu:\"A100 80GB\"", "67"},
		{"instance:p5*,m6i*", "123"},
		{"type:m6i.2xlarge", "3"},
		{"gpu:*", "1245678"},
		{"!gpu:*", "3"},
		{"gpu:\"\"", "3"},
		{"zone:*", "1367"},
		{"zone:\"\" cloud:aws", "24"},
		{"cloud:\"\"", ""},
		{"arch:\"\"", "5678"},
		{"arch:arm", "4"},
		{"arch:amd64", "123"},
		{"source:import*", "57"},
		{"avail:yes,low", "13"},
		{"avail:unknown", "25678"},
		{"price<2.5", "3458"},
		{"price<$2.49", "345"},
		{"price<=2.49", "3458"},
		{"price>55.04", "2"},
		{"price>=55.04", "12"},
		{"price=0.384", "3"},
		{"price!=0.384", "124568"},
		{"!price<2.5", "1267"}, /* the unknown is not below */
		{"spot", "134567"},
		{"!spot", "28"},
		{"spot<1", "345"},
		{"spot:0", "4"},
		{"spot>=1.1", "167"},
		{"n>=8", "12"},
		{"gpu>=8", "12"},
		{"n:1,8", "1246""78"},
		{"n!=1,8", "35"},
		{"count=0", "3"},
		{"mem>=80", "1267"},
		{"mem>=80GB", "1267"},
		{"mem<24", "4"},
		{"vram=24", "5"},
		{"ram>=2TB", "12"},
		{"ram<32", "4"},
		{"vcpu>=12", "1267"},
		{"reclaim<10", "1"},
		{"reclaim<=10%", "14"},
		{"saving>60", "1345"},
		{"saving<=50", "6"},
		{"pergpu<3", "4""58"},
		{"pergpu>6.8 pergpu<7", "1"},
		{"H100:8", "12"},
		{"h100:8+", "12"},
		{"h100:1+", "128"},
		{"a10:0.167", "5"},
		{"A100-80GB:1", "67"},
		{"!H100:8", "345678"},
		{"/p5|m6i/", "123"},
		{"/^gpu_[18]x/", "8"},
		{"!/^gpu_[18]x/", "1234567"},
		{"/^us-/ !aws", "678"},
		{"\"us-east-1\"", "138"},
		{"h100 price<3 !spot region:us*", "8"},
	};
	char buf[100];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (strcmp(ids(cases[i].text, buf), cases[i].want))
			fail_msg("'%s': want %s, got %s", cases[i].text, cases[i].want, buf);
}

static void test_errors(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t at;
		bool incomplete;
		const char *says;
	} cases[] = {
		{"h100 clod:aws", 5, false, "did you mean 'cloud'"},
		{"foo=3", 0, false, "no field 'foo'"},
		{"price<", 6, true, "value is missing"},
		{"price<$", 6, true, "number is missing"},
		{"price<.", 6, true, "number is missing"},
		{"price<abc", 6, false, "not a number"},
		{"price<-1", 6, false, "not a number"},
		{"price<1e3", 6, false, "not a number"},
		{"price<1,2", 6, false, "one number"},
		{"price<99999999999999999999", 6, false, "not a number"},
		{"mem>=80MB", 5, false, "not a number"},
		{"cloud:", 6, true, "value is missing"},
		{"cloud:aws,", 10, true, "value is missing"},
		{"cloud:,aws", 6, false, "value is missing"},
		{"cloud<aws", 5, false, "is a text"},
		{"avail:maybe", 6, false, "yes, low, no"},
		{"avail:ye", 6, true, "yes, low, no"},
		{"/abc", 0, true, "/ is missing"},
		{"//", 0, true, "empty"},
		{"/a(/", 0, false, "regular expression"},
		{"/a{1,9}/", 2, false, "counted repetition"},
		{"/(a)\\1/", 4, false, "back-references"},
		{"\"us east", 0, true, "quote is missing"},
		{"!", 1, true, "!"},
		{"gpu:H100:8", 4, false, "H100:8, without"},
		{"zzzz:4x", 0, false, "no field"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct filter_error where = {999, 999, false};
		struct err err = {0};
		struct filter *f = filter_compile(cases[i].text, &where, &err);
		if (f)
			fail_msg("'%s' was taken", cases[i].text);
		assert_int_equal(err.code, ERR_INVALID);
		if (where.at != cases[i].at || where.incomplete != cases[i].incomplete || !strstr(err.text, cases[i].says))
			fail_msg("'%s': at %zu, incomplete %d: %s", cases[i].text, where.at, where.incomplete, err.text);
	}
	struct str s = str_new(5000);
	for (int i = 0; i < FILTER_MAX_TERMS + 1; i++)
		str_add(&s, "a ");
	assert_null(filter_compile(str_text(&s), NULL, NULL));
	for (int i = 0; i < 1000; i++)
		str_add(&s, "a");
	assert_null(filter_compile(str_text(&s), NULL, NULL));
	str_free(&s);
}

static void test_spans(void **state)
{
	(void)state;
	struct filter *f = filter_compile("h1,us !east /[0-9]-c/ cloud:aws", NULL, NULL);
	struct filter_span s[4];
	assert_int_equal(filter_spans(f, "us-east-1-c h100 US", s, 4), 4);
	assert_int_equal(s[0].at, 0);
	assert_int_equal(s[0].len, 2);
	assert_int_equal(s[1].at, 8);
	assert_int_equal(s[1].len, 3);
	assert_int_equal(s[2].at, 12);
	assert_int_equal(s[3].at, 17);
	assert_int_equal(filter_spans(f, "us-east-1-c h100 US", s, 2), 2);
	assert_int_equal(filter_spans(f, "aws", s, 4), 0);
	assert_int_equal(filter_spans(f, NULL, s, 4), 0);
	assert_int_equal(filter_spans(NULL, "us", s, 4), 0);
	filter_destroy(f);
	const char *c[20];
	assert_int_equal(filter_complete("sp", c, 20), 2);
	assert_true(filter_complete("", c, 20) > 15);
	assert_true(filter_help()[0] != NULL);
}

static void test_order(void **state)
{
	(void)state;
	struct err err;
	struct offer_order o;
	static const struct {
		const char *order, *want;
	} cases[] = {
		{"price", "34586127"},
		{"-price", "21685437"}, /* the unknown stays last */
		{"spot", "45376128"},
		{"pergpu", "48561237"},
		{"gpu,price", "56781243"},
		{"-gpu,-price", "42186753"},
		{"n,price", "35486712"},
		{"cloud,region,price", "42315678"},
		{"-vcpu", "12673548"},
		{"saving", "63154278"},
		{"none", "12345678"},
	};
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		assert_int_equal(offer_order_parse(cases[k].order, &o, &err), 0);
		uint32_t r[ARRAY_LEN(rows)];
		char got[20] = "";
		for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
			r[i] = i;
		offer_sort(&table, &o, r, ARRAY_LEN(rows));
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			sprintf(got + i, "%u", rows[r[i]].id);
		if (strcmp(got, cases[k].want))
			fail_msg("%s: want %s, got %s", cases[k].order, cases[k].want, got);
	}
	assert_int_equal(offer_order_parse("prize", &o, &err), -1);
	assert_non_null(strstr(err.text, "did you mean 'price'"));
	assert_int_equal(offer_order_parse("qqqq", &o, &err), -1);
	assert_non_null(strstr(err.text, "there are: price"));
	assert_int_equal(offer_order_parse("", &o, &err), -1);
	assert_int_equal(offer_order_parse("price,", &o, &err), -1);
	assert_int_equal(offer_order_parse("price,spot,n,gpu", &o, &err), -1);
}

static void test_groups(void **state)
{
	(void)state;
	uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct offer_group *g;
	size_t n = offer_groups(&table, all, 8, &g);
	assert_int_equal(n, 5);
	assert_null(g[0].accelerator);
	assert_int_equal(g[0].per_gpu_uusd_h, 384000);
	assert_string_equal(g[1].accelerator, "A10");
	assert_int_equal(g[1].per_gpu_uusd_h, 2723995); /* 0.454 / 0.166667 */
	assert_string_equal(g[2].accelerator, "A100-80GB");
	assert_int_equal(g[2].n_offers, 2);
	assert_int_equal(g[2].cheapest, 5);
	assert_int_equal(g[2].cheapest_spot, 6);
	assert_string_equal(g[3].accelerator, "H100");
	assert_int_equal(g[3].n_offers, 3);
	assert_int_equal(g[3].n_clouds, 2);
	assert_int_equal(g[3].cheapest, 7);
	assert_int_equal(g[3].spot_per_gpu_uusd_h, 17000000 / 8);
	assert_int_equal(g[3].n_counts, 2);
	assert_int_equal(g[3].counts_micro[1], 8 * M);
	assert_int_equal(g[3].gpu_mem_mib, 81920);
	assert_int_equal(g[4].cheapest_spot, 3); /* free is a price */
	free(g);
	assert_int_equal(offer_groups(&table, all, 0, &g), 0);
	free(g);
}

/* --- random tables against the obvious way --------------------------------------------------------------------------*/

enum { N_TYPES = 60, N_PLACES = 30, N_ROWS = 3000 };

struct world {
	struct offer rows[N_ROWS];
	struct offer_type types[N_TYPES];
	struct offer_place places[N_PLACES];
	struct offers o;
	unsigned seed;
};

static unsigned rnd(struct world *w, unsigned n)
{
	w->seed = w->seed * 1103515245u + 12345u;
	return (w->seed >> 8) % n;
}

static const char *const clouds[] = {"aws", "azure", "gcp", "lambda", "runpod"};
static const char *const gpus[] = {"H100", "A100", "A100-80GB", "T4", "L4", "V100"};
static const char *const instances[] = {"p5.48xlarge", "g4dn.xlarge", "a2-highgpu-1g", "Standard_NC6s_v3", "gpu_8x_h100"};
static const char *const regions[] = {"us-east-1", "us-west-2", "eu-west-1", "eastus", "us-central1", ""};

static void make_world(struct world *w, unsigned seed)
{
	memset(w, 0, sizeof *w);
	w->seed = seed;
	for (unsigned i = 0; i < N_TYPES; i++) {
		bool gpu = rnd(w, 4) > 0;
		w->types[i] = (struct offer_type){clouds[i * ARRAY_LEN(clouds) / N_TYPES], instances[rnd(w, ARRAY_LEN(instances))],
		    gpu ? gpus[rnd(w, ARRAY_LEN(gpus))] : NULL, rnd(w, 2) ? "x86_64" : NULL, gpu ? (1 << rnd(w, 4)) * M : 0,
		    gpu ? (16 << rnd(w, 3)) * 1024 : -1, rnd(w, 9) ? (int)(4 + rnd(w, 60)) * M : -1, rnd(w, 9) ? (int)(8 + rnd(w, 500)) * 1024 : -1};
	}
	for (unsigned i = 0; i < N_PLACES; i++) {
		const char *region = regions[rnd(w, ARRAY_LEN(regions))];
		w->places[i] = (struct offer_place){clouds[i % ARRAY_LEN(clouds)], region, rnd(w, 2) ? region : ""};
	}
	for (unsigned i = 0; i < N_ROWS; i++)
		w->rows[i] = (struct offer){rnd(w, 10) ? rnd(w, 50) * 100000 : NO, rnd(w, 3) ? rnd(w, 30) * 100000 : NO,
		    i * N_TYPES / N_ROWS, rnd(w, N_PLACES), rnd(w, 2), (uint8_t)rnd(w, 4),
		    rnd(w, 3) ? (uint8_t)(rnd(w, 5) * 5) : RECLAIM_UNKNOWN, i};
	w->o = (struct offers){w->rows, N_ROWS, w->types, N_TYPES, w->places, N_PLACES, sources, ARRAY_LEN(sources)};
}

static bool has(const char *hay, const char *needle)
{
	size_t n = strlen(needle);
	for (; hay && *hay; hay++)
		if (!strncasecmp(hay, needle, n))
			return true;
	return false;
}

/* One random term, and its verdict on a row by plain reading. kind and arguments are drawn from *w. */
struct naive {
	unsigned kind, arg, number;
	bool negated;
};

static struct naive make_term(struct world *w, struct str *out)
{
	static const char *const words[] = {"h100", "us-", "AWS", "xlarge", "8x", "a1"};
	struct naive t = {rnd(w, 8), rnd(w, 5), rnd(w, 50), rnd(w, 4) == 0};
	str_add(out, t.negated ? " !" : " ");
	switch (t.kind) {
	case 0: str_add(out, words[t.arg]); break;
	case 1: str_addf(out, "cloud:%s,%s", clouds[t.arg], clouds[(t.arg + 1) % 5]); break;
	case 2: str_addf(out, "region:%s", t.arg ? regions[t.arg] : "us-*"); break;
	case 3: str_addf(out, "price<%u.%u", t.number / 10, t.number % 10); break;
	case 4: str_addf(out, "spot>=%u.%u", t.number / 10, t.number % 10); break;
	case 5: str_addf(out, "gpu>=%u", t.arg); break;
	case 6: str_addf(out, "mem<=%u", 16u << t.arg); break;
	case 7: str_addf(out, "%s:%u+", gpus[t.arg], t.number % 6); break;
	}
	return t;
}

static bool naive_fits(const struct naive *t, const struct offer *r, const struct offer_type *y, const struct offer_place *p)
{
	static const char *const words[] = {"h100", "us-", "AWS", "xlarge", "8x", "a1"};
	switch (t->kind) {
	case 0:
		return has(y->provider, words[t->arg]) || has(y->instance_type, words[t->arg]) || has(y->accelerator, words[t->arg]) ||
		    has(p->region, words[t->arg]) || has(p->zone, words[t->arg]);
	case 1: return !strcmp(y->provider, clouds[t->arg]) || !strcmp(y->provider, clouds[(t->arg + 1) % 5]);
	case 2: return t->arg ? !strcmp(p->region, regions[t->arg]) : !strncmp(p->region, "us-", 3);
	case 3: return r->price_uusd_h != NO && r->price_uusd_h < t->number * 100000;
	case 4: return r->spot_uusd_h != NO && r->spot_uusd_h >= t->number * 100000;
	case 5: return y->accel_count_micro >= t->arg * M;
	case 6: return y->accelerator && y->gpu_mem_mib <= (int64_t)(16 << t->arg) * 1024;
	default: return y->accelerator && !strcmp(y->accelerator, gpus[t->arg]) && y->accel_count_micro >= t->number % 6 * M;
	}
}

static void test_random_filters(void **state)
{
	(void)state;
	struct world *w = xcalloc(1, sizeof *w);
	struct offer_list l = {0};
	for (unsigned round = 0; round < 400; round++) {
		if (round % 40 == 0)
			make_world(w, round + 1);
		struct str text = str_new(1000);
		struct naive terms[4];
		size_t n = 1 + rnd(w, 4);
		for (size_t i = 0; i < n; i++)
			terms[i] = make_term(w, &text);
		struct err err;
		struct filter *f = filter_compile(str_text(&text), NULL, &err);
		if (!f)
			fail_msg("%s", err.text);
		filter_run(f, &w->o, &l);
		size_t at = 0;
		for (size_t i = 0; i < N_ROWS; i++) {
			const struct offer *r = &w->rows[i];
			bool want = true;
			for (size_t k = 0; k < n; k++)
				want &= naive_fits(&terms[k], r, &w->types[r->type], &w->places[r->place]) != terms[k].negated;
			bool got = at < l.n && l.rows[at] == i;
			at += got;
			if (want != got || filter_match(f, &w->o, i) != want)
				fail_msg("'%s' row %zu: want %d, got %d", str_text(&text), i, want, got);
		}
		assert_int_equal(at, l.n);
		filter_destroy(f);
		str_free(&text);
	}
	offer_list_free(&l);
	free(w);
}

static const struct world *sort_world; /* qsort takes no context */
static struct offer_order sort_order;

static const char *key_text(const struct offers *o, uint32_t row, enum offer_key key, char *buf)
{
	const struct offer *r = &o->rows[row];
	const struct offer_place *p = &o->places[r->place];
	switch (key) {
	case OFFER_BY_GPU: return o->types[r->type].accelerator;
	case OFFER_BY_CLOUD: return o->types[r->type].provider;
	case OFFER_BY_INSTANCE: return o->types[r->type].instance_type;
	default: sprintf(buf, "%s\1%s", p->region, p->zone); return buf;
	}
}

static int slow_compare(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
	const struct offers *o = &sort_world->o;
	for (size_t k = 0; k < sort_order.n; k++) {
		enum offer_key key = sort_order.by[k].key;
		int64_t va = 0, vb = 0;
		bool ka = offer_value(o, a, key, &va), kb = offer_value(o, b, key, &vb);
		int d = 0;
		if (ka != kb)
			return ka ? -1 : 1;
		if (!ka)
			continue;
		char ba[100], bb[100];
		if (key == OFFER_BY_GPU || key == OFFER_BY_CLOUD || key == OFFER_BY_INSTANCE || key == OFFER_BY_REGION)
			d = strcasecmp(key_text(o, a, key, ba), key_text(o, b, key, bb));
		else
			d = (va > vb) - (va < vb);
		if (d)
			return sort_order.by[k].descending ? -d : d;
	}
	return a < b ? -1 : 1;
}

static void test_random_orders(void **state)
{
	(void)state;
	struct world *w = xcalloc(1, sizeof *w);
	static uint32_t want[N_ROWS], got[N_ROWS], page[N_ROWS];
	for (unsigned round = 0; round < 150; round++) {
		make_world(w, round + 77);
		sort_order.n = 1 + rnd(w, 3);
		for (size_t k = 0; k < sort_order.n; k++) {
			sort_order.by[k].key = (enum offer_key)rnd(w, OFFER_KEYS);
			sort_order.by[k].descending = rnd(w, 2);
		}
		size_t n = rnd(w, N_ROWS), upto = rnd(w, 2) ? rnd(w, 40) : rnd(w, N_ROWS);
		if (upto > n)
			upto = n;
		for (uint32_t i = 0; i < n; i++)
			want[i] = got[i] = page[i] = i;
		sort_world = w;
		qsort(want, n, sizeof *want, slow_compare);
		offer_sort(&w->o, &sort_order, got, n);
		offer_sort_first(&w->o, &sort_order, page, n, upto);
		assert_memory_equal(got, want, n * sizeof *want);
		assert_memory_equal(page, want, upto * sizeof *want);
		static bool seen[N_ROWS];
		memset(seen, 0, sizeof seen);
		for (size_t i = 0; i < n; i++)
			seen[page[i]] = true;
		for (size_t i = 0; i < n; i++)
			assert_true(seen[i]);
	}
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_terms),	   cmocka_unit_test(test_errors), cmocka_unit_test(test_spans),
	    cmocka_unit_test(test_order),	   cmocka_unit_test(test_groups), cmocka_unit_test(test_random_filters),
	    cmocka_unit_test(test_random_orders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
