/* The filter language of offers: every text compiles or is refused at a place in it; running it over a small table in one
 * go and row by row finds the same rows. */
#include <string.h>

#include "core/base/mem.h"
#include "core/plan/filter.h"
#include "tests/fuzz/must.h"

static const struct offer_type types[] = {
    {"aws", "p5.48xlarge", "H100", "x86_64", 8000000, 81920, 192000000, 2097152},
    {"gcp", "n2-standard-8", NULL, "x86_64", 0, -1, 8000000, 32768},
    {"lambda", "gpu_1x_gh200", "GH200", "arm64", 1000000, 98304, 64000000, 442368},
    {"vast", "", "RTX4090", NULL, 500000, -1, -1, -1},
};
static const struct offer_place places[] = {{"aws", "us-east-1", "us-east-1a"}, {"gcp", "europe-west4", ""}, {"lambda", "", ""}};
static const struct offer_source sources[] = {{"price list", 1700000000000, true, false, false, false}};
static const struct offer rows[] = {
    {98320000, 40000000, 0, 0, 0, AVAILABLE_YES, 20, 1},
    {388000, PRICE_UNKNOWN, 1, 1, 0, AVAILABLE_UNKNOWN, RECLAIM_UNKNOWN, 2},
    {1490000, PRICE_UNKNOWN, 2, 2, 0, AVAILABLE_NO, RECLAIM_UNKNOWN, 3},
    {PRICE_UNKNOWN, 200000, 3, 2, 0, AVAILABLE_LOW, 5, 4},
};
static const struct offers table = {rows, ARRAY_LEN(rows), types, ARRAY_LEN(types), places, ARRAY_LEN(places), sources, 1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct filter_error where = {0};
	char *text = xstrndup((const char *)data, size);
	size_t len = strlen(text);
	struct filter *f = filter_compile(text, &where, &err);
	if (!f) {
		MUST(err.code != ERR_NONE && err.text[0]);
		MUST(where.at <= len && where.len <= len - where.at);
	} else {
		struct offer_list found = {0};
		struct filter_span spans[8];
		size_t k = 0;
		filter_run(f, &table, &found);
		for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
			bool in = k < found.n && found.rows[k] == row;
			MUST(in == filter_match(f, &table, row));
			k += in;
		}
		MUST(k == found.n);
		size_t n = filter_spans(f, "H100 us-east-1 h100", spans, ARRAY_LEN(spans));
		for (size_t i = 0; i < n; i++)
			MUST(spans[i].at + spans[i].len <= 19 && (!i || spans[i].at >= spans[i - 1].at + spans[i - 1].len));
		offer_list_free(&found);
	}
	filter_destroy(f);
	free(text);
	return 0;
}
