/* What the filter of lists means, without a screen. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/view/list.h"

static const struct grid_column columns[] = {
    {"NAME", 5, 5, 0, false, -1}, {"STATUS", 5, 5, 0, false, -1}, {"$/h", 5, 5, 0, true, -1}, {"COST", 5, 5, 0, true, -1}};

static void cell(void *arg, size_t column, struct grid_cell *out)
{
	snprintf(out->text, sizeof out->text, "%s", ((const char *const *)arg)[column]);
}

static bool match(const char *filter, const char *const texts[4])
{
	struct list_fields f = {columns, ARRAY_LEN(columns), cell, (void *)(uintptr_t)texts, "ada p5.48xlarge"};
	return list_match(filter, &f);
}

static void test_match(void **state)
{
	(void)state;
	const char *const train[] = {"train", "UP", "1,196.64", "~24.87"};
	static const struct {
		const char *filter;
		bool hit;
	} cases[] = {
	    {"", true}, {"  ", true}, {"tra", true}, {"TRAIN up", true}, {"train down", false}, {"!down", true}, {"!tra", false}, {"!", true},
	    {"status:up", true}, {"stat:UP", true}, {"status:stop", false}, {"name:up", false}, {"status:", true}, {"!status:up", false},
	    {"$/h>1196", true}, {"$/h>1196.64", false}, {"$/h>=1196.64", true}, {"price<2000", true}, {"price<=1196.63", false}, {"cost<25", true},
	    {"cost>25", false}, {"cost<", true}, {"cost<x", false}, {"/^train/", true}, {"/tr[ae]in up/", true}, {"!/tr[ae]in/", false},
	    {"/^up/", false}, {"/un(finished", true}, {"ada", true}, {"8xlarge !stopped", true}, {"nosuch:up", false}, {"status=up", true},
	    {"status=u", false}, {"!name=tra", true}, {"name=", true}, {"nosuch=up", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (match(cases[i].filter, train) != cases[i].hit)
			fail_msg("\"%s\" should %smatch", cases[i].filter, cases[i].hit ? "" : "not ");
	const char *const unknown[] = {"new", "INIT", NUM_UNKNOWN, ""};
	assert_false(match("$/h<5", unknown)); /* what is not known is neither more nor less than anything */
	assert_false(match("$/h>=0", unknown));
}

static void test_compare(void **state)
{
	(void)state;
	assert_true(list_by_int(1, 2) < 0 && list_by_int(2, 1) > 0 && list_by_int(2, 2) == 0);
	assert_int_equal(list_by_int(-1, 5), LIST_MISSING);
	assert_int_equal(list_by_int(5, -1), -LIST_MISSING);
	assert_int_equal(list_by_int(-1, -1), 0);
	assert_int_equal(list_by_text("", "a"), LIST_MISSING);
	static const char *const order[] = {"", "7", "8", "10", "a", "sweep-7", "sweep-7b", "sweep-10", "sweep-010", "sweep-11", "v1.9", "v1.10"};
	for (size_t i = 1; i < ARRAY_LEN(order); i++)
		for (size_t j = 1; j < ARRAY_LEN(order); j++) {
			int d = list_by_text(order[i], order[j]);
			bool swapped = str_eq(order[i], "sweep-10") || str_eq(order[i], "sweep-010") || str_eq(order[j], "sweep-10") || str_eq(order[j], "sweep-010");
			assert_true((d == 0) == (i == j) && (swapped || (d < 0) == (i < j)));
		}
	assert_true(list_by_text("a", "b") < 0 && list_by_text("b", "a") > 0);
	assert_true(list_id("a") != list_id("b") && list_id("") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_compare)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
