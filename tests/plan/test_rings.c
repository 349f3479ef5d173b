/* Rings of measures with a clock of our own: means, gaps, the end of a ring, a clock that jumps, and a restart. And the arithmetic and
 * words of figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/plan/figures.h"
#include "core/plan/rings.h"
#include "core/plan/trend.h"

#define T0 INT64_C(1795608000000) /* a whole quarter of an hour */

static void add(struct rings *r, int64_t at_ms, int gpu, int cpu)
{
	int16_t v[MEASURES];
	for (int i = 0; i < MEASURES; i++)
		v[i] = RING_UNKNOWN;
	v[MEASURE_GPU] = (int16_t)gpu;
	v[MEASURE_CPU] = (int16_t)cpu;
	rings_add(r, at_ms, v);
}

static void check(const struct rings *r, enum measure m, enum span s, int64_t now_ms, const char *want)
{
	char got[400] = "";
	int16_t v[8];
	rings_read(r, m, s, now_ms, v, ARRAY_LEN(v));
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", i ? " " : "", v[i]);
	assert_string_equal(got, want);
}

static void test_means_and_gaps(void **state)
{
	(void)state;
	struct rings *r = rings_create();
	check(r, MEASURE_GPU, SPAN_MINUTES, T0, "-1 -1 -1 -1 -1 -1 -1 -1");
	add(r, T0, 100, 0);
	add(r, T0 + 1000, 200, RING_UNKNOWN);
	add(r, T0 + 5000, 300, 50);
	add(r, T0 + 20000, 0, 50); /* two steps in which nothing was heard */
	check(r, MEASURE_GPU, SPAN_MINUTES, T0 + 20000, "-1 -1 -1 150 300 -1 -1 0");
	check(r, MEASURE_CPU, SPAN_MINUTES, T0 + 20000, "-1 -1 -1 0 50 -1 -1 50");
	check(r, MEASURE_MEM, SPAN_MINUTES, T0 + 20000, "-1 -1 -1 -1 -1 -1 -1 -1");
	/* Later: what is new is unknown, what was moves left. */
	check(r, MEASURE_GPU, SPAN_MINUTES, T0 + 30000, "-1 150 300 -1 -1 0 -1 -1");
	check(r, MEASURE_GPU, SPAN_HOURS, T0 + 20000, "-1 -1 -1 -1 -1 -1 -1 150");
	check(r, MEASURE_GPU, SPAN_DAYS, T0 + 20000, "-1 -1 -1 -1 -1 -1 -1 150");
	int16_t last[MEASURES];
	assert_int_equal(rings_last(r, last), T0 + 20000);
	assert_int_equal(last[MEASURE_GPU], 0);
	assert_int_equal(last[MEASURE_DISK], RING_UNKNOWN);
	rings_destroy(r);
}

static void test_all_of_a_week(void **state)
{
	(void)state;
	struct rings *r = rings_create();
	int64_t end = T0 + INT64_C(8) * 86400000;
	for (int64_t at = T0; at < end; at += 60000)
		add(r, at, (int)(at / 900000 % 1000), 0);
	int16_t v[RING_STEPS_MAX];
	rings_read(r, MEASURE_GPU, SPAN_DAYS, end - 1, v, RING_STEPS_MAX);
	for (size_t i = 0; i < RING_STEPS_MAX; i++)
		assert_int_equal(v[i], (end / 900000 - RING_STEPS_MAX + (int64_t)i) % 1000);
	rings_read(r, MEASURE_GPU, SPAN_MINUTES, end - 1, v, 120);
	size_t known = 0;
	for (size_t i = 0; i < 120; i++)
		known += v[i] != RING_UNKNOWN;
	assert_int_equal(known, 10); /* one a minute: the other steps are gaps */
	rings_destroy(r);
}

static void test_clock_jumps(void **state)
{
	(void)state;
	struct rings *r = rings_create();
	add(r, T0, 100, 0);
	add(r, T0 - 10000, 900, 0); /* older than the step under way: left out */
	check(r, MEASURE_GPU, SPAN_MINUTES, T0, "-1 -1 -1 -1 -1 -1 -1 100");
	add(r, T0 + 3600000, 200, 0); /* past the finest ring's end: nothing old is taken for new */
	check(r, MEASURE_GPU, SPAN_MINUTES, T0 + 3600000, "-1 -1 -1 -1 -1 -1 -1 200");
	add(r, T0 - 86400000, 300, 0); /* the clock was set back by a day: the finer rings begin anew */
	check(r, MEASURE_GPU, SPAN_MINUTES, T0 - 86400000, "-1 -1 -1 -1 -1 -1 -1 300");
	check(r, MEASURE_GPU, SPAN_DAYS, T0, "-1 -1 -1 -1 -1 -1 -1 100");
	add(r, -5, 300, 0);
	add(r, 0, 300, 0);
	rings_destroy(r);
}

static void test_bounds(void **state)
{
	(void)state;
	struct rings *r = rings_create();
	add(r, T0, INT16_MAX, INT16_MIN);
	check(r, MEASURE_GPU, SPAN_MINUTES, T0, "-1 -1 -1 -1 -1 -1 -1 9990");
	check(r, MEASURE_CPU, SPAN_MINUTES, T0, "-1 -1 -1 -1 -1 -1 -1 -1");
	rings_destroy(r);
}

static void test_restart(void **state)
{
	(void)state;
	struct rings *a = rings_create(), *b = rings_create();
	struct str s = str_new(1 << 20);
	for (int i = 0; i < 100; i++)
		add(a, T0 + i * 60000, i, 2 * i);
	rings_put(a, &s);
	assert_int_equal(rings_take(b, s.data, s.len), s.len);
	add(a, T0 + 100 * 60000, 500, 0);
	add(b, T0 + 100 * 60000, 500, 0); /* and the step under way goes on with what it had */
	int16_t va[360], vb[360];
	for (int span = SPAN_HOURS; span < SPANS; span++) {
		rings_read(a, MEASURE_GPU, (enum span)span, T0 + 100 * 60000, va, 360);
		rings_read(b, MEASURE_GPU, (enum span)span, T0 + 100 * 60000, vb, 360);
		assert_memory_equal(va, vb, sizeof va);
	}
	struct rings *c = rings_create();
	for (size_t cut = 0; cut < s.len; cut += 97)
		assert_int_equal(rings_take(c, s.data, cut), 0);
	memset(s.data, 0xff, s.len); /* nonsense cannot break it */
	rings_take(c, s.data, s.len);
	add(c, T0, 100, 0);
	check(c, MEASURE_GPU, SPAN_MINUTES, T0, "-1 -1 -1 -1 -1 -1 -1 100");
	str_free(&s);
	rings_destroy(a);
	rings_destroy(b);
	rings_destroy(c);
}

static void test_figures(void **state)
{
	(void)state;
	char buf[32];
	int64_t v[] = {50, 10, 40, 20, 30};
	assert_int_equal(figure_quantile(v, 5, 50), 30);
	assert_int_equal(figure_quantile(v, 5, 95), 50);
	assert_int_equal(figure_quantile(v, 1, 95), 10);
	assert_int_equal(figure_quantile(v, 0, 50), FIGURE_UNKNOWN);
	assert_int_equal(figure_share(1, 3), 333);
	assert_int_equal(figure_share(0, 0), FIGURE_UNKNOWN);
	assert_string_equal(figure_text(FIGURE_JOB_SUCCESS, 975, buf, sizeof buf), "97.5%");
	assert_string_equal(figure_text(FIGURE_QUEUE_WAIT_P50, 1500, buf, sizeof buf), "1.5 s");
	assert_string_equal(figure_text(FIGURE_QUEUE_WAIT_P50, 184000, buf, sizeof buf), "3m 4s");
	assert_string_equal(figure_text(FIGURE_LOOP_LAG_MAX, 0, buf, sizeof buf), "0 ms");
	assert_string_equal(figure_text(FIGURE_RECOVERIES, FIGURE_UNKNOWN, buf, sizeof buf), "-");
	assert_string_equal(measure_text(994, buf, sizeof buf), "99%");
	assert_string_equal(measure_text(RING_UNKNOWN, buf, sizeof buf), "-");
	/* Each has a name of its own, a title and a sentence. */
	for (int i = 0; i < FIGURES; i++) {
		const struct figure_info *f = &figure_infos[i];
		assert_true(f->name && f->title && f->explain && strlen(f->explain) > 20 && f->explain[strlen(f->explain) - 1] == '.');
		for (int k = 0; k < i; k++)
			assert_string_not_equal(f->name, figure_infos[k].name);
	}
	assert_true(FIGURES >= 15);
	for (int i = 0; i < MEASURES; i++)
		assert_int_equal(measure_named(measure_infos[i].name), i);
	assert_int_equal(measure_named("gpus"), MEASURES);
	assert_int_equal(span_named("6h"), SPAN_HOURS);
	assert_int_equal(span_named(NULL), SPANS);
}

/* What stood at the end of each part, whatever came between; before the first change nothing is known. */
static void test_trend(void **state)
{
	(void)state;
	const struct price_point changes[] = {{150, 10, 4}, {180, 12, PRICE_UNKNOWN}, {190, 11, 6}, {320, 9, 6}, {500, 1, 1}};
	int64_t values[4];
	struct trend t = trend_of(changes, ARRAY_LEN(changes), false, 0, 400, values, 4);
	const int64_t want[] = {-1, 11, 11, 9}, spot[] = {-1, 6, 6, 6};
	assert_memory_equal(values, want, sizeof want);
	assert_true(t.low == 9 && t.high == 11 && t.last == 9 && t.n_known == 3);
	t = trend_of(changes, ARRAY_LEN(changes), true, 0, 400, values, 4);
	assert_memory_equal(values, spot, sizeof spot);
	assert_true(t.low == 6 && t.high == 6);
	t = trend_of(changes, 2, true, 0, 400, values, 4);
	assert_true(t.n_known == 0 && t.last == -1); /* it is not sold so any more */
	assert_int_equal(trend_of(NULL, 0, false, 0, 400, values, 4).n_known, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_means_and_gaps), cmocka_unit_test(test_all_of_a_week), cmocka_unit_test(test_clock_jumps),
	    cmocka_unit_test(test_bounds), cmocka_unit_test(test_restart), cmocka_unit_test(test_figures), cmocka_unit_test(test_trend),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
