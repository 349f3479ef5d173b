/* Sums over intervals with a clock and a zone of our own: windows, unknown prices, months, changes of the clock, the projection and its
 * band, what changed since yesterday, and against a plain loop over every minute. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/model/task.h"
#include "core/plan/disks.h"
#include "core/plan/spend.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define USD INT64_C(1000000)

static int64_t at(const char *text)
{
	int64_t ms = 0;
	assert_true(time_parse(text, &ms));
	return ms;
}

/* Berlin in 2026: summer time from 29 March to 25 October, 01:00 UTC. */
static int64_t berlin(void *arg, int64_t at_ms)
{
	(void)arg;
	return at_ms >= at("2026-03-29T01:00:00Z") && at_ms < at("2026-10-25T01:00:00Z") ? 2 * HOUR : HOUR;
}
static const struct spend_zone in_berlin = {berlin, NULL};

static int64_t west(void *arg, int64_t at_ms)
{
	(void)arg;
	(void)at_ms;
	return -8 * HOUR;
}
static const struct spend_zone in_west = {west, NULL};

static void test_calendar(void **state)
{
	(void)state;
	assert_int_equal(spend_day(NULL, at("2026-11-25T12:00:00Z"), 0), at("2026-11-25"));
	assert_int_equal(spend_month(NULL, at("2026-12-31T23:59:59Z"), 1), at("2027-01-01"));
	assert_int_equal(spend_month(NULL, at("2026-01-10"), -1), at("2025-12-01"));
	assert_int_equal(spend_month(NULL, at("2028-02-29T10:00:00Z"), 1), at("2028-03-01"));
	/* Local midnight, on both sides of a change of the clock: those days have 23 and 25 hours. */
	assert_int_equal(spend_day(&in_berlin, at("2026-03-29T10:00:00Z"), 0), at("2026-03-28T23:00:00Z"));
	assert_int_equal(spend_day(&in_berlin, at("2026-03-29T10:00:00Z"), 1) - spend_day(&in_berlin, at("2026-03-29T10:00:00Z"), 0), 23 * HOUR);
	assert_int_equal(spend_day(&in_berlin, at("2026-10-25T10:00:00Z"), 1) - spend_day(&in_berlin, at("2026-10-25T10:00:00Z"), 0), 25 * HOUR);
	/* There it is still the month before. */
	assert_int_equal(spend_month(&in_west, at("2026-12-01T05:00:00Z"), 0), at("2026-11-01T08:00:00Z"));
}

static void test_sums(void **state)
{
	(void)state;
	int64_t now = at("2026-11-25T12:00:00Z");
	const struct spend_interval v[] = {
	    {.from_ms = now - 30 * HOUR, .to_ms = now - 20 * HOUR, .price_uusd_h = 2 * USD},
	    {.from_ms = now - 3 * HOUR, .price_uusd_h = 10 * USD, .estimated = true},
	};
	struct spend s = {v, ARRAY_LEN(v), now, NULL};
	assert_int_equal(spend_rate(&s).uusd, 10 * USD);
	assert_int_equal(spend_today(&s).uusd, 30 * USD);
	assert_true(spend_today(&s).estimated);
	assert_int_equal(spend_this_month(&s).uusd, 50 * USD);
	assert_int_equal(spend_this_month(&s).ms, 13 * HOUR);
	assert_int_equal(spend_between(&s, now - 21 * HOUR, now - 2 * HOUR).uusd, 2 * USD + 10 * USD);
	/* Nothing runs in the time to come. */
	assert_int_equal(spend_between(&s, now, now + DAY).uusd, 0);
	/* An unknown price is said, and what is known stays. */
	const struct spend_interval u[] = {v[1], {.from_ms = now - HOUR, .price_uusd_h = PRICE_UNKNOWN}};
	struct spend t = {u, ARRAY_LEN(u), now, NULL};
	assert_true(spend_rate(&t).unknown && spend_today(&t).unknown && spend_project(&t).unknown);
	assert_int_equal(spend_today(&t).uusd, 30 * USD);
	/* No interval, no money. */
	struct spend none = {NULL, 0, now, NULL};
	assert_int_equal(spend_this_month(&none).uusd, 0);
	assert_false(spend_this_month(&none).unknown);
	/* A tenth of a cent an hour for a second, and thirty years at $1000. */
	assert_int_equal(spend_cost(1000, 1000), 0);
	assert_int_equal(spend_cost(1800, 1000), 1);
	assert_int_equal(spend_cost(1000 * USD, 30 * 365 * DAY), 1000 * USD * 24 * 365 * 30);
}

static void test_buckets(void **state)
{
	(void)state;
	int64_t now = at("2026-11-25T12:30:00Z"), edges[31], out[30];
	const struct spend_interval v[] = {
	    {.from_ms = at("2026-11-25T10:15:00Z"), .to_ms = at("2026-11-25T10:45:00Z"), .price_uusd_h = 4 * USD},
	    {.from_ms = at("2026-11-25T12:00:00Z"), .price_uusd_h = 6 * USD},
	};
	struct spend s = {v, ARRAY_LEN(v), now, NULL};
	spend_hours(&s, 24, edges);
	assert_int_equal(edges[24], at("2026-11-25T13:00:00Z"));
	spend_buckets(&s, edges, 24, out);
	assert_int_equal(out[23], 3 * USD); /* the hour that is under way */
	assert_int_equal(out[22], 0);	    /* nothing ran: that is known */
	assert_int_equal(out[21], 2 * USD);
	assert_int_equal(out[20], -1); /* before there was a ledger: a gap */
	spend_days(&s, 30, edges);
	spend_buckets(&s, edges, 30, out);
	assert_int_equal(out[29], 5 * USD);
	assert_int_equal(out[28], -1);
	const struct spend_interval u[] = {{.from_ms = now - HOUR, .price_uusd_h = PRICE_UNKNOWN}};
	struct spend t = {u, 1, now, NULL};
	spend_days(&t, 1, edges);
	spend_buckets(&t, edges, 1, out);
	assert_int_equal(out[0], -1);
	/* Half-hour zones have their own hours; 25 edges are 24 hours. */
	s.zone = &in_berlin;
	spend_hours(&s, 24, edges);
	assert_int_equal(edges[24] - edges[0], DAY);
}

static void test_projection(void **state)
{
	(void)state;
	int64_t now = at("2026-11-26T00:00:00Z"); /* five days to go */
	const struct spend_interval v[] = {
	    {.from_ms = at("2026-11-20"), .to_ms = at("2026-11-22"), .price_uusd_h = 1 * USD},  /* $24 a day */
	    {.from_ms = at("2026-11-22"), .to_ms = at("2026-11-22T12:00:00Z"), .price_uusd_h = 10 * USD}, /* $120 */
	    {.from_ms = at("2026-11-23"), .price_uusd_h = 2 * USD}, /* $48 a day, still */
	};
	struct spend s = {v, ARRAY_LEN(v), now, NULL};
	struct spend_projection p = spend_project(&s);
	int64_t month = (48 + 120 + 3 * 48) * USD;
	assert_int_equal(p.ends_ms, at("2026-12-01"));
	assert_int_equal(p.days, 6);
	assert_int_equal(p.point_uusd, month + 5 * 48 * USD);
	assert_int_equal(p.low_uusd, month + 5 * 24 * USD);
	assert_int_equal(p.high_uusd, month + 5 * 120 * USD);
	assert_false(p.autostop);
	/* With an autostop of half an hour the rest of the month may cost a dollar. */
	struct spend_interval w[ARRAY_LEN(v)] = {v[0], v[1], v[2]};
	w[2].stops_ms = now + HOUR / 2;
	s.v = w;
	p = spend_project(&s);
	assert_int_equal(p.low_uusd, month + 1 * USD);
	assert_true(p.autostop);
	assert_int_equal(p.point_uusd, month + 5 * 48 * USD);
	/* On the first day there is no past: the band is the point. */
	struct spend_interval first = {.from_ms = now - HOUR, .price_uusd_h = USD};
	s = (struct spend){&first, 1, now, NULL};
	p = spend_project(&s);
	assert_int_equal(p.days, 0);
	assert_true(p.low_uusd == p.point_uusd && p.high_uusd == p.point_uusd);
	/* Nothing runs any more: the least is what was spent. */
	s = (struct spend){v, 2, now, NULL};
	p = spend_project(&s);
	assert_int_equal(p.point_uusd, (48 + 120) * USD);
	assert_int_equal(p.low_uusd, p.point_uusd);
}

static void test_changes(void **state)
{
	(void)state;
	int64_t now = at("2026-11-25T12:00:00Z");
	const struct {
		struct spend_interval v[2];
		size_t n;
		enum spend_why why;
		int64_t diff;
	} cases[] = {
	    {{{.from_ms = now - 5 * HOUR, .price_uusd_h = USD}}, 1, SPEND_LAUNCHED, 5 * USD},
	    {{{.from_ms = now - 40 * HOUR, .to_ms = now - 20 * HOUR, .price_uusd_h = USD}}, 1, SPEND_ENDED, (4 - 16) * USD},
	    {{{.from_ms = now - 72 * HOUR, .to_ms = now - DAY, .price_uusd_h = USD}, {.from_ms = now - DAY, .price_uusd_h = 3 * USD}}, 2, SPEND_PRICE,
		48 * USD},
	    {{{.from_ms = now - 30 * HOUR, .price_uusd_h = USD}}, 1, SPEND_HOURS, (24 - 6) * USD},
	    {{{.from_ms = now - 100 * HOUR, .price_uusd_h = USD}}, 1, SPEND_SAME, 0},
	    {{{.from_ms = now - 100 * HOUR, .to_ms = now - 90 * HOUR, .price_uusd_h = USD}}, 1, SPEND_SAME, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spend s = {cases[i].v, cases[i].n, now, NULL};
		struct spend_change c = spend_compare(&s);
		assert_int_equal(c.why, cases[i].why);
		assert_int_equal(c.diff_uusd, cases[i].diff);
	}
}

/* A machine that was stopped: its disk is money, but no machine time, and the day's change is the stop. */
static void test_disks(void **state)
{
	(void)state;
	int64_t now = at("2026-11-25T12:00:00Z");
	struct spend_interval v[] = {{.from_ms = now - 60 * HOUR, .to_ms = now - 30 * HOUR, .price_uusd_h = USD},
	    {.from_ms = now - 30 * HOUR, .price_uusd_h = USD / 100, .estimated = true, .disk = true}};
	struct spend s = {v, 2, now, NULL};
	struct spend_sum all = spend_between(&s, 0, now), rate = spend_rate(&s);
	assert_int_equal(all.ms, 30 * HOUR);
	assert_int_equal(all.uusd, 30 * USD + 30 * USD / 100);
	assert_int_equal(all.disk_uusd, 30 * USD / 100);
	assert_true(all.estimated && rate.estimated);
	assert_int_equal(rate.uusd, USD / 100);
	struct spend_change c = spend_compare(&s);
	assert_int_equal(c.why, SPEND_ENDED);
	assert_int_equal(c.at_ms, now - 30 * HOUR);
	assert_int_equal(c.price_before, USD);
	v[1].price_uusd_h = PRICE_UNKNOWN;
	all = spend_between(&s, 0, now);
	assert_true(all.unknown);
	assert_int_equal(all.uusd, 30 * USD);
}

static void test_disk_prices(void **state)
{
	(void)state;
	const char *source;
	json_t *task = json_pack("{s:[{s:i, s:i}]}", "resources", "disk_size_gib", 100, "disk_tier", DISK_TIER_UNSET);
	json_t *r = json_array_get(json_object_get(task, "resources"), 0);
	assert_int_equal(disk_rate_uusd_h("gcp", task, &source), 100 * 100 * 1000 / 730); /* $0.10 a GiB and month */
	assert_non_null(source);
	assert_int_equal(disk_rate_uusd_h("aws", task, NULL), (100 * 80 + 6220) * 1000 / 730);
	json_object_set_new(r, "disk_tier", json_integer(DISK_TIER_LOW));
	assert_int_equal(disk_rate_uusd_h("azure", task, NULL), 100 * 40 * 1000 / 730);
	/* Unknown is not nothing. */
	assert_int_equal(disk_rate_uusd_h("azure", NULL, &source), PRICE_UNKNOWN);
	assert_null(source);
	assert_int_equal(disk_rate_uusd_h("lambda", task, NULL), PRICE_UNKNOWN);
	json_object_set_new(r, "disk_tier", json_integer(DISK_TIER_BEST));
	assert_int_equal(disk_rate_uusd_h("aws", task, NULL), PRICE_UNKNOWN);
	assert_int_equal(disk_rate_uusd_h("ssh", task, NULL), 0);
	json_decref(task);
}

static void test_budget(void **state)
{
	(void)state;
	static const int warn[] = {50, 80, 100};
	assert_int_equal(spend_reached(0, 100 * USD, warn, 3), 0);
	assert_int_equal(spend_reached(50 * USD - 1, 100 * USD, warn, 3), 0);
	assert_int_equal(spend_reached(50 * USD, 100 * USD, warn, 3), 50);
	assert_int_equal(spend_reached(99 * USD, 100 * USD, warn, 3), 80);
	assert_int_equal(spend_reached(100 * USD, 100 * USD, warn, 3), 100);
	assert_int_equal(spend_reached(1, 1, warn, 3), 100);
}

/* Any intervals, any window: the same as asking of every minute what ran in it. */
static void test_brute_force(void **state)
{
	(void)state;
	enum { N = 20, MINUTE = 60000 };
	unsigned seed = 7;
	int64_t now = at("2026-11-25T12:00:00Z");
	for (int round = 0; round < 50; round++) {
		struct spend_interval v[N];
		for (size_t i = 0; i < N; i++) {
			seed = seed * 1103515245 + 12345;
			int64_t from = now - (seed >> 8) % 2880 * MINUTE;
			seed = seed * 1103515245 + 12345;
			int64_t to = from + (seed >> 8) % 600 * MINUTE;
			v[i] = (struct spend_interval){.from_ms = from, .to_ms = to >= now ? 0 : to, .price_uusd_h = (int64_t)(seed >> 20) * 60};
		}
		struct spend s = {v, N, now, NULL};
		int64_t from = spend_day(NULL, now, -1), to = spend_day(NULL, now, 0), plain = 0;
		for (int64_t t = from; t < to; t += MINUTE)
			for (size_t i = 0; i < N; i++)
				plain += t >= v[i].from_ms && t < (v[i].to_ms ? v[i].to_ms : now) ? v[i].price_uusd_h / 60 : 0;
		assert_int_equal(spend_between(&s, from, to).uusd, plain);
		/* Parts make the whole. */
		int64_t edges[25], out[24], sum = 0;
		for (int h = 0; h <= 24; h++)
			edges[h] = from + h * HOUR;
		spend_buckets(&s, edges, 24, out);
		for (int h = 0; h < 24; h++)
			sum += out[h] < 0 ? 0 : out[h];
		assert_int_equal(sum, plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calendar), cmocka_unit_test(test_sums), cmocka_unit_test(test_buckets), cmocka_unit_test(test_projection),
	    cmocka_unit_test(test_changes), cmocka_unit_test(test_disks), cmocka_unit_test(test_disk_prices),
	    cmocka_unit_test(test_budget), cmocka_unit_test(test_brute_force),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
