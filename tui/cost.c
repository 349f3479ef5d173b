/* The engine's report on money, read. Between two reports the figures go on by what runs: so the panel moves each second, and the engine
 * is asked once a minute. */
#include "tui/cost.h"

#include <stdlib.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"

enum { HOUR_MS = 3600000 };

static struct cost_figure figure(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key), *known = json_obj(j, "known");
	if (json_is_integer(v))
		return (struct cost_figure){json_integer_value(v), false};
	int64_t part = json_int(known, key, 0);
	return (struct cost_figure){part > 0 ? part : PRICE_UNKNOWN, part > 0};
}

static struct cost_figures figures(const json_t *j)
{
	return (struct cost_figures){figure(j, "now_uusd_h"), figure(j, "today_uusd"), figure(j, "month_uusd")};
}

static size_t take_series(const json_t *list, int64_t *out, size_t max)
{
	size_t n = json_array_size(list) < max ? json_array_size(list) : max;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		out[i] = json_is_integer(v) ? json_integer_value(v) : -1;
	}
	return n;
}

static struct cost_row row_of(const json_t *j)
{
	return (struct cost_row){.name = json_str(j, "name", "?"),
	    .money = figures(j),
	    .provider = json_str(j, "provider", ""),
	    .status = json_str(j, "status", ""),
	    .total = figure(j, "cost_uusd"),
	    .running = json_bool(j, "running", false),
	    .stopped = json_bool(j, "stopped", false),
	    .simulated = json_bool(j, "simulated", false),
	    .estimated = json_bool(j, "estimated", false),
	    .wasteful = json_bool(j, "wasteful", false),
	    .idle_since_ms = json_int(j, "idle_since", 0),
	    .gpu_idle_since_ms = json_int(j, "gpu_idle_since", 0),
	    .wasted_uusd = json_int(j, "wasted_uusd", PRICE_UNKNOWN),
	    .disk_uusd_h = json_int(j, "disk_uusd_h", PRICE_UNKNOWN),
	    .began_ms = json_int(j, "from", 0),
	    .ended_ms = json_int(j, "to", 0),
	    .ran_ms = json_int(j, "duration_ms", 0),
	    .disks_uusd = json_int(j, "disks_uusd", PRICE_UNKNOWN),
	    .id = json_str(j, "id", ""),
	    .region = json_str(j, "region", ""),
	    .instance_type = json_str(j, "instance_type", ""),
	    .accelerator = json_str(j, "accelerator", ""),
	    .user = json_str(j, "user", ""),
	    .project = json_str(j, "project", ""),
	    .accelerators = json_number_value(json_object_get(j, "accelerator_count")),
	    .nodes = json_int(j, "num_nodes", 0),
	    .spot = json_bool(j, "use_spot", false)};
}

/* Values of series are laid into `at`, which has room; returns where the next ones go. */
static int64_t *take_rows(struct ui_cost *c, enum cost_by by, const json_t *list, const char *series, int64_t *at)
{
	size_t n = json_array_size(list);
	c->rows[by] = xcalloc(n + 1, sizeof *c->rows[by]);
	c->n_rows[by] = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);
		struct cost_row *r = &c->rows[by][i];
		*r = row_of(j);
		r->n_series = take_series(json_arr(j, series), at, COST_DAYS);
		r->series = at;
		at += r->n_series;
	}
	return at;
}

static void take_changes(struct ui_cost *c, const json_t *list)
{
	c->n_changes = json_array_size(list);
	c->changes = xcalloc(c->n_changes + 1, sizeof *c->changes);
	for (size_t i = 0; i < c->n_changes; i++) {
		const json_t *j = json_array_get(list, i);
		c->changes[i] = (struct cost_change){json_str(j, "name", "?"), json_str(j, "text", ""), json_int(j, "diff_uusd", 0),
		    json_is_integer(json_object_get(j, "diff_uusd"))};
		c->changed_uusd += c->changes[i].diff_uusd;
	}
}

static void take_budget(struct ui_cost *c, const json_t *b)
{
	c->budget_uusd = json_int(b, "month_uusd", PRICE_UNKNOWN);
	c->spent_uusd = json_int(b, "spent_uusd", 0);
	c->left_uusd = json_int(b, "left_uusd", 0);
	c->budget_of = json_str(b, "project", "");
	c->budget_blocks = json_bool(b, "block", false);
}

struct ui_cost *ui_cost_read(json_t *report)
{
	static const char *const keys[COST_BYS] = {"", "cloud", "project", "user"};
	struct ui_cost *c = xcalloc(1, sizeof *c);
	const json_t *spend = json_obj(report, "spend"), *ahead = json_obj(spend, "projection"), *lists[COST_BYS];
	size_t n = 0;
	for (int by = 0; by < COST_BYS; by++) {
		lists[by] = by ? json_arr(json_obj(report, "by"), keys[by]) : json_arr(report, "clusters");
		n += json_array_size(lists[by]);
	}
	c->report = report;
	c->at_ms = json_int(report, "at", 0);
	c->simulated = json_bool(report, "simulated", false);
	c->money = figures(spend);
	c->estimated = json_bool(spend, "estimated", false);
	c->has_apart = json_obj(spend, "apart") != NULL;
	c->apart = figures(json_obj(spend, "apart"));
	c->point_uusd = json_int(ahead, "uusd", PRICE_UNKNOWN);
	c->low_uusd = json_int(ahead, "low_uusd", PRICE_UNKNOWN);
	c->high_uusd = json_int(ahead, "high_uusd", PRICE_UNKNOWN);
	c->ends_ms = json_int(ahead, "ends_at", 0);
	c->ahead_more = json_bool(ahead, "unknown", false);
	c->method = json_str(ahead, "method", "");
	take_budget(c, json_obj(spend, "budget"));
	for (size_t i = 0; i < COST_DAYS; i++)
		c->days[i] = -1;
	for (size_t i = 0; i < COST_HOURS; i++)
		c->hours[i] = -1;
	take_series(json_arr(report, "hours"), c->hours, COST_HOURS);
	take_series(json_arr(report, "days"), c->days, COST_DAYS);
	int64_t *at = c->series = xcalloc(n * COST_DAYS + 1, sizeof *c->series);
	for (enum cost_by by = 0; by < COST_BYS; by++)
		at = take_rows(c, by, lists[by], by ? "days" : "hours", at);
	take_changes(c, json_arr(report, "changes"));
	return c;
}

void ui_cost_free(struct ui_cost *c)
{
	if (!c)
		return;
	for (int by = 0; by < COST_BYS; by++)
		free(c->rows[by]);
	free(c->changes);
	free(c->series);
	json_decref(c->report);
	free(c);
}

struct cost_figure cost_grown(struct cost_figure f, const struct cost_figures *of, int64_t at_ms, int64_t now_ms)
{
	int64_t ms = now_ms - at_ms, rate = of->now.uusd;
	if (f.uusd == PRICE_UNKNOWN || rate <= 0 || ms <= 0)
		return f;
	f.uusd += ms / HOUR_MS * rate + ms % HOUR_MS * rate / HOUR_MS;
	return f;
}
