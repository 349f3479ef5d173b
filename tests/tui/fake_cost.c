/* Made of JSON, so that the reading of it is tested with every screen. */
#include "tests/tui/fake_cost.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"

#define HOUR INT64_C(3600000)

static json_t *money(int64_t uusd)
{
	return uusd == PRICE_UNKNOWN ? json_null() : json_integer(uusd);
}

static void put_figures(json_t *j, int64_t now, int64_t today, int64_t month)
{
	json_object_set_new(j, "now_uusd_h", money(now));
	json_object_set_new(j, "today_uusd", money(today));
	json_object_set_new(j, "month_uusd", money(month));
}

/* A wave with a gap at its beginning. */
static json_t *series(size_t n, int64_t scale, size_t gap)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, i < gap ? json_null() : json_integer(scale * (int64_t)((i * 7 + i * i * 3) % 11)));
	return a;
}

static const struct {
	const char *name, *provider, *status;
	int64_t now, today, month, cost, idle_ms, wasted;
	bool running, stopped, wasteful, simulated;
} clusters[] = {
    {"bärchen", "nebius", "UP", PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN, 3 * HOUR, PRICE_UNKNOWN, true, false, true, false},
    {"eval", "gcp", "UP", 10980000, 65880000, 152400000, 152400000, 2 * HOUR, 21960000, true, false, true, false},
    {"train", "aws", "UP", 196640000, 589920000, 589920000, 624870000, 0, PRICE_UNKNOWN, true, false, false, false},
    {"sweep-7", "lambda", "INIT", 57280000, 1200000, 1200000, 1200000, 0, PRICE_UNKNOWN, true, false, false, false},
    {"try-out", "sim", "UP", 300000, 900000, 900000, 900000, 0, PRICE_UNKNOWN, true, false, false, true},
    {"dev-box", "gcp", "STOPPED", 0, 0, 12480000, 12480000, 0, PRICE_UNKNOWN, false, true, false, false},
    {"night-run", "aws", "REMOVED", 0, 0, 448120000, 448120000, 0, PRICE_UNKNOWN, false, false, false, false},
    {"train", "aws", "REMOVED", 0, 0, 35000000, 35000000, 0, PRICE_UNKNOWN, false, false, false, false}, /* of the name of one that runs */
};

static json_t *cluster_list(int64_t now)
{
	json_t *a = json_array();
	for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
		json_t *j = json_object();
		json_put_str(j, "name", clusters[i].name);
		json_put_str(j, "provider", clusters[i].provider);
		json_put_str(j, "status", clusters[i].status);
		put_figures(j, clusters[i].now, clusters[i].today, clusters[i].month);
		json_object_set_new(j, "cost_uusd", money(clusters[i].cost));
		json_put_bool(j, "running", clusters[i].running);
		json_put_bool(j, "stopped", clusters[i].stopped);
		json_put_bool(j, "wasteful", clusters[i].wasteful);
		json_put_bool(j, "simulated", clusters[i].simulated);
		json_put_bool(j, "estimated", i == 1);
		json_put_int(j, i == 1 ? "gpu_idle_since" : "idle_since", clusters[i].idle_ms ? now - clusters[i].idle_ms : 0);
		json_object_set_new(j, "wasted_uusd", money(clusters[i].wasted));
		json_put_int(j, "to", clusters[i].running ? now : now - (15 + (int64_t)i) * HOUR);
		json_put_int(j, "from", now - (19 + (int64_t)i) * HOUR);
		json_put_int(j, "duration_ms", 4 * HOUR);
		json_object_set_new(j, "id", json_sprintf("%s-%zu", clusters[i].name, i));
		json_put_str(j, "instance_type", "p5.48xlarge");
		json_put_str(j, "region", "us-east-1");
		json_put_str(j, "accelerator", "H100");
		json_object_set_new(j, "accelerator_count", json_real(8));
		json_put_int(j, "num_nodes", 2);
		json_put_bool(j, "use_spot", true);
		json_put_str(j, "user", "ada");
		json_put_str(j, "project", "vision");
		json_object_set_new(j, "hours", series(24, 1000000 * (int64_t)(i + 1), i * 4));
		json_array_append_new(a, j);
	}
	return a;
}

static json_t *groups(const char *const *names, size_t n)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();
		json_put_str(j, "name", names[i]);
		put_figures(j, 10000000 * (int64_t)i, 60000000 * (int64_t)(n - i), 300000000 * (int64_t)(n - i));
		json_object_set_new(j, "days", series(30, 1000000, i * 5));
		json_array_append_new(a, j);
	}
	return a;
}

static json_t *change(const char *name, int64_t diff, const char *text)
{
	return json_pack("{s:s, s:o, s:s}", "name", name, "diff_uusd", diff == INT64_MIN ? json_null() : json_integer(diff), "text", text);
}

static json_t *report(int64_t now)
{
	static const char *const clouds[] = {"aws", "gcp", "lambda", "nebius"}, *const projects[] = {"default", "vision"}, *const users[] = {"ada", "grace"};
	json_t *spend = json_object(), *apart = json_object(), *j = json_object();
	put_figures(spend, PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN);
	json_object_set_new(spend, "known", json_pack("{s:I, s:I, s:I}", "now_uusd_h", (json_int_t)264900000, "today_uusd", (json_int_t)657000000,
		"month_uusd", (json_int_t)1204120000));
	put_figures(apart, 300000, 900000, 900000);
	json_object_set_new(spend, "apart", apart);
	json_object_set_new(spend, "projection", json_pack("{s:I, s:I, s:I, s:I, s:b, s:s}", "uusd", (json_int_t)36355320000, "low_uusd",
		(json_int_t)2410500000, "high_uusd", (json_int_t)36355320000, "ends_at", (json_int_t)(now + 132 * HOUR), "unknown", 1, "method",
		"so far + the present rate until its end; band: the least and the most of a day in the last 7 days, or autostop"));
	json_object_set_new(spend, "budget", json_pack("{s:n, s:I, s:I, s:I, s:I, s:b}", "project", "month_uusd", (json_int_t)1500000000, "spent_uusd",
		(json_int_t)1204120000, "left_uusd", (json_int_t)295880000, "percent", (json_int_t)80, "block", 1));
	json_put_int(j, "at", now);
	json_object_set_new(j, "spend", spend);
	json_object_set_new(j, "clusters", cluster_list(now));
	json_object_set_new(j, "by", json_pack("{s:o, s:o, s:o}", "cloud", groups(clouds, ARRAY_LEN(clouds)), "project", groups(projects, ARRAY_LEN(projects)),
		"user", groups(users, ARRAY_LEN(users))));
	json_object_set_new(j, "hours", series(24, 9000000, 5));
	json_object_set_new(j, "days", series(30, 21000000, 8));
	json_object_set_new(j, "changes", json_pack("[o, o, o, o]", change("train", 589920000, "launched 3 hrs ago"),
		change("night-run", -211400000, "stopped 21 hrs ago"), change("eval", 22000000, "price $10.98, was $8.10 an hour"),
		change("b\xc3\xa4rchen", INT64_MIN, "ran 1d 0h, 2h 0m the day before")));
	return j;
}

struct ui_cost *fake_cost(int64_t now_ms, bool empty)
{
	if (!empty)
		return ui_cost_read(report(now_ms));
	json_t *spend = json_object();
	put_figures(spend, 0, 0, 0);
	json_object_set_new(spend, "projection", json_pack("{s:I, s:I, s:I}", "uusd", (json_int_t)0, "low_uusd", (json_int_t)0, "high_uusd", (json_int_t)0));
	return ui_cost_read(json_pack("{s:I, s:o, s:[]}", "at", (json_int_t)now_ms, "spend", spend, "clusters"));
}
